/**
 * The top of a report: the verdict in one sentence, what to do next, and the numbers, of all and of each service. Pure.
 */
import { counted, integer, percentage } from '../../base/text.js';
import { durationWords, latencyWords, rateWords, tight, type ZoneTimes } from './figure-words.js';
import { type Html, html, shown } from './html.js';
import { timedPoints } from './report-charts.js';
import type { ReportData } from './report-data.js';
import { type Section, tableOf } from './report-section.js';
import { answeredIn } from './series-points.js';
import { serviceTable } from './service-table.js';
import type { CampaignSummary } from './summary.js';

/** Colour and sign of the verdict; its word says the same. */
type Tone = 'good' | 'plain' | 'bad' | 'busy';

interface Verdict {
  readonly tone: Tone;
  readonly word: string;
  readonly sentence: string;
}

/** A check mark, a bar, an exclamation mark, a triangle. */
const signs: Readonly<Record<Tone, string>> = {
  good: 'M5 10.5l3.2 3.2L15 7',
  plain: 'M5 10.5l3.2 3.2L15 7',
  bad: 'M10 5v6.5M10 14.4v.1',
  busy: 'M8 6l6 4-6 4z',
};

export function verdictSection({ summary }: ReportData): Html {
  const { tone, word, sentence } = verdictOf(summary);
  return html`<section class="verdict ${tone}" aria-labelledby="verdict">
<h2 id="verdict"><svg width="22" height="22" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="8.8"/>
<path d="${signs[tone]}"/></svg>${word}</h2>
<p class="sentence">${tight(sentence)}</p>
${nextSteps(summary)}
</section>`;
}

function nextSteps({ next }: CampaignSummary): Html {
  if (next.length === 0) return html``;
  const steps = next.map(
    ({ text, command }) =>
      html`<li>${shown(text)}
${command === null ? null : html`<code class="command">${shown(command, 2000)}</code>`}</li>`,
  );
  return html`<div class="next"><h3>What to do next</h3><ol>${steps}</ol></div>`;
}

function verdictOf(summary: CampaignSummary): Verdict {
  const { state, recipients, accepted, unsent, expected } = summary;
  const why = summary.why === null ? '' : shown(summary.why);
  const total = Math.max(recipients, expected ?? 0);
  const done = `${integer(recipients - unsent)} of ${counted(total, 'recipient')}`;
  const share = percentage(recipients - unsent, total);
  if (state === 'running') {
    const sentence = total === 0 ? 'The campaign has begun.' : `The campaign is running: ${done} are done (${share}).`;
    return { tone: 'busy', word: 'Running', sentence: why === '' ? sentence : `${sentence} ${why}` };
  }
  if (state === 'paused') {
    return { tone: 'busy', word: 'Paused', sentence: withWhy(`The campaign is paused after ${done} (${share})`, why) };
  }
  if (state === 'stopped') {
    const before = total === 0 ? 'Stopped before the first recipient' : `Stopped after ${done} (${share})`;
    return { tone: 'bad', word: 'Stopped before the end', sentence: withWhy(before, why) };
  }
  if (recipients === 0) return { tone: 'plain', word: 'Finished', sentence: 'The campaign had no recipients.' };
  if (accepted === recipients) {
    const all =
      recipients === 1 ? 'The one recipient was accepted.' : `All ${integer(recipients)} recipients were accepted.`;
    return { tone: 'good', word: 'Finished', sentence: all };
  }
  const acceptedShare = percentage(accepted, recipients);
  const were = `${integer(accepted)} of ${counted(recipients, 'recipient')} were accepted (${acceptedShare}).`;
  return accepted * 2 < recipients
    ? { tone: 'bad', word: 'Finished, with few accepted', sentence: `Only ${were}` }
    : { tone: 'plain', word: 'Finished', sentence: were };
}

function withWhy(before: string, why: string): string {
  return why === '' ? `${before}.` : `${before}: ${why}`;
}

export function numbersSection(data: ReportData, times: ZoneTimes): Section {
  const content = html`${tiles(data, times)}\n${sharesBar(data.summary)}\n${outcomesTable(data)}`;
  return { id: 'numbers', heading: 'In numbers', content };
}

/** Rows of reasons; a report is read by people. */
const maxReasons = 100;

/** The services side by side, where there are two. */
export function servicesSection({ summary }: ReportData): Section | null {
  const table = serviceTable(summary, maxReasons);
  if (table === null) return null;
  const outcomes = tableOf({
    caption: `Recipients by service${table.columns.length > 2 ? '; neither: the row names no platform' : ''}`,
    columns: ['Outcome', ...table.columns.map(capital)],
    rows: table.rows
      .filter(({ isReason }) => !isReason)
      .map(({ name, cells }) => ({ name: capital(name), cells: cells.map(tight) })),
  });
  // Names of reasons are long, and a phone is narrow.
  const { length } = summary.services;
  const reasons = table.rows
    .filter(({ isReason }) => isReason)
    .map(({ name, cells }) => ({ name: shown(name, 120), cells: cells.slice(0, length) }));
  const rejections = tableOf({
    caption: 'Rejections by reason and service; what to do is said below',
    columns: ['Reason', ...table.columns.slice(0, length)],
    rows: reasons,
  });
  const content = html`${outcomes}${reasons.length === 0 ? null : rejections}`;
  return { id: 'services', heading: 'By service', content };
}

function capital(name: string): string {
  return `${name[0]!.toUpperCase()}${name.slice(1)}`;
}

