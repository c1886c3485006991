/**
 * Measures messages to FCM: CPU time of the sender by each of peal's calls, beside firebase-admin and node:http2
 * against the same server. Each run is a process of its own against a sink, and every run is checked by the sink's
 * count.
 */
import { benchCommand, benchOptions, wholeNumber, wholeNumbers } from '../lib/bench-options.js';
import { runContender } from '../lib/contender-process.js';
import { hasPeer, installPeers } from '../lib/peers.js';
import type { Skipped, Values } from '../lib/report.js';
import { number } from '../lib/report-table.js';
import { type Case, runBenchmark } from '../lib/runner.js';
import { SinkProcess } from '../lib/sink-process.js';
import type { FcmResult, FcmTask } from './contender.js';

interface Contender {
  readonly name: string;
  readonly sender: FcmTask['sender'];
  readonly way: FcmTask['way'];
  readonly threads?: number;
  readonly atOnce?: number;
  readonly isPaced?: boolean;
}

/** Pushes under way at a time. */
const pushesAtOnce = 1_000;

const contenders: readonly Contender[] = [
  { name: 'peal, send', sender: 'peal', way: 'send' },
  { name: 'peal, send, one thread', sender: 'peal', way: 'send', threads: 1 },
  { name: 'peal, send, packed tokens', sender: 'peal', way: 'packed' },
  { name: 'peal, send, a field of each', sender: 'peal', way: 'personal' },
  { name: 'peal, push', sender: 'peal', way: 'push', atOnce: pushesAtOnce },
  { name: 'peal, send, usual rate', sender: 'peal', way: 'send', isPaced: true },
  { name: 'node:http2', sender: 'node-http2', way: 'send' },
  { name: 'firebase-admin, sendEach', sender: 'firebase-admin', way: 'sendEach' },
  { name: 'firebase-admin, sendEach, two at once', sender: 'firebase-admin', way: 'sendEach', atOnce: 2 },
  { name: 'firebase-admin, sendEachForMulticast', sender: 'firebase-admin', way: 'sendEachForMulticast' },
];

interface OwnOptions {
  readonly count?: number;
  readonly slowCount?: number;
  readonly streams?: number[];
  readonly contender?: string;
}

const command = benchCommand('fcm', 'Measures messages to FCM beside firebase-admin and node:http2: CPU time and rate.')
  .option('--count <n>', 'messages of a run of peal (default: 200000; 1000 with --quick)', wholeNumber)
  .option(
    '--slow-count <n>',
    'messages of a run of others, or at the usual rate (default: 5000; 1000 with --quick)',
    wholeNumber,
  )
  .option(
    '--streams <n,n>',
    'requests at a time that a connection takes (default: 100,1000; 100 with --quick)',
    wholeNumbers,
  )
  .option('--contender <text>', 'only contenders whose names hold this text')
  .parse();
const options = benchOptions(command, 'fcm');
const own = command.opts<OwnOptions>();
const count = own.count ?? (options.quick ? 1_000 : 200_000);
const slowCount = own.slowCount ?? (options.quick ? 1_000 : 5_000);
const streams = own.streams ?? (options.quick ? [100] : [100, 1_000]);

const isSlow = ({ sender, isPaced }: Contender): boolean => sender !== 'peal' || isPaced === true;
const module = new URL('./contender.js', import.meta.url);

async function measure(contender: Contender, sink: SinkProcess): Promise<Values> {
  const { name, sender, way, threads = 0, atOnce = 1, isPaced = false } = contender;
  const messages = isSlow(contender) ? slowCount : count;
  const warmUp = Math.min(messages, isPaced ? 1_000 : isSlow(contender) ? 4_000 : 50_000);
  await sink.reset();
  const task: FcmTask = { target: sink.target, sender, way, threads, atOnce, isPaced, count: messages, warmUp };
  const { cpuUs, seconds, peakRssBytes, acceptedInAll } = await runContender<FcmResult>(module, task);
  const { requests, connections } = await sink.counts();
  const sent = warmUp + messages;
  if (requests !== sent || acceptedInAll !== sent)
    throw new Error(`${name}: ${sent} sent, ${acceptedInAll} called accepted, ${requests} arrived`);
  return { cpuUs: cpuUs / messages, perSecond: messages / seconds, connections, peakRssMb: peakRssBytes / 1e6 };
}

const named = contenders.filter(({ name }) => name.includes(own.contender ?? ''));
const isMissing = ({ sender }: Contender): boolean => sender === 'firebase-admin' && !hasPeer('firebase-admin');
const skipped: Skipped[] = named
  .filter(isMissing)
  .map(({ name }) => ({ contender: name, why: `It is not installed: ${installPeers}` }));
const chosen = named.filter((contender) => !isMissing(contender));
const names = contenders.map(({ name }) => name);
const sinks: SinkProcess[] = [];
try {
  const cases: Case[] = [];
  for (const maxStreams of streams) {
    const sink = await SinkProcess.start({ answers: 'fcm', maxStreams });
    sinks.push(sink);
    for (const contender of chosen) {
      // What the rate costs does not depend on the streams.
      if (contender.isPaced === true && maxStreams !== streams[0]) continue;
      const messages = number(isSlow(contender) ? slowCount : count);
      const parameters = { streams: maxStreams, messages };
      cases.push({ contender: contender.name, parameters, measure: () => measure(contender, sink) });
    }
  }
  await runBenchmark(
    {
      name: 'fcm',
      title: 'Messages to FCM, against a sink that answers each with the name of a message',
      parameters: { count, slowCount, streams, pushesAtOnce },
      metrics: {
        cpuUs: { title: 'CPU µs each', digits: 2, hasSpread: true },
        perSecond: { title: 'per second', digits: 0 },
        connections: { title: 'connections', digits: 0 },
        peakRssMb: { title: 'peak RSS MB', digits: 0 },
      },
      comparison: {
        title: 'cheaper by',
        contenders: ['firebase-admin, sendEach', 'node:http2'],
        by: ['streams'],
        metric: 'cpuUs',
      },
      cases,
      skipped,
      plot: {
        facet: { field: 'streams', type: 'ordinal', title: 'requests at a time on a connection' },
        columns: 2,
        spec: {
          ...{ width: 280, height: { step: 20 } },
          layer: [
            {
              mark: { type: 'point', filled: true },
              encoding: {
                y: { field: 'contender', type: 'nominal', sort: names, title: null, axis: { labelLimit: 0 } },
                x: { field: 'cpuUs', type: 'quantitative', title: 'CPU µs each', scale: { type: 'log' } },
              },
            },
            {
              mark: { type: 'text', align: 'left', dx: 6 },
              encoding: {
                y: { field: 'contender', type: 'nominal', sort: names },
                x: { field: 'cpuUs', type: 'quantitative', scale: { type: 'log' } },
                text: { field: 'cpuUs', format: '.3~r' },
              },
            },
          ],
        },
      },
      notes: [
        'CPU: user and system time of the sending process, all threads, after a warm-up. Streams: requests at a time that the',
        `server allows on a connection. Pushes: ${number(pushesAtOnce)} under way at a time, each with a text of its own.`,
        'Usual rate: 600,000 messages a minute, which the sender grows to within a minute; all others have no bound.',
        'Connections: those of the whole run, the warm-up included. Cheaper: than sendEach with the same number of streams,',
        'round by round.',
      ],
    },
    options,
  );
} finally {
  for (const sink of sinks) await sink[Symbol.asyncDispose]();
}
