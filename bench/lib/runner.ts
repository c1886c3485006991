/**
 * Runs a benchmark: every case once in each round, so that the noise of a machine hits all alike; then prints a table of
 * medians and spreads, and writes a report as JSON and a plot as SVG beside it. Called by the main file of a benchmark.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchOptions } from './bench-options.js';
import { canPlot, drawPlot, installPlots, type PlotSpecification } from './plot.js';
import {
  currentConditions,
  type Parameters,
  type Report,
  type Row,
  RowCollector,
  type Skipped,
  type Values,
} from './report.js';
import { median } from './statistics.js';
import { table } from './table.js';

export interface Metric {
  /** With its unit: "CPU µs each". */
  readonly title: string;
  /** Digits behind the point in the table. */
  readonly digits: number;
  /** Whether the table has a column with the lowest and the highest value, too. */
  readonly hasSpread?: boolean;
}

/** One contender under one set of parameters. */
export interface Case {
  readonly contender: string;
  readonly parameters: Parameters;
  /**
   * Measures once. Throws if the run did not do its work: a figure of a run that failed is not a figure. What measures
   * several rows at a time (the growth over the seconds of one run) returns a list of them.
   */
  measure(round: number): Promise<Values | readonly Sample[]>;
}

/** A row of a case that measures several at a time. */
export interface Sample {
  /** Added to the parameters of the case. */
  readonly parameters: Parameters;
  readonly values: Values;
}

/** A column of ratios to another row of the table. */
export interface Comparison {
  /** "cheaper by". */
  readonly title: string;
  /** The rows that others are compared with: the first of these contenders that has the same `by`. */
  readonly contenders: readonly string[];
  /** Names of the parameters that have to be the same. */
  readonly by: readonly string[];
  /** The figure of the other row is divided by that of the row, round by round. */
  readonly metric: string;
}

export interface Benchmark {
  /** Name of the npm script without `bench:`. */
  readonly name: string;
  readonly title: string;
  /** What holds for all cases. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** In the order of the table's columns. */
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly comparison?: Comparison;
  readonly cases: readonly Case[];
  readonly skipped?: readonly Skipped[];
  /** Null where a table says more. */
  readonly plot: PlotSpecification | null;
  /** Sentences under the table. */
  readonly notes?: readonly string[];
  /** Rows of the table; by default all. The report holds all rows. */
  inTable?(row: Row): boolean;
}

/** Where the runner talks. */
export interface Console {
  /** Results. */
  print(text: string): void;
  /** What is being measured. */
  progress(line: string): void;
}

const terminal: Console = {
  print: (text) => console.log(text),
  progress: (line) => process.stderr.write(`${line}\n`),
};

/** Runs it, prints and writes. Returns the report. */
export async function runBenchmark(benchmark: Benchmark, options: BenchOptions, output = terminal): Promise<Report> {
  const startedAt = new Date();
  for (const { contender, why } of benchmark.skipped ?? []) output.progress(`${contender} is left out: ${why}`);
  const rows = await measureAll(benchmark, options.rounds, output);
  const report: Report = {
    benchmark: benchmark.name,
    title: benchmark.title,
    conditions: currentConditions(startedAt),
    ...{ rounds: options.rounds, quick: options.quick, parameters: benchmark.parameters },
    metrics: Object.fromEntries(Object.entries(benchmark.metrics).map(([name, { title }]) => [name, title])),
    rows,
    skipped: benchmark.skipped ?? [],
  };
  output.print(`\n${reportTable(benchmark, report)}`);
  await write(report, benchmark.plot, options.jsonFile, output);
  return report;
}

/** Odd rounds forwards and even rounds backwards, so that no case always follows the same one. */
async function measureAll({ name, cases }: Benchmark, rounds: number, { progress }: Console): Promise<Row[]> {
  const collector = new RowCollector();
  for (let round = 1; round <= rounds; round++) {
    for (const one of round % 2 === 1 ? cases : cases.toReversed()) {
      progress(
        `${name}, round ${round} of ${rounds}: ${[one.contender, ...parametersText(one.parameters)].join(', ')}`,
      );
      const measured = await one.measure(round);
      for (const { parameters, values } of samplesOf(measured)) {
        collector.add(one.contender, { ...one.parameters, ...parameters }, values);
      }
    }
  }
  return collector.rows();
}

