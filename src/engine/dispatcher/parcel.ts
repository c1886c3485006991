/**
 * A batch on its way through the engine: from `dispatch` through one shard, or several if shards crash, to the sink.
 * The dispatcher keeps the batch itself and this ledger of its own; a shard has a copy of the tokens and a slot of
 * shared memory, from which this ledger is brought up to date whenever the shard gives the batch back or is lost. What
 * may be answered otherwise next time waits (retry-line) and goes to a shard again, the others staying as they are.
 */
import { bareAnswer } from '../../apns/answer.js';
import { fieldsFault } from '../../apns/personal-fields.js';
import { reasonOf } from '../../apns/reason.js';
import type { PealError } from '../../base/errors.js';
import {
  maxBatchCrashes,
  maxBatchRecipients,
  personalBytesPerCredit,
  retryBeginGraceMs,
  waitingRecipientWeight,
} from '../../base/limits.js';
import type { AcceptedIds, Batch, OutcomeDetail } from '../batch.js';
import { QUEUED, REJECTED, UNKNOWN, UNSENT, WRITTEN } from '../ledger.js';
import type { SettledBatch } from '../outcome-sink.js';
import type { RejectionNotes } from '../rejection-notes.js';
import { addInterim, type InterimCounts } from './interim.js';
import type { Job } from './job.js';
import type { Mailbox } from './mailbox.js';
import { Retries } from './retries.js';

export class Parcel {
  readonly ledger: Uint8Array;
  /** What it uses of a shard's credit: one for each recipient, more where personal payloads are large. */
  readonly weight: number;
  /** Crashes of shards that it was in. */
  crashes = 0;
  /** The shard that had it last: it goes there again, because that one knows how the gateway is. */
  home: Mailbox | null = null;
  /** Recipients that were accepted when the mailbox of its shard last looked. */
  acceptedSeen = 0;
  /** Resolves the `dispatch` that waits for a shard to take it. */
  onTaken: (() => void) | null = null;
  /** The slot of a shard that has it, as long as one has: what the ledger will say once it comes back. */
  shared: Uint8Array | null = null;
  #details: readonly OutcomeDetail[] = [];
  /** Null where no ids are kept, or none has come. */
  #ids: AcceptedIds | null = null;
  #cause: PealError | null = null;
  /** Null until something is to be remembered: in most parcels nothing ever is. */
  #retries: Retries | null = null;
  #hasReturned = false;

  constructor(
    readonly job: Job,
    readonly batch: Batch,
  ) {
    this.ledger = new Uint8Array(batch.tokens.count);
    this.weight = weigh(batch);
  }

  /** A batch that takes one shard after another down is not tried for ever. */
  get mayBeSentAgain(): boolean {
    return this.crashes < maxBatchCrashes;
  }

  /** What is to be sent of it was sent before: nothing goes again before every recipient has been out. */
  get isRetry(): boolean {
    return this.#retries?.hasReleased ?? false;
  }

  /** How long its requests may take to begin; null for the first ones of its recipients, which have no such time. */
  get beginWithinMs(): number | null {
    const endMs = this.#retries?.endMs ?? null;
    return endMs === null ? null : Math.max(retryBeginGraceMs, endMs - this.job.nowMs());
  }

  /** When the next of its recipients is to be sent again; null when none is. */
  get dueMs(): number | null {
    return this.#retries?.dueMs ?? null;
  }

  /** Adds those of its recipients whose outcome is certain already. */
  addInterim(counts: InterimCounts): void {
    addInterim(this.shared ?? this.ledger, counts);
  }

