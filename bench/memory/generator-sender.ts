/**
 * Contender: the library with a generator of device tokens as text, as a program has them that reads its own store. The
 * whole process is measured, from its start.
 */
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import { Session } from '../../src/session/session.js';
import { strings } from '../dispatcher/sources.js';
import { readTask, writeResult } from '../lib/contender-process.js';
import type { Target } from '../lib/target.js';
import { payloadOf, randomTokens } from '../macro/contenders/contender.js';

export interface GeneratorTask {
  readonly target: Target;
  readonly recipients: number;
  readonly payloadBytes: number;
}

export interface GeneratorResult {
  readonly accepted: number;
  readonly cpuUs: number;
  /** Of the send alone. */
  readonly seconds: number;
  readonly peakRssBytes: number;
}

const { target, recipients, payloadBytes } = readTask<GeneratorTask>();
const { url, topic, ca, keyFile, keyId, teamId } = target;
const session = new Session({ ca });
const apns = new APNs(session.getConnection(url, { key: { file: keyFile }, keyId, teamId }));

/** Random tokens, made a few at a time: the list is nowhere in memory. */
function* tokens(): Generator<string> {
  for (let made = 0; made < recipients; ) {
    const some = Math.min(1024, recipients - made);
    yield* strings(randomTokens(some));
    made += some;
  }
}

const startedMs = performance.now();
const message = new Message([], { payload: payloadOf(payloadBytes), topic });
const { accepted } = await apns.send(message, { recipients: tokens(), total: recipients });
const seconds = (performance.now() - startedMs) / 1000;
await session.close();
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const cpuUs = userCPUTime + systemCPUTime;
writeResult({ accepted, cpuUs, seconds, peakRssBytes: maxRSS * 1024 } satisfies GeneratorResult);
