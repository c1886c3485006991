/**
 * What `peal send` prints when it has ended. Main thread; called once for each run.
 */
import { inCommandWords } from './command-words.js';
import type { RunReport } from './counts.js';
import { errorMessage, summaryMessage, writeJsonLine } from './json-lines.js';
import { counted } from './numbers.js';
import type { SendOptions } from './send-options.js';
import { summaryTable } from './summary-table.js';
import { hasColour, printable, printError, printNote, type Terminal } from './terminal.js';

/** The summary on standard output, what went wrong on standard error, and last. */
export function printRun(terminal: Terminal, options: SendOptions, { summary, cause, loss }: RunReport): void {
  const { stdout } = terminal;
  if (options.json === true) {
    if (cause !== null) writeJsonLine(stdout, errorMessage(cause));
    writeJsonLine(stdout, summaryMessage(summary));
  } else if (options.quiet !== true && summary.recipients > 0) {
    const columns = stdout.columns ?? 80;
    const colour = hasColour(terminal, stdout);
    const folder = options.out === undefined ? null : printable(options.out);
    stdout.write(summaryTable(summary, { folder, columns, colour }));
  }
  if (cause !== null) printError(terminal, cause);
  const lost = summary.unsent + summary.unknown;
  if (lost > 0 && cause === null && loss !== null && options.quiet !== true) printNote(terminal, inCommandWords(loss));
  if (lost > 0 && options.out === undefined && options.quiet !== true) {
    printNote(terminal, `${counted(lost, 'token')} unsent or unknown: with --out DIR they are kept in files`);
  }
}
