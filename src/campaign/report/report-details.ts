/**
 * The details of a report: reasons, slow moments, runs, files and settings, each as a table. A part that has nothing
 * to say is left out, or says so where its absence would be a question. Pure.
 */
import { counted, integer, percentage } from '../../base/text.js';
import { adviceOf, protocolOfReason } from '../../push-services/reasons.js';
import { durationWords, rateWords, stopWatch, type ZoneTimes } from './figure-words.js';
import { type Html, html, shown } from './html.js';
import type { ReportData } from './report-data.js';
import { type Section, tableOf } from './report-section.js';
import type { SeriesNote } from './run-series.js';
import type { SlowMoment } from './slow-moments.js';

/** Rows of one table; a report is read by people. */
const maxRows = 100;
const maxMomentsShown = 10;

export function reasonsSection({ summary, protocol }: ReportData): Section | null {
  const { reasons, causes, rejected, invalidLines, unread } = summary;
  if (reasons.length + causes.length + unread.length === 0 && invalidLines === null) return null;
  const rejections = tableOf({
    caption: 'Why recipients were rejected, and what to do',
    columns: ['Reason', 'Status', 'Recipients', 'Share'],
    rows: reasons.slice(0, maxRows).map(({ reason, status, count }) => ({
      name: reason === '' ? 'No reason given' : shown(reason, 120),
      cells: [status, integer(count), percentage(count, rejected)],
      notes: [adviceOf(status ?? 0, reason, protocolOfReason(reason, protocol))],
    })),
  });
  const failures = tableOf({
    caption: 'Why recipients are unsent or unknown',
    columns: ['Cause', 'Unsent', 'Unknown'],
    rows: causes.slice(0, maxRows).map(({ code, message, unsent, unknown }) => ({
      name: shown(message),
      cells: [integer(unsent), integer(unknown)],
      notes: [html`<code>${shown(code, 60)}</code>`],
    })),
  });
  const content = html`${reasons.length === 0 ? null : html`${rejections}${more(reasons.length - maxRows, 'reason')}`}
${causes.length === 0 ? null : html`${failures}${more(causes.length - maxRows, 'cause')}`}
${invalidText(invalidLines)}${unread.map(unreadText)}`;
  return { id: 'reasons', heading: 'Reasons', content };
}

function more(count: number, noun: string): Html {
  return count > 0 ? html`<p class="soft">And ${counted(count, `more ${noun}`)}.</p>` : html``;
}

function invalidText(invalid: ReportData['summary']['invalidLines']): Html {
  if (invalid === null) return html``;
  const { list, line, why, shape } = invalid;
  return html`<p>The first invalid line is line ${integer(line)} of ${shown(list)}, which ${shown(why)}${
    shape === null ? '' : ` (${shown(shape)})`
  }.</p>`;
}

function unreadText({ list, line }: ReportData['summary']['unread'][number]): Html {
  const goOn = line === null ? '' : `: go on with line ${integer(line)}`;
  return html`<p>${shown(list)} was not read to its end${goOn}.</p>`;
}

export function slowSection({ series }: ReportData, times: ZoneTimes): Section | null {
  if (series === null) return null;
  const moments = series.moments.slice(0, maxMomentsShown);
  const content =
    moments.length === 0
      ? html`<p>There was no stretch of two seconds or more at less than half of the usual rate.</p>`
      : tableOf({
          caption:
            'Stretches at less than half of the usual rate while recipients waited; the one that cost most first',
          columns: ['Running time (clock)', 'How long', 'Rate', 'Usual rate'],
          rows: moments.map((moment) => ({
            name: `${stopWatch(moment.atSeconds)} (${times.time(moment.startMs)})`,
            cells: [durationWords(moment.seconds), rateWords(moment.perSecond), rateWords(moment.usualPerSecond)],
            notes: goingOn(moment),
          })),
        });
  return { id: 'slow', heading: 'Slowest moments', content };
}

/** A share of rejections from which on a slow moment has to do with them. */
const manyRejections = 0.1;

