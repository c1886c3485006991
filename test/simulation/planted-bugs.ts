/**
 * Bugs that are planted into the compiled sender, one at a time, to see whether the simulation finds them. Each is the
 * exact text of one place and what stands there instead; planted-bugs.test.ts sees to it that the place still exists.
 *
 * A bug that few worlds show has a `firstSeed` a little before the seed that found it. What counts is that the
 * simulation finds it; the seeds before it are known to pass, and cost up to half a minute. When worlds are drawn
 * differently, the bug is looked for in as many seeds from there on as any other.
 */
import { answerBugs } from './planted-answer-bugs.js';
import { binaryBugs } from './planted-binary-bugs.js';
import { campaignBugs } from './planted-campaign-bugs.js';
import { engineBugs } from './planted-engine-bugs.js';
import { fcmBugs } from './planted-fcm-bugs.js';
import { pushBugs } from './planted-push-bugs.js';
import { troubleBugs } from './planted-trouble-bugs.js';
import type { Worlds } from './run-seeds.js';

export interface PlantedBug {
  readonly name: string;
  /** Below dist/src. */
  readonly file: string;
  /** Occurs exactly once in the compiled file. */
  readonly before: string;
  readonly after: string;
  /** What it breaks. */
  readonly breaks: string;
  /** Only these worlds are asked. Default: all. */
  readonly worlds?: Worlds;
  /** Where the search begins. Default: 1. */
  readonly firstSeed?: number;
}

const codecBugs: readonly PlantedBug[] = [
  {
    name: 'lastStreamId is ignored',
    file: 'codec/http2/goaways.js',
    before: 'if (states[slot] < AWAITING || (ids[slot] <= lastStreamId && ids[slot] < handedOutBelow))',
    after: 'if (states[slot] < AWAITING || ids[slot] < handedOutBelow)',
    breaks: 'streams above a GOAWAY wait for answers that never come, and end as unknown',
  },
  {
    name: 'streams up to lastStreamId are taken for unsent',
    file: 'codec/http2/goaways.js',
    before: '(ids[slot] <= lastStreamId && ids[slot] < handedOutBelow)',
    after: '(ids[slot] < lastStreamId && ids[slot] < handedOutBelow)',
    breaks: 'the last request that the gateway processes is sent again',
  },
  {
    name: 'a GOAWAY makes its streams unknown',
    file: 'codec/http2/goaways.js',
    before: 'this.#endings.unsent(slot, DROPPED, goawayCause(errorCode));',
    after: 'this.#endings.unknown(slot, DROPPED, goawayCause(errorCode));',
    breaks: 'what was certainly not processed is reported as unknown',
  },
  {
    name: 'REFUSED_STREAM is taken for any other reset',
    file: 'codec/http2/peer-frames.js',
    before: 'if (errorCode === REFUSED_STREAM && !this.#endings.hasAnswerBegun(slot)) {',
    after: 'if (errorCode === 99 && !this.#endings.hasAnswerBegun(slot)) {',
    breaks: 'what was certainly not processed is reported as unknown',
  },
  {
    name: 'any reset is taken for REFUSED_STREAM',
    file: 'codec/http2/peer-frames.js',
    before: 'if (errorCode === REFUSED_STREAM && !this.#endings.hasAnswerBegun(slot)) {',
    after: 'if (!this.#endings.hasAnswerBegun(slot)) {',
    breaks: 'what may have been processed is sent again',
  },
  {
    name: 'a reset stream is forgotten',
    file: 'codec/http2/peer-frames.js',
    before: 'this.#endings.lost(slot, ENDED, resetCause(errorCode));',
    after: 'this.#streams.end(slot, ENDED);',
    breaks: 'recipients have no outcome, and the campaign has no end',
  },
  {
    name: 'half of the window that is given back is lost',
    file: 'codec/http2/flow-control.js',
    before: 'this.available += increment;',
    after: 'this.available += increment >> 1;',
    breaks: 'connections take less and less work, and then none',
  },
  {
    name: 'a lowered stream limit is not followed',
    file: 'codec/http2/settings.js',
    before: 'this.maxConcurrentStreams = value;',
    after:
      'this.maxConcurrentStreams = Number.isFinite(this.maxConcurrentStreams) ? Math.max(this.maxConcurrentStreams, value) : value;',
    breaks: 'more streams are open than the gateway allows',
  },
  {
    name: 'the stream limit is exceeded by one',
    file: 'codec/requests/client-connection.js',
    before: 'return most - this.#streams.active;',
    after: 'return most + 1 - this.#streams.active;',
    breaks: 'more streams are open than the gateway allows',
  },
  {
    name: 'the connection window is not charged',
    file: 'codec/requests/request-writer.js',
    before: 'this.#window.available -= written * payloadBytes;',
    after: '',
    breaks: 'the window of the connection is overrun',
  },
  {
    name: 'the stream window is not charged',
    file: 'codec/http2/blocked-bodies.js',
    before: 'windowDeltas[slot] -= bytes;',
    after: '',
    breaks: 'the window of a stream is overrun',
  },
  {
    name: 'half a request counts as sent',
    file: 'codec/http2/stream-endings.js',
    before: 'if (streams.isUnfinished(slot) && !this.hasAnswerBegun(slot))',
    after: 'if (streams.ids[slot] < 0)',
    breaks: 'what was certainly not processed is reported as unknown',
  },
  {
    name: 'a request has the end of the token before',
    file: 'codec/requests/token-hex.js',
    before: 'for (let i = from; i < from + commonTokenBytes; i += 4) {',
    after: 'for (let i = from; i < from + commonTokenBytes - (from > 0 ? 4 : 0); i += 4) {',
    breaks: 'notifications go to devices that there are not',
  },
  {
    name: 'a recipient gets the payload of the one before',
    file: 'codec/requests/request-writer.js',
    before: 'bytes.set(bodies.subarray(bodyFrom, bodyTo)',
    after: `const shift = Math.min(bodyFrom, payloadBytes);
            bytes.set(bodies.subarray(bodyFrom - shift, bodyTo - shift)`,
    breaks: 'people read what was meant for others',
  },
  {
    name: 'a recipient gets the collapse id of the one before',
    file: 'codec/requests/own-fields.js',
    before: 'const [from, to] = [offsets[recipient], offsets[recipient + 1]];',
    after: `const last = offsets[recipient + 1] - offsets[recipient];
    const from = Math.max(0, offsets[recipient] - 1), to = from + last;`,
    breaks: 'notifications replace those of others on the device',
  },
];

