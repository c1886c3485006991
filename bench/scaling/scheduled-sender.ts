/**
 * Contender: single sends at a fixed rate, however long their answers take (an open loop). A send that is late because
 * the program was busy counts from when it should have begun, so that a stall is counted for all sends that it delays
 * and not for one (coordinated omission). Beside that, the time from when it did begin.
 */
import { LatencyHistogram } from '../../src/engine/latency-histogram.js';
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import { readTask, writeResult } from '../lib/contender-process.js';
import type { Target } from '../lib/target.js';
import { payloadOf, randomTokens, tokenBytes } from '../macro/contenders/contender.js';

export interface ScheduledTask {
  readonly target: Target;
  readonly connections: number;
  readonly payloadBytes: number;
  /** Sends a second. */
  readonly perSecond: number;
  /** Sends at the same rate before those that are measured: connections grow meanwhile. */
  readonly warmUp: number;
  readonly count: number;
}

/** Milliseconds. */
export interface ScheduledResult {
  readonly accepted: number;
  /** From when a send should have begun until its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  /** From when it did begin. */
  readonly uncorrectedP99Ms: number;
}

const { target, connections, payloadBytes, perSecond, warmUp, count } = readTask<ScheduledTask>();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const session = new Session({ ca, maxConnections: connections, poolSize: connections });
const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
const payload = payloadOf(payloadBytes);
const total = warmUp + count;
const tokens = randomTokens(total);
const corrected = new LatencyHistogram();
const uncorrected = new LatencyHistogram();
let accepted = 0;
let sent = 0;
let answered = 0;

async function send(index: number, dueMs: number): Promise<void> {
  const token = tokens.toString('hex', index * tokenBytes, (index + 1) * tokenBytes);
  const begunMs = performance.now();
  const result = await apns.send(new Message([token], { payload, topic }));
  const nowMs = performance.now();
  answered += 1;
  if (index < warmUp) return;
  accepted += result.accepted;
  corrected.record(nowMs - dueMs);
  uncorrected.record(nowMs - begunMs);
}

/** One send, so that a connection is open and the code is loaded. */
await apns.send(new Message([tokens.toString('hex', 0, tokenBytes)], { payload, topic }));
await new Promise<void>((resolve, reject) => {
  const startMs = performance.now();
  const dueMsOf = (index: number): number => startMs + (index * 1000) / perSecond;
  const onAnswer = (): void => {
    if (answered === total) resolve();
  };
  const tick = (): void => {
    const nowMs = performance.now();
    for (; sent < total && dueMsOf(sent) <= nowMs; sent++) send(sent, dueMsOf(sent)).then(onAnswer, reject);
    if (sent < total) setTimeout(tick, 1);
  };
  tick();
});
const [p50Ms, p99Ms] = corrected.percentiles([0.5, 0.99]) as [number, number];
const [uncorrectedP99Ms] = uncorrected.percentiles([0.99]) as [number];
writeResult({ accepted, p50Ms, p99Ms, longestMs: corrected.longestMs, uncorrectedP99Ms } satisfies ScheduledResult);
await session.close();
