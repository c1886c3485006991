/**
 * The charts of a report as data: what is drawn, on which scales, with which words beside it. Drawn twice from the
 * same data, as SVG without a script (report-svg) and by uPlot where scripts run (report-script). Pure.
 */

import { integer, percentage } from '../../base/text.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { latencyWords, rateWords, stopWatch, type ZoneTimes } from './figure-words.js';
import type { ReportData } from './report-data.js';
import { answeredIn, joinPoints, pointsOf, type SeriesPoint } from './series-points.js';

interface Tick {
  readonly at: number;
  readonly label: string;
}

export interface ChartSeries {
  readonly label: string;
  /** A name among the colours of the report. */
  readonly colour: string;
  /** Lengths of dashes and gaps; empty: a solid line. A line is told by its dashes as well as by its colour. */
  readonly dashes: readonly number[];
  /** One for each `x`; null: a gap. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly id: string;
  readonly kind: 'lines' | 'bars';
  /** Charts of one group have the same `x`, and show the values at one place of it. */
  readonly group: string;
  readonly title: string;
  readonly height: number;
  /** Rising. Bars: the lower ends, and behind them the upper end of the last, for which there is no value. */
  readonly x: readonly number[];
  /** What each `x` is, in words; '' where there is nothing to read. */
  readonly xWords: readonly string[];
  readonly xRange: readonly [number, number];
  readonly yMax: number;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  /** What a value counts, after the number. */
  readonly unit: string;
  readonly series: readonly ChartSeries[];
  /** Vertical lines with a word. */
  readonly marks: readonly Tick[];
}

/** Points of a line. */
const maxLinePoints = 640;
const maxBars = 60;

/** A point of the series with its running time. */
export interface TimedPoint extends SeriesPoint {
  readonly atSeconds: number;
}

/**
 * The series of a report; empty where nothing was sent.
 *
 * @param maxPoints neighbours are joined until there are no more. Default: as it is
 */
export function timedPoints({ series }: ReportData, maxPoints = Number.POSITIVE_INFINITY): TimedPoint[] {
  let atSeconds = 0;
  return joinPoints(series === null ? [] : pointsOf(series.points), maxPoints)
    .filter(({ seconds }) => seconds > 0)
    .map((point) => {
      const timed = { ...point, atSeconds };
      atSeconds += point.seconds;
      return timed;
    });
}

/** Rate, connections, stream limits and requests in flight over running time; none where no time has passed. */
export function timeCharts(
  data: ReportData,
  times: ZoneTimes,
): { readonly rate: Chart; readonly gateway: Chart[] } | null {
  const points = timedPoints(data, maxLinePoints);
  const last = points.at(-1);
  if (last === undefined) return null;
  const end = last.atSeconds + last.seconds;
  const rows = rowsOf(points);
  const x = rows.map(({ at }) => Math.round(at * 1000) / 1000);
  const xWords = rows.map(({ point, isRead }) =>
    isRead && point !== null ? `${stopWatch(point.atSeconds)} (${times.time(point.startMs)})` : '',
  );
  const line = (
    label: string,
    colour: string,
    dashes: number[],
    read: (point: TimedPoint) => number | null,
  ): ChartSeries => ({
    label,
    colour,
    dashes,
    values: rows.map(({ point }) => (point === null ? null : significant(read(point)))),
  });
  const perSecond = (
    label: string,
    colour: string,
    dashes: number[],
    read: (point: TimedPoint) => number,
  ): ChartSeries => line(label, colour, dashes, (point) => read(point) / point.seconds);
  const chart = (id: string, title: string, height: number, unit: string, series: readonly ChartSeries[]): Chart => {
    const yTicks = linearTicks(highest(series), unit === '/s' ? 0 : 1);
    return {
      id,
      kind: 'lines',
      group: 'time',
      title,
      height,
      x,
      xWords,
      xRange: [0, end],
      yMax: yTicks.at(-1)!.at,
      xTicks: timeTicks(end),
      yTicks,
      unit,
      series,
      marks: runMarks(points),
    };
  };
  const rates = [
    perSecond('Accepted', 'accepted', [], ({ accepted }) => accepted),
    perSecond('Rejected', 'rejected', [7, 4], ({ rejected }) => rejected),
    perSecond('Unknown', 'unknown', [2, 3], ({ unknown }) => unknown),
  ];
  const hasPace = points.some(({ pace }) => pace !== null);
  const pace = hasPace ? [line('Allowed rate', 'limit', [12, 3, 2, 3], (point) => point.pace)] : [];
  return {
    rate: chart('rate', 'Outcomes per second', 260, '/s', [...rates, ...pace]),
    gateway: [
      chart('connections', 'Open connections', 110, '', [
        line('Connections', 'accepted', [], ({ connections }) => connections),
      ]),
      chart('limit', 'Requests that the gateway allows at a time on each', 110, '', [
        line('Stream limit', 'limit', [], ({ streamLimit }) => streamLimit),
      ]),
      chart('in-flight', 'Requests that wait for their answers, on all', 110, '', [
        line('In flight', 'unknown', [], ({ inFlight }) => inFlight),
      ]),
    ],
  };
}

