/**
 * Measures single sends, as a service makes them for its own requests: CPU time of the sender, sends a second, and how
 * long a send takes, at several numbers of sends in flight and at a fixed rate. Each run is a process of its own
 * against one sink, and every run is checked by the sink's count.
 */

import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { hasPeer, installPeers } from '../lib/peers.js';
import type { Skipped, Values } from '../lib/report.js';
import { number } from '../lib/report-table.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SinkProcess } from '../lib/sink-process.js';
import type { Load, SingleResult, SingleTask } from './contender.js';

interface Contender {
  readonly name: string;
  readonly sender: string;
  readonly threads?: number;
  /** Whether it takes lists instead of single sends. */
  readonly isList?: boolean;
  /** Whether failed sends are a figure. Of the others none may fail. */
  readonly mayFail?: boolean;
  /** Why it cannot be measured; null if it can be. */
  readonly missing: string | null;
}

const noNodeApn = hasPeer('@parse/node-apn') ? null : `It is not installed: ${installPeers}`;
const contenders: readonly Contender[] = [
  { name: 'peal, push', sender: 'peal-push', missing: null },
  { name: 'peal, push, one thread', sender: 'peal-push', threads: 1, missing: null },
  { name: 'peal, send', sender: 'peal-send', missing: null },
  { name: 'peal, send, one thread', sender: 'peal-send', threads: 1, missing: null },
  { name: 'peal, send a list', sender: 'peal-send', isList: true, missing: null },
  { name: 'peal, send a list, one thread', sender: 'peal-send', threads: 1, isList: true, missing: null },
  { name: 'node:http2', sender: 'node-http2', missing: null },
  { name: '@parse/node-apn', sender: 'node-apn', mayFail: true, missing: noNodeApn },
];

interface OwnOptions {
  readonly inFlight?: number[];
  readonly rate?: number;
  readonly list?: number;
  readonly measureMs?: number;
  readonly contender?: string;
}

const command = benchCommand('single', 'Measures single sends: CPU time, rate and latency by the number in flight.')
  .option('--in-flight <n,n>', 'sends in flight (default: 1,100,1000,10000; 100 with --quick)', wholeNumbers)
  .option('--rate <n>', 'sends a second of the runs with a fixed rate (default: 5000; 500 with --quick)', wholeNumber)
  .option('--list <n>', 'messages of a list (default: 20000; 200 with --quick)', wholeNumber)
  .option(
    '--measure-ms <ms>',
    'time of each run, after half of it to warm up (default: 600; 50 with --quick)',
    wholeNumber,
  )
  .option('--contender <text>', 'only contenders whose names hold this text')
  .parse();
const options = benchOptions(command, 'single');
const own = command.opts<OwnOptions>();
const inFlight = own.inFlight ?? (options.quick ? [100] : [1, 100, 1_000, 10_000]);
const perSecond = own.rate ?? (options.quick ? 500 : 5_000);
const messages = own.list ?? (options.quick ? 200 : 20_000);
const measureMs = own.measureMs ?? (options.quick ? 50 : 600);

await using sink = await SinkProcess.start();

async function measure({ name, sender, threads = 0, mayFail }: Contender, load: Load): Promise<Values> {
  const task: SingleTask = { target: sink.target, sender, threads, load, warmUpMs: measureMs / 2, measureMs };
  await sink.reset();
  const result = await runContender<SingleResult>(new URL('./contender.js', import.meta.url), task);
  const { requests } = await sink.counts();
  const { sentInAll, failedInAll } = result;
  const isWrong = mayFail !== true && failedInAll > 0;
  if (requests < sentInAll - failedInAll || requests > sentInAll || isWrong)
    throw new Error(`${name}: ${sentInAll} sends, ${failedInAll} failed, ${requests} arrived`);
  const { count, cpuUs, seconds, p50Ms, p99Ms, grownBytes } = result;
  const latency: Values = load.kind === 'list' ? {} : { p50Ms, p99Ms };
  return {
    cpuUs: cpuUs / count,
    perSecond: count / seconds,
    ...latency,
    failed: failedInAll,
    grownMb: grownBytes / 1e6,
  };
}

function casesOf(contender: Contender): Case[] {
  const one = (parameters: Case['parameters'], load: Load): Case => ({
    contender: contender.name,
    parameters,
    measure: () => measure(contender, load),
  });
  if (contender.isList === true) return [one({ load: `${number(messages)} messages` }, { kind: 'list', messages })];
  return [
    ...inFlight.map((count) => one({ load: `${number(count)} in flight` }, { kind: 'in flight', inFlight: count })),
    one({ load: `${number(perSecond)} a second` }, { kind: 'rate', perSecond }),
  ];
}

const chosen = contenders.filter(({ name }) => name.includes(own.contender ?? ''));
const skipped: Skipped[] = chosen.flatMap(({ name, missing }) =>
  missing === null ? [] : [{ contender: name, why: missing }],
);
// By load, so that those that are compared run one after the other.
const cases = chosen.filter(({ missing }) => missing === null).flatMap(casesOf);
const loads = [...new Set(cases.map(({ parameters }) => parameters.load))];
const names = contenders.map(({ name }) => name);

/** A line for each contender over the loads, with the spread of its rounds. */
function panel(metric: string, title: string): object {
  const x = { field: 'load', type: 'ordinal', sort: loads, title: null, axis: { labelAngle: -30 } };
  const color = {
    field: 'contender',
    type: 'nominal',
    title: null,
    sort: names,
    legend: { orient: 'bottom', columns: 3 },
  };
  const y = { field: metric, type: 'quantitative', title, scale: { type: 'log' } };
  return {
    ...{ width: 320, height: 260 },
    transform: [{ filter: `isValid(datum.${metric})` }],
    layer: [
      { transform: [{ filter: "indexof(datum.load, 'in flight') > 0" }], mark: 'line', encoding: { x, y, color } },
      { mark: 'point', encoding: { x, y, color } },
      {
        mark: 'rule',
        encoding: { x, color, y: { ...y, field: `${metric}Lowest` }, y2: { field: `${metric}Highest` } },
      },
    ],
  };
}

await runBenchmark(
  {
    name: 'single',
    title: 'Single sends, every payload another, against a sink that answers at once',
    parameters: { payloadBytes: 120, inFlight, perSecond, messages, measureMs },
    metrics: {
      cpuUs: { title: 'CPU µs each', digits: 1, hasSpread: true },
      perSecond: { title: 'per second', digits: 0 },
      p50Ms: { title: 'p50 ms', digits: 2 },
      p99Ms: { title: 'p99 ms', digits: 2 },
      failed: { title: 'failed', digits: 0 },
      grownMb: { title: 'grown MB', digits: 0 },
    },
    comparison: {
      title: 'cheaper by',
      contenders: ['@parse/node-apn', 'node:http2'],
      by: ['load'],
      metric: 'cpuUs',
    },
    cases: loads.flatMap((load) => cases.filter(({ parameters }) => parameters.load === load)),
    skipped,
    plot: { hconcat: [panel('cpuUs', 'CPU µs each'), panel('p99Ms', 'p99, ms')] },
    notes: [
      'CPU: user and system time of the sending process, all threads. Latencies count from the call, and at a fixed rate',
      'from the moment at which the send was due. Grown: most memory above that before the first send, heap garbage included.',
      'Cheaper: than @parse/node-apn under the same load (where that is not installed, than node:http2).',
    ],
  },
  options,
);
