/**
 * A batch on its way through the engine: from `dispatch` through one shard, or several if shards crash, to the sink.
 * The dispatcher keeps the batch itself and a ledger of its own. A shard has a copy of the tokens and a sheet of
 * shared memory; this ledger is updated from the sheet when the shard gives the batch back or is lost. Recipients to
 * be sent to again wait (retry-line) and go to a shard again, while the outcomes of the others stay. Made and owned
 * by the dispatcher, on its thread.
 */
import { assert } from '../../base/assert.js';
import type { PealError } from '../../base/errors.js';
import {
  maxBatchCrashes,
  personalBytesPerCredit,
  retryBeginGraceMs,
  waitingRecipientWeight,
} from '../../base/limits.js';
import { bareAnswer } from '../../push/answer.js';
import { reasonOf } from '../../push-services/reasons.js';
import type { AcceptedIds, Batch, OutcomeDetail, SettledBatch } from '../batch.js';
import {
  ACCEPTED,
  type LedgerSheet,
  QUEUED,
  REJECTED,
  type RejectionNotes,
  UNKNOWN,
  UNSENT,
  WRITTEN,
} from '../ledger.js';
import { addInterim, copyCertain, type InterimCounts, queuedAtMost } from './interim.js';
import type { DispatchedBatch, Job } from './job.js';
import { Retries } from './retries.js';

export class Parcel implements DispatchedBatch {
  readonly ledger: Uint8Array;
  /** Its share of a shard's credit: one for each recipient, and more where personal payloads are large. */
  readonly weight: number;
  /** Number of shards that crashed while they had it. */
  crashes = 0;
  /** The shard that had it last. It goes there again, because that shard knows the state of the gateway. */
  lastShardId: number | null = null;
  /** Its slot there. Means nothing while no shard has it. */
  slot = 0;
  /** The shard whose credit it uses: from its delivery until the sink has taken it or it goes to another shard. */
  creditOf: number | null = null;
  /** Recipients that were accepted when the mailbox of its shard last looked. */
  acceptedSeen = 0;
  /** Resolves the `dispatch` that waits for a shard to take it. */
  onTaken: (() => void) | null = null;
  /** Where a shard writes its outcomes, while one has the parcel. */
  sheet: LedgerSheet | null = null;
  #details: readonly OutcomeDetail[] = [];
  /** Null if ids are not kept, or none has come. */
  #ids: AcceptedIds | null = null;
  #cause: PealError | null = null;
  /** Null until a recipient is to be sent to again, which most parcels never need. */
  #retries: Retries | null = null;
  #hasReturned = false;
  /** Recipients whose outcome was certain at the last glimpse. */
  #glimpsed = 0;
  /** It was glimpsed since a shard had it last: its outcomes stay as they are until it goes to a shard again. */
  #isGlimpsed = false;
  #isSettled = false;
  /** Recipients that are not sent to any more; null if there are none. */
  #withdrawn: Set<number> | null = null;

  constructor(
    readonly job: Job,
    readonly batch: Batch,
  ) {
    this.ledger = new Uint8Array(batch.tokens.count);
    this.weight = weigh(batch);
  }

  /** A byte for each recipient, as of now: the shard's, while a shard has the parcel. */
  get latest(): Uint8Array {
    return this.sheet?.bytes.subarray(0, this.ledger.length) ?? this.ledger;
  }

  /** False after a few crashes, because the batch itself may be what ends the shards. */
  get mayBeSentAgain(): boolean {
    return this.crashes < maxBatchCrashes;
  }

  /**
   * Whether its open recipients were all sent to before: retries start after every recipient has had its first request.
   */
  get isRetry(): boolean {
    return this.#retries?.hasReleased ?? false;
  }

  /** How long its requests may take to begin; null for first requests, which have no such limit. */
  get beginWithinMs(): number | null {
    const endMs = this.#retries?.endMs ?? null;
    return endMs === null ? null : Math.max(retryBeginGraceMs, endMs - this.job.nowMs());
  }

