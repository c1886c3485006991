/**
 * `npm run bench:memory`: the most memory, and the CPU time, of sending to lists of several lengths, which should
 * differ in CPU time only; and the memory of pushes in flight above that of an idle session.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SinkProcess } from '../lib/sink-process.js';
import { runSend } from '../macro/peal-send.js';
import { writePlainList } from '../macro/recipient-lists.js';
import type { SingleResult, SingleTask } from '../single/contender.js';
import type { GeneratorResult, GeneratorTask } from './generator-sender.js';

const defaultRounds = 3;
const purpose = 'Measures memory and CPU time by the length of the list, and the memory of pushes in flight.';
const command = benchCommand('memory', purpose, defaultRounds)
  .option('--recipients <n,n>', 'lengths of the lists (default: 100000,1000000)', wholeNumbers)
  .option('--large', 'ten million recipients, too: a list of 650 MB, and a minute more for each round', false)
  .option('--in-flight <n,n>', 'pushes in flight (default: 1,1000,10000)', wholeNumbers)
  .option('--round-trip <ms>', 'round-trip time of the gateway that they are sent to (default: 200)', wholeNumber)
  .parse();
const options = benchOptions(command, 'memory', defaultRounds);
const {
  recipients: given = options.quick ? [2_000] : [100_000, 1_000_000],
  large,
  inFlight: inFlights = options.quick ? [100] : [1, 1_000, 10_000],
  roundTrip: roundTripMs = options.quick ? 20 : 200,
} = command.opts<{ recipients?: number[]; large: boolean; inFlight?: number[]; roundTrip?: number }>();
const lengths = large ? [...given, 10_000_000] : given;
const measureMs = options.quick ? 100 : 1_500;

await using sink = await SinkProcess.start();
await using distantSink = await SinkProcess.start({ roundTripMs });
const alert = 'Hello Name 1234, 12 of your orders are on their way to you. Open the app to see where they are.';
const payloadBytes = JSON.stringify({ aps: { alert } }).length;

const listOf = (recipients: number): string => path.join(sink.folder, `tokens-${recipients}.txt`);

/** `peal send`: the whole process from its start to its end. It remembers recipients to find those listed twice. */
function commandLine(recipients: number, how: 'journal' | 'duplicates kept' | null): Case {
  return {
    contender: how === null ? 'peal send' : `peal send, ${how}`,
    parameters: { recipients },
    measure: async () => {
      const out = path.join(sink.folder, 'out');
      const more = how === 'journal' ? ['--out', out] : how === null ? [] : ['--keep-duplicates'];
      const args = ['--tokens', listOf(recipients), '--alert', alert, ...more];
      const { usage, perSecond } = await runSend(sink, args, recipients);
      rmSync(out, { recursive: true, force: true });
      return figures(usage.peakRssBytes, usage.cpuUs, recipients, perSecond);
    },
  };
}

/** The library: the whole process, too. */
function generator(recipients: number): Case {
  return {
    contender: 'library, a generator',
    parameters: { recipients },
    measure: async () => {
      const task: GeneratorTask = { target: sink.target, recipients, payloadBytes };
      const module = new URL('./generator-sender.js', import.meta.url);
      const { accepted, cpuUs, seconds, peakRssBytes } = await runContender<GeneratorResult>(module, task);
      if (accepted !== recipients) throw new Error(`Only ${accepted} of ${recipients} were accepted.`);
      return figures(peakRssBytes, cpuUs, recipients, recipients / seconds);
    },
  };
}

const figures = (peakBytes: number, cpuUs: number, recipients: number, perSecond: number): Record<string, number> => ({
  ...{ peakMb: peakBytes / 1e6, cpuSeconds: cpuUs / 1e6, cpuUs: cpuUs / recipients, perSecond },
});

/** Pushes in flight, each with a payload of its own. */
function pushes(inFlight: number): Case {
  return {
    contender: 'push',
    parameters: { inFlight },
    measure: async () => {
      await distantSink.reset();
      const load = { kind: 'in flight', inFlight } as const;
      const target = distantSink.target;
      const task: SingleTask = { target, sender: 'peal-push', load, warmUpMs: measureMs / 3, measureMs };
      const module = new URL('../single/contender.js', import.meta.url);
      const result = await runContender<SingleResult>(module, task);
      const { requests } = await distantSink.counts();
      const { sentInAll, failedInAll, grownBytes, heldBytes, count, seconds } = result;
      if (failedInAll > 0 || requests !== sentInAll) throw new Error(`Only ${requests} of ${sentInAll} arrived.`);
      return { grownMb: grownBytes / 1e6, heldMb: heldBytes / 1e6, perSecond: count / seconds };
    },
  };
}

for (const recipients of lengths) {
  process.stderr.write(`memory: a list of ${recipients} recipients is written\n`);
  await writePlainList(listOf(recipients), recipients);
}
const x = { field: 'recipients', type: 'ordinal', title: 'recipients' };
const color = { field: 'contender', type: 'nominal', title: null, legend: { labelLimit: 0 } };
const panel = (field: string, title: string): object => ({
  width: 200,
  transform: [{ filter: 'isValid(datum.recipients)' }],
  mark: { type: 'line', point: true },
  encoding: { x, y: { field, type: 'quantitative', title, scale: { zero: true } }, color },
});
await runBenchmark(
  {
    name: 'memory',
    title: 'Memory by the length of the list, and by the number of pushes in flight',
    parameters: { lengths, payloadBytes, inFlights, roundTripMs, measureMs },
    metrics: {
      peakMb: { title: 'peak RSS MB', digits: 0, hasSpread: true },
      grownMb: { title: 'above idle MB', digits: 1, hasSpread: true },
      heldMb: { title: 'held MB', digits: 1 },
      cpuSeconds: { title: 'CPU s', digits: 2 },
      cpuUs: { title: 'CPU µs each', digits: 2 },
      perSecond: { title: 'per second', digits: 0 },
    },
    cases: [
      ...lengths.flatMap((recipients) => [
        commandLine(recipients, null),
        commandLine(recipients, 'duplicates kept'),
        commandLine(recipients, 'journal'),
        generator(recipients),
      ]),
      ...inFlights.map(pushes),
    ],
    plot: { hconcat: [panel('peakMb', 'peak RSS, MB'), panel('cpuUs', 'CPU, µs for each recipient')] },
    notes: [
      'Peak RSS and CPU time of lists: of the whole process, start and end included. A generator makes tokens as text.',
      `Pushes: each with a payload of its own, to a gateway that is ${roundTripMs} ms away. Above idle: the most`,
      'memory of the process, less what it had after its first push; garbage that waits for collection is in it.',
      'Held: what is left after a collection while so many pushes have just begun, less what an idle process holds.',
    ],
  },
  options,
);
