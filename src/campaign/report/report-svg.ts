/**
 * The charts as SVG that needs no script: on paper, and where scripts do not run. Lines stretch with the page and
 * text does not, because only the lines lie in a coordinate system of their own. Pure.
 */
import { type Html, html } from './html.js';
import type { Chart, ChartSeries } from './report-charts.js';

/** Height and width of the coordinates of lines. */
const size = 1000;
/** The part of the width that the name of a mark may take. */
const nameShare = 0.12;

export function chartSvg(chart: Chart): Html {
  const { yTicks, xTicks, yMax, marks, height } = chart;
  const grid = yTicks.map(({ at }) => html`<path class="grid" d="M0 ${up(chart, at)}H${size}"/>`);
  const markLines = marks.map(({ at }) => html`<path class="mark" d="M${across(chart, at)} 0V${size}"/>`);
  const drawn =
    chart.kind === 'bars'
      ? [barsOf(chart)]
      : chart.series.flatMap((series, index) => linesOf(chart, series, index === 0));
  const yWords = yTicks.map(
    ({ at, label }) => html`<text class="y" x="100%" y="${percent(1 - at / yMax)}" dx="-8" dy="4">${label}</text>`,
  );
  const xWords = xTicks.map(({ at, label }) => {
    const share = across(chart, at) / size;
    const anchor = share < 0.04 ? 'start' : share > 0.96 ? 'end' : 'middle';
    return html`<text x="${percent(share)}" y="16" text-anchor="${anchor}">${label}</text>`;
  });
  // Within a chart of lines the names would lie on the lines.
  const isAbove = chart.kind !== 'bars' && marks.length > 0;
  let taken = 0;
  const markWords = marks.map(({ at, label }, index) => {
    const share = across(chart, at) / size;
    const isLate = share > 0.88;
    const left = isLate ? share - nameShare : share;
    if (isAbove && left < taken) return html``;
    taken = left + nameShare;
    const [anchor, aside] = isLate ? (['end', -5] as const) : (['start', 5] as const);
    const [dx, y] = isAbove ? [0, -5] : [aside, 12 + index * 15];
    return html`<text class="mark-word" x="${percent(share)}" y="${y}" dx="${dx}"
text-anchor="${anchor}">${label}</text>`;
  });
  return html`<div class="static${isAbove ? ' named' : ''}" aria-hidden="true">
<svg class="y-axis" height="${height}">${yWords}</svg>
<svg class="lines" height="${height}">
<svg viewBox="0 0 ${size} ${size}" preserveAspectRatio="none" width="100%" height="100%">
${grid}${markLines}${drawn}</svg>${markWords}</svg>
<svg class="x-axis" height="22">${xWords}</svg>
</div>`;
}

/** A sample of a line, for the legend. */
export function lineSample({ colour, dashes }: ChartSeries): Html {
  return html`<svg class="sample" width="28" height="10" aria-hidden="true">
<path class="line ${colour}" d="M1 5H27"${dashArray(dashes)}/></svg>`;
}

function linesOf(chart: Chart, { colour, dashes, values }: ChartSeries, isFilled: boolean): Html[] {
  const stretches: (readonly (readonly [number, number])[])[] = [];
  let stretch: [number, number][] = [];
  for (const [at, value] of [...values, null].entries()) {
    if (value !== null && value !== undefined) stretch.push([across(chart, chart.x[at]!), up(chart, value)]);
    else if (stretch.length > 0) {
      stretches.push(stretch);
      stretch = [];
    }
  }
  const path = stretches.map(pathOf).join('');
  const area = stretches.map((each) => `${pathOf(each)}V${size}H${each[0]![0]}Z`).join('');
  return [
    ...(isFilled ? [html`<path class="area ${colour}" d="${area}"/>`] : []),
    html`<path class="line ${colour}" d="${path}"${dashArray(dashes)}/>`,
  ];
}

/** One point alone is a short line, so that it is seen. */
function pathOf(stretch: readonly (readonly [number, number])[]): string {
  const [[firstX, firstY]] = stretch as [readonly [number, number]];
  if (stretch.length === 1) return `M${Math.max(0, firstX - 8)} ${firstY}H${Math.min(size, firstX + 8)}`;
  return stretch.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`).join('');
}

function barsOf(chart: Chart): Html {
  const { x, series } = chart;
  const { values, colour } = series[0]!;
  const bars = values.flatMap((value, index) => {
    const [from, to] = [x[index], x[index + 1]];
    if (value === null || value === 0 || from === undefined || to === undefined) return [];
    const [left, right] = [across(chart, from), across(chart, to)];
    const top = Math.min(up(chart, value), size - 4);
    return [`M${left} ${size}V${top}H${tenths(right - Math.min(2, (right - left) / 5))}V${size}Z`];
  });
  return html`<path class="bar ${colour}" d="${bars.join('')}"/>`;
}

function dashArray(dashes: readonly number[]): Html {
  return dashes.length === 0 ? html`` : html` stroke-dasharray="${dashes.join(' ')}"`;
}

function across({ xRange: [from, to] }: Chart, at: number): number {
  return tenths(((at - from) / (to - from)) * size);
}

function up({ yMax }: Chart, value: number): number {
  return tenths((1 - Math.min(1, value / yMax)) * size);
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function percent(share: number): string {
  return `${tenths(share * 100)}%`;
}
