/**
 * Runs seeds of the simulation in several threads and prints what they add up to. For each seed that fails, one line
 * repeats it. Exit code 1 if one did.
 *
 *     node dist/test/simulation/main.js --seeds 1000 --from 1 [--threads 2] [--worlds campaign] [--verbose]
 *
 * With --worlds only those of the seeds are run that are such worlds (binary, lasting, stream, pushes, campaign or
 * fcm). One seed in eight brings a world of FCM, whose own number is 1,000,000,000 higher; with --worlds fcm each does.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Figures } from './figures.js';
import { runSeed, type Worlds } from './run-seeds.js';

/** Seeds that a thread gets at a time. */
const rangeSeeds = 25;
/** Failures that are printed in full. */
const maxFailuresShown = 20;

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly threads: number;
  readonly worlds: Worlds | undefined;
}

/** Hands out ranges of seeds to threads until all are done. */
async function runAll({ seeds, from, threads, worlds }: Options): Promise<Figures> {
  const all = new Figures();
  const end = from + seeds;
  let next = from;
  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./seed-worker.js', import.meta.url));
      const give = (): void => {
        const count = Math.min(rangeSeeds, end - next);
        if (count <= 0) {
          void worker.terminate().then(() => resolve());
          return;
        }
        worker.postMessage({ from: next, count, worlds });
        next += count;
      };
      worker.on('message', (figures: Figures) => {
        all.merge(figures);
        give();
      });
      worker.once('error', reject);
      give();
    });
  await Promise.all(Array.from({ length: threads }, runThread));
  return all;
}

function printFailures(figures: Figures): void {
  const failures = [...figures.failures].sort((a, b) => a.seed - b.seed);
  for (const { seed, violations } of failures.slice(0, maxFailuresShown)) {
    console.log(`FAILED: npm run test:simulation -- --seeds 1 --from ${seed} --verbose   # ${violations[0]}`);
  }
  if (failures.length > 0) console.log(`${failures.length} seeds failed`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      threads: { type: 'string', default: '2' },
      worlds: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  });
  const options = {
    seeds: Number(values.seeds),
    from: Number(values.from),
    threads: Number(values.threads),
    worlds: values.worlds as Worlds | undefined,
  };
  const beganMs = performance.now();
  if (values.verbose) {
    const figures = new Figures();
    for (let seed = options.from; seed < options.from + options.seeds; seed++) {
      const report = await runSeed(seed, (line) => console.log(line));
      console.log(report);
      figures.add(report);
    }
    printFailures(figures);
    return figures.failures.length === 0 ? 0 : 1;
  }
  const figures = await runAll(options);
  figures.print(performance.now() - beganMs, options.threads);
  printFailures(figures);
  return figures.failures.length === 0 ? 0 : 1;
}

// What a seed that failed left behind, such as open ports, must not keep the process alive.
process.exit(await main());
