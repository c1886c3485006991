/**
 * A campaign as `peal status` prints it: lines that fit the terminal. Pure; main thread.
 */
import { createColors } from 'picocolors';
import { counted, integer, minutesAndSeconds, percentage, wholePercent } from '../../base/text.js';
import { serviceLines } from '../../campaign/report/service-table.js';
import type { CampaignState, RunSummary } from '../../campaign/report/summary.js';
import type { CampaignView } from '../../campaign/view/campaign-view.js';
import { adviceOf, protocolOfReason } from '../../push-services/reasons.js';

import { printable, widestText, wrapped } from '../shared/terminal.js';

/** How fast a campaign is now, from two readings. */
export interface Pace {
  /** Null where only one reading was made. */
  readonly perSecond: number | null;
  readonly secondsLeft: number | null;
}

interface StatusStyle {
  readonly columns: number;
  readonly colour: boolean;
  /** The bar of the first line where the output is a screen, else null: then it is said in words. */
  readonly bar: string | null;
  /** Whether the terminal is redrawn, so that only what changes or is to be done stands in the lines. */
  readonly isBrief: boolean;
}

type Paint = (text: string) => string;
type Colours = ReturnType<typeof createColors>;

/** Reasons and runs that are listed; the rest is summed up in one line. */
const [listedReasons, listedRuns] = [5, 5];
/** Settings that bound a campaign, in the words of the library or of the command line. */
const bounds: ReadonlySet<string> = new Set([
  'maxfailures',
  'maxerrorrate',
  'maxduration',
  'maxdurationms',
  'stopon',
  'canary',
  'canaryshare',
  'notbefore',
  'notafter',
  'localwindow',
  'outsidewindow',
  'timezonecolumn',
]);

/** Recipients that need nothing more. */
export function answeredOf({ summary }: CampaignView): number {
  const { accepted, rejected, unknown, invalid } = summary;
  return accepted + rejected + unknown + invalid;
}

/** How many recipients there are in all, as far as that is known. */
export function totalOf({ summary }: CampaignView): number | null {
  return summary.state === 'finished' ? summary.recipients : summary.expected;
}

