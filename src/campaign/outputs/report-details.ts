/**
 * The details of a report: reasons, slow moments, runs, files and settings, each as a table. A part that has nothing to say
 * is left out, or says so where its absence would be a question. Pure.
 */
import { adviceOf } from '../../apns/reason.js';
import { counted, integer, percentage } from '../../base/text.js';
import { type Html, html, shown } from './html.js';
import type { ReportData } from './report-data.js';
import type { Section } from './report-section.js';
import { durationWords, rateWords, stopWatch, type ZoneTimes } from './report-words.js';
import type { SeriesNote } from './run-series.js';
import type { SlowMoment } from './slow-moments.js';
import type { CampaignRun } from './summary.js';

/** Rows of one table; a report is read by people. */
const maxRows = 100;
const maxMomentsShown = 10;

export function reasonsSection({ summary, protocol }: ReportData): Section | null {
  const { reasons, causes, rejected, invalidLines, unread } = summary;
  if (reasons.length + causes.length + unread.length === 0 && invalidLines === null) return null;
  const rows = reasons.slice(0, maxRows).map(
    ({
      reason,
      status,
      count,
    }) => html`<tr><th scope="row">${reason === '' ? 'No reason given' : shown(reason, 120)}<span class="note">${adviceOf(status ?? 0, reason, protocol)}</span></th>
<td class="number">${status}</td><td class="number">${integer(count)}</td><td class="number">${percentage(count, rejected)}</td></tr>`,
  );
  const rejections = html`<table><caption>Why recipients were rejected, and what to do</caption>
<thead><tr><th scope="col">Reason</th><th scope="col" class="number">Status</th><th scope="col" class="number">Recipients</th><th scope="col" class="number">Share of rejections</th></tr></thead>
<tbody>${rows}</tbody></table>${more(reasons.length - rows.length, 'reason')}`;
  const causeRows = causes.slice(0, maxRows).map(
    ({
      code,
      message,
      unsent,
      unknown,
    }) => html`<tr><th scope="row">${shown(message)}<span class="note"><code>${shown(code, 60)}</code></span></th>
<td class="number">${integer(unsent)}</td><td class="number">${integer(unknown)}</td></tr>`,
  );
  const failures = html`<table><caption>Why recipients are unsent or unknown</caption>
<thead><tr><th scope="col">Cause</th><th scope="col" class="number">Unsent</th><th scope="col" class="number">Unknown</th></tr></thead>
<tbody>${causeRows}</tbody></table>`;
  const invalid =
    invalidLines === null
      ? html``
      : html`<p>The first invalid line is line ${integer(invalidLines.line)} of ${shown(invalidLines.list)}: ${shown(invalidLines.why)}${
          invalidLines.shape === null ? null : html` (${shown(invalidLines.shape)})`
        }</p>`;
  const notRead = unread.map(
    ({ list, line }) =>
      html`<p>${shown(list)} was not read to its end${line === null ? '' : `: go on with line ${integer(line)}`}.</p>`,
  );
  const content = html`${reasons.length === 0 ? null : rejections}
${causes.length === 0 ? null : failures}
${invalid}${notRead}`;
  return { id: 'reasons', heading: 'Reasons', content };
}

function more(count: number, noun: string): Html {
  return count > 0 ? html`<p class="soft">And ${counted(count, `more ${noun}`)}.</p>` : html``;
}

