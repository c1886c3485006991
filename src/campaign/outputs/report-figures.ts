/**
 * The charts of a report as figures: what each shows in words, the chart, a slider that reads its values out where scripts
 * run, and a table of its values. Pure.
 */

import { integer, percentage } from '../../base/text.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { type Html, html } from './html.js';
import { type Chart, gatewayText, rateText, timedPoints } from './report-charts.js';
import type { ReportData } from './report-data.js';
import { chartSvg, lineSample } from './report-svg.js';
import { latencyWords, rateWords, stopWatch, type ZoneTimes } from './report-words.js';

/** Rows of a table of values over time. */
const maxRows = 40;

export function rateFigure(data: ReportData, chart: Chart, times: ZoneTimes): Html {
  const points = timedPoints(data, maxRows);
  const rows = points.map(
    ({
      atSeconds,
      startMs,
      seconds,
      accepted,
      rejected,
      unknown,
    }) => html`<tr><th scope="row">${stopWatch(atSeconds)}</th><td>${times.time(startMs)}</td>
<td class="number">${rateWords(accepted / seconds)}</td><td class="number">${rateWords(rejected / seconds)}</td><td class="number">${rateWords(unknown / seconds)}</td></tr>`,
  );
  const table = html`<table><caption>Outcomes per second, means from each time to the next</caption>
<thead><tr><th scope="col">Running time</th><th scope="col">Clock</th><th scope="col" class="number">Accepted</th><th scope="col" class="number">Rejected</th><th scope="col" class="number">Unknown</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  return figure({ id: 'rate', title: chart.title, text: rateText(data), charts: [chart], table, hasLegend: true });
}

export function latencyFigure({ latency, summary }: ReportData, chart: Chart): Html {
  const histogram = LatencyHistogram.fromData(latency!);
  const { count } = histogram;
  let below = 0;
  const bars = histogram.bars(maxRows).map((bar) => {
    below += bar.count;
    return html`<tr><th scope="row">${latencyWords(bar.fromMs)} to ${latencyWords(bar.toMs)}</th>
<td class="number">${integer(bar.count)}</td><td class="number">${percentage(bar.count, count)}</td><td class="number">${percentage(below, count)}</td></tr>`;
  });
  const table = html`<table><caption>Answers by the time that they took</caption>
<thead><tr><th scope="col">Time</th><th scope="col" class="number">Answers</th><th scope="col" class="number">Share</th><th scope="col" class="number">Up to here</th></tr></thead>
<tbody>${bars}</tbody></table>`;
  const shares = [
    ['Half', 0.5],
    ['90 %', 0.9],
    ['99 %', 0.99],
    ['99.9 %', 0.999],
  ] as const;
  const found = histogram.percentiles(shares.map(([, share]) => share));
  const within = shares.map(([word], index) => `${word} within ${latencyWords(found[index]!)}`).join(', ');
  const all = count === 1 ? 'The one answer' : `All ${integer(count)} answers`;
  const longest = `${all} within ${latencyWords(histogram.longestMs)}.`;
  const isPart = count < summary.accepted + summary.rejected;
  const text = `${within}. ${longest}${isPart ? ' Answers of which the time is not known are left out.' : ''}`;
  return figure({ id: 'latency', title: chart.title, text, charts: [chart], table, hasLegend: false });
}

export function gatewayFigure(data: ReportData, charts: readonly Chart[], times: ZoneTimes): Html {
  const points = timedPoints(data, maxRows);
  const rows = points.map(
    ({
      atSeconds,
      startMs,
      connections,
      fewestConnections,
      streamLimit,
      inFlight,
    }) => html`<tr><th scope="row">${stopWatch(atSeconds)}</th><td>${times.time(startMs)}</td>
<td class="number">${Number(connections.toFixed(1))}</td><td class="number">${fewestConnections}</td><td class="number">${streamLimit === null ? 'unknown' : integer(streamLimit)}</td><td class="number">${integer(inFlight)}</td></tr>`,
  );
  const table = html`<table><caption>Connections and requests, from each time to the next</caption>
<thead><tr><th scope="col">Running time</th><th scope="col">Clock</th><th scope="col" class="number">Connections, mean</th><th scope="col" class="number">fewest</th><th scope="col" class="number">Lowest limit on each</th><th scope="col" class="number">In flight, mean</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  const title = 'Connections and stream limits';
  return figure({ id: 'gateway', title, text: gatewayText(data), charts, table, hasLegend: false });
}

interface Figure {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly charts: readonly Chart[];
  readonly table: Html;
  readonly hasLegend: boolean;
}

function figure({ id, title, text, charts, table, hasLegend }: Figure): Html {
  const legend = charts
    .flatMap(({ series }) => series)
    .map((each) => html`<li>${lineSample(each)}<span>${each.label}</span></li>`);
  const plots = charts.map(
    (
      chart,
    ) => html`<div class="plot" data-chart="${chart.id}">${charts.length > 1 ? html`<h4>${chart.title}</h4>` : null}
${chartSvg(chart)}<div class="live" aria-hidden="true"></div></div>`,
  );
  return html`<figure aria-labelledby="f-${id}">
<figcaption><h3 id="f-${id}">${title}</h3><p>${text}</p></figcaption>
${hasLegend ? html`<ul class="legend" aria-label="Lines of the chart">${legend}</ul>` : null}
${plots}
<div class="reader"><label for="r-${id}">Read the values at</label><input type="range" id="r-${id}" min="0" max="0" value="0"><output for="r-${id}"></output></div>
<details><summary>The values as a table</summary>${table}</details>
</figure>`;
}