export function statusLines(view: CampaignView, pace: Pace, style: StatusStyle): string[] {
  const colours = createColors(style.colour);
  const { summary } = view;
  const width = Math.min(style.columns, widestText) - 1;
  const isAtWork = summary.state === 'running' || summary.state === 'paused';
  const sections = [
    [
      ...headLines(view, width, colours),
      ...(isAtWork && style.bar !== null ? [`  ${style.bar}`] : wrapped(paceText(view, pace), width - 2).map(indented)),
      ...boundLines(view, width),
    ],
    outcomeLines(view, colours),
    style.isBrief ? [] : serviceLines(summary, listedReasons, printable),
    style.isBrief ? [] : effortLines(view, width),
    reasonLines(view, width, style.isBrief, colours),
    style.isBrief ? [] : causeLines(view, width),
    style.isBrief ? [] : runLines(view, width),
    style.isBrief ? [] : fileLines(view, width, colours),
    nextLines(view, width, colours),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function headLines({ facts, summary, holder }: CampaignView, width: number, colours: Colours): string[] {
  const { state, why } = summary;
  const paint: Readonly<Record<CampaignState, Paint>> = {
    running: colours.green,
    paused: colours.yellow,
    stopped: colours.red,
    finished: colours.green,
  };
  const title = wrapped(printable(facts.title), width).map((line) => colours.bold(line));
  const [first = '', ...more] = wrapped(why === null ? state : `${state}: ${printable(why)}`, width - 2);
  const states = [`${paint[state](first.slice(0, state.length))}${first.slice(state.length)}`, ...more].map(indented);
  if (holder === null) return [...title, ...states];
  const since = holder.sinceMs === null ? '' : `, since ${localTime(holder.sinceMs)}`;
  const where = holder.isHere ? '' : ` on ${printable(holder.host)}`;
  return [...title, ...states, ...wrapped(`process ${holder.pid}${where}${since}`, width - 2).map(indented)];
}

/** `52 %, 520,000 of 1,000,000, 41,200/s now, 39,800/s mean, 0:12 left` */
function paceText(view: CampaignView, { perSecond, secondsLeft }: Pace): string {
  const [answered, total] = [answeredOf(view), totalOf(view)];
  const isAtWork = view.holder !== null;
  const figures = [
    ...(total === null || total === 0 ? [] : [`${wholePercent(answered, total)} %`]),
    total === null ? integer(answered) : `${integer(answered)} of ${integer(total)}`,
    ...(perSecond === null || !isAtWork ? [] : [`${integer(perSecond)}/s now`]),
    `${integer(view.summary.perSecond)}/s mean`,
    ...(secondsLeft === null || !isAtWork ? [] : [`${minutesAndSeconds(secondsLeft)} left`]),
  ];
  return figures.join(', ');
}

function boundLines({ facts }: CampaignView, width: number): string[] {
  const inForce = facts.settings.filter(({ name }) => bounds.has(name.replace(/[^a-z]/gi, '').toLowerCase()));
  const texts = [
    ...(facts.rate === null ? [] : [`rate ${facts.rate}`]),
    ...inForce.map(({ name, value }) => `${name.replace(/^--/, '')} ${value}`),
  ];
  return texts.length === 0 ? [] : wrapped(`bounds: ${texts.map(printable).join(', ')}`, width - 2).map(indented);
}

function outcomeLines(view: CampaignView, { bold, dim, green, red, yellow }: Colours): string[] {
  const { summary, underWay } = view;
  const { recipients, accepted, rejected, unsent, unknown, invalid, duplicate } = summary;
  const total = totalOf(view);
  const width = integer(Math.max(recipients, duplicate)).length;
  const row = (name: string, count: number, paint: Paint, hasShare = true): string => {
    const share = hasShare ? dim(percentage(count, recipients).padStart(11)) : '';
    return `  ${name.padEnd(12)}${count > 0 ? paint(integer(count).padStart(width)) : integer(count).padStart(width)}${share}`;
  };
  return [
    // The line above counts towards all that are expected.
    row(total !== null && total > recipients ? 'read so far' : 'recipients', recipients, bold, false),
    row('accepted', accepted, green),
    row('rejected', rejected, red),
    row('unsent', unsent, yellow),
    row('unknown', unknown, yellow),
    row('invalid', invalid, yellow),
    ...(underWay > 0 ? [row('under way', underWay, dim)] : []),
    ...(duplicate > 0 ? [row('duplicate', duplicate, dim, false)] : []),
  ];
}

function effortLines({ summary }: CampaignView, width: number): string[] {
  const { seconds, resent, connections, threads, latency } = summary;
  // Without threads they are those of the process, or of all workers of a cluster.
  const where = threads === 0 ? '' : ` on ${counted(threads, 'thread')}`;
  const figures = [
    `${minutesAndSeconds(seconds)} sending time`,
    ...(connections === 0 ? [] : [`${counted(connections, 'connection')}${where}`]),
    ...(resent === 0 ? [] : [`${counted(resent, 'request')} sent again`]),
    ...(latency === null
      ? []
      : [`answers after ${Math.ceil(latency.p50)} ms (p50), ${Math.ceil(latency.p99)} ms (p99)`]),
  ];
  return wrapped(figures.join(', '), width - 2).map(indented);
}

/** The count of each reason, with what to do below it unless a next step says it. */
function reasonLines(view: CampaignView, width: number, isBrief: boolean, { dim }: Colours): string[] {
  const { facts, summary } = view;
  const listed = summary.reasons.slice(0, listedReasons);
  const rest = summary.reasons.slice(listedReasons);
  const restCount = rest.reduce((sum, { count }) => sum + count, 0);
  const digits = Math.max(0, ...[...listed.map(({ count }) => count), restCount].map((count) => integer(count).length));
  const row = (count: number, text: string): string => `    ${integer(count).padStart(digits)}  ${text}`;
  const indent = ' '.repeat(4 + digits + 2);
  const lines = listed.flatMap(({ reason, status, count }) => {
    const name = reason === '' ? `HTTP ${status ?? 'unknown'}` : `${status ?? ''} ${printable(reason)}`.trim();
    const advice = adviceOf(status ?? 0, reason, protocolOfReason(reason, facts.protocol));
    if (isBrief || summary.next.some(({ text }) => text.includes(advice))) return [row(count, name)];
    return [row(count, name), ...wrapped(advice, width - indent.length).map((line) => dim(`${indent}${line}`))];
  });
  if (lines.length === 0) return [];
  const more = rest.length === 0 ? [] : [row(restCount, `for ${counted(rest.length, 'other reason')}`)];
  return ['  rejected with', ...lines, ...more];
}

/** Why recipients are unsent or unknown. */
function causeLines({ summary }: CampaignView, width: number): string[] {
  const lines = summary.causes.slice(0, listedReasons).flatMap(({ message, unsent, unknown }) => {
    const counts = [
      ...(unsent > 0 ? [`${integer(unsent)} unsent`] : []),
      ...(unknown > 0 ? [`${integer(unknown)} unknown`] : []),
    ];
    return wrapped(`${counts.join(', ')}: ${printable(message)}`, width - 4).map((line) => `    ${line}`);
  });
  return lines.length === 0 ? [] : ['  not answered', ...lines];
}

function runLines({ summary }: CampaignView, width: number): string[] {
  const { runs } = summary;
  if (runs.length < 2) return [];
  const left = runs.length - listedRuns;
  const earlier = left > 0 ? [`    and ${counted(left, 'earlier run')}`] : [];
  const latest = runs.slice(-listedRuns).flatMap((run) => {
    const [first = '', ...more] = wrapped(runText(run), width - 4);
    return [`    ${first}`, ...more.map((line) => `      ${line}`)];
  });
  return [`  ${counted(runs.length, 'run')}`, ...earlier, ...latest];
}

function runText({ startMs, seconds, answered, end }: RunSummary): string {
  return `${localTime(startMs)}, ${minutesAndSeconds(seconds)}, ${integer(answered)} answered. ${printable(end ?? 'It goes on.')}`;
}

function fileLines({ folder, summary }: CampaignView, width: number, { dim }: Colours): string[] {
  const { files } = summary;
  if (files.length === 0) return [];
  const names = Math.max(...files.map(({ name }) => name.length));
  const digits = Math.max(...files.map(({ rows }) => (rows === null ? 0 : integer(rows).length)));
  const indent = 4 + names + 2 + digits + 2;
  const lines = files.flatMap(({ name, rows, use }) => {
    const [first = '', ...more] = wrapped(use, width - indent);
    const count = (rows === null ? '' : integer(rows)).padStart(digits);
    return [
      `    ${name.padEnd(names)}  ${count}  ${dim(first)}`,
      ...more.map((line) => dim(' '.repeat(indent) + line)),
    ];
  });
  return [...wrapped(`files in ${printable(folder)}`, width - 2).map(indented), ...lines];
}

/**
 * Commands stand on lines of their own, so that they can be copied: a shell goes on behind a pipe at the end of a line.
 */
function nextLines({ summary }: CampaignView, width: number, { bold }: Colours): string[] {
  const lines = summary.next.flatMap(({ text, command }, index) => {
    const [first = '', ...more] = wrapped(printable(text), width - 7);
    return [
      `    ${index + 1}. ${first}`,
      ...more.map((line) => `       ${line}`),
      ...commandLines(command, width - 7).map((line) => `       ${bold(printable(line))}`),
    ];
  });
  return lines.length === 0 ? [] : ['  what to do next', ...lines];
}

function commandLines(command: string | null, width: number): string[] {
  if (command === null) return [];
  return command.length <= width ? [command] : command.split(/(?<= \|) /);
}

function indented(line: string): string {
  return `  ${line}`;
}

/** "2026-11-28 14:03:05" in the time zone of the machine. */
function localTime(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE');
}
