/**
 * Runs a benchmark: every case once in each round, so that the noise of a machine hits all alike; then prints a table
 * of medians and spreads, and writes a report as JSON and a plot as SVG beside it. Called by the main file of a
 * benchmark.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchOptions } from './bench-options.js';
import { canPlot, drawPlot, installPlots, type PlotSpecification } from './plot.js';
import {
  type Comparison,
  currentConditions,
  type Metric,
  type Parameters,
  type Report,
  type Row,
  RowCollector,
  type Skipped,
  type Values,
} from './report.js';
import { reportText } from './report-table.js';

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
  const measured = await measureAll(benchmark, options.rounds, output);
  const rows = measured.map((row): Row => (benchmark.inTable?.(row) === false ? { ...row, isDetail: true } : row));
  const report: Report = {
    benchmark: benchmark.name,
    title: benchmark.title,
    conditions: currentConditions(startedAt),
    ...{ rounds: options.rounds, quick: options.quick, parameters: benchmark.parameters },
    ...{ metrics: benchmark.metrics, comparison: benchmark.comparison ?? null, rows },
    ...{ skipped: benchmark.skipped ?? [], notes: benchmark.notes ?? [] },
  };
  output.print(`\n${reportText(report)}`);
  await write(report, benchmark.plot, options, output);
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

async function write(
  report: Report,
  plot: PlotSpecification | null,
  { jsonFile, svgFile }: BenchOptions,
  { print }: Console,
): Promise<void> {
  mkdirSync(path.dirname(jsonFile), { recursive: true });
  writeFileSync(jsonFile, `${reportJson(report)}\n`);
  print(`\nReport: ${jsonFile}`);
  if (plot === null) return;
  if (!canPlot()) {
    print(`No plot was drawn, because vega and vega-lite are not installed: ${installPlots}`);
    return;
  }
  mkdirSync(path.dirname(svgFile), { recursive: true });
  writeFileSync(svgFile, await drawPlot(report, plot));
  print(`Plot: ${svgFile}`);
}

/** JSON with one row on a line. */
function reportJson({ rows, ...rest }: Report): string {
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  return `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "rows": [\n${lines}\n  ]\n}`;
}
