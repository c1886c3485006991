/**
 * The reference of exit codes, from their definitions and the comments beside them. Called by the staging of the site.
 */
import { PealError, type PealErrorCode } from '../../../src/base/errors.js';
import { exitCodeOf, exitCodes } from '../../../src/cli/shared/exit-codes.js';
import { anchorOf, code, page, plain, table } from '../markdown.js';
import { commentsIn, type MadeText } from './made-text.js';

export function exitCodePage(root: string, errorCodes: readonly string[]): MadeText {
  const row = /\/\*\*(?<comment>[^/]*?)\*\/\s+(?<name>\w+): \d+,/g;
  const comments = commentsIn(root, 'src/cli/shared/exit-codes.ts', row);
  const endWith = new Map<number, string[]>();
  for (const error of errorCodes) {
    const ends = exitCodeOf(new PealError(error as PealErrorCode, '', { origin: 'usage' }));
    endWith.set(ends, [...(endWith.get(ends) ?? []), error]);
  }
  const rows = Object.entries(exitCodes).map(([name, number]) => {
    const comment = comments.get(name);
    if (comment === undefined) throw new Error(`The exit code ${name} has no comment`);
    const errors = (endWith.get(number) ?? []).map((each) => `[${code(each)}](../codes.md#${anchorOf(each)})`);
    return [String(number), plain(comment), errors.join(', ')];
  });
  const text = page(
    'Exit codes',
    'What a command of peal ends with. The numbers are a contract: a code never gets another meaning, and a script treats one ' +
      'that it does not know as a failure. The last column has the errors that end a command with the code.',
    table(['code', 'meaning', 'errors'], rows),
    'What holds if several apply, and what becomes of the files, stands in [the command line](../cli.md#exit-codes).',
  );
  return { address: 'reference/exit-codes', title: 'Exit codes', text };
}
