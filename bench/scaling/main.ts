/**
 * `npm run bench:scaling`: how far a sender comes towards what the distance of the gateway allows, how fast it gets
 * there, and how long single sends take, for round trips of 20, 80 and 200 ms. The sink delays its answers.
 */
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { type Case, runBenchmark, type Sample } from '../lib/runner.js';
import { SinkProcess } from '../lib/sink-process.js';
import type { SingleResult, SingleTask } from '../single/contender.js';
import type { BulkResult, BulkTask } from './bulk-sender.js';
import { type Bounds, halfReturnPerSecond, modelPerSecond, rateBetween, rateSpanMs, reachedAtMs } from './model.js';

const defaultRounds = 3;
const purpose = 'Measures rates against what round trips, streams and windows allow, and how fast they are reached.';
const command = benchCommand('scaling', purpose, defaultRounds)
  .option('--round-trips <ms,ms>', 'round-trip times of the gateway (default: 20,80,200)', wholeNumbers)
  .option('--connections <n>', 'most connections of the sender (default: 8)', wholeNumber)
  .option('--seconds <n>', 'how long each bulk send lasts (default: 5)', wholeNumber)
  .option('--per-second <n>', 'single sends a second (default: 5000)', wholeNumber)
  .parse();
const options = benchOptions(command, 'scaling', defaultRounds);
const {
  roundTrips = options.quick ? [20] : [20, 80, 200],
  connections = options.quick ? 2 : 8,
  seconds = options.quick ? 1 : 5,
  perSecond = options.quick ? 500 : 5_000,
} = command.opts<{ roundTrips?: number[]; connections?: number; seconds?: number; perSecond?: number }>();

/** A gateway that is bounded by streams, and one by the window of a connection, which is HTTP/2's default. */
const gateways = {
  streams: { maxStreams: 1000, windowBytes: 16 * 1024 * 1024, payloadBytes: 120 },
  window: { maxStreams: 1000, windowBytes: 65_535, payloadBytes: 1_000 },
} as const;
type Gateway = keyof typeof gateways;

/** Share of the time at the end of a bulk send in which the rate is steady. */
const steadyShare = 1 / 3;
const growthStepMs = 250;

function bulk(roundTripMs: number, bound: Gateway): Case {
  const { maxStreams, windowBytes, payloadBytes } = gateways[bound];
  const bounds: Bounds = { connections, streams: maxStreams, windowBytes, payloadBytes, roundTripMs };
  return {
    contender: 'bulk',
    parameters: { roundTripMs, bound },
    measure: async () => {
      await using sink = await SinkProcess.start({ roundTripMs, maxStreams, windowBytes });
      const task: BulkTask = { target: sink.target, connections, payloadBytes, seconds };
      const result = await runContender<BulkResult>(new URL('./bulk-sender.js', import.meta.url), task);
      const { requests } = await sink.counts();
      if (result.accepted !== requests) throw new Error(`Only ${result.accepted} of ${requests} were accepted.`);
      return bulkSamples(result, bounds);
    },
  };
}

/** The figures of the whole run, and a row for each step of its growth. */
function bulkSamples({ answers, connections: open, p50Ms, p99Ms }: BulkResult, bounds: Bounds): Sample[] {
  const endMs = seconds * 1000;
  const rate = rateBetween(answers, endMs * (1 - steadyShare), endMs);
  const spanMs = rateSpanMs(bounds.roundTripMs);
  const reachedMs = reachedAtMs(answers, 0.9 * rate, spanMs);
  const allowed = halfReturnPerSecond(bounds);
  const values = {
    ...{ model: modelPerSecond(bounds), allowed, perSecond: rate, ofAllowed: (rate / allowed) * 100 },
    ...{ reached: reachedMs / 1000, connections: open.at(-1)?.count ?? 0, p50Ms, p99Ms },
  };
  const growth: Sample[] = [];
  for (let ms = spanMs; ms <= endMs; ms += growthStepMs) {
    const now = rateBetween(answers, ms - spanMs, ms);
    const connectionsNow = open.find((sample) => sample.ms >= ms)?.count ?? open.at(-1)?.count ?? 0;
    growth.push({
      parameters: { second: ms / 1000 },
      values: { perSecond: now, ofAllowed: (now / allowed) * 100, connections: connectionsNow },
    });
  }
  return [{ parameters: {}, values }, ...growth];
}

/** Single sends at a fixed rate, whatever becomes of those before. */
function scheduled(roundTripMs: number): Case {
  const { maxStreams, windowBytes } = gateways.streams;
  return {
    contender: 'push',
    parameters: { roundTripMs, bound: 'schedule' },
    measure: async () => {
      await using sink = await SinkProcess.start({ roundTripMs, maxStreams, windowBytes });
      const task: SingleTask = {
        ...{ target: sink.target, sender: 'peal-push', load: { kind: 'rate', perSecond } },
        ...{ warmUpMs: seconds * 250, measureMs: seconds * 500 },
      };
      const result = await runContender<SingleResult>(new URL('../single/contender.js', import.meta.url), task);
      const { requests } = await sink.counts();
      const { sentInAll, failedInAll, count, p50Ms, p99Ms } = result;
      if (failedInAll > 0 || requests !== sentInAll) throw new Error(`Only ${requests} of ${sentInAll} arrived.`);
      return { perSecond: count / result.seconds, p50Ms, p99Ms };
    },
  };
}

await runBenchmark(
  {
    name: 'scaling',
    title: 'Rates and latencies at a distance',
    parameters: { connections, seconds, perSecond, gateways, steadyShare },
    metrics: {
      model: { title: 'model a second', digits: 0 },
      allowed: { title: 'with halves', digits: 0 },
      perSecond: { title: 'per second', digits: 0, hasSpread: true },
      ofAllowed: { title: '% of that', digits: 0 },
      reached: { title: '90 % after s', digits: 1, hasSpread: true },
      connections: { title: 'connections', digits: 0 },
      p50Ms: { title: 'p50 ms', digits: 1 },
      p99Ms: { title: 'p99 ms', digits: 1 },
    },
    cases: [
      ...roundTrips.flatMap((roundTripMs) => [bulk(roundTripMs, 'streams'), bulk(roundTripMs, 'window')]),
      ...roundTrips.map(scheduled),
    ],
    inTable: ({ parameters }) => parameters.second === undefined,
    plot: growthPlot(),
    notes: [
      'Model: connections × min(streams, window ÷ payload) ÷ round-trip time. With halves: of a gateway that gives',
      'window back by halves, as this one does. Per second: over the last third of the send; 90 % of that is reached',
      'so long after the first answer. p50 and p99 of bulk sends: from the hand-out of a request to its connection',
      'until its answer. Of pushes: from when each was due, whatever the program was doing (corrected for coordinated',
      'omission).',
    ],
  },
  options,
);

function growthPlot(): Readonly<Record<string, unknown>> {
  const color = { field: 'roundTripMs', type: 'nominal', title: 'round trip, ms' };
  const x = { field: 'second', type: 'quantitative', title: 'seconds after the first answer' };
  const panel = (bound: Gateway, field: string, title: string): object => ({
    title: `bounded by ${bound}`,
    transform: [{ filter: `datum.bound === '${bound}' && isValid(datum.second)` }],
    mark: { type: 'line', point: true },
    encoding: { x, y: { field, type: 'quantitative', title }, color },
  });
  return {
    vconcat: (['streams', 'window'] as const).map((bound) => ({
      hconcat: [panel(bound, 'ofAllowed', '% of what the gateway allows'), panel(bound, 'connections', 'connections')],
    })),
  };
}