/** What was going on in a slow moment, in sentences. */
function goingOn(moment: SlowMoment): string[] {
  const { connectionsBefore, fewestConnections, streamLimitBefore, lowestStreamLimit, rejected, unknown } = moment;
  const said = moment.notes.map((note) => shown(note));
  if (fewestConnections < connectionsBefore) {
    said.push(`Open connections fell from ${integer(connectionsBefore)} to ${integer(fewestConnections)}.`);
  }
  if (streamLimitBefore !== null && lowestStreamLimit !== null && lowestStreamLimit < streamLimitBefore) {
    said.push(
      `The gateway allowed ${counted(lowestStreamLimit, 'request')} at a time on a connection ` +
        `instead of ${integer(streamLimitBefore)}.`,
    );
  }
  if (said.length === 0) {
    said.push(
      moment.inFlight >= 1
        ? `Answers were slow to come: ${counted(Math.round(moment.inFlight), 'request')} waited, in the mean.`
        : 'No request waited for its answer: the sender had nothing under way.',
    );
  }
  const answered = moment.perSecond * moment.seconds;
  if (rejected > answered * manyRejections) {
    said.push(`${percentage(rejected, Math.max(rejected, answered))} of the outcomes in it were rejections.`);
  }
  if (unknown > 0) said.push(`${counted(unknown, 'recipient')} became unknown in it.`);
  return said;
}

export function runsSection({ summary: { runs }, series }: ReportData, times: ZoneTimes): Section | null {
  if (runs.length === 0) return null;
  const dropped = Math.max(0, runs.length - maxRows);
  const table = tableOf({
    caption: runs.length === 1 ? 'The campaign ran once' : `The campaign ran ${integer(runs.length)} times`,
    columns: ['Run', 'Sending time', 'Answered', 'Rate'],
    rows: runs.slice(dropped).map(({ startMs, endMs, seconds, answered, end }, index) => ({
      name: `Run ${dropped + index + 1}`,
      cells: [durationWords(seconds), integer(answered), seconds > 0 ? rateWords(answered / seconds) : null],
      notes: [`${spanOf(startMs, endMs, times)}. ${end === null ? 'It goes on.' : shown(end)}`],
    })),
  });
  return { id: 'runs', heading: 'Runs', content: html`${table}${notesOf(series?.notes ?? [], times)}` };
}

function spanOf(startMs: number, endMs: number | null, times: ZoneTimes): string {
  return endMs === null ? times.full(startMs) : `${times.full(startMs)} to ${times.full(endMs)}`;
}

function notesOf(notes: readonly SeriesNote[], times: ZoneTimes): Html {
  if (notes.length === 0) return html``;
  const items = notes.map(
    ({ atSeconds, atMs, text }) => html`<li>${stopWatch(atSeconds)} (${times.time(atMs)}): ${shown(text)}</li>`,
  );
  return html`<details><summary>What was noted while it ran (${integer(notes.length)})</summary>
<ol class="log">${items}</ol></details>`;
}

export function filesSection({ summary: { files } }: ReportData): Section | null {
  if (files.length === 0) return null;
  const content = tableOf({
    caption: 'What the campaign wrote, beside this report',
    columns: ['File', 'Recipients'],
    rows: files.slice(0, maxRows).map(({ name, use, rows }) => ({
      name: html`<code>${shown(name, 200)}</code>`,
      cells: [rows === null ? null : integer(rows)],
      notes: [shown(use)],
    })),
  });
  return { id: 'files', heading: 'Files', content };
}

/** Settings by these names hold secrets, whatever is in them. */
const secretNames = /pass(?:phrase|word)(?!.*file)|secret|^token$|^provider-?token$|private/i;

export function settingsSection({ settings }: ReportData): Section | null {
  if (settings.length === 0) return null;
  const rows = settings.slice(0, 2 * maxRows).map(
    ({ name, value }) =>
      html`<tr><th scope="row">${shown(name, 80)}</th>
<td>${secretNames.test(name) ? '(not shown)' : shown(value)}</td></tr>\n`,
  );
  const content = html`<table class="settings"><caption class="hidden">Settings of the campaign</caption>
<thead><tr><th scope="col">Setting</th><th scope="col">Value</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  return { id: 'settings', heading: 'Settings', content };
}
