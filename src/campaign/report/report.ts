/**
 * The report of a campaign: one HTML file that needs nothing beside it, for the engineer who ran the campaign and
 * for those who asked for it. First the verdict and the numbers, then the charts, then the details. Everything that
 * comes from outside is escaped (html.ts), nothing is fetched or sent (its content security policy sees to that),
 * and every number is there without the script. Called by the campaign when it ends, and by `peal report`; main
 * thread.
 */
import { createHash } from 'node:crypto';
import { type ChartLibrary, readChartLibrary } from './chart-library.js';
import { ZoneTimes } from './figure-words.js';
import { Html, html, jsonForHtml, shown } from './html.js';
import { type Chart, latencyChart, timeCharts } from './report-charts.js';
import type { ReportData } from './report-data.js';
import { filesSection, reasonsSection, runsSection, settingsSection, slowSection } from './report-details.js';
import { gatewayFigure, latencyFigure, rateFigure } from './report-figures.js';
import { numbersSection, servicesSection, verdictSection } from './report-numbers.js';
import { reportScript } from './report-script.js';
import type { Section } from './report-section.js';
import { reportStyle } from './report-style.js';
import { isoTime } from './summary.js';

/**
 * The whole file, as text to be written in UTF-8.
 *
 * @param library charts that answer to a pointer. Default: uPlot as it is installed; without it the charts are static
 */
export function reportHtml(data: ReportData, library: ChartLibrary | null = readChartLibrary()): string {
  const times = new ZoneTimes(data.timeZone);
  const overTime = timeCharts(data, times);
  const latency = latencyChart(data);
  const charts = [overTime?.rate, latency, ...(overTime?.gateway ?? [])].filter((chart) => chart != null);
  const sections = [
    numbersSection(data, times),
    servicesSection(data),
    chartsSection(data, times, overTime, latency),
    reasonsSection(data),
    slowSection(data, times),
    runsSection(data, times),
    filesSection(data),
    settingsSection(data),
  ].filter((section) => section !== null);
  const script = library === null || charts.length === 0 ? null : `${library.script}\n${reportScript}`;
  const style = script === null ? reportStyle : `${library?.style}\n${reportStyle}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf(script, style)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="generator" content="peal ${shown(data.madeBy, 40)}">
<title>${shown(data.title, 120)}: campaign report</title>
<link rel="icon" href="data:,">
<style>${inert(style, /<\/style|<!--/i)}</style>
</head>
<body>
<a class="skip" href="#numbers">Skip to the numbers</a>
${headerOf(data, times, sections)}
<main>
${verdictSection(data)}
${sections.map(sectionOf)}
</main>
${footerOf(data, times)}
${
  script === null
    ? null
    : html`<script type="application/json" id="chart-data">${jsonForHtml(embedded(charts))}</script>
<script>${inert(script, /<\/script|<!--/i)}</script>`
}
</body>
</html>
`;
  return page.text;
}

function sectionOf({ id, heading, content }: Section): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${heading}</h2>
${content}
</section>
`;
}

/** What the script draws from. Charts of a group share their axis. */
function embedded(charts: readonly Chart[]): object {
  const groups = Object.fromEntries(charts.map(({ group, x, xWords }) => [group, { x, xWords }]));
  return { version: 1, groups, charts: charts.map(({ x: _, xWords: __, ...chart }) => chart) };
}

/** Only this very script and this very style, and nothing from anywhere. */
function policyOf(script: string | null, style: string): string {
  const scripts = script === null ? "'none'" : hashOf(script);
  return [
    "default-src 'none'",
    `script-src ${scripts}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
}

/** Text of our own and of uPlot, which goes into the page as it is; what would end its element there is refused. */
function inert(text: string, end: RegExp): Html {
  if (end.test(text)) throw new TypeError('the script or style of a report holds the end of its own element');
  return new Html(text);
}

function headerOf({ title, summary }: ReportData, times: ZoneTimes, sections: readonly Section[]): Html {
  const [first, last] = [summary.runs[0], summary.runs.at(-1)];
  const begin = first === undefined ? null : time(first.startMs, times);
  const end = last?.endMs == null ? null : time(last.endMs, times);
  const entries = sections.map(({ id, heading }) => html`<li><a href="#${id}">${heading}</a></li>`);
  return html`<header>
<p class="kind">Campaign report</p>
<h1>${shown(title, 200)}</h1>
<p class="when">${begin ?? 'Not begun yet'}${end === null ? null : html` to ${end}`} (${times.zone})</p>
<nav aria-label="Contents"><ul>${entries}</ul></nav>
</header>`;
}

function time(ms: number, times: ZoneTimes): Html {
  return html`<time datetime="${isoTime(ms) ?? ''}">${times.full(ms)}</time>`;
}

function chartsSection(
  data: ReportData,
  times: ZoneTimes,
  overTime: { readonly rate: Chart; readonly gateway: readonly Chart[] } | null,
  latency: Chart | null,
): Section | null {
  if (overTime === null && latency === null) return null;
  const figures = [
    ...(overTime === null ? [] : [rateFigure(data, overTime.rate, times)]),
    ...(latency === null ? [] : [latencyFigure(data, latency)]),
    ...(overTime === null ? [] : [gatewayFigure(data, overTime.gateway, times)]),
  ];
  return { id: 'charts', heading: 'Charts', content: html`${figures}` };
}

function footerOf({ madeBy, writtenMs }: ReportData, times: ZoneTimes): Html {
  return html`<footer>
<p>Made by peal ${shown(madeBy, 40)} on ${time(writtenMs, times)}. All times are those of ${times.zone}; running time
leaves out the pauses between runs, and sending time also what a run waited for. This file holds no device tokens,
loads nothing and sends nothing.</p>
</footer>`;
}
