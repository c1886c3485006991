/**
 * The lanes of one gateway: finds the one for a message, starts the engine with the first push and lets it go with the
 * last outcome, and watches how long pushes take. Made by a gateway with its first push; main thread.
 */
import { randomFillSync } from 'node:crypto';
import { apnsIdBytesOf } from '../../apns/apns-id.js';
import { emptyError } from '../../apns/payload.js';
import { onAbort } from '../../base/abort-listeners.js';
import { rethrowAssertion } from '../../base/assert.js';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { decodeHex } from '../../base/hex.js';
import { deadlineStepMs, keptLaneBatches, laneIdleMs, maxIdleLanes, usualTokenBytes } from '../../base/limits.js';
import { holdProcess, releaseProcess } from '../../base/process-hold.js';
import type { Batch } from '../../engine/batch.js';
import type { Address, Protocol } from '../../push/address.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import type { Credential } from '../../push/credentials/credential.js';
import type { HeaderField } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY, ownMask } from '../../push/personal-fields.js';
import type { TokenEncoding } from '../../push/token-block.js';
import { fieldsAt, type OwnFields } from '../recipients/own-fields.js';
import { type Token, textOf } from '../recipients/recipient.js';
import type { GoneTokens } from '../send/gone-tokens.js';
import type { OpenSends } from '../send/open-sends.js';
import type { SendTarget } from '../send/send.js';
import { CallerPush } from './caller-push.js';
import { Lane, type LaneOwner } from './lane.js';
import { LaneBatch, NAMED, type Push, type PushFields } from './lane-batch.js';
import type { CheckedPushOptions } from './push-options.js';
import { invalidOutcome, type PushOutcome } from './push-outcome.js';

/** The gateway, as its lanes need it. */
interface LaneGateway {
  readonly address: Address;
  readonly credential: Credential;
  readonly clock: Clock;
  readonly sends: OpenSends;
  /** Told which tokens are gone. */
  readonly gone: GoneTokens | null;
  /** Random numbers for the waits before retries. Default: Math.random. */
  readonly random?: () => number;
  /** Where sends go now. Starts the engine when none runs. Each call is taken back with `release`, unless it fails. */
  acquire(): SendTarget | Promise<SendTarget>;
  release(): void;
}

/** Bytes of apns-ids that are drawn at once. */
const drawnBytes = 256 * apnsIdBytes;

export class Lanes implements LaneOwner {
  readonly random: () => number;
  readonly #gateway: LaneGateway;
  readonly #clock: Clock;
  /** By the header fields that messages share: equal ones are the same array, as long as they are remembered. */
  readonly #lanes = new Map<readonly HeaderField[], Lane>();
  #flushDue: Lane[] = [];
  /** Batches that wait to be used again. */
  readonly #free: LaneBatch[] = [];
  #unresolved = 0;
  #target: SendTarget | null = null;
  #isOpening = false;
  /** Ends the entry among the open sends of the session. */
  #onIdle: (() => void) | null = null;
  #deadlineTimer: TimerHandle | null = null;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #idleTimer: TimerHandle | null = null;
  readonly #drawn = new Uint8Array(drawnBytes);
  #drawnAt = drawnBytes;
  #lastHeaders: readonly HeaderField[] | null = null;
  #lastLane: Lane | null = null;

  constructor(gateway: LaneGateway) {
    this.random = gateway.random ?? Math.random;
    this.#gateway = gateway;
    this.#clock = gateway.clock;
  }

