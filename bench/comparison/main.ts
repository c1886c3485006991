/**
 * Measures peal beside the packages that do the same, and beside h2load: many tokens in one call, and single sends.
 * Each run is a process of its own, against our sink, and against servers written by others where they are installed.
 * Every run is checked by the server's own count. docs/benchmarks.md has what each contender was tuned to.
 */
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { hasPeer, installPeers } from '../lib/peers.js';
import type { Skipped, Values } from '../lib/report.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { h2o, nginx } from '../servers/other-servers.js';
import { simulator, sink } from '../servers/our-servers.js';
import type { Server } from '../servers/server.js';
import type { SingleResult, SingleTask } from '../single/contender.js';
import type { BulkResult, BulkTask } from './contender.js';
import { missingH2load, runH2load } from './h2load.js';

interface Contender {
  readonly name: string;
  /** Module of bench/senders, or the program h2load. */
  readonly sender: string;
  readonly ways: readonly ('bulk' | 'single')[];
  /** Package of bench/peers; null if it is part of peal or Node. */
  readonly peer: string | null;
  /** Tokens of a bulk send, for each that a slow contender gets. */
  readonly times?: number;
}

const contenders: readonly Contender[] = [
  { name: 'peal', sender: 'peal-send', ways: ['bulk'], peer: null, times: 10 },
  { name: 'peal, push', sender: 'peal-push', ways: ['single'], peer: null },
  { name: 'peal, send', sender: 'peal-send', ways: ['single'], peer: null },
  { name: '@parse/node-apn', sender: 'node-apn', ways: ['bulk', 'single'], peer: '@parse/node-apn' },
  { name: '@parse/node-apn, tuned', sender: 'node-apn-tuned', ways: ['bulk'], peer: '@parse/node-apn' },
  { name: 'apns2', sender: 'apns2', ways: ['bulk', 'single'], peer: 'apns2' },
  { name: 'hapns', sender: 'hapns', ways: ['bulk', 'single'], peer: 'hapns' },
  { name: 'node:http2', sender: 'node-http2', ways: ['bulk', 'single'], peer: null },
  { name: 'h2load', sender: 'h2load', ways: ['bulk'], peer: null, times: 10 },
];

interface OwnOptions {
  readonly count?: number;
  readonly inFlight?: number[];
  readonly measureMs?: number;
  readonly server?: string;
  readonly contender?: string;
}

const command = benchCommand('peers', 'Measures peal beside other packages and h2load: bulk and single sends.', 3)
  .option('--count <n>', 'tokens of a bulk send, ten times as many for peal and h2load (default: 5000)', wholeNumber)
  .option('--in-flight <n,n>', 'single sends in flight (default: 100)', wholeNumbers)
  .option('--measure-ms <ms>', 'time of each run of single sends (default: 500)', wholeNumber)
  .option('--server <name,name>', 'sink, simulator, nginx, h2o (default: sink,nginx,h2o; sink with --quick)')
  .option('--contender <text>', 'only contenders whose names hold this text')
  .parse();
const options = benchOptions(command, 'peers', 3);
const own = command.opts<OwnOptions>();
const count = own.count ?? (options.quick ? 200 : 5_000);
const inFlight = own.inFlight ?? [100];
const measureMs = own.measureMs ?? (options.quick ? 50 : 500);
const kinds = [sink, simulator, nginx, h2o];
const serverNames = (own.server ?? (options.quick ? 'sink' : 'sink,nginx,h2o')).split(',');
const unknownServer = serverNames.find((name) => kinds.every((kind) => kind.name !== name));
if (unknownServer !== undefined) command.error(`error: option '--server': "${unknownServer}" is not known.`);

/** Why a contender cannot be measured here; null if it can be. */
function missing({ sender, peer }: Contender): string | null {
  if (sender === 'h2load') return missingH2load();
  return peer === null || hasPeer(peer) ? null : `It is not installed: ${installPeers}`;
}

/**
 * Throws unless the server has answered what the contender says. Packages of others may lose sends: that is a figure.
 */
async function checked<Result extends { readonly sentInAll: number; readonly failedInAll: number }>(
  { name, peer }: Contender,
  server: Server,
  run: () => Promise<Result>,
): Promise<Result> {
  const before = await server.accepted();
  const result = await run();
  const { sentInAll, failedInAll } = result;
  const arrived = (await server.accepted()) - before;
  if (arrived < sentInAll - failedInAll || arrived > sentInAll || (peer === null && failedInAll > 0))
    throw new Error(`${name}: ${sentInAll} sends, ${failedInAll} failed, ${arrived} arrived at ${server.label}`);
  return result;
}

