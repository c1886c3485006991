/**
 * The charts of a report as figures: what each shows in words, the chart, a slider that reads its values out where
 * scripts run, and a table of its values. Pure.
 */
import { integer, percentage } from '../../base/text.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { latencyWords, rateWords, stopWatch, tight, type ZoneTimes } from './figure-words.js';
import { type Html, html } from './html.js';
import { type Chart, gatewayText, rateText, type TimedPoint, timedPoints } from './report-charts.js';
import type { ReportData } from './report-data.js';
import { tableOf } from './report-section.js';
import { chartSvg, lineSample } from './report-svg.js';

/** Rows of a table of values. */
const maxRows = 40;

export function rateFigure(data: ReportData, chart: Chart, times: ZoneTimes): Html {
  const table = tableOf({
    caption: 'Outcomes per second, in the mean from each time to the next',
    columns: ['Running time (clock)', 'Accepted', 'Rejected', 'Unknown'],
    rows: timedPoints(data, maxRows).map((point) => ({
      name: timeOf(point, times),
      cells: [point.accepted, point.rejected, point.unknown].map((count) => rateWords(count / point.seconds)),
    })),
  });
  return figure({ id: 'rate', title: chart.title, text: rateText(data), charts: [chart], table, hasLegend: true });
}

export function latencyFigure({ latency, summary }: ReportData, chart: Chart): Html {
  const histogram = LatencyHistogram.fromData(latency!);
  const { count } = histogram;
  let below = 0;
  const table = tableOf({
    caption: 'Answers by the time that they took',
    columns: ['Time', 'Answers', 'Share', 'Up to here'],
    rows: histogram.bars(maxRows).map((bar) => {
      below += bar.count;
      return {
        name: `${latencyWords(bar.fromMs)} to ${latencyWords(bar.toMs)}`,
        cells: [integer(bar.count), percentage(bar.count, count), percentage(below, count)],
      };
    }),
  });
  const shares = [
    ['Half', 0.5],
    ['90 %', 0.9],
    ['99 %', 0.99],
    ['99.9 %', 0.999],
  ] as const;
  const found = histogram.percentiles(shares.map(([, share]) => share));
  const within = shares.map(([word], index) => `${word} within ${latencyWords(found[index]!)}`).join(', ');
  const most = latencyWords(histogram.longestMs);
  const said =
    count === 1 ? `The one answer came within ${most}.` : `${within}. All ${integer(count)} answers within ${most}.`;
  const isPart = count < summary.accepted + summary.rejected;
  const text = `${said}${isPart ? ' Answers of which the time is not known are left out.' : ''}`;
  return figure({ id: 'latency', title: chart.title, text, charts: [chart], table, hasLegend: false });
}

export function gatewayFigure(data: ReportData, charts: readonly Chart[], times: ZoneTimes): Html {
  const table = tableOf({
    caption: 'Connections and requests in the mean from each time to the next, and the lowest limit',
    columns: ['Running time (clock)', 'Connections', 'Limit on each', 'In flight'],
    rows: timedPoints(data, maxRows).map((point) => ({
      name: timeOf(point, times),
      cells: [
        Number(point.connections.toFixed(1)),
        point.streamLimit === null ? 'unknown' : integer(point.streamLimit),
        integer(point.inFlight),
      ],
    })),
  });
  const title = 'Connections and stream limits';
  return figure({ id: 'gateway', title, text: gatewayText(data), charts, table, hasLegend: false });
}

function timeOf({ atSeconds, startMs }: TimedPoint, times: ZoneTimes): string {
  return `${stopWatch(atSeconds)} (${times.time(startMs)})`;
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
<figcaption><h3 id="f-${id}">${title}</h3><p>${tight(text)}</p></figcaption>
${hasLegend ? html`<ul class="legend" aria-label="Lines of the chart">${legend}</ul>` : null}
${plots}
<div class="reader"><input type="range" id="r-${id}" min="0" max="0" value="0">
<p><label for="r-${id}">Read the values</label>
<output for="r-${id}">with this slider or on the chart.</output></p></div>
<details><summary>The values as a table</summary>${table}</details>
</figure>`;
}