  /**
   * Begins one push. `done` is called once, never within this call but for an invalid token.
   *
   * @throws PealError ERR_PEAL_HEADER for a message that the credential cannot send, ERR_PEAL_PAYLOAD for one without a
   *   payload
   */
  start(parts: CompiledMessage, token: Token, options: CheckedPushOptions, done: (outcome: PushOutcome) => void): void {
    const push = new CallerPush(options, this.#clock.now() + options.timeoutMs, done);
    if (push.isAnswerTimed) push.awaitWrite(this.#clock.now());
    const why = this.begin(push, parts, token, !parts.isForeignId);
    if (why !== null) done(invalidOutcome(invalidTokenError(token, why, parts.recipientName)));
  }

  /**
   * Begins a push to one token. Returns null, or what is wrong with the token, as the rest of a sentence: then nothing
   * was begun.
   *
   * @param isNamed whether it is given an id if the message has none
   * @param minTokenBytes bytes of the shortest token
   * @throws as `start`
   */
  begin(push: Push, parts: CompiledMessage, token: Token, isNamed: boolean, minTokenBytes?: number): string | null {
    if (parts.payloadText === '') throw emptyError();
    const { apnsId } = parts;
    const own = ownMask(parts);
    const mask = isNamed || apnsId !== null ? own | NAMED : own;
    const lane = this.#laneFor(parts);
    const batch = this.#placed(lane, parts, token, mask, minTokenBytes);
    if (typeof batch === 'string') {
      if (lane.unresolved === 0) this.#idle(lane);
      return batch;
    }
    const { payloadText } = parts;
    if (apnsId !== null) batch.add(push, payloadText, parts, apnsIdBytesOf(apnsId), 0);
    else if (isNamed) batch.add(push, payloadText, parts, this.#drawn, this.#drawId());
    else batch.add(push, payloadText, parts, null, 0);
    this.#begun(lane, push);
    return null;
  }

  /**
   * Begins a push to the recipient at `index` of a batch that was packed for the message: with what the recipient
   * brings of its own.
   */
  beginPacked(push: Push, parts: CompiledMessage, { tokens, personal }: Batch, index: number): void {
    const own = personal?.fields == null ? null : fieldsAt(personal.fields, index);
    const offsets = personal?.payloadOffsets ?? null;
    const ids = personal?.apnsIds ?? (parts.apnsId === null ? null : apnsIdBytesOf(parts.apnsId));
    const mask = ownMask(parts) | (own?.mask ?? 0) | (ids === null ? 0 : NAMED);
    const lane = this.#laneFor(parts);
    const batch = lane.batchFor(tokens.tokenBytes, mask);
    const start = index * tokens.tokenBytes;
    batch.reserve().set(tokens.bytes.subarray(start, start + tokens.tokenBytes), batch.tokenOffset);
    const payload =
      offsets === null ? parts.payloadText : personal!.payloads!.subarray(offsets[index]!, offsets[index + 1]!);
    const idOffset = personal?.apnsIds == null ? 0 : index * apnsIdBytes;
    batch.add(push, payload, own === null ? parts : over(parts, own), ids, idOffset);
    this.#begun(lane, push);
  }

  /** What of those pushes is not written becomes unsent; the others still get their answers. */
  abortAll(isMeant: (push: Push) => boolean): void {
    for (const lane of [...this.#lanes.values()]) lane.abortAll(isMeant);
  }

  /** Pushes that wait for a connection: about so many. */
  get queued(): number {
    let queued = 0;
    for (const lane of this.#lanes.values()) queued += lane.queued;
    return queued;
  }

  #begun(lane: Lane, push: Push): void {
    this.#unresolved += 1;
    if (this.#unresolved === 1) this.#begin();
    lane.added(push);
    const { signal, isStreamed } = push.options;
    if (signal !== null && !isStreamed) this.#listen(lane, push, signal);
  }

  // --- what sendEach needs ---

  get clock(): Clock {
    return this.#clock;
  }

  /** All sends of the session. */
  get sends(): OpenSends {
    return this.#gateway.sends;
  }

  // --- what lanes share ---

  now(): number {
    return this.#clock.now();
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    return this.#clock.setTimer(callback, delayMs);
  }

  clearTimer(timer: TimerHandle): void {
    this.#clock.clearTimer(timer);
  }

  get target(): SendTarget | null {
    return this.#target;
  }

  get protocol(): Protocol {
    return this.#gateway.address.protocol;
  }

  get gone(): GoneTokens | null {
    return this.#gateway.gone;
  }

  takeBatch(tokenBytes: number, mask: number, encoding: TokenEncoding): LaneBatch {
    const batch = this.#free.pop() ?? new LaneBatch();
    batch.begin(tokenBytes, mask, encoding);
    return batch;
  }

  giveBack(batch: LaneBatch): void {
    if (this.#free.length === keptLaneBatches) return;
    batch.trim();
    this.#free.push(batch);
  }

  /** What is pushed by the continuations of answers, however deep, comes before. */
  flushLater(lane: Lane): void {
    lane.isFlushDue = true;
    if (this.#flushDue.length === 0) process.nextTick(this.#flush);
    this.#flushDue.push(lane);
  }

  watch(deadlineMs: number): void {
    if (deadlineMs < this.#deadlineMs) this.#watchUntil(deadlineMs);
  }

  resolved(lane: Lane): void {
    this.#unresolved -= 1;
    if (lane.unresolved === 0) this.#idle(lane);
    if (this.#unresolved === 0) this.#end();
  }

  readonly #flush = (): void => {
    const due = this.#flushDue;
    this.#flushDue = [];
    for (const lane of due) lane.flush();
  };

  // --- lanes ---

  #laneFor(parts: CompiledMessage): Lane {
    const headers = parts.sharedHeaders;
    if (headers === this.#lastHeaders) return this.#lastLane!;
    let lane = this.#lanes.get(headers);
    if (lane === undefined) {
      parts.checkFor(this.#gateway.credential, this.#gateway.address);
      lane = new Lane(parts, this);
      this.#lanes.set(headers, lane);
    }
    this.#lastHeaders = headers;
    this.#lastLane = lane;
    return lane;
  }

  #idle(lane: Lane): void {
    lane.idleSinceMs = this.#clock.now();
    if (this.#lanes.size > maxIdleLanes) this.#close(lane);
    else this.#idleTimer ??= this.#clock.setTimer(this.#onIdleTimer, laneIdleMs);
  }

  readonly #onIdleTimer = (): void => {
    this.#idleTimer = null;
    this.#closeIdle(this.#clock.now() - laneIdleMs);
    if (this.#lanes.size > 0) this.#idleTimer = this.#clock.setTimer(this.#onIdleTimer, laneIdleMs);
  };

  /** Closes lanes that have had nothing to do since then. */
  #closeIdle(sinceMs: number): void {
    for (const lane of this.#lanes.values()) {
      if (lane.unresolved === 0 && lane.idleSinceMs <= sinceMs) this.#close(lane);
    }
    if (this.#lanes.size === 0) this.#free.length = 0;
  }

  #close(lane: Lane): void {
    lane.close();
    this.#lanes.delete(lane.headers);
    if (lane !== this.#lastLane) return;
    this.#lastHeaders = null;
    this.#lastLane = null;
  }

  // --- the engine ---

  /** The first push without others: the process and the session wait for its outcome. */
  #begin(): void {
    holdProcess();
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    void this.#gateway.sends.add(idle);
    // It may still be opening for pushes that are over by now.
    if (this.#isOpening) return;
    const target = this.#gateway.acquire();
    if (!(target instanceof Promise)) {
      this.#target = target;
      return;
    }
    this.#isOpening = true;
    target.then(
      (opened) => this.#opened(opened),
      (error: unknown) => this.#failed(error),
    );
  }

  #opened(target: SendTarget): void {
    this.#isOpening = false;
    if (this.#unresolved === 0) {
      this.#gateway.release();
      return;
    }
    this.#target = target;
    for (const lane of this.#lanes.values()) if (!lane.isFlushDue) this.flushLater(lane);
  }

  #failed(error: unknown): void {
    rethrowAssertion(error);
    this.#isOpening = false;
    const cause = error instanceof PealError ? error : notStartedError(error);
    for (const lane of this.#lanes.values()) lane.fail(cause);
  }

  #end(): void {
    const wasOpen = this.#target !== null;
    this.#target = null;
    this.#unwatch();
    if (wasOpen) this.#gateway.release();
    releaseProcess();
    this.#onIdle?.();
    this.#onIdle = null;
  }

  // --- time ---

  #watchUntil(deadlineMs: number): void {
    this.#unwatch();
    this.#deadlineMs = deadlineMs;
    const delayMs = Math.max(0, Math.ceil(deadlineMs - this.#clock.now()));
    this.#deadlineTimer = this.#clock.setTimer(this.#onDeadline, delayMs);
  }

  #unwatch(): void {
    if (this.#deadlineTimer !== null) this.#clock.clearTimer(this.#deadlineTimer);
    this.#deadlineTimer = null;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** The event loop runs timers first: a thread that was busy reads what has arrived by now, and judges then. */
  readonly #onDeadline = (): void => {
    this.#deadlineTimer = null;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#clock.defer(this.#expire);
  };

  /** Looked at once in a few milliseconds at most, so that many deadlines cost little. */
  readonly #expire = (): void => {
    if (this.#unresolved === 0) return;
    const nowMs = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes.values()) next = Math.min(next, lane.expire(nowMs));
    if (next < this.#deadlineMs && next < Number.POSITIVE_INFINITY) {
      this.#watchUntil(Math.max(next, nowMs + deadlineStepMs));
    }
  };

  #listen(lane: Lane, push: Push, signal: AbortSignal): void {
    if (signal.aborted) {
      lane.abort(push);
      return;
    }
    push.stopListening = onAbort(signal, () => lane.abort(push));
  }

  // --- what goes into a batch ---

  /** Puts the token behind those of the batch for it. Returns the batch, or what is wrong with the token. */
  #placed(lane: Lane, parts: CompiledMessage, token: Token, mask: number, minTokenBytes?: number): LaneBatch | string {
    if (typeof token === 'string') {
      if (parts.isPlainToken?.(token) === true) {
        const batch = lane.batchFor(token.length, mask);
        batch.reserve().write(token, batch.tokenOffset, 'latin1');
        return batch;
      }
      if (parts.encoding === 'hex' && token.length === 2 * usualTokenBytes) {
        const batch = lane.batchFor(usualTokenBytes, mask);
        if (decodeHex(token, batch.reserve(), batch.tokenOffset)) return batch;
      }
    }
    const bytes = parts.readToken(token, minTokenBytes);
    if (typeof bytes === 'string') return bytes;
    const batch = lane.batchFor(bytes.length, mask);
    batch.reserve().set(bytes, batch.tokenOffset);
    return batch;
  }

  /** Where a new id (version 4, RFC 9562 §5.4) begins in `#drawn`. */
  #drawId(): number {
    if (this.#drawnAt === drawnBytes) {
      randomFillSync(this.#drawn);
      this.#drawnAt = 0;
    }
    const at = this.#drawnAt;
    this.#drawn[at + 6] = 0x40 | (this.#drawn[at + 6]! & 0x0f);
    this.#drawn[at + 8] = 0x80 | (this.#drawn[at + 8]! & 0x3f);
    this.#drawnAt = at + apnsIdBytes;
    return at;
  }
}

/** The header fields of a message with those that one recipient has instead. */
function over(parts: PushFields, own: OwnFields): PushFields {
  const { mask } = own;
  return {
    expiration: (mask & OWN_EXPIRATION) === 0 ? parts.expiration : own.expiration,
    priority: (mask & OWN_PRIORITY) === 0 ? parts.priority : own.priority,
    collapseId: (mask & OWN_COLLAPSE_ID) === 0 ? parts.collapseId : own.collapseId,
  };
}

function invalidTokenError(token: unknown, why: string, name = 'token'): PealError {
  const isText = typeof token === 'string' || token instanceof Uint8Array;
  const subject = isText ? `The ${name} ${shortened(textOf(token))}` : `The ${name}`;
  return new PealError('ERR_PEAL_TOKEN', `${subject} ${why}.`, { origin: 'input' });
}

/** A whole device token must not stand in an error. */
function shortened(text: string): string {
  return text.length <= 16 ? text : `${text.slice(0, 8)}…`;
}

function notStartedError(error: unknown): PealError {
  return new PealError('ERR_PEAL_SHARD', 'The engine could not be started: see the cause.', {
    origin: 'engine',
    cause: error,
  });
}