async function measureBulk(contender: Contender, server: Server): Promise<Values> {
  const { sender, times = 1 } = contender;
  const { target } = server;
  const tokens = count * times;
  const task: BulkTask = { target, sender, warmUp: Math.ceil(tokens / 5), count: tokens };
  const module = new URL('./contender.js', import.meta.url);
  const { cpuUs, seconds, failedInAll, peakRssBytes } = await checked(contender, server, () =>
    sender === 'h2load' ? runH2load(target, tokens) : runContender<BulkResult>(module, task, environmentOf(server)),
  );
  const memory: Values = Number.isNaN(peakRssBytes) ? {} : { peakRssMb: peakRssBytes / 1e6 };
  return { cpuUs: cpuUs / tokens, perSecond: tokens / seconds, failed: failedInAll, ...memory };
}

async function measureSingle(contender: Contender, server: Server, chains: number): Promise<Values> {
  const { sender } = contender;
  const { target } = server;
  const load: SingleTask['load'] = { kind: 'in flight', inFlight: chains };
  const task: SingleTask = { target, sender, load, warmUpMs: measureMs / 2, measureMs };
  const module = new URL('../single/contender.js', import.meta.url);
  const result = await checked(contender, server, () =>
    runContender<SingleResult>(module, task, environmentOf(server)),
  );
  const { cpuUs, seconds, failedInAll, p50Ms, p99Ms } = result;
  return { cpuUs: cpuUs / result.count, perSecond: result.count / seconds, failed: failedInAll, p50Ms, p99Ms };
}

/** hapns cannot be told which authority to trust. */
const environmentOf = ({ target }: Server): { env: Record<string, string> } => ({
  env: { NODE_EXTRA_CA_CERTS: target.caFile },
});

function casesOf(server: Server): Case[] {
  const chosen = contenders.filter((one) => one.name.includes(own.contender ?? '') && missing(one) === null);
  const bulk = chosen
    .filter(({ ways }) => ways.includes('bulk'))
    .map((one): Case => {
      const parameters = { server: server.label, way: 'bulk' };
      return { contender: one.name, parameters, measure: () => measureBulk(one, server) };
    });
  const single = inFlight.flatMap((chains) =>
    chosen
      .filter(({ ways }) => ways.includes('single'))
      .map((one): Case => {
        const parameters = { server: server.label, way: `${chains} in flight` };
        return { contender: one.name, parameters, measure: () => measureSingle(one, server, chains) };
      }),
  );
  return [...bulk, ...single];
}

const servers: Server[] = [];
const skipped: Skipped[] = contenders.flatMap((one) => {
  const why = missing(one);
  return why === null ? [] : [{ contender: one.name, why }];
});
try {
  for (const kind of kinds.filter(({ name }) => serverNames.includes(name))) {
    const why = kind.missing();
    if (why === null) servers.push(await kind.start());
    else skipped.push({ contender: `server ${kind.name}`, why });
  }
  const names = contenders.map(({ name }) => name);
  await runBenchmark(
    {
      name: 'peers',
      title: 'peal beside others: the same alert to many tokens (bulk), and single sends, every payload another',
      parameters: { payloadBytes: 120, tokens: count, inFlight, measureMs, servers: servers.map(({ label }) => label) },
      metrics: {
        cpuUs: { title: 'CPU µs each', digits: 1, hasSpread: true },
        perSecond: { title: 'per second', digits: 0 },
        p50Ms: { title: 'p50 ms', digits: 2 },
        p99Ms: { title: 'p99 ms', digits: 2 },
        failed: { title: 'failed', digits: 0 },
        peakRssMb: { title: 'peak RSS MB', digits: 0 },
      },
      comparison: {
        title: 'cheaper by',
        contenders: ['@parse/node-apn', 'node:http2'],
        by: ['server', 'way'],
        metric: 'cpuUs',
      },
      cases: servers.flatMap(casesOf),
      skipped,
      plot: {
        facet: {
          column: { field: 'server', type: 'nominal', title: null },
          row: { field: 'way', type: 'nominal', title: null },
        },
        spec: {
          ...{ width: 240, height: { step: 18 } },
          layer: [
            {
              mark: { type: 'point', filled: true, size: 60 },
              encoding: {
                y: { field: 'contender', type: 'nominal', sort: names, title: null },
                x: { field: 'cpuUs', type: 'quantitative', title: 'CPU µs each', scale: { type: 'log' } },
                color: { field: 'contender', type: 'nominal', sort: names, legend: null },
              },
            },
            {
              mark: { type: 'text', align: 'left', dx: 8 },
              encoding: {
                y: { field: 'contender', type: 'nominal', sort: names },
                x: { field: 'cpuUs', type: 'quantitative' },
                text: { field: 'cpuUs', format: '.3~r' },
              },
            },
          ],
        },
        resolve: { scale: { y: 'independent' } },
      },
      notes: [
        'CPU: user and system time of the sending process, after a warm-up over the same connections (h2load: all of it).',
        'Failed: sends that the contender did not call accepted, whatever arrived.',
        'Cheaper: than @parse/node-apn on the same server (where that is not installed, than node:http2).',
      ],
    },
    options,
  );
} finally {
  for (const server of servers) await server[Symbol.asyncDispose]();
}