export function slowSection({ series }: ReportData, times: ZoneTimes): Section | null {
  if (series === null) return null;
  const moments = series.moments.slice(0, maxMomentsShown);
  const rows = moments.map(
    (
      moment,
    ) => html`<tr><th scope="row">${stopWatch(moment.atSeconds)} (${times.time(moment.startMs)})${goingOn(moment).map((line) => html`<span class="note">${line}</span>`)}</th>
<td class="number">${durationWords(moment.seconds)}</td><td class="number">${rateWords(moment.perSecond)}</td><td class="number">${rateWords(moment.usualPerSecond)}</td></tr>`,
  );
  const content =
    moments.length === 0
      ? html`<p>There was no stretch of two seconds or more at less than half of the usual rate.</p>`
      : html`<table><caption>Stretches at less than half of the usual rate while recipients waited; the one that cost most first</caption>
<thead><tr><th scope="col">When, and what was going on</th><th scope="col" class="number">How long</th><th scope="col" class="number">Rate</th><th scope="col" class="number">Usual rate</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  return { id: 'slow', heading: 'Slowest moments', content };
}

/** What was going on in a slow moment, in sentences. */
function goingOn(moment: SlowMoment): string[] {
  const { connectionsBefore, fewestConnections, streamLimitBefore, lowestStreamLimit } = moment;
  const said = moment.notes.map((note) => shown(note));
  if (fewestConnections < connectionsBefore) {
    said.push(`Open connections fell from ${integer(connectionsBefore)} to ${integer(fewestConnections)}.`);
  }
  if (streamLimitBefore !== null && lowestStreamLimit !== null && lowestStreamLimit < streamLimitBefore) {
    said.push(
      `The gateway allowed ${counted(lowestStreamLimit, 'request')} at a time on a connection instead of ${integer(streamLimitBefore)}.`,
    );
  }
  if (moment.rejected > 0) said.push(`${counted(moment.rejected, 'recipient')} were rejected in it.`);
  if (moment.unknown > 0) said.push(`${counted(moment.unknown, 'recipient')} became unknown in it.`);
  if (said.length === 0) {
    said.push(
      moment.inFlight >= 1
        ? `Answers were slow to come: ${integer(moment.inFlight)} requests waited for theirs.`
        : 'No request waited for its answer: the sender had nothing under way.',
    );
  }
  return said;
}

export function runsSection({ summary, series }: ReportData, times: ZoneTimes): Section | null {
  const { runs } = summary;
  if (runs.length === 0) return null;
  const rows = runs
    .slice(-maxRows)
    .map((run, index) => runRow(run, Math.max(0, runs.length - maxRows) + index + 1, times));
  const table = html`<table><caption>${runs.length === 1 ? 'The campaign ran once' : `The campaign ran ${integer(runs.length)} times`}</caption>
<thead><tr><th scope="col">Run</th><th scope="col" class="number">Running time</th><th scope="col" class="number">Answered</th><th scope="col" class="number">Rate</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  return { id: 'runs', heading: 'Runs', content: html`${table}${notesOf(series?.notes ?? [], times)}` };
}

function runRow({ startMs, endMs, seconds, answered, end }: CampaignRun, number: number, times: ZoneTimes): Html {
  const until = endMs === null ? '' : ` to ${times.full(endMs)}`;
  return html`<tr><th scope="row">Run ${number}: ${times.full(startMs)}${until}<span class="note">${end === null ? 'It goes on.' : shown(end)}</span></th>
<td class="number">${durationWords(seconds)}</td><td class="number">${integer(answered)}</td><td class="number">${seconds > 0 ? rateWords(answered / seconds) : ''}</td></tr>`;
}

function notesOf(notes: readonly SeriesNote[], times: ZoneTimes): Html {
  if (notes.length === 0) return html``;
  const items = notes.map(
    ({ atSeconds, atMs, text }) => html`<li>${stopWatch(atSeconds)} (${times.time(atMs)}): ${shown(text)}</li>`,
  );
  return html`<details><summary>What was noted while it ran (${integer(notes.length)})</summary><ol class="log">${items}</ol></details>`;
}

export function filesSection({ summary: { files } }: ReportData): Section | null {
  if (files.length === 0) return null;
  const rows = files
    .slice(0, maxRows)
    .map(
      ({ name, use, rows }) =>
        html`<tr><th scope="row"><code>${shown(name, 200)}</code><span class="note">${shown(use)}</span></th><td class="number">${rows === null ? null : integer(rows)}</td></tr>`,
    );
  const content = html`<table><caption>What the campaign wrote, beside this report</caption>
<thead><tr><th scope="col">File, and what it is for</th><th scope="col" class="number">Recipients</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  return { id: 'files', heading: 'Files', content };
}

/** Settings by these names hold secrets, whatever is in them. */
const secretNames = /pass(?:phrase|word)(?!.*file)|secret|^token$|^provider-?token$|private/i;

export function settingsSection({ settings }: ReportData): Section | null {
  if (settings.length === 0) return null;
  const rows = settings
    .slice(0, 2 * maxRows)
    .map(
      ({ name, value }) =>
        html`<tr><th scope="row">${shown(name, 80)}</th><td>${secretNames.test(name) ? '(not shown)' : shown(value)}</td></tr>`,
    );
  const content = html`<table class="settings"><caption class="hidden">Settings of the campaign</caption>
<thead class="hidden"><tr><th scope="col">Setting</th><th scope="col">Value</th></tr></thead><tbody>${rows}</tbody></table>`;
  return { id: 'settings', heading: 'Settings', content };
}
