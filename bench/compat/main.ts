/**
 * Measures peal's modules for programs that were written for other libraries beside those libraries: the same calls,
 * single sends and one call with many tokens, near and far from the gateway. Each run is a process of its own against
 * the simulator, and checked by its ledger.
 */
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { hasPeer, installPeers } from '../lib/peers.js';
import type { Skipped, Values } from '../lib/report.js';
import { number } from '../lib/report-table.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SimulatorProcess } from '../lib/simulator-process.js';
import type { CompatResult, CompatTask } from './contender.js';

interface Contender {
  /** As a program imports it. */
  readonly name: string;
  /** Module of bench/senders. */
  readonly sender: string;
  /** The library whose calls it has. */
  readonly library: '@parse/node-apn' | 'apns2';
  /** Whether it is peal's. The others may lose sends: that is a figure. */
  readonly isOurs: boolean;
}

const contenders: readonly Contender[] = [
  { name: '@parse/node-apn', sender: 'node-apn', library: '@parse/node-apn', isOurs: false },
  { name: 'peal/compat/node-apn', sender: 'compat-node-apn', library: '@parse/node-apn', isOurs: true },
  { name: 'apns2', sender: 'apns2', library: 'apns2', isOurs: false },
  { name: 'peal/compat/apns2', sender: 'compat-apns2', library: 'apns2', isOurs: true },
];

interface OwnOptions {
  readonly count?: number;
  readonly farCount?: number;
  readonly inFlight?: number;
  readonly tokens?: number;
  readonly roundTrips?: number[];
  readonly contender?: string;
}

const purpose = "Measures peal's node-apn and apns2 beside those packages: CPU time, latency and memory.";
const command = benchCommand('compat', purpose)
  .option('--count <n>', 'single sends of a run near the gateway (default: 100000; 500 with --quick)', wholeNumber)
  .option('--far-count <n>', 'single sends of a run at a distance (default: 30000; 500 with --quick)', wholeNumber)
  .option('--in-flight <n>', 'single sends under way at a time (default: 1000)', wholeNumber)
  .option('--tokens <n>', 'tokens of the one call (default: 20000; 500 with --quick)', wholeNumber)
  .option('--round-trips <ms,ms>', 'distances of the gateway beside 0 (default: 20; none with --quick)', wholeNumbers)
  .option('--contender <text>', 'only contenders whose names hold this text')
  .parse();
const options = benchOptions(command, 'compat');
const own = command.opts<OwnOptions>();
const count = own.count ?? (options.quick ? 500 : 100_000);
const farCount = own.farCount ?? (options.quick ? 500 : 30_000);
const tokens = own.tokens ?? (options.quick ? 500 : 20_000);
const inFlight = own.inFlight ?? 1_000;
const roundTrips = [0, ...(own.roundTrips ?? (options.quick ? [] : [20]))];

/** Notifications before those that are measured: fewer in one call, of which the real @parse/node-apn loses none. */
const warmUps = { 'single sends': 10_000, 'one call': 5_000 } as const;

const module = new URL('./contender.js', import.meta.url);

/**
 * Throws unless the gateway has accepted what the contender says, and unless peal's contenders got everything accepted.
 */
async function measure(
  { name, sender, isOurs }: Contender,
  way: CompatTask['way'],
  notifications: number,
  simulator: SimulatorProcess,
): Promise<Values> {
  const warmUp = Math.min(warmUps[way], notifications);
  const task: CompatTask = { target: simulator.target, sender, way, count: notifications, inFlight, warmUp };
  await simulator.reset();
  const result = await runContender<CompatResult>(module, task);
  const { accepted: arrived } = await simulator.ledger();
  const { sentInAll, acceptedInAll, accepted, cpuUs, seconds, p50Ms, p99Ms, peakRssBytes, grownBytes } = result;
  if (arrived < acceptedInAll || (isOurs && (arrived !== sentInAll || acceptedInAll !== sentInAll)))
    throw new Error(`${name}, ${way}: ${sentInAll} sent, ${acceptedInAll} called accepted, ${arrived} arrived`);
  const latency: Values = p50Ms === null || p99Ms === null ? {} : { p50Ms, p99Ms };
  return {
    ...{ cpuUs: cpuUs / notifications, perSecond: notifications / seconds, ...latency },
    ...{
      accepted,
      arrived: arrived - warmUp,
      peakRssMb: peakRssBytes / 1e6,
      grownMb: grownBytes / 1e6,
    },
  };
}

