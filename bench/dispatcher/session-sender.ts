/**
 * Contender: a session with threads, in front of a gateway. Measures the CPU time of the program's own thread (the
 * dispatcher, and all that the session does for recipients and results) beside that of all threads, and how the
 * recipients were spread over the shards.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ConnectionCloseEvent } from '../../src/engine/dispatcher/diagnostics.js';
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import { readTask, writeResult } from '../lib/contender-process.js';
import type { Target } from '../lib/target.js';
import { mainThreadCpuUs } from '../lib/thread-cpu.js';
import { measured } from '../lib/usage.js';
import { payloadOf, randomTokens, tokenBytes } from '../macro/contenders/contender.js';
import { recipientsOf, type Source, templateOf } from './sources.js';

export interface SessionTask {
  readonly target: Target;
  readonly threads: number;
  /** `pushes`: one `apns.push` for each recipient, with a payload of its own, a thousand at a time. */
  readonly source: Source | 'pushes';
  readonly count: number;
  readonly warmUp: number;
  readonly payloadBytes: number;
}

export interface SessionResult {
  readonly accepted: number;
  /** CPU time of the program's own thread. */
  readonly mainUs: number;
  /** CPU time of all threads. */
  readonly cpuUs: number;
  readonly seconds: number;
  /** Answers by shard, the warm-up's among them. */
  readonly answers: readonly number[];
}

const { target, threads, source, count, warmUp, payloadBytes } = readTask<SessionTask>();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const answers = Array.from({ length: Math.max(1, threads) }, () => 0);
subscribe('peal:connection:close', (message) => {
  const { connection, answers: some } = message as ConnectionCloseEvent;
  answers[connection.shardId!]! += some ?? 0;
});
const session = new Session({ threads, ca });
const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));
const payload = payloadOf(payloadBytes);
const template = templateOf(payloadBytes);

const pushesInFlight = 1000;

async function push(tokens: Buffer): Promise<number> {
  let accepted = 0;
  let begun = 0;
  const next = async (): Promise<void> => {
    while (begun < tokens.length) {
      const token = tokens.toString('hex', begun, begun + tokenBytes);
      const alert = `Your order ${begun} is on its way to you. Open the app to see where it is right now.`;
      begun += tokenBytes;
      const { outcome } = await apns.push({ topic, pushType: 'alert', alert }, token);
      if (outcome === 'accepted') accepted += 1;
    }
  };
  await Promise.all(Array.from({ length: pushesInFlight }, next));
  return accepted;
}

async function send(tokens: Buffer): Promise<number> {
  if (source === 'pushes') return push(tokens);
  const isPersonal = source === 'rows';
  const message = new Message([], isPersonal ? { topic, pushType: 'alert' } : { topic, payload });
  const recipients = recipientsOf(source, tokens);
  return (await apns.send(message, { recipients, ...(isPersonal && { personal: template }) })).accepted;
}

await send(randomTokens(warmUp));
const tokens = randomTokens(count);
const startedUs = mainThreadCpuUs();
let accepted = 0;
const { cpuUs, seconds } = await measured(async () => {
  accepted = await send(tokens);
});
const mainUs = mainThreadCpuUs() - startedUs;
await session.close();
writeResult({ accepted, mainUs, cpuUs, seconds, answers } satisfies SessionResult);
