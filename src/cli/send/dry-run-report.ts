/**
 * What `peal send --dry-run` prints: the report of a dry run as text for a person, or as one line of JSON. Pure; called
 * by the send command, on the main thread.
 */
import { counted, integer, minutesAndSeconds, percentage } from '../../base/text.js';
import type { DryRunReport } from '../../campaign/dry-run.js';
import { printable, widestText, wrapped } from '../shared/terminal.js';

export interface DryRunTextOptions {
  /** Width of the terminal, in characters. */
  readonly columns: number;
  /** As it was written; null: none. */
  readonly rate: string | null;
  /** What happens to those whose local hours are closed; null: there are no hours. */
  readonly outside: 'later' | 'hold' | null;
}

/** Kinds of invalid rows, lists, and characters of a payload that are shown. */
const [shownKinds, shownLists, shownPayload] = [8, 8, 1000];
/** Where the text of a line with a name begins. */
const indent = 15;

/** The line of `--json`, whose keys are those of the report. */
export function dryRunMessage(report: DryRunReport): object {
  return { messageType: 'dry-run', ...report };
}

/** Lines without their ends, and without colours. */
export function dryRunLines(report: DryRunReport, options: DryRunTextOptions): string[] {
  const width = Math.min(options.columns, widestText) - 1;
  const named = (name: string, ...texts: string[]): string[] => {
    const lines = texts.flatMap((text) => wrapped(text, Math.max(30, width - indent)));
    return lines.map((line, at) => `  ${(at === 0 ? name : '').padEnd(indent - 2)}${line}`);
  };
  return [
    ...countLines(report, options, width),
    '',
    ...listTexts(report).flatMap((text, at) => named(at === 0 ? 'read from' : '', text)),
    ...named('payload', payloadText(report)),
    ...(report.variants.length === 0 ? [] : named('variants', variantsText(report))),
    ...defaultTexts(report).flatMap((text, at) => named(at === 0 ? 'defaults' : '', text)),
    ...named('time', timeText(report, options)),
    ...stateTexts(report).flatMap((text) => named('campaign', text)),
    ...exampleLines(report, width),
    '',
    '  Nothing was sent, and nothing was written.',
  ];
}

function countLines(report: DryRunReport, { outside }: DryRunTextOptions, width: number): string[] {
  const { recipients, toSend, alreadyDone, unknown, underWay, outsideHours, invalid, duplicate } = report;
  const digits = integer(Math.max(recipients, duplicate)).length;
  const row = (name: string, count: number, note = ''): string => {
    const share = name === 'recipients' || note === '-' ? '' : percentage(count, recipients).padStart(11);
    return `  ${name.padEnd(indent - 2)}${integer(count).padStart(digits)}${share}${note === '-' ? '' : note}`;
  };
  const some = (name: string, count: number, note?: string): string[] => (count === 0 ? [] : [row(name, count, note)]);
  const waits = outside === 'hold' ? '  wait for their hours' : '  are left for a later run';
  return [
    row('recipients', recipients),
    row('to send', toSend),
    ...some('out of hours', outsideHours, waits),
    ...some('done already', alreadyDone),
    ...some('unknown', unknown),
    ...some('under way', underWay),
    row('invalid', invalid),
    ...kindLines(report, width),
    ...some('duplicates', duplicate, '-'),
  ];
}

function kindLines({ invalidKinds }: DryRunReport, width: number): string[] {
  const shown = invalidKinds.slice(0, shownKinds);
  const digits = Math.max(0, ...shown.map(({ count }) => integer(count).length));
  const margin = ' '.repeat(6 + digits + 2);
  const lines = shown.flatMap(({ why, count, list, line }) => {
    const name = nameOf(list);
    const where = line === null ? name : `line ${integer(line)} of ${name}`;
    const text = count === 1 ? `${where} ${printable(why)}` : `${where} ${printable(why)}, and others like it`;
    const [first = '', ...more] = wrapped(text, Math.max(30, width - margin.length));
    return [`      ${integer(count).padStart(digits)}  ${first}`, ...more.map((part) => `${margin}${part}`)];
  });
  const rest = invalidKinds.length - shown.length;
  return rest === 0 ? lines : [...lines, `${margin}and for ${counted(rest, 'other reason')}`];
}