function tiles(data: ReportData, times: ZoneTimes): Html {
  const { recipients, accepted, perSecond, seconds, runs, latency, connections } = data.summary;
  const best = Math.max(0, ...timedPoints(data).map((point) => answeredIn(point) / point.seconds));
  const last = runs.at(-1);
  const when =
    runs.length > 1
      ? `in ${integer(runs.length)} runs`
      : last?.endMs != null
        ? `until ${times.time(last.endMs)}`
        : 'so far';
  return html`<dl class="tiles">
${tile('Accepted', percentage(accepted, recipients), `${integer(accepted)} of ${integer(recipients)}`)}
${tile('Rate', rateWords(perSecond), best === 0 ? 'nothing was answered' : `at best ${rateWords(best)}`)}
${tile('Sending time', durationWords(seconds), `${when}, ${counted(connections, 'connection')}`)}
${
  latency === null
    ? tile('Answers came within', 'unknown', 'none was timed')
    : tile('Answers came within', latencyWords(latency.p50), `half of them; 99 % within ${latencyWords(latency.p99)}`)
}
</dl>`;
}

function tile(name: string, figure: string, small: string): Html {
  return html`<div><dt>${name}</dt><dd><span class="figure">${tight(figure)}</span>
<span class="small">${tight(small)}</span></dd></div>`;
}

interface Outcome {
  readonly name: string;
  readonly key: 'accepted' | 'rejected' | 'unsent' | 'unknown' | 'invalid';
  /** With `{Service}` and `{service}` for the name of the push service. */
  readonly meaning: string;
}

const outcomes: readonly Outcome[] = [
  {
    name: 'Accepted',
    key: 'accepted',
    meaning: '{Service} took the notification. Whether a device showed it, {service} does not say.',
  },
  { name: 'Rejected', key: 'rejected', meaning: '{Service} refused the notification. The reasons are below.' },
  { name: 'Unsent', key: 'unsent', meaning: 'Certainly not sent: it is safe to send to them.' },
  {
    name: 'Unknown',
    key: 'unknown',
    meaning: 'Sent, but no answer came. Sending again may show the notification twice.',
  },
  {
    name: 'Invalid',
    key: 'invalid',
    meaning: 'Not sent: the line has no device token, or lacks a field of the message.',
  },
];

/** Each outcome has a pattern of its own. */
function patterns(): Html {
  const stripes = (id: string, outcome: string, angle: number): Html =>
    html`<pattern id="${id}" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(${angle})">
<rect class="paper" width="5" height="5"/><rect class="${outcome}" width="3" height="5"/></pattern>`;
  return html`<defs>${stripes('p-rejected', 'rejected', 45)}
<pattern id="p-unknown" width="5" height="5" patternUnits="userSpaceOnUse">
<rect class="paper" width="5" height="5"/><circle class="unknown" cx="2.5" cy="2.5" r="1.8"/></pattern>
${stripes('p-invalid', 'invalid', 0)}</defs>`;
}

/** How an outcome is filled: solid, hollow or by its pattern. */
function fillOf(key: Outcome['key']): Html {
  if (key === 'accepted') return html`class="accepted"`;
  return key === 'unsent' ? html`class="hollow"` : html`fill="url(#p-${key})"`;
}

/** One bar of all recipients by outcome. The table behind it says the same. */
function sharesBar(summary: CampaignSummary): Html {
  const { recipients } = summary;
  const present = outcomes.filter(({ key }) => summary[key] > 0);
  // What is there is seen, however little it is.
  const leastShare = 0.006;
  const widths = present.map(({ key }) => Math.max(leastShare, summary[key] / recipients));
  const sum = widths.reduce((total, width) => total + width, 0);
  let at = 0;
  const bars = present.map(({ key }, index) => {
    const width = widths[index]! / sum;
    const bar = html`<rect ${fillOf(key)} x="${percent(at)}" y="1" width="${percent(width)}" height="20"/>`;
    at += width;
    return bar;
  });
  const edges = present.slice(1).map((_, index) => {
    const edge = widths.slice(0, index + 1).reduce((total, width) => total + width / sum, 0);
    return html`<rect class="paper" x="${percent(edge)}" y="0" width="2" height="22"/>`;
  });
  return html`<svg class="shares" aria-hidden="true">${patterns()}${bars}${edges}</svg>`;
}

function percent(share: number): string {
  return `${Math.round(share * 1e5) / 1000}%`;
}

function outcomesTable({ summary, protocol }: ReportData): Html {
  const service = summary.services.length > 0 ? 'the push service' : protocol === 'fcm' ? 'FCM' : 'APNs';
  const { recipients, duplicate, resent } = summary;
  const rows = outcomes.map(({ name, key, meaning }) => ({
    name: html`<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true">
<rect ${fillOf(key)} x="1" y="1" width="12" height="12"/></svg>${name}`,
    cells: [integer(summary[key]), percentage(summary[key], recipients)],
    notes: [meaning.replace('{Service}', capital(service)).replace('{service}', service)],
  }));
  const all = { name: 'All', cells: [integer(recipients), percentage(recipients, recipients)] };
  const besides = [
    { name: 'Duplicates', count: duplicate, meaning: 'Left out, because their token stood before.' },
    { name: 'Sent again', count: resent, meaning: 'Requests that followed a temporary fault.' },
  ].filter(({ count }) => count > 0);
  const asides = besides.map(({ name, count, meaning }) => ({
    name,
    cells: [integer(count), null],
    notes: [`${meaning} They do not count as recipients.`],
    isAside: true,
  }));
  return tableOf({
    caption: 'Recipients by outcome',
    isCaptionHidden: true,
    columns: ['Outcome', 'Recipients', 'Share'],
    rows: [...rows, all, ...asides],
  });
}
