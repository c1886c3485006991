/** What a benchmark has measured, in the form of its JSON file: conditions, every sample, medians and spreads. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { benchFolder } from './repository.js';
import { median, range } from './statistics.js';

/** What tells the rows of a contender from each other: `{ inFlight: 100 }`. */
export type Parameters = Readonly<Record<string, string | number>>;

/** One figure of each metric. A figure that does not exist is left out. */
export type Values = Readonly<Record<string, number>>;

export interface Figure {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  /** One of each round. */
  readonly samples: readonly number[];
}

export interface Row {
  readonly contender: string;
  readonly parameters: Parameters;
  readonly figures: Readonly<Record<string, Figure>>;
  /** The row is for the plot, and not in the table. */
  readonly isDetail?: true;
}

export interface Metric {
  /** With its unit: "CPU µs each". */
  readonly title: string;
  /** Digits behind the point in the table. */
  readonly digits: number;
  /** Whether the table has a column with the lowest and the highest value, too. */
  readonly hasSpread?: boolean;
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

export interface Skipped {
  readonly contender: string;
  readonly why: string;
}

/** Where and on what the figures were measured. */
export interface Conditions {
  /** Null outside of a checkout. Ends with "+changes" if files differ from it. */
  readonly commit: string | null;
  readonly node: string;
  readonly cpu: { readonly model: string; readonly count: number };
  readonly memoryBytes: number;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface Report {
  readonly benchmark: string;
  readonly title: string;
  readonly conditions: Conditions;
  readonly rounds: number;
  readonly quick: boolean;
  /** What holds for all rows: counts, payload sizes, options. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** In the order of the table's columns. */
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly comparison: Comparison | null;
  readonly rows: readonly Row[];
  readonly skipped: readonly Skipped[];
  /** Sentences under the table. */
  readonly notes: readonly string[];
}

export function currentConditions(startedAt: Date): Conditions {
  const all = cpus();
  return {
    commit: currentCommit(),
    node: process.version,
    cpu: { model: all[0]?.model.trim() ?? 'unknown', count: all.length },
    memoryBytes: totalmem(),
    startedAt: startedAt.toISOString(),
  };
}

/** Gathers samples into rows, in the order in which the rows first appear. */
export class RowCollector {
  readonly #rows = new Map<string, { contender: string; parameters: Parameters; samples: Map<string, number[]> }>();

  add(contender: string, parameters: Parameters, values: Values): void {
    const key = JSON.stringify([contender, parameters]);
    const row = this.#rows.get(key) ?? { contender, parameters, samples: new Map<string, number[]>() };
    this.#rows.set(key, row);
    for (const [metric, value] of Object.entries(values)) {
      const samples = row.samples.get(metric) ?? [];
      row.samples.set(metric, samples);
      samples.push(value);
    }
  }

  rows(): Row[] {
    return [...this.#rows.values()].map(({ contender, parameters, samples }) => ({
      contender,
      parameters,
      figures: Object.fromEntries([...samples].map(([metric, values]) => [metric, figureOf(values)])),
    }));
  }
}

/** Six digits that count, so that checked-in reports stay small. */
function figureOf(samples: readonly number[]): Figure {
  const [lowest, highest] = range(samples);
  return {
    median: rounded(median(samples)),
    lowest: rounded(lowest),
    highest: rounded(highest),
    samples: samples.map(rounded),
  };
}

const rounded = (value: number): number => (Number.isSafeInteger(value) ? value : Number(value.toPrecision(6)));

function currentCommit(): string | null {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: benchFolder('.'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no', '--', ':/', ':!/bench/reference');
    return `${git('rev-parse', '--short=12', 'HEAD')}${changes === '' ? '' : '+changes'}`;
  } catch {
    return null;
  }
}
