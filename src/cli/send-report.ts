/**
 * What `peal send` prints when it has ended. Main thread; called once for each run.
 */
import type { CauseCount, InvalidLines, RunReport } from './counts.js';
import { errorMessage, rejectionMessage, summaryMessage, writeJsonLine } from './json-lines.js';
import { counted, integer } from './numbers.js';
import { refusedNote } from './refused-note.js';
import { rejectionNotes } from './rejection-notes.js';
import { protocolOf } from './send-gateway.js';
import type { SendOptions } from './send-options.js';
import { summaryTable } from './summary-table.js';
import { hasColour, printable, printError, printNote, type Terminal } from './terminal.js';
import { commandMessage } from './wording.js';

/** The summary on standard output, what went wrong on standard error, and last. */
export function printRun(terminal: Terminal, options: SendOptions, { summary, problems, written }: RunReport): void {
  const { stdout } = terminal;
  // What ended the run is among the causes, and is not said twice.
  const isSaid = ({ error }: CauseCount): boolean => problems.some(({ code }) => code === error.code);
  const causes = summary.causes.filter((cause) => !isSaid(cause));
  const rejections = rejectionNotes(summary, protocolOf(options), problems);
  const hasTable = options.json !== true && options.quiet !== true && summary.recipients > 0;
  if (options.json === true) {
    for (const problem of problems) {
      writeJsonLine(
        stdout,
        errorMessage(problem, countOf(summary.causes.find(({ error }) => error.code === problem.code))),
      );
    }
    for (const cause of causes) writeJsonLine(stdout, errorMessage(cause.error, countOf(cause)));
    for (const rejection of rejections) writeJsonLine(stdout, rejectionMessage(rejection));
    writeJsonLine(stdout, summaryMessage(summary));
  } else if (hasTable) {
    const columns = stdout.columns ?? 80;
    const colour = hasColour(terminal, stdout);
    const folder = options.out === undefined ? null : printable(options.out);
    const place = { folder, written, protocol: protocolOf(options) };
    stdout.write(summaryTable(summary, { ...place, columns, colour, isApart: stdout.isTTY === true }));
  }
  if (summary.invalidLines !== null) printNote(terminal, invalidSentence(summary.invalid, summary.invalidLines));
  for (const problem of problems) printError(terminal, problem);
  const refused = refusedNote(summary, protocolOf(options), options.out === undefined ? null : printable(options.out));
  if (refused !== null) printNote(terminal, refused);
  if (causes.length > 0) printNote(terminal, lossSentence(causes));
  // A person at a terminal has just read it in the table.
  if (!hasTable || stdout.isTTY !== true) for (const { message } of rejections) printNote(terminal, message);
  const lost = summary.unsent + summary.unknown;
  if (lost > 0 && options.out === undefined && options.quiet !== true) {
    printNote(terminal, `${counted(lost, 'token')} unsent or unknown: with --out DIR they are kept in files`);
  }
}

/** How many lines are invalid, the first of them, and what the list looks like. Never the line: it may hold a token. */
function invalidSentence(count: number, { list, line, why, shape }: InvalidLines): string {
  const what = count === 1 ? 'one line is invalid' : `${integer(count)} lines are invalid, the first`;
  const where = count === 1 ? `: line ${line} of ${list}` : ` is line ${line} of ${list}`;
  return `${what}${where}, which ${why}.${shape === null ? '' : ` ${shape}.`}`;
}

function countOf(cause: CauseCount | undefined): number {
  return cause === undefined ? 0 : cause.unsent + cause.unknown;
}

/** One line: how many recipients are unsent and unknown for the most frequent cause, and what that was. */
function lossSentence([first, ...others]: readonly CauseCount[]): string {
  const { error, unsent, unknown } = first!;
  const counts = [unsent > 0 ? `${integer(unsent)} unsent` : '', unknown > 0 ? `${integer(unknown)} unknown` : ''];
  const rest = others.map((cause) => `${cause.error.code} ${integer(countOf(cause))}`).join(', ');
  const more = rest === '' ? '' : ` Other causes: ${rest}.`;
  return `${counts.filter((text) => text !== '').join(', ')}: ${commandMessage(error).replace(/\.?$/, '.')}${more}`;
}