const connectionBugs: readonly PlantedBug[] = [
  {
    name: 'no PING is missed',
    file: 'connection/http2/vital-signs.js',
    before: `if (verdict === 'silent')`,
    after: `if (verdict === 'never')`,
    breaks: 'a black hole is never found',
  },
  {
    name: 'no request has a deadline',
    file: 'connection/http2/vital-signs.js',
    before: 'return oldestOpenStreamId !== 0 && oldestOpenStreamId < nextThen;',
    after: 'return false;',
    breaks: 'a request without an answer keeps the campaign forever',
  },
  {
    name: 'the unknown is called unsent',
    file: 'connection/http2/http2-connection.js',
    before: 'this.#source.onUnknown(tag, cause);',
    after: 'this.#source.onUnsent(tag, cause);',
    breaks: 'what may have been processed is sent again',
  },
  {
    name: 'the end of a connection is reported twice',
    file: 'connection/http2/http2-connection.js',
    before: 'onUnknown(tag, cause) {',
    after: 'onUnknown(tag, cause) {\n        if (tag % 8 === 0)\n            this.#source.onUnknown(tag, cause);',
    breaks: 'a batch is settled before its last recipient',
  },
  {
    name: 'a timer is left running',
    file: 'connection/http2/http2-connection.js',
    before: 'this.#tickTimer.set(keepaliveTickMs);\n        const oldest',
    after:
      'this.#tickTimer.set(keepaliveTickMs);\n        this.#options.clock.setTimer(() => { }, 600_000);\n        const oldest',
    breaks: 'a program that is done does not end',
  },
  {
    name: 'closing does not wait for answers',
    file: 'connection/pool/pool.js',
    before: `this.#onAllClosed = resolve;
            for (const connection of [...this.#connections])
                connection.drain(closeTimeoutMs, null);`,
    after: `this.#onAllClosed = resolve;
            resolve();`,
    breaks: 'what is in flight is called unknown and answered afterwards',
  },
  {
    name: 'connecting has no back-off',
    file: 'connection/pool/connect-backoff.js',
    before: 'return Math.max(0, this.#notBeforeMs - nowMs, this.#address.waitMs(nowMs));',
    after: 'return 0;',
    breaks: 'a gateway in trouble is flooded with connections',
  },
  {
    name: 'a wedged connection is used on',
    file: 'connection/http2/http2-connection.js',
    before: "if (wedge === null || this.#life.state !== 'ready')",
    after: 'if (wedge !== 0)',
    breaks: 'a connection that answers nothing but errors gets all the work',
    firstSeed: 120,
  },
  {
    name: 'a new provider token does not open the gate',
    file: 'connection/pool/pool.js',
    before: 'this.#gate.release();',
    after: '',
    breaks: 'after ExpiredProviderToken nothing is sent any more',
  },
  {
    name: 'retries count as evidence of a gateway in trouble',
    file: 'connection/connection-health.js',
    before: 'if (isTransient && isRetry) {',
    after: 'if (isTransient && isRetry && answers < 0) {',
    breaks: 'a gateway is given up that serves all others',
  },
  {
    name: 'faults of hours ago count as evidence',
    file: 'connection/send-gate.js',
    before: 'if (now - this.#inconclusiveAtMs > maxTokenUpdatesPauseMs + requestTimeoutMs)',
    after: 'if (now < this.#inconclusiveAtMs)',
    breaks: 'a gateway is given up that was asked hardly ever',
  },
  {
    name: 'a pool gives up at once',
    file: 'connection/pool/connect-backoff.js',
    before: 'this.#failures >= maxConnectAttempts && !isPatient',
    after: 'this.#failures >= 1 && !isPatient',
    breaks: 'a campaign ends because of one connection',
  },
  {
    name: 'connecting has no deadline',
    file: 'connection/connection-life.js',
    before: 'this.deadline.set(link.connectTimeoutMs);',
    after: '',
    breaks: 'a gateway that does not answer keeps the campaign forever',
  },
];

export const plantedBugs: readonly PlantedBug[] = [
  ...codecBugs,
  ...connectionBugs,
  ...binaryBugs,
  ...engineBugs,
  ...troubleBugs,
  ...answerBugs,
  ...campaignBugs,
  ...pushBugs,
  ...fcmBugs,
];