  /** What it uses of the room for waiting parcels: recipients that wait cost more than their tokens. */
  get waitingWeight(): number {
    return this.weight + (this.#retries?.size ?? 0) * waitingRecipientWeight;
  }

  /** Takes over what a shard settled. `shared` is the batch's slot of the shard's ledger. */
  settle(shared: Uint8Array, details: readonly OutcomeDetail[], cause: PealError | null): void {
    this.ledger.set(shared);
    this.shared = null;
    if (!this.#hasReturned) this.job.countAnswers(this.ledger, details, cause !== null);
    this.#hasReturned = true;
    this.#details = this.#details.length === 0 ? details : [...this.#details, ...details];
    if (cause !== null) this.#cause = cause;
    this.#retries?.account();
    if (details.length > 0 || cause !== null) this.#review(details);
  }

  /** Ids of what a shard had accepted; those that an earlier one told stay. */
  addIds(ids: AcceptedIds): void {
    const known = this.#ids;
    if (known === null) {
      this.#ids = ids;
      return;
    }
    const merged = (a: readonly (string | null)[], b: readonly (string | null)[]): (string | null)[] =>
      a.map((id, index) => id ?? b[index] ?? null);
    this.#ids = {
      apnsIds: merged(known.apnsIds, ids.apnsIds),
      apnsUniqueIds: merged(known.apnsUniqueIds, ids.apnsUniqueIds),
    };
  }

  /**
   * Takes over what a lost shard left: what was written is unknown, what was rejected and not posted has its details
   * from `notes`, and what was queued still is. True when something is left to be sent.
   */
  recover(shared: Uint8Array, notes: RejectionNotes, cause: PealError): boolean {
    let hasQueued = false;
    const described = new Set(this.#details.map(({ index }) => index));
    const found: OutcomeDetail[] = [];
    this.crashes += 1;
    this.shared = null;
    for (let index = 0; index < this.ledger.length; index++) {
      const state = shared[index]!;
      this.ledger[index] = state === WRITTEN ? UNKNOWN : state;
      if (state === WRITTEN) this.#cause = cause;
      if (state === UNSENT) this.#cause ??= cause;
      if (state === QUEUED) hasQueued = true;
      if (state >= REJECTED && !described.has(index)) found.push(detailFromNote(index, state - REJECTED, notes));
    }
    this.#details = [...this.#details, ...found];
    this.#retries?.account();
    this.#review(found);
    return hasQueued;
  }

  /** Those that are due by now are to be sent. */
  release(nowMs: number): void {
    const released = this.#retries?.release(nowMs, this.#details);
    if (released !== undefined) this.#details = this.#details.filter(({ index }) => !released.has(index));
  }

  /** Lets another shard try what this one could not send. True when there is something. */
  requeueUnsent(): boolean {
    return this.#turn(UNSENT, QUEUED);
  }

  /** What is still queued becomes unsent; a cause is needed, because somebody will ask. Nothing is sent again. */
  abandon(cause: PealError): void {
    if (this.#turn(QUEUED, UNSENT)) this.#cause = cause;
    this.#retries?.abandon();
  }

  /**
   * As it goes to the sink, once. `fallbackCause` stands in where the shard named none: it was cancelled. The details are
   * the sink's from now on: a parcel is kept until the sink has taken it, and they are the larger part of it.
   */
  settled(fallbackCause: PealError | null): SettledBatch {
    if (this.#retries !== null) this.#conclude(this.#retries);
    const { batch, ledger } = this;
    const needsCause = ledger.includes(UNSENT) || ledger.includes(UNKNOWN);
    const cause = needsCause ? (this.#cause ?? fallbackCause) : null;
    const resent = this.#retries?.resent ?? 0;
    const details = this.#details;
    this.#details = [];
    this.#retries = null;
    return { batch, tokens: batch.tokens, personal: batch.personal, ledger, details, ids: this.#ids, cause, resent };
  }

  #review(details: readonly OutcomeDetail[]): void {
    const terms = this.job.retryTerms();
    if (terms === null || !this.mayBeSentAgain) return;
    const retries = this.#retries ?? new Retries(this.ledger);
    retries.review(details, terms);
    if (retries.size > 0) this.#retries = retries;
  }

  #conclude(retries: Retries): void {
    const details = [...this.#details];
    const turned = retries.conclude(details);
    this.#details = turned.size === 0 ? details : details.filter(({ index }) => !turned.has(index));
  }

  #turn(from: number, to: number): boolean {
    let hasTurned = false;
    for (let index = this.ledger.indexOf(from); index !== -1; index = this.ledger.indexOf(from, index + 1)) {
      this.ledger[index] = to;
      hasTurned = true;
    }
    return hasTurned;
  }
}

function weigh({ tokens, personal }: Batch): number {
  const personalBytes = (personal?.payloads?.byteLength ?? 0) + (personal?.fields?.collapseIds?.byteLength ?? 0);
  return Math.max(tokens.count, Math.ceil(personalBytes / personalBytesPerCredit), 1);
}

/** The text of a reason that is not in the table is lost with the shard; its status says what is to be done. */
function detailFromNote(index: number, code: number, notes: RejectionNotes): OutcomeDetail {
  const { status, ...noted } = notes.read(index);
  return { ...bareAnswer(status, reasonOf(code)?.reason ?? ''), ...noted, index };
}

/** The faults of a batch that a program can make, as a sentence; null when there is none. */
export function batchFault({ tokens, personal }: Batch): string | null {
  const { bytes, count, tokenBytes } = tokens;
  if (!Number.isInteger(count) || count < 1 || count > maxBatchRecipients) {
    return `a batch has 1 to ${maxBatchRecipients} recipients, not ${count}`;
  }
  if (bytes.byteLength < count * tokenBytes) {
    return `${count} tokens of ${tokenBytes} bytes need ${count * tokenBytes} bytes, not ${bytes.byteLength}`;
  }
  if (personal === null) return null;
  if (personal.apnsIds !== null && personal.apnsIds.byteLength < count * 16) {
    return `${count} apns-ids need ${count * 16} bytes, not ${personal.apnsIds.byteLength}`;
  }
  const { payloads, payloadOffsets, fields } = personal;
  if (fields !== null && fields !== undefined) {
    const fault = fieldsFault(fields, count);
    if (fault !== null) return fault;
  }
  if ((payloads === null) !== (payloadOffsets === null)) return 'payloads and payloadOffsets come together';
  if (payloads === null || payloadOffsets === null) return null;
  if (payloadOffsets.length < count + 1 || payloadOffsets[count]! > payloads.byteLength) {
    return 'payloadOffsets needs an offset for each recipient and one for the end, within payloads';
  }
  return null;
}