/** A place on the axis of time; without a point, the line is broken there. */
interface Row {
  readonly at: number;
  readonly point: TimedPoint | null;
  /** Whether its values can be read out: not those that only draw a line to the end of its run. */
  readonly isRead: boolean;
}

/** Each point in the middle of its time; the line of a run goes from its beginning to its end. */
function rowsOf(points: readonly TimedPoint[]): Row[] {
  return points.flatMap((point, index) => {
    const [before, behind] = [points[index - 1], points[index + 1]];
    const end = point.atSeconds + point.seconds;
    const rows: Row[] = [{ at: point.atSeconds + point.seconds / 2, point, isRead: true }];
    if (before?.run !== point.run) rows.unshift({ at: point.atSeconds, point, isRead: false });
    if (behind?.run !== point.run) rows.push({ at: end, point, isRead: false });
    if (behind !== undefined && behind.run !== point.run) rows.push({ at: end, point: null, isRead: false });
    return rows;
  });
}

/** How long answers took, on a logarithmic axis; null where none was timed. */
export function latencyChart({ latency }: ReportData): Chart | null {
  const histogram = latency === null ? null : LatencyHistogram.fromData(latency);
  const bars = histogram?.bars(maxBars) ?? [];
  const [first, last] = [bars[0], bars.at(-1)];
  if (histogram === null || first === undefined || last === undefined) return null;
  const { count } = histogram;
  const [p50, p90, p99, p999] = histogram
    .percentiles([0.5, 0.9, 0.99, 0.999])
    .map((ms) => Math.log10(Math.max(ms!, first.fromMs)));
  const series = [
    { label: 'Answers', colour: 'accepted', dashes: [], values: [...bars.map((bar) => bar.count), null] },
  ];
  const yTicks = linearTicks(highest(series), 1);
  const spread = Math.max(0.02, (Math.log10(last.toMs) - Math.log10(first.fromMs)) * 0.02);
  const xRange = [Math.log10(first.fromMs) - spread, Math.log10(last.toMs) + spread] as const;
  return {
    id: 'latency',
    kind: 'bars',
    group: 'latency',
    title: 'Time from dispatch to answer',
    height: 240,
    x: [...bars, { fromMs: last.toMs }].map(({ fromMs }) => significant(Math.log10(fromMs), 6)!),
    xWords: [
      ...bars.map(
        (bar) => `${latencyWords(bar.fromMs)} to ${latencyWords(bar.toMs)} (${percentage(bar.count, count)} of all)`,
      ),
      '',
    ],
    xRange,
    yMax: yTicks.at(-1)!.at,
    xTicks: logTicks(xRange),
    yTicks,
    unit: ' answers',
    series,
    marks: merged([
      { at: p50!, label: '50 %' },
      { at: p90!, label: '90 %' },
      { at: p99!, label: '99 %' },
      { at: p999!, label: '99.9 %' },
    ]),
  };
}

/** Marks at one place are one mark with the names of the first and the last. */
function merged(marks: readonly Tick[]): Tick[] {
  const places = [...new Set(marks.map(({ at }) => at))];
  return places.map((at) => {
    const here = marks.filter((mark) => mark.at === at);
    const [first, last] = [here[0]!.label, here.at(-1)!.label];
    return { at, label: here.length === 1 ? first : `${first.replace(' %', '')} to ${last}` };
  });
}

/** Where a new run begins. With very many runs the marks would hide the lines. */
function runMarks(points: readonly TimedPoint[]): Tick[] {
  const starts = points.filter((point, index) => index > 0 && points[index - 1]!.run !== point.run);
  return starts.length > 12 ? [] : starts.map(({ run, atSeconds }) => ({ at: atSeconds, label: `run ${run + 1}` }));
}

function highest(series: readonly ChartSeries[]): number {
  return series.reduce((most, { values }) => values.reduce<number>((max, value) => Math.max(max, value ?? 0), most), 0);
}

/** Four digits are more than a pixel tells. */
function significant(value: number | null, digits = 4): number | null {
  if (value === null || Number.isInteger(value)) return value;
  return Number(value.toPrecision(digits));
}

