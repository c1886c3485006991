/**
 * Contender: one bulk send that lasts for some seconds. It notes how many answers have come, and over how many
 * connections, from the first answer on.
 */
import { LatencyHistogram } from '../../src/engine/latency-histogram.js';
import type { TokenBlock } from '../../src/push/token-block.js';
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import { blocks } from '../dispatcher/sources.js';
import { readTask, writeResult } from '../lib/contender-process.js';
import type { Target } from '../lib/target.js';
import { measured } from '../lib/usage.js';
import { payloadOf, randomTokens } from '../macro/contenders/contender.js';
import type { CountAt } from './model.js';

export interface BulkTask {
  readonly target: Target;
  readonly connections: number;
  readonly payloadBytes: number;
  /** From the first answer on. */
  readonly seconds: number;
}

/** Time counts from the first answer. */
export interface BulkResult {
  readonly accepted: number;
  readonly answers: readonly CountAt[];
  readonly connections: readonly CountAt[];
  /** From the hand-out of a request to its connection until its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

const sampleMs = 10;
const { target, connections, payloadBytes, seconds } = readTask<BulkTask>();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const session = new Session({ ca, maxConnections: connections, poolSize: connections });
const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
const latencies = new LatencyHistogram();
const tokens = randomTokens(64 * 1024);
const answers: CountAt[] = [];
const open: CountAt[] = [];
let firstMs = Number.NaN;
/** Ends the send: what is not written then is unsent, and what is written gets its answers. */
const ending = new AbortController();

function* endless(): Generator<TokenBlock> {
  for (;;) yield* blocks(tokens);
}

function sample(): void {
  const nowMs = performance.now();
  const { count } = latencies;
  if (count === 0) return;
  if (Number.isNaN(firstMs)) firstMs = nowMs;
  const ms = nowMs - firstMs;
  answers.push({ ms, count });
  if (ms >= seconds * 1000) {
    clearInterval(timer);
    ending.abort();
  }
  void session.stats().then((stats) => open.push({ ms, count: stats.connections }));
}

const timer = setInterval(sample, sampleMs);
let accepted = 0;
const { cpuUs } = await measured(async () => {
  const message = new Message([], { payload: payloadOf(payloadBytes), topic });
  ({ accepted } = await apns.send(message, { recipients: endless(), latencies, signal: ending.signal }));
});
clearInterval(timer);
const [p50Ms, p99Ms] = latencies.percentiles([0.5, 0.99]) as [number, number];
writeResult({ accepted, answers, connections: open, p50Ms, p99Ms, cpuUs } satisfies BulkResult);
await session.close();
