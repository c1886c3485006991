/**
 * Runs fuzz cases of many seeds and keeps the books: how each ended, what failed, how far the heap grew. Called on the
 * main thread for few cases, on workers for many.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { runBinaryCase } from './binary-case.js';
import { runHpackCase } from './hpack-case.js';
import { runHttp2Case } from './http2-case.js';
import { runSplitCase } from './split-case.js';

export interface FuzzPlan {
  /** The first seed, how many seeds, and the distance between two: threads take turns. */
  readonly from: number;
  readonly count: number;
  readonly step: number;
}

export interface FuzzFailure {
  readonly seed: number;
  readonly kind: string;
  readonly message: string;
}

export interface FuzzReport {
  /** Conversations over HTTP/2: one for each seed. */
  conversations: number;
  /** Besides: conversations in different pieces, cases of the HPACK decoder and of the binary decoders. */
  others: number;
  /** Cases by how they ended. */
  readonly verdicts: Map<string, number>;
  readonly failures: FuzzFailure[];
  /** The most that heap and buffers grew after the first cases, in bytes, garbage collected. */
  grownBytes: number;
}

/** Every so many seeds come with one case of this kind. */
const hpackEvery = 4;
const splitEvery = 32;
const binaryEvery = 8;
const maxFailures = 10;
const casesPerLook = 25_000;

export function emptyReport(): FuzzReport {
  return { conversations: 0, others: 0, verdicts: new Map(), failures: [], grownBytes: 0 };
}

/** Adds the books of `part` to `report`. */
export function addReport(report: FuzzReport, part: FuzzReport): void {
  report.conversations += part.conversations;
  report.others += part.others;
  for (const [verdict, count] of part.verdicts) tally(report, verdict, count);
  report.failures.push(...part.failures);
  report.grownBytes = Math.max(report.grownBytes, part.grownBytes);
}

/** Runs all cases of a plan, or until too many have failed. `onSeed` is told which seed comes next. */
export function runFuzz(plan: FuzzPlan, onSeed: (seed: number) => void = () => {}): FuzzReport {
  const report = emptyReport();
  const memory = new MemoryLook();
  // Errors are made by the hundred thousand here, and where they were made is not read.
  const { stackTraceLimit } = Error;
  if (plan.count > 1) Error.stackTraceLimit = 0;
  for (let i = 0; i < plan.count && report.failures.length < maxFailures; i++) {
    const seed = plan.from + i * plan.step;
    onSeed(seed);
    runCase(report, 'HTTP/2', seed, runHttp2Case);
    report.conversations++;
    if (seed % hpackEvery === 0) runCase(report, 'HPACK', seed, runHpackCase);
    if (seed % splitEvery === 2) runCase(report, 'split', seed, runSplitCase);
    if (seed % binaryEvery === 0) runCase(report, 'binary', seed, runBinaryCase);
    if ((i + 1) % casesPerLook === 0) report.grownBytes = memory.look();
  }
  Error.stackTraceLimit = stackTraceLimit;
  return report;
}

function runCase(report: FuzzReport, kind: string, seed: number, run: (seed: number) => string): void {
  if (kind !== 'HTTP/2') report.others++;
  try {
    tally(report, run(seed).replace(/\d[\d,]*/g, 'N'), 1);
  } catch (error) {
    const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    report.failures.push({ seed, kind, message });
  }
}

function tally(report: FuzzReport, verdict: string, count: number): void {
  report.verdicts.set(verdict, (report.verdicts.get(verdict) ?? 0) + count);
}

/** Looks at what is left after a garbage collection. */
class MemoryLook {
  readonly #collect: () => void;
  #first = 0;
  #most = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    this.#collect = runInNewContext('gc') as () => void;
  }

  /** Returns the most growth since the first look. */
  look(): number {
    this.#collect();
    const { heapUsed, external } = process.memoryUsage();
    const bytes = heapUsed + external;
    if (this.#first === 0) this.#first = bytes;
    this.#most = Math.max(this.#most, bytes - this.#first);
    return this.#most;
  }
}
