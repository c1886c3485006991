/**
 * The fuzz as a program, for large numbers of cases:
 *
 *   node dist/test/fuzz/main.js --cases 1000000 --from 1 --threads 2
 *
 * Prints how many cases there were, how they ended, and for each failure the line that repeats it. Exit code 1 when
 * something failed or hangs.
 */
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { addReport, emptyReport, type FuzzPlan, type FuzzReport, runFuzz } from './run.js';

/** A case that takes longer hangs. */
const hangAfterMs = 20_000;
const maxGrownBytes = 32 << 20;
const shownVerdicts = 100;

interface WorkerInput {
  readonly plan: FuzzPlan;
  /** Where the worker notes the seed that it is at. */
  readonly seed: Float64Array;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { cases: { type: 'string' }, from: { type: 'string' }, threads: { type: 'string' } },
  });
  const cases = positive('cases', values.cases ?? '100000');
  const from = positive('from', values.from ?? '1');
  const threads = Math.min(positive('threads', values.threads ?? '1'), cases);
  const startedAt = performance.now();
  const plans = Array.from({ length: threads }, (_, i) => ({
    from: from + i,
    count: Math.floor((cases - i - 1) / threads) + 1,
    step: threads,
  }));
  const report = emptyReport();
  const parts = cases === 1 ? [runFuzz(plans[0]!)] : await Promise.all(plans.map(inWorker));
  for (const part of parts) addReport(report, part);
  print(report, from, threads, (performance.now() - startedAt) / 1000);
  const isBad = report.failures.length > 0 || report.grownBytes > maxGrownBytes || report.conversations < cases;
  process.exitCode = isBad ? 1 : 0;
}

/** Runs a plan on a worker, and watches that it gets on. */
function inWorker(plan: FuzzPlan): Promise<FuzzReport> {
  const seed = new Float64Array(new SharedArrayBuffer(8));
  const input: WorkerInput = { plan, seed };
  const worker = new Worker(new URL(import.meta.url), { workerData: input });
  return new Promise((resolve, reject) => {
    let last = 0;
    let lastAt = performance.now();
    const watch = setInterval(() => {
      const now = performance.now();
      if (seed[0] !== last) {
        last = seed[0]!;
        lastAt = now;
      } else if (now - lastAt > hangAfterMs) {
        reject(new Error(`hangs at seed ${last}; ${replay(last)}`));
      }
    }, 1000);
    worker.once('message', (report: FuzzReport) => resolve(report));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended with code ${code} at seed ${seed[0]}`)));
    worker.once('exit', () => clearInterval(watch));
  });
}

function print(report: FuzzReport, from: number, threads: number, seconds: number): void {
  const { conversations, others, verdicts, failures, grownBytes } = report;
  const all = conversations + others;
  console.log(
    `fuzz: ${number(conversations)} conversations with a server (seeds from ${number(from)}) and ${number(others)} ` +
      `cases of decoders and pieces in ${seconds.toFixed(1)} s: ${number(all / seconds)} cases/s on ${threads} thread(s)`,
  );
  console.log(`      ${verdicts.size} kinds of verdict; memory grew by ${(grownBytes / 1e6).toFixed(1)} MB at most`);
  const sorted = [...verdicts].sort(([, a], [, b]) => b - a);
  for (const [verdict, count] of sorted.slice(0, shownVerdicts)) {
    console.log(`${number(count).padStart(12)}  ${verdict.slice(0, 160)}`);
  }
  for (const { seed, kind, message } of failures)
    console.log(`FAILED ${kind}, seed ${seed}: ${message}\n  ${replay(seed)}`);
  if (failures.length === 0) console.log('fuzz: nothing failed');
}

function replay(seed: number): string {
  return `again: node dist/test/fuzz/main.js --cases 1 --from ${seed}`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} ${text}: a positive integer is needed`);
}

if (isMainThread) {
  main().catch((error: unknown) => {
    console.error(`FAILED ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  });
} else {
  const { plan, seed } = workerData as WorkerInput;
  parentPort!.postMessage(
    runFuzz(plan, (next) => {
      seed[0] = next;
    }),
  );
}
