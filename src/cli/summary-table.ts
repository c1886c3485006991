/**
 * The summary that a person reads at the end of a run. Pure; printed by the send command.
 */
import { createColors } from 'picocolors';
import type { Protocol } from '../apns/address.js';
import { adviceOf } from '../apns/reason.js';
import type { RunSummary } from './counts.js';
import { counted, integer, percentage } from './numbers.js';

/** Reasons that are listed; the rest is summed up in one line. */
const listedReasons = 8;

interface TableOptions {
  /** Where the files of --out are, or null. */
  readonly folder: string | null;
  /** Their names. */
  readonly written: readonly string[];
  /** Width of the terminal, in characters. */
  readonly columns: number;
  /** Whether it stands among other output of a terminal, and is set apart by empty lines. */
  readonly isApart: boolean;
  readonly colour: boolean;
  /** What the gateway speaks. Default `'http2'`. */
  readonly protocol?: Protocol;
}

/** Several lines, each ended. */
export function summaryTable(summary: RunSummary, options: TableOptions): string {
  const { folder, written, columns, colour, isApart, protocol = 'http2' } = options;
  const { bold, dim, green, red, yellow } = createColors(colour);
  const plain = (text: string): string => text;
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
    `  ${effort(summary)}`,
    ...(summary.duplicate === 0
      ? []
      : [`  ${counted(summary.duplicate, 'duplicate')} dropped (--keep-duplicates keeps them)`]),
    ...(summary.resent === 0 ? [] : [`  ${counted(summary.resent, 'request')} sent again`]),
    ...(folder === null || written.length === 0 ? [] : [`  ${enumerated(written)} in ${folder}`]),
  ];
  return (isApart ? ['', ...lines, ''] : lines).map((line) => `${line}\n`).join('');
}

/** `a, b and c are`, `a is`. */
function enumerated(names: readonly string[]): string {
  const last = names.at(-1)!;
  return names.length === 1 ? `${last} is` : `${names.slice(0, -1).join(', ')} and ${last} are`;
}

function effort({ seconds, perSecond, connections, threads }: RunSummary): string {
  const where = threads === 0 ? 'in the main thread' : `on ${counted(threads, 'thread')}`;
  return `${seconds.toFixed(2)} s, ${integer(perSecond)} a second (mean) over ${counted(connections, 'connection')} ${where}`;
}

/** How often each reason came, and beneath it what to do about it. */
function reasonLines(
  { reasons }: RunSummary,
  protocol: Protocol,
  columns: number,
  dim: (text: string) => string,
): string[] {
  const listed = reasons.slice(0, listedReasons);
  const rest = reasons.slice(listedReasons);
  const width = Math.max(0, ...listed.map(({ count }) => integer(count).length));
  const lines = listed.flatMap(({ reason, status, count }) => {
    const name = reason.startsWith('HTTP ') ? reason : `${status} ${reason}`;
    const indent = ' '.repeat(6 + width + 2);
    const advice = wrapped(
      adviceOf(status, reason, protocol),
      Math.max(30, Math.min(columns, 100) - indent.length - 1),
    );
    return [`      ${integer(count).padStart(width)}  ${name}`, ...advice.map((line) => dim(`${indent}${line}`))];
  });
  if (rest.length > 0) {
    const sum = rest.reduce((total, { count }) => total + count, 0);
    lines.push(`      ${integer(sum).padStart(width)}  for ${counted(rest.length, 'other reason')}`);
  }
  return lines;
}

/** A sentence as lines of at most `width` characters, broken at blanks. */
function wrapped(sentence: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
