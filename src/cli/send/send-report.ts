/** The output of `peal send` after its end. Main thread; called once for each run. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createColors } from 'picocolors';
import { counted, integer, percentage, shellWord } from '../../base/text.js';
import { serviceLines } from '../../campaign/report/service-table.js';
import type { CampaignSummary } from '../../campaign/report/summary.js';
import type { CampaignCause } from '../../campaign/run/run-report.js';
import { againAfterBound } from '../../campaign/view/next-steps.js';
import type { Protocol } from '../../push/address.js';
import { adviceOf, protocolOfReason } from '../../push-services/reasons.js';

import { exitCodes } from '../shared/exit-codes.js';
import {
  errorMessage,
  hasColour,
  printable,
  printError,
  printNote,
  printWarning,
  type Terminal,
  widestText,
  wrapped,
  writeJsonLine,
} from '../shared/terminal.js';

import { commandMessage } from '../shared/wording.js';
import { apnsReason, type RunReport } from './counts.js';
import { rejectionMessage, summaryMessage } from './json-lines.js';
import { refusedNote, rejectionNotes } from './rejection-notes.js';
import type { SendFlags } from './send-options.js';
import { protocolOf } from './send-rules.js';

/** Reasons that are listed; the rest is summed up in one line. */
const listedReasons = 8;

/** Prints the summary on standard output, and then the problems on standard error. */
export function printRun(terminal: Terminal, options: SendFlags, report: RunReport): void {
  const { summary, problems, exitCode } = report;
  const { stdout } = terminal;
  // The error that ended the run is among the causes, and is not printed twice.
  const isSaid = ({ error }: CampaignCause): boolean => problems.some(({ code }) => code === error.code);
  const causes = report.causes.filter((cause) => !isSaid(cause));
  const rejections = rejectionNotes(summary, protocolOf(options), problems);
  const hasTable = options.json !== true && options.quiet !== true && summary.recipients > 0;
  if (options.json === true) {
    for (const problem of problems) {
      writeJsonLine(
        stdout,
        errorMessage(problem, countOf(report.causes.find(({ error }) => error.code === problem.code))),
      );
    }
    for (const cause of causes) writeJsonLine(stdout, errorMessage(cause.error, countOf(cause)));
    for (const rejection of rejections) writeJsonLine(stdout, rejectionMessage(rejection));
    writeJsonLine(stdout, summaryMessage(summary, exitCode));
  } else if (hasTable) {
    const columns = stdout.columns ?? 80;
    const colour = hasColour(terminal, stdout);
    const folder = options.out === undefined ? null : printable(options.out);
    const place = { folder, files: filesLeft(report, options.out), protocol: protocolOf(options) };
    stdout.write(summaryTable(summary, { ...place, columns, colour, isApart: stdout.isTTY === true }));
  }
  if (summary.invalidLines !== null) printWarning(terminal, invalidSentence(summary.invalid, summary.invalidLines));
  for (const problem of problems) printError(terminal, problem);
  if (summary.stopped === 'ERR_PEAL_BOUND') printNote(terminal, boundNote(summary, options));
  const refused = refusedNote(summary, protocolOf(options), options.out === undefined ? null : printable(options.out));
  if (refused !== null) printWarning(terminal, refused.text, refused.command);
  if (causes.length > 0) printWarning(terminal, lossSentence(causes));
  // On a terminal the table has the same notes.
  if (!hasTable || stdout.isTTY !== true) for (const { message } of rejections) printWarning(terminal, message);
  const lost = summary.unsent + summary.unknown;
  if (lost > 0 && options.out === undefined && options.quiet !== true) {
    printWarning(terminal, `${counted(lost, 'token')} unsent or unknown: give --out DIR to keep them in files`);
  }
}

/** Without those that could not be written, as on a full disk. */
function filesLeft({ summary, exitCode }: RunReport, folder: string | undefined): CampaignSummary['files'] {
  if (folder === undefined || exitCode !== exitCodes.input) return summary.files;
  return summary.files.filter(({ name }) => existsSync(path.join(folder, name)));
}

/**
 * How many lines are invalid, where the first is, and what the list looks like. Never quotes a line, because it may be
 * a token.
 */
function invalidSentence(
  count: number,
  { list, line, why, shape }: NonNullable<CampaignSummary['invalidLines']>,
): string {
  const what = count === 1 ? 'one line is invalid' : `${integer(count)} lines are invalid, the first`;
  const where = count === 1 ? `: line ${integer(line)} of ${list}` : ` is line ${integer(line)} of ${list}`;
  return `${what}${where}, which ${why}.${shape === null ? '' : ` ${shape}.`}`;
}

/** How to go on after a bound. */
function boundNote(summary: CampaignSummary, { out, tokens }: SendFlags): string {
  const again = againAfterBound(summary);
  if (out !== undefined) {
    const how = tokens.includes('-')
      ? 'go on with the same command and the same list'
      : `go on with peal resume ${printable(shellWord(out))}`;
    return `${how}; ${again[0]!.toLowerCase()}${again.slice(1, -1)}`;
  }
  return 'without --out the campaign is not kept, and a second run sends to all of the list again: give --out DIR the next time';
}

function countOf(cause: CampaignCause | undefined): number {
  return cause === undefined ? 0 : cause.unsent + cause.unknown;
}