/** From 0 to at least `max`, in at most five steps of 1, 2 or 5 times a power of ten. */
export function linearTicks(max: number, minStep: number): Tick[] {
  const rough = max > 0 ? Math.max(max / 5, 1e-6) : 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(minStep, power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!);
  const steps = Math.max(1, Math.ceil(max / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, index) => {
    const at = Number((index * step).toPrecision(12));
    return { at, label: tickLabel(at, step, steps * step) };
  });
}

function tickLabel(at: number, step: number, top: number): string {
  if (at === 0) return '0';
  if (top >= 1e6) return `${Number((at / 1e6).toPrecision(4))} M`;
  return step < 1 ? String(Number(at.toPrecision(3))) : integer(at);
}

const timeSteps = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

export function timeTicks(end: number): Tick[] {
  const step = timeSteps.find((each) => end / each <= 6) ?? end / 6;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, index) => {
    const at = Number((index * step).toPrecision(12));
    return { at, label: timeLabel(at, step, end) };
  });
}

/** Seconds below a second's step, hours from an hour on, and otherwise as on a stop watch. */
function timeLabel(at: number, step: number, end: number): string {
  if (step < 1) return `${at} s`;
  if (step >= 3600) return `${Number((at / 3600).toFixed(1))} h`;
  if (end < 3600) return stopWatch(at);
  const minutes = Math.floor(at / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`;
}

/** Ticks at round times, for logarithms of milliseconds. */
export function logTicks([from, to]: readonly [number, number]): Tick[] {
  const [fromMs, toMs] = [10 ** from, 10 ** to];
  const factors = to - from > 4 ? [1] : to - from > 2.2 ? [1, 3] : [1, 2, 5];
  const decades = Array.from({ length: Math.ceil(to) - Math.floor(from) + 1 }, (_, index) => Math.floor(from) + index);
  let values = decades.flatMap((decade) => factors.map((factor) => factor * 10 ** decade));
  if (to - from < 0.8) {
    const step = linearTicks(toMs - fromMs, 0)[1]!.at;
    const first = Math.ceil(fromMs / step - 1e-9);
    values = Array.from({ length: Math.floor(toMs / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
  }
  return values
    .filter((ms) => ms >= fromMs * (1 - 1e-9) && ms <= toMs * (1 + 1e-9))
    .map((ms) => ({ at: Math.log10(ms), label: latencyWords(Number(ms.toPrecision(6))) }));
}

/** What the chart of rates shows, in a sentence or two. */
export function rateText(data: ReportData): string {
  const points = timedPoints(data);
  const rated = points.map((point) => ({ point, perSecond: answeredIn(point) / point.seconds }));
  if (rated.length === 0) return 'Nothing was sent yet.';
  const best = rated.reduce((most, each) => (each.perSecond > most.perSecond ? each : most));
  const sorted = rated.map(({ perSecond }) => perSecond).toSorted((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const drawn = timedPoints(data, maxLinePoints);
  const each = (drawn.at(-1)!.atSeconds + drawn.at(-1)!.seconds) / drawn.length;
  const means = each > 1.5 ? ` Each point of the line is the mean of ${each.toFixed(each < 10 ? 1 : 0)} seconds.` : '';
  const most = `at most ${rateWords(best.perSecond)}, after ${stopWatch(best.point.atSeconds)} of running time`;
  return `Half of the time ${rateWords(middle)} or more; ${most}.${means}`;
}

/** What the charts of connections show, in a sentence or two. */
export function gatewayText(data: ReportData): string {
  const points = timedPoints(data);
  const connections = points.map((point) => point.connections);
  const limits = points.map((point) => point.streamLimit).filter((limit) => limit !== null);
  const inFlight = Math.max(0, ...points.map((point) => point.inFlight));
  const spread = rangeWords(
    points.map((point) => point.fewestConnections).concat(connections.map(Math.round)),
    'connection was open',
    'connections were open',
  );
  const allowed =
    limits.length === 0
      ? 'The gateway did not say how many requests it allows at a time.'
      : `The gateway allowed ${rangeText(limits)} requests at a time on each.`;
  // Looked at now and then: a short campaign may be over between two looks.
  const waited =
    inFlight === 0
      ? ''
      : ` At most ${integer(inFlight)} waited for ${inFlight === 1 ? 'its answer' : 'their answers'}.`;
  return `${spread} ${allowed}${waited}`;
}

function rangeText(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? integer(most) : `${integer(least)} to ${integer(most)}`;
}

function rangeWords(values: readonly number[], one: string, many: string): string {
  const isOne = values.every((value) => value === 1);
  return `${rangeText(values)} ${isOne ? one : many}.`;
}