function samplesOf(measured: Values | readonly Sample[]): readonly Sample[] {
  return Array.isArray(measured) ? measured : [{ parameters: {}, values: measured as Values }];
}

const parametersText = (parameters: Parameters): string[] =>
  Object.entries(parameters).map(([name, value]) => `${name} ${value}`);

/** The title, the conditions, the table and its notes. */
function reportTable(benchmark: Benchmark, report: Report): string {
  const { cpu, node, commit } = report.conditions;
  const rows = report.rows.filter((row) => benchmark.inTable?.(row) ?? true);
  const names = [...new Set(rows.flatMap(({ parameters }) => Object.keys(parameters)))];
  const metrics = Object.entries(benchmark.metrics);
  const head = [
    'contender',
    ...names.map(columnTitle),
    ...metrics.flatMap(([, { title, hasSpread }]) => (hasSpread ? [title, 'range'] : [title])),
    ...(benchmark.comparison === undefined ? [] : [benchmark.comparison.title]),
  ];
  const lines = rows.map(({ contender, parameters, figures }, index) => [
    contender,
    ...names.map((name) => cellText(parameters[name])),
    ...metrics.flatMap(([name, { digits, hasSpread }]) => {
      const figure = figures[name];
      if (figure === undefined) return hasSpread ? ['–', ''] : ['–'];
      const range = `${number(figure.lowest, digits)}–${number(figure.highest, digits)}`;
      return [number(figure.median, digits), ...(hasSpread ? [range] : [])];
    }),
    ...(benchmark.comparison === undefined ? [] : [ratioText(benchmark.comparison, rows[index]!, rows)]),
  ]);
  const { rounds } = report;
  return [
    benchmark.title,
    `${cpu.model}, ${cpu.count} cores, Node ${node}, commit ${commit ?? 'unknown'}; ` +
      `${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}${report.quick ? ', quick: not a measurement' : ''}`,
    '',
    table(head, lines),
    ...(benchmark.notes === undefined ? [] : ['', ...benchmark.notes]),
    ...report.skipped.map(({ contender, why }) => `Left out: ${contender}. ${why}`),
  ].join('\n');
}

/** The median of the ratios of each round, because a machine may be slower in the next. */
function ratioText({ contenders, by, metric }: Comparison, row: Row, rows: readonly Row[]): string {
  const others = rows.filter(({ parameters }) => by.every((name) => parameters[name] === row.parameters[name]));
  const other = contenders.flatMap((name) => others.filter(({ contender }) => contender === name))[0];
  const [own, reference] = [row.figures[metric]?.samples, other?.figures[metric]?.samples];
  if (own === undefined || reference === undefined || own.length !== reference.length) return '–';
  const ratio = median(own.map((value, round) => reference[round]! / value));
  return `${number(ratio, ratio < 10 ? 1 : 0)} x`;
}

/** `inFlight` becomes "in flight". */
const columnTitle = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const cellText = (value: string | number | undefined): string =>
  typeof value === 'number' ? value.toLocaleString('en-US') : (value ?? '');

export const number = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

async function write(
  report: Report,
  plot: PlotSpecification | null,
  jsonFile: string,
  { print }: Console,
): Promise<void> {
  mkdirSync(path.dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${reportText(report)}\n`);
  print(`\nReport: ${jsonFile}`);
  if (plot === null) return;
  if (!canPlot()) {
    print(`No plot was drawn, because vega and vega-lite are not installed: ${installPlots}`);
    return;
  }
  const svgFile = jsonFile.replace(/(\.json)?$/, '.svg');
  writeFileSync(svgFile, await drawPlot(report, plot));
  print(`Plot: ${svgFile}`);
}

/** JSON with one row on a line. */
function reportText({ rows, ...rest }: Report): string {
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  return `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "rows": [\n${lines}\n  ]\n}`;
}