  /** When the next of its recipients is to be sent to again; null if none is. */
  get dueMs(): number | null {
    return this.#retries?.dueMs ?? null;
  }

  /** Adds its recipients whose outcome is certain already, and those that wait for a connection. */
  addInterim(counts: InterimCounts): void {
    addInterim(this.latest, counts);
  }

  get queued(): number {
    return queuedAtMost(this.latest);
  }

  /**
   * Copies the outcomes that are certain by now into `states`, which has room for a batch; the others are QUEUED there.
   * Returns false if no more are certain than when it was called last.
   */
  glimpse(states: Uint8Array): boolean {
    if (this.sheet === null && this.#isGlimpsed) return false;
    this.#isGlimpsed = this.sheet === null;
    const certain = copyCertain(this.latest, states);
    const isNew = certain > this.#glimpsed;
    this.#glimpsed = certain;
    return isNew;
  }

  /** Its share of the room for waiting parcels. A waiting recipient needs more memory than its token. */
  get waitingWeight(): number {
    return this.weight + (this.#retries?.size ?? 0) * waitingRecipientWeight;
  }

  /** Takes over the outcomes that its shard settled. */
  settle(details: readonly OutcomeDetail[], cause: PealError | null): void {
    assert(this.sheet !== null, 'a shard settles a parcel that it has');
    this.ledger.set(this.latest);
    this.sheet = null;
    if (!this.#hasReturned) this.job.countAnswers(this.ledger, details, cause !== null);
    this.#hasReturned = true;
    this.#details = this.#details.length === 0 ? details : [...this.#details, ...details];
    if (cause !== null) this.#cause = cause;
    this.#retries?.account();
    if (details.length > 0 || cause !== null) this.#review(details);
  }

  /** Adds ids of recipients that a shard had accepted. Earlier ids stay. */
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
   * Takes over the outcomes that its lost shard left: written recipients are unknown, rejected ones without a posted
   * detail get it from the notes, and queued ones stay queued. Returns true when there are recipients left to send
   * to.
   */
  recover(cause: PealError): boolean {
    assert(this.sheet !== null, 'a parcel is recovered from a shard that had it');
    const { notes } = this.sheet;
    const shared = this.latest;
    let hasQueued = false;
    const described = new Set(this.#details.map(({ index }) => index));
    const found: OutcomeDetail[] = [];
    this.crashes += 1;
    this.sheet = null;
    for (let index = 0; index < this.ledger.length; index++) {
      const state = shared[index]!;
      this.ledger[index] = state === WRITTEN ? UNKNOWN : this.#keptFrom(index, state);
      if (state === WRITTEN) this.#cause = cause;
      if (state === UNSENT) this.#cause ??= cause;
      if (this.ledger[index] === QUEUED) hasQueued = true;
      if (state >= REJECTED && !described.has(index)) found.push(detailFromNote(index, state - REJECTED, notes));
    }
    this.#details = [...this.#details, ...found];
    this.#retries?.account();
    this.#review(found);
    return hasQueued;
  }

  /** Marks the recipients that are due by now as to be sent. */
  release(nowMs: number): void {
    const released = this.#retries?.release(nowMs, this.#details);
    if (released !== undefined) this.#details = this.#details.filter(({ index }) => !released.has(index));
  }

  /**
   * Notes that one recipient is not to be sent to. While no shard has the parcel, it is unsent at once, unless it has
   * its outcome. Returns its state as far as that is known.
   */
  withdraw(index: number): number {
    this.#withdrawn ??= new Set();
    this.#withdrawn.add(index);
    if (this.sheet !== null) return this.latest[index]!;
    if (this.ledger[index] === QUEUED) this.ledger[index] = UNSENT;
    return this.ledger[index]!;
  }

  isQueued(index: number): boolean {
    return (this.sheet === null ? this.ledger : this.latest)[index] === QUEUED;
  }

  /**
   * Tells the sink of each recipient that has its outcome for good, because the others of the parcel are sent again. An
   * unsent one may be sent to by another shard yet, unless it was withdrawn.
   */
  tellSettled(): void {
    for (let index = 0; index < this.ledger.length; index++) {
      const outcome = this.ledger[index]!;
      if (outcome === QUEUED || (outcome === UNSENT && this.#withdrawn?.has(index) !== true)) continue;
      this.job.tell(this.batch, index, outcome, this.#detailOf(index), this.#cause);
    }
  }

  /** Lets another shard try the recipients that this one could not send to. Returns true when there are some. */
  requeueUnsent(): boolean {
    return this.#turn(UNSENT, QUEUED);
  }

  /** Makes queued recipients unsent, with a cause, because the caller will ask for it. Nothing is sent again. */
  abandon(cause: PealError): void {
    if (this.#turn(QUEUED, UNSENT)) this.#cause = cause;
    this.#retries?.abandon();
  }

  /**
   * Returns the batch as the sink gets it, once. `fallbackCause` is used if the shard named no cause because it was
   * cancelled. The sink owns the details from now on: a parcel is kept until the sink has taken it, and the details
   * are the larger part of it.
   */
  settled(fallbackCause: PealError | null): SettledBatch {
    assert(!this.#isSettled && this.sheet === null, 'a batch goes to the sink once, when no shard has it');
    this.#isSettled = true;
    if (this.#retries !== null) this.#conclude(this.#retries);
    const { batch, ledger } = this;
    const { rejected, unanswered, open } = sumsOf(ledger);
    assert(open === 0, 'every recipient of a settled batch has an outcome');
    assert(rejected === this.#details.length, 'there is one detail for each rejected recipient of a settled batch');
    const cause = unanswered > 0 ? (this.#cause ?? fallbackCause) : null;
    const resent = this.#retries?.resent ?? 0;
    const details = this.#details;
    this.#details = [];
    this.#retries = null;
    return { batch, tokens: batch.tokens, personal: batch.personal, ledger, details, ids: this.#ids, cause, resent };
  }

  /** The state in which a lost shard left a recipient that was not written. */
  #keptFrom(index: number, state: number): number {
    return state === QUEUED && this.#withdrawn?.has(index) === true ? UNSENT : state;
  }

  #detailOf(index: number): OutcomeDetail | null {
    if (this.ledger[index]! < REJECTED) return null;
    return this.#details.find((detail) => detail.index === index) ?? null;
  }

  #review(details: readonly OutcomeDetail[]): void {
    const terms = this.job.retryTerms();
    if (terms === null || !this.mayBeSentAgain) return;
    const retries = this.#retries ?? new Retries(this.ledger, this.job.route.protocol);
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
      if (to === QUEUED && this.#withdrawn?.has(index) === true) continue;
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

/** Counts rejected and open recipients by their bytes. The rest are accepted. */
function sumsOf(ledger: Uint8Array): { readonly rejected: number; readonly unanswered: number; readonly open: number } {
  let rejected = 0;
  let unanswered = 0;
  let open = 0;
  for (let index = 0; index < ledger.length; index++) {
    const outcome = ledger[index]!;
    if (outcome === ACCEPTED) continue;
    if (outcome >= REJECTED) rejected += 1;
    else if (outcome === UNSENT || outcome === UNKNOWN) unanswered += 1;
    else open += 1;
  }
  return { rejected, unanswered, open };
}

/** The text of a reason that is not in the table is lost with the shard. Its status decides what to do. */
function detailFromNote(index: number, code: number, notes: RejectionNotes): OutcomeDetail {
  const { status, ...noted } = notes.read(index);
  return { ...bareAnswer(status, reasonOf(code)?.reason ?? ''), ...noted, index };
}
