/** docs/troubleshooting.md against the code: each reason, each code and each sentence that it quotes, and no other. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { binaryReasons, reasons } from '../src/apns/reason.js';
import { repositoryRoot } from './support/repository.js';

const page = readFileSync(path.join(repositoryRoot, 'docs/troubleshooting.md'), 'utf8');

/** The rows of the tables below a heading, cell by cell. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(/^(?=##+ )/m).find((text) => text.startsWith(`${heading}\n`));
  assert.ok(section, `there is no heading ${heading}`);
  const lines = section.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('|--'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const inCode = (cell: string): string => /^`([^`]+)`$/.exec(cell)?.[1] ?? cell;

describe('docs/troubleshooting.md', () => {
  it("explains each of Apple's reasons with the status that it comes with, and no other", () => {
    const rows = rowsBelow("## Apple's reasons");
    const explained = rows.filter((row) => row.length === 4 && row[1] !== 'status');
    assert.deepEqual(
      explained.map(([reason, status]) => [inCode(reason!), Number(status)]),
      reasons.map(({ reason, status }) => [reason, status]),
    );
  });

  it('explains each status of the binary protocol, and no other', () => {
    const explained = rowsBelow("## Apple's reasons").filter((row) => row.length === 3 && row[0] !== 'status');
    assert.deepEqual(
      explained.map(([status, reason]) => [Number(status), reason]),
      binaryReasons.map(({ reason, status }) => [status, reason]),
    );
  });

  it('explains each code of an error, and no other', () => {
    const source = readFileSync(path.join(repositoryRoot, 'src/base/errors.ts'), 'utf8');
    const codes = [...source.matchAll(/^ {2}\| '(ERR_PEAL_[A-Z_]+)'/gm)].map(([, code]) => code);
    assert.ok(codes.length > 20);
    const explained = rowsBelow('## Codes of errors').slice(1);
    assert.deepEqual(
      explained.map(([code]) => inCode(code!)),
      codes,
    );
  });

  it('says what to do in each row', () => {
    const headings = ["## Apple's reasons", '## Codes of errors', '### Lists', '### Keys and certificates'];
    for (const heading of [...headings, '### Messages', '### Running']) {
      for (const row of rowsBelow(heading)) {
        for (const cell of row) assert.notEqual(cell, '', row.join(' | '));
      }
    }
  });

  it('quotes sentences that peal says', () => {
    const src = path.join(repositoryRoot, 'src');
    const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
    // A sentence may be put together from several literals.
    const said = sources
      .map((file) => readFileSync(path.join(src, file), 'utf8'))
      .join('\n')
      .replaceAll(/['`] \+\s*['`]/g, '');
    const quoted = ['### Lists', '### Keys and certificates', '### Messages', '### Running']
      .flatMap(rowsBelow)
      .flatMap(([cell]) => {
        return [...cell!.matchAll(/`([A-Za-z][^`]* [^`]* [^`]*)`/g)].map(([, sentence]) => sentence!);
      });
    assert.ok(quoted.length >= 6, `${quoted.length} sentences`);
    assert.deepEqual(
      quoted.filter((sentence) => !said.includes(sentence)),
      [],
    );
  });
});
