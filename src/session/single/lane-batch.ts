/**
 * Pushes, and the batch that those of one turn of the loop share if they have the same shape. A batch is filled by a
 * lane, dispatched once, and used again when it is settled, so that a push adds its bytes to memory that is there
 * already. Main thread.
 */
import { Buffer } from 'node:buffer';
import { apnsIdText } from '../../apns/apns-id.js';
import { assert } from '../../base/assert.js';
import type { PealError } from '../../base/errors.js';
import { maxBatchRecipients } from '../../base/limits.js';
import type { Batch, OutcomeDetail } from '../../engine/batch.js';
import type { SendJob } from '../../engine/dispatcher/job.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import type { PersonalFields, PersonalParts } from '../../push/notification.js';
import { apnsIdBytes } from '../../push/notification.js';
import { fieldMasks, OWN_COLLAPSE_ID, OWN_EXPIRATION, OWN_PRIORITY } from '../../push/personal-fields.js';
import { TokenBlock, type TokenEncoding } from '../../push/token-block.js';
import type { CheckedPushOptions } from './push-options.js';

/** Room of a new batch: recipients, and bytes of their payloads. */
const firstRoom = 16;
const firstPayloadBytes = 4096;
/** Payload memory that a batch keeps for the next pushes. */
const keptPayloadBytes = 256 * 1024;

/**
 * How often a push is looked at while the time for an answer passes, to see whether it is written. So much of that time
 * may be added to it.
 */
const looksInAnswerTime = 5;

/** UTF-8 octets of one UTF-16 unit, at most. */
const maxBytesPerUnit = 3;

const noTokens = new TokenBlock(new Uint8Array(0), 1, 0);

/** What a push that was sent to again has behind it. */
interface PushRetries {
  /** Requests that were answered. */
  requests: number;
  /** The last answer, and when the first came. */
  answer: OutcomeDetail;
  readonly firstMs: number;
  /** Requests that were repeated for an expired provider token, and for a fault of the connection. */
  expired: number;
  connection: number;
}

/**
 * One notification to one recipient that has no outcome yet: what may be spent on it, and what is to be done with its
 * outcome. What it says stands in the batch that it is in, so that a program's message is not kept.
 */
export abstract class Push {
  /** Null once it has its outcome. */
  batch: LaneBatch | null = null;
  /** Its place there. */
  index = 0;
  /** Null until an answer asks for another request, which most pushes never get. */
  retries: PushRetries | null = null;
  /** Its time is over: it is unknown unless its shard took it back. */
  isWithdrawn = false;
  /** Its request was seen to be written, so that the time for its answer runs. Only where that time is limited. */
  isAnswerDue = false;
  /** Its signal was aborted: it is not sent again. */
  isAborted = false;
  /** Stops listening to its signal; null without one. */
  stopListening: (() => void) | null = null;

  constructor(
    readonly options: CheckedPushOptions,
    public deadlineMs: number,
  ) {}

  /** Whether it waits for its answer as long as its connection does. */
  get isPatient(): boolean {
    return this.options.timeoutMs === Number.POSITIVE_INFINITY && !this.isAnswerTimed;
  }

  /** Whether its time counts from when its request is written. */
  get isAnswerTimed(): boolean {
    return this.options.answerTimeoutMs !== undefined;
  }

  /** It waits to be written. Its deadline is when that is looked at next. */
  awaitWrite(nowMs: number): void {
    this.isAnswerDue = false;
    this.deadlineMs = nowMs + this.options.answerTimeoutMs! / looksInAnswerTime;
  }

  /** Whether an answer may be followed by another request. */
  get maySendAgain(): boolean {
    return true;
  }

  // One of these is called, once, when it has left its batch. `from`: that batch, where its `index` is still its own.

  /**
   * @param attempts requests that were answered
   * @param id in the answer, where the service names notifications
   */
  abstract accepted(from: LaneBatch, attempts: number, id: string | null): void;

  abstract rejected(from: LaneBatch, answer: OutcomeDetail, attempts: number): void;

  /**
   * @param attempts requests that were answered, or may have been processed
   * @param stopped why none of the pushes with it is sent any more; null if it is this one's own fault
   */
  abstract unanswered(
    from: LaneBatch,
    outcome: 'unsent' | 'unknown',
    error: PealError,
    attempts: number,
    stopped: PealError | null,
  ): void;

  /** The engine could not be started. */
  notStarted(from: LaneBatch, error: PealError): void {
    this.unanswered(from, 'unsent', error, 0, error);
  }
}

/** The header fields of a push besides those of its lane (apns/compile-notification). */
export type PushFields = Pick<CompiledMessage, 'expiration' | 'priority' | 'collapseId'>;