function nameOf(list: string): string {
  return list === '-' ? 'standard input' : printable(list);
}

function listTexts({ sources }: DryRunReport): string[] {
  const texts = sources.slice(0, shownLists).map(({ list, format, columns, tokenColumn, recipients }) => {
    const name = nameOf(list);
    if (format === null) return `${name}: nothing is in it`;
    const what = format === 'list' ? 'a list of device tokens' : format.toUpperCase();
    const others = columns.filter((column) => column !== tokenColumn).map(printable);
    const tokens = tokenColumn === null ? '' : `, device tokens in the column ${printable(tokenColumn)}`;
    const fields = others.length === 0 ? '' : `, others: ${others.join(', ')}`;
    return `${name}: ${what}${tokens}${fields}; ${counted(recipients, 'recipient')}`;
  });
  const rest = sources.length - texts.length;
  return rest === 0 ? texts : [...texts, `and ${counted(rest, 'other list')}`];
}

function payloadText({ payload }: DryRunReport): string {
  if (payload === null) return 'none: no recipient is valid';
  const { least, median, most, limit } = payload;
  if (least === most) return `${integer(most)} bytes, of ${integer(limit)} that are allowed`;
  const range = `${integer(least)} to ${integer(most)} bytes, half of them up to ${integer(median)}`;
  return `${range}; ${integer(limit)} are allowed`;
}

function variantsText({ variants }: DryRunReport): string {
  const texts = variants.map(
    ({ variant, recipients }) => `${variant === null ? 'others' : printable(variant)} ${integer(recipients)}`,
  );
  return texts.join(', ');
}

function defaultTexts({ defaults }: DryRunReport): string[] {
  const got = defaults.filter(({ recipients }) => recipients > 0);
  return got.map(({ column, recipients }) => {
    const who = recipients === 1 ? '1 recipient gets' : `${counted(recipients, 'recipient')} get`;
    return `${printable(column)}: ${who} the default`;
  });
}

function timeText({ toSend, seconds, limitedBy, stoppedBy }: DryRunReport, { rate }: DryRunTextOptions): string {
  if (toSend === 0) return 'there is nothing to send';
  const bound = stoppedBy === 'notAfter' ? '--not-after' : '--max-duration';
  const stop = stoppedBy === null ? '' : `; ${bound} stops it before that`;
  if (seconds === null) {
    const why = rate === null ? 'there is no --rate' : `--rate ${printable(rate)} sets no limit now`;
    return `as fast as the gateway and the network take it: ${why}${stop}`;
  }
  const at =
    limitedBy === null || limitedBy === 'rate'
      ? `--rate ${printable(rate ?? '')}`
      : `the project's quota of ${integer(limitedBy.messagesPerMinute)} messages a minute`;
  return `${minutesAndSeconds(seconds)} at ${at}${stop}`;
}

function stateTexts({ isResumed, isRunning, unknown, toSend }: DryRunReport): string[] {
  if (!isResumed) return [];
  if (isRunning) return ['a process is at work on it now: counts are as of the reading'];
  const left = unknown === 0 ? '' : '. Unknown recipients are sent to again with --on-unknown resend';
  return [`${toSend === 0 ? 'nothing is left of it' : 'an earlier run has begun it, and this one goes on'}${left}`];
}

function exampleLines({ example }: DryRunReport, width: number): string[] {
  if (example === null) return [];
  const text = printable(example).slice(0, shownPayload);
  const pieces = text.match(new RegExp(`.{1,${Math.max(30, width - 4)}}`, 'gu')) ?? [];
  const lines = pieces.map((piece) => `    ${piece}`);
  return ['', '  The first recipient gets', ...lines, ...(text.length < example.length ? ['    …'] : [])];
}