function casesOf(way: CompatTask['way'], roundTripMs: number, simulator: SimulatorProcess): Case[] {
  const notifications = way === 'one call' ? tokens : roundTripMs === 0 ? count : farCount;
  const sends = way === 'one call' ? `1 call, ${number(tokens)} tokens` : `${number(notifications)} calls`;
  return chosen.map((contender) => ({
    contender: contender.name,
    parameters: { library: contender.library, sends, roundTrip: `${roundTripMs} ms` },
    measure: () => measure(contender, way, notifications, simulator),
  }));
}

const named = contenders.filter(({ name }) => name.includes(own.contender ?? ''));
const isMissing = ({ isOurs, library }: Contender): boolean => !isOurs && !hasPeer(library);
const chosen = named.filter((contender) => !isMissing(contender));
const skipped: Skipped[] = named
  .filter(isMissing)
  .map(({ name }) => ({ contender: name, why: `It is not installed: ${installPeers}` }));
const names = contenders.map(({ name }) => name);
const simulators: SimulatorProcess[] = [];
try {
  const cases: Case[] = [];
  for (const roundTripMs of roundTrips) {
    const books = ['--ledger', 'counts', '--connection-window', 'large'];
    const simulator = await SimulatorProcess.start('http2', [...books, '--round-trip', `${roundTripMs}ms`]);
    simulators.push(simulator);
    for (const way of ['single sends', 'one call'] as const) cases.push(...casesOf(way, roundTripMs, simulator));
  }
  await runBenchmark(
    {
      name: 'compat',
      title: 'The same program with the library that it was written for, and with peal by another import',
      parameters: { payloadBytes: 120, count, farCount, inFlight, tokens, roundTrips },
      metrics: {
        cpuUs: { title: 'CPU µs each', digits: 1, hasSpread: true },
        perSecond: { title: 'per second', digits: 0 },
        p50Ms: { title: 'p50 ms', digits: 1 },
        p99Ms: { title: 'p99 ms', digits: 1 },
        accepted: { title: 'accepted', digits: 0 },
        arrived: { title: 'arrived', digits: 0 },
        peakRssMb: { title: 'peak RSS MB', digits: 0 },
        grownMb: { title: 'grown MB', digits: 0 },
      },
      comparison: {
        title: 'cheaper by',
        contenders: ['@parse/node-apn', 'apns2'],
        by: ['library', 'sends', 'roundTrip'],
        metric: 'cpuUs',
      },
      cases,
      skipped,
      plot: {
        transform: [{ calculate: "datum.sends + ', ' + datum.roundTrip", as: 'what' }],
        facet: { field: 'what', type: 'nominal', title: null, sort: null },
        columns: 2,
        spec: {
          ...{ width: 260, height: { step: 20 } },
          layer: [
            {
              mark: { type: 'bar' },
              encoding: {
                y: { field: 'contender', type: 'nominal', sort: names, title: null },
                x: { field: 'cpuUs', type: 'quantitative', title: 'CPU µs each' },
                color: { field: 'contender', type: 'nominal', sort: names, legend: null },
              },
            },
            {
              mark: { type: 'text', align: 'left', dx: 4 },
              encoding: {
                y: { field: 'contender', type: 'nominal', sort: names },
                x: { field: 'cpuUs', type: 'quantitative' },
                text: { field: 'cpuUs', format: '.3~r' },
              },
            },
          ],
        },
      },
      notes: [
        `Calls: each with one token and a notification of its own, ${number(inFlight)} under way at a time.`,
        'CPU: user and system time of the sending process, after a warm-up over the same connections.',
        'Accepted: as the library says. Arrived: as the gateway says. Grown: most memory above that before the first send.',
        'Cheaper: than the library whose calls they are, round by round.',
      ],
    },
    options,
  );
} finally {
  for (const simulator of simulators) await simulator[Symbol.asyncDispose]();
}