/** Bit of a batch's mask: its pushes bring ids. The lower ones are those of apns/personal-fields. */
export const NAMED = fieldMasks;
const allFields = fieldMasks - 1;

export class LaneBatch implements Batch {
  encoding: TokenEncoding = 'hex';
  /** Null where a push has its outcome. */
  readonly pushes: (Push | null)[] = [];
  /** Pushes without an outcome. */
  unresolved = 0;
  /** No push in it has to have its outcome before this. */
  earliestMs = Number.POSITIVE_INFINITY;
  /** Of which job it is a batch; null while it is being filled. */
  job: SendJob | null = null;
  tokens: TokenBlock = noTokens;
  personal: PersonalParts | null = null;
  tokenBytes = 0;
  mask = 0;
  /** Whose answers said that their tokens are gone; null if none did. */
  #gone: Set<number> | null = null;
  #count = 0;
  #room = 0;
  #tokenMemory = Buffer.alloc(0);
  #apnsIds = new Uint8Array(0);
  #payloads = Buffer.alloc(firstPayloadBytes);
  #payloadOffsets = new Uint32Array(1);
  #payloadBytes = 0;
  #expirations = new Uint32Array(0);
  #priorities = new Uint8Array(0);
  #collapseIds = '';
  #collapseIdOffsets: number[] = [0];

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === maxBatchRecipients;
  }

  /** Makes it an empty batch of one shape. `mask`: the header fields that each push brings, and NAMED. */
  begin(tokenBytes: number, mask: number, encoding: TokenEncoding = 'hex'): void {
    this.encoding = encoding;
    assert(this.unresolved === 0, 'a batch is used again after all of its pushes have their outcomes');
    if (tokenBytes !== this.tokenBytes) this.#tokenMemory = Buffer.alloc(this.#room * tokenBytes);
    this.tokenBytes = tokenBytes;
    this.mask = mask;
    this.pushes.length = 0;
    this.earliestMs = Number.POSITIVE_INFINITY;
    this.job = null;
    this.tokens = noTokens;
    this.personal = null;
    this.#gone = null;
    this.#count = 0;
    this.#payloadBytes = 0;
    this.#collapseIds = '';
    this.#collapseIdOffsets.length = 1;
    this.trim();
  }

  /** Bytes of payloads that it has memory for. */
  get payloadRoom(): number {
    return this.#payloads.length;
  }

  /** Gives up the memory of large payloads. For a batch whose pushes have their outcomes. */
  trim(): void {
    if (this.payloadRoom <= keptPayloadBytes) return;
    this.#payloads = Buffer.alloc(firstPayloadBytes);
    this.personal = null;
  }

  /** The memory of the tokens; the next one goes to `tokenOffset`. Valid until the next call. */
  reserve(): Buffer {
    if (this.#count === this.#room) this.#grow();
    return this.#tokenMemory;
  }

  get tokenOffset(): number {
    return this.#count * this.tokenBytes;
  }

  /** The bytes of a token in it. */
  tokenAt(index: number): Uint8Array {
    return this.#tokenMemory.subarray(index * this.tokenBytes, (index + 1) * this.tokenBytes);
  }

  /** The id of a push in it, as text; null in a batch that is not NAMED. */
  apnsIdAt(index: number): string | null {
    return (this.mask & NAMED) === 0 ? null : apnsIdText(this.#apnsIds, index * apnsIdBytes);
  }

  /**
   * Adds a push, whose token was put where `reserve` said. `apnsId`: 16 bytes from `idOffset` on; null in a batch that
   * is not NAMED.
   */
  add(push: Push, payload: string | Uint8Array, fields: PushFields, apnsId: Uint8Array | null, idOffset: number): void {
    const start = this.#payloadBytes;
    if (typeof payload === 'string') {
      this.#makeRoom(start + payload.length * maxBytesPerUnit);
      this.#payloadBytes = start + this.#payloads.write(payload, start, 'utf8');
    } else {
      this.#addPayload(payload);
    }
    if ((this.mask & allFields) !== 0) {
      this.#addFields(this.#count, fields.expiration, fields.priority, fields.collapseId);
    }
    this.#added(push, apnsId, idOffset);
  }

  /** Takes a push over from another batch of the same shape, with all that it says. */
  takeOver(push: Push): void {
    const from = push.batch!;
    const { index } = push;
    assert(from.tokenBytes === this.tokenBytes && from.mask === this.mask, 'a push goes to a batch of its shape');
    this.reserve().set(from.tokenAt(index), this.tokenOffset);
    const payload = from.#payloads.subarray(from.#payloadOffsets[index]!, from.#payloadOffsets[index + 1]!);
    this.#addPayload(payload);
    if ((this.mask & allFields) !== 0) this.#takeOverFields(from, index);
    from.leave(push);
    this.#added(push, from.#apnsIds, index * apnsIdBytes);
  }

  /** The push has its outcome, or is in another batch now. */
  leave(push: Push): void {
    this.pushes[push.index] = null;
    this.unresolved -= 1;
    push.batch = null;
  }

  /**
   * An answer said that the token is gone. Returns false if that is known already: it is told again as a batch is
   * settled.
   */
  noteGone(index: number): boolean {
    this.#gone ??= new Set();
    const isNew = !this.#gone.has(index);
    this.#gone.add(index);
    return isNew;
  }

  /** Ends the filling: from now on it is a batch of `job`. */
  close(job: SendJob): void {
    const count = this.#count;
    this.job = job;
    this.tokens = new TokenBlock(this.#tokenMemory, this.tokenBytes, count, this.encoding);
    this.personal = {
      apnsIds: (this.mask & NAMED) === 0 ? null : this.#apnsIds,
      payloads: this.#payloads.subarray(0, this.#payloadBytes),
      payloadOffsets: this.#payloadOffsets,
      fields: (this.mask & allFields) === 0 ? null : this.#fields(),
    };
  }

  #added(push: Push, apnsId: Uint8Array | null, idOffset: number): void {
    assert(this.job === null && this.#count < this.#room, 'a push goes into a batch that is being filled');
    const index = this.#count;
    if ((this.mask & NAMED) !== 0) {
      const idAt = index * apnsIdBytes;
      for (let at = 0; at < apnsIdBytes; at++) this.#apnsIds[idAt + at] = apnsId![idOffset + at]!;
    }
    this.#count = index + 1;
    this.#payloadOffsets[index + 1] = this.#payloadBytes;
    this.pushes.push(push);
    this.unresolved += 1;
    push.batch = this;
    push.index = index;
    if (push.deadlineMs < this.earliestMs) this.earliestMs = push.deadlineMs;
  }

  #addPayload(payload: Uint8Array): void {
    this.#makeRoom(this.#payloadBytes + payload.length);
    this.#payloads.set(payload, this.#payloadBytes);
    this.#payloadBytes += payload.length;
  }

  #makeRoom(payloadBytes: number): void {
    if (payloadBytes <= this.#payloads.length) return;
    const more = Buffer.alloc(2 ** Math.ceil(Math.log2(payloadBytes)));
    more.set(this.#payloads.subarray(0, this.#payloadBytes));
    this.#payloads = more;
  }

  #takeOverFields(from: LaneBatch, index: number): void {
    const offsets = from.#collapseIdOffsets;
    const collapseId = from.#collapseIds.slice(offsets[index], offsets[index + 1]);
    this.#addFields(this.#count, from.#expirations[index]!, from.#priorities[index]!, collapseId);
  }

  #addFields(index: number, expiration: number | null, priority: number | null, collapseId: string | null): void {
    if ((this.mask & OWN_EXPIRATION) !== 0) this.#expirations[index] = expiration!;
    if ((this.mask & OWN_PRIORITY) !== 0) this.#priorities[index] = priority!;
    if ((this.mask & OWN_COLLAPSE_ID) === 0) return;
    this.#collapseIds += collapseId!;
    this.#collapseIdOffsets.push(this.#collapseIds.length);
  }

  #fields(): PersonalFields {
    const { mask } = this;
    const hasCollapseIds = (mask & OWN_COLLAPSE_ID) !== 0;
    return {
      expirations: (mask & OWN_EXPIRATION) === 0 ? null : this.#expirations,
      priorities: (mask & OWN_PRIORITY) === 0 ? null : this.#priorities,
      collapseIds: hasCollapseIds ? new TextEncoder().encode(this.#collapseIds) : null,
      collapseIdOffsets: hasCollapseIds ? Uint32Array.from(this.#collapseIdOffsets) : null,
    };
  }

  #grow(): void {
    const room = Math.min(maxBatchRecipients, Math.max(firstRoom, this.#room * 4));
    assert(room > this.#room, 'a batch that is full takes no more pushes');
    this.#room = room;
    this.#tokenMemory = larger(this.#tokenMemory, Buffer.alloc(room * this.tokenBytes));
    this.#apnsIds = larger(this.#apnsIds, new Uint8Array(room * apnsIdBytes));
    this.#payloadOffsets = larger(this.#payloadOffsets, new Uint32Array(room + 1));
    this.#expirations = larger(this.#expirations, new Uint32Array(room));
    this.#priorities = larger(this.#priorities, new Uint8Array(room));
  }
}

/** `to` with what `from` holds. */
function larger<Numbers extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from);
  return to;
}