/** One line: how many recipients are unsent and unknown because of the most frequent cause, and that cause. */
function lossSentence([first, ...others]: readonly CampaignCause[]): string {
  const { error, unsent, unknown } = first!;
  const counts = [unsent > 0 ? `${integer(unsent)} unsent` : '', unknown > 0 ? `${integer(unknown)} unknown` : ''];
  const rest = others.map((cause) => `${cause.error.code} ${integer(countOf(cause))}`).join(', ');
  const more = rest === '' ? '' : ` Other causes: ${rest}.`;
  return `${counts.filter((text) => text !== '').join(', ')}: ${commandMessage(error).replace(/\.?$/, '.')}${more}`;
}

interface TableOptions {
  /** The directory of --out, or null. */
  readonly folder: string | null;
  readonly files: CampaignSummary['files'];
  /** Width of the terminal, in characters. */
  readonly columns: number;
  /** Whether the table stands among other output on a terminal, and is set apart by empty lines. */
  readonly isApart: boolean;
  readonly colour: boolean;
  /** The protocol of the gateway. Default `'http2'`. */
  readonly protocol?: Protocol;
}

/** Several lines, each with its end. */
function summaryTable(summary: CampaignSummary, options: TableOptions): string {
  const { folder, files, columns, colour, isApart, protocol = 'http2' } = options;
  const { bold, dim, green, red, yellow } = createColors(colour);
  const plain = (text: string): string => text;
  const textWidth = Math.max(30, Math.min(columns, widestText) - 1);
  const width = integer(summary.recipients).length;
  const row = (name: string, count: number, paint: (text: string) => string): string => {
    const share = name === 'recipients' ? '' : percentage(count, summary.recipients).padStart(11);
    return `  ${name.padEnd(12)}${(count > 0 ? paint : plain)(integer(count).padStart(width))}${dim(share)}`;
  };
  const lines = [
    row('recipients', summary.recipients, bold),
    row('accepted', summary.accepted, green),
    row('rejected', summary.rejected, red),
    ...reasonLines(summary, protocol, columns, dim),
    row('unsent', summary.unsent, yellow),
    row('unknown', summary.unknown, yellow),
    row('invalid', summary.invalid, yellow),
    '',
    ...servicesPart(summary),
    ...hanging(effort(summary), textWidth),
    ...(summary.duplicate === 0
      ? []
      : [`  ${counted(summary.duplicate, 'duplicate')} dropped (--keep-duplicates keeps them)`]),
    ...(summary.resent === 0 ? [] : [`  ${counted(summary.resent, 'request')} sent again`]),
    ...filesLine(files, folder, isApart ? textWidth : Number.POSITIVE_INFINITY),
    ...nextLine(summary, folder),
  ];
  return (isApart ? ['', ...lines, ''] : lines).map((line) => `${line}\n`).join('');
}

/** The services side by side, where there are two. */
function servicesPart(summary: CampaignSummary): string[] {
  const lines = serviceLines(summary, listedReasons, printable);
  return lines.length === 0 ? [] : [...lines, ''];
}

/** The files that have something in them. */
function filesLine(files: CampaignSummary['files'], folder: string | null, width: number): readonly string[] {
  const names = files.filter(({ rows }) => rows !== 0).map(({ name }) => name);
  return folder === null || names.length === 0 ? [] : hanging(`${enumerated(names)} in ${folder}`, width);
}

/** Where there is something to do, the command that says it. */
function nextLine({ next }: CampaignSummary, folder: string | null): readonly string[] {
  return folder === null || next.length === 0 ? [] : [`  what to do next: peal status ${shellWord(folder)}`];
}

/** The indented lines of a text; the second and later ones are indented more. */
function hanging(text: string, width: number): string[] {
  return wrapped(text, width - 4).map((line, at) => `${at === 0 ? '  ' : '    '}${line}`);
}

/** `a, b and c are`, `a is`. */
function enumerated(names: readonly string[]): string {
  const last = names.at(-1)!;
  return names.length === 1 ? `${last} is` : `${names.slice(0, -1).join(', ')} and ${last} are`;
}

function effort({ seconds, perSecond, connections, threads, runs, accepted, rejected }: CampaignSummary): string {
  // Without threads they are those of this process, or of all workers of a cluster.
  const where = threads === 0 ? '' : ` on ${counted(threads, 'thread')}`;
  const rate = `${integer(perSecond)} a second (mean)`;
  const together = runs.length > 1 ? ` (${runs.length} runs together)` : '';
  // Workers tell once a second of theirs: a campaign may be over before.
  const isUntold = connections === 0 && accepted + rejected > 0;
  const over = isUntold ? '' : ` over ${counted(connections, 'connection')}${where}`;
  return `${seconds.toFixed(2)} s, ${rate}${over}${together}`;
}

/** The count of each reason, with advice below it. */
function reasonLines(
  { reasons }: CampaignSummary,
  protocol: Protocol,
  columns: number,
  dim: (text: string) => string,
): string[] {
  const listed = reasons.slice(0, listedReasons);
  const rest = reasons.slice(listedReasons);
  const width = Math.max(0, ...listed.map(({ count }) => integer(count).length));
  const lines = listed.flatMap(({ reason, status, count }) => {
    const name = apnsReason(reason) === '' || status === null ? reason : `${status} ${reason}`;
    const indent = ' '.repeat(6 + width + 2);
    const advice = wrapped(
      adviceOf(status ?? 0, apnsReason(reason), protocolOfReason(apnsReason(reason), protocol)),
      Math.max(30, Math.min(columns, widestText) - indent.length - 1),
    );
    return [`      ${integer(count).padStart(width)}  ${name}`, ...advice.map((line) => dim(`${indent}${line}`))];
  });
  if (rest.length > 0) {
    const sum = rest.reduce((total, { count }) => total + count, 0);
    lines.push(`      ${integer(sum).padStart(width)}  for ${counted(rest.length, 'other reason')}`);
  }
  return lines;
}
