/**
 * `npm run bench:dispatcher`: what one notification costs the dispatcher's own thread, with shards that settle at once
 * and with real ones, how evenly shards are loaded, and the rate that follows where each thread has a core. Linux only,
 * because the CPU time of a single thread is needed.
 */
import { maxBatchRecipients } from '../../src/base/limits.js';
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SinkProcess } from '../lib/sink-process.js';
import type { Target } from '../lib/target.js';
import { hasThreadCpu } from '../lib/thread-cpu.js';
import type { SessionResult, SessionTask } from './session-sender.js';
import type { SettlingResult, SettlingTask } from './settling-dispatcher.js';

const purpose = 'Measures the share of the dispatcher in the cost of a notification, with one to eight shards.';
const defaultRounds = 3;
const command = benchCommand('dispatcher', purpose, defaultRounds)
  .option('--threads <n,n>', 'shards (default: 1,2,4,8)', wholeNumbers)
  .option('--count <n>', 'recipients for each shard in a send to a gateway (default: 200000)', wholeNumber)
  .parse();
const options = benchOptions(command, 'dispatcher', defaultRounds);
const {
  threads: threadCounts = options.quick ? [1, 2] : [1, 2, 4, 8],
  count: countOfShard = options.quick ? 10_000 : 200_000,
} = command.opts<{ threads?: number[]; count?: number }>();
if (!hasThreadCpu()) command.error('This system does not tell the CPU time of a single thread: run it on Linux.');

const payloadBytes = 120;
/** For each shard, because each compiles for itself. */
const warmUpOfShard = options.quick ? 2_000 : 50_000;
const batches = options.quick ? 200 : 4_000;
/** Threads of the cases that vary something else. */
const fewThreads = 2;

function settling(threads: number, batch: number): Case {
  return {
    contender: 'shards that settle at once',
    parameters: { threads, recipients: 'batches', batch },
    measure: async () => {
      // Small batches cost each a little less than full ones.
      const task: SettlingTask = { threads, batch, batches: batch < maxBatchRecipients ? batches * 4 : batches };
      const module = new URL('./settling-dispatcher.js', import.meta.url);
      const { accepted, dispatcherUs, cpuUs, seconds } = await runContender<SettlingResult>(module, task);
      if (accepted !== task.batches * batch) throw new Error(`Only ${accepted} recipients came back.`);
      const mainUs = dispatcherUs / accepted;
      return { mainUs, shardUs: cpuUs / accepted - mainUs, perSecond: accepted / seconds, bound: 1e6 / mainUs };
    },
  };
}

function sending(target: Target, threads: number, source: SessionTask['source']): Case {
  return {
    contender: 'a gateway',
    parameters: { threads, recipients: source },
    measure: async () => {
      // A push costs ten times as much.
      const share = source === 'pushes' ? 0.2 : 1;
      const [count, warmUp] = [countOfShard * threads * share, warmUpOfShard * threads * share];
      const task: SessionTask = { target, threads, source, count, warmUp, payloadBytes };
      const module = new URL('./session-sender.js', import.meta.url);
      const result = await runContender<SessionResult>(module, task);
      if (result.accepted !== count) throw new Error(`Only ${result.accepted} of ${count} were accepted.`);
      const mainUs = result.mainUs / count;
      const shardUs = result.cpuUs / count - mainUs;
      const bound = 1e6 / mainUs;
      return {
        ...{ mainUs, shardUs, bound, perSecond: count / result.seconds },
        fullest: (Math.max(...result.answers) * threads) / (count + warmUp),
        withCores: Math.min(bound, (threads * 1e6) / shardUs),
      };
    },
  };
}

await using sink = await SinkProcess.start();
const { target } = sink;
const smallBatches = [1, 16, 128];
const micros = { type: 'quantitative', title: 'µs of the own thread for one notification' };
await runBenchmark(
  {
    name: 'dispatcher',
    title: 'The dispatcher’s share: CPU time of the program’s own thread, and of the shards behind it',
    parameters: { countOfShard, warmUpOfShard, payloadBytes, batches },
    metrics: {
      mainUs: { title: 'own thread µs', digits: 3, hasSpread: true },
      shardUs: { title: 'shards µs', digits: 3 },
      fullest: { title: 'fullest shard', digits: 2 },
      perSecond: { title: 'per second', digits: 0 },
      bound: { title: 'own thread’s bound', digits: 0 },
      withCores: { title: 'with a core each', digits: 0 },
    },
    cases: [
      ...threadCounts.map((threads) => settling(threads, maxBatchRecipients)),
      ...smallBatches.map((batch) => settling(fewThreads, batch)),
      ...threadCounts.map((threads) => sending(target, threads, 'blocks')),
      ...(['strings', 'rows', 'pushes'] as const).map((source) => sending(target, fewThreads, source)),
    ],
    plot: {
      hconcat: [
        {
          ...{ title: 'Full batches', width: 240 },
          transform: [{ filter: `datum.recipients === 'blocks' || datum.batch === ${maxBatchRecipients}` }],
          mark: { type: 'line', point: true },
          encoding: {
            x: { field: 'threads', type: 'ordinal', title: 'shards' },
            y: { ...micros, field: 'mainUs', scale: { zero: true } },
            color: { field: 'contender', type: 'nominal', title: null, legend: { labelLimit: 0 } },
          },
        },
        {
          ...{ title: `Batches of a few, ${fewThreads} shards`, width: 240 },
          transform: [{ filter: `datum.recipients === 'batches' && datum.threads === ${fewThreads}` }],
          mark: { type: 'line', point: true },
          encoding: {
            x: { field: 'batch', type: 'ordinal', title: 'recipients of a batch' },
            y: { ...micros, field: 'mainUs', scale: { type: 'log' } },
          },
        },
      ],
    },
    notes: [
      'Own thread: the dispatcher, and with a gateway also what the session does for recipients and results.',
      'Shards: all other threads, garbage collection among them. Fullest shard: 1 is an equal share of the recipients.',
      'Own thread’s bound: the rate at which the own thread is busy all the time.',
      'With a core each: the lower of that bound and what so many shards do that are busy all the time.',
      'Rates "per second" are those of this machine, where the gateway takes its share of the cores.',
    ],
  },
  options,
);
