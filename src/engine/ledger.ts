/**
 * The ledger: one byte for each recipient of a batch, in memory that a shard and the dispatcher share, so that it
 * survives the shard. A shard writes, the dispatcher reads once the batch is settled or the shard is gone. Its memory is
 * in sheets, one for each slot that is in use: made with the first batch there, no larger than batches have been, and
 * given back when nothing is sent.
 *
 *   0 queued ──▶ 1 written ──▶ 2 accepted
 *      ▲             │  ├────▶ 16… rejected (16 + reason code)
 *      └─(requeued)──┘  ├────▶ 4 unknown
 *      └──────────▶ 3 unsent
 *
 * Within a shard that is all. Between two shards' turns the dispatcher may queue what is unsent, what was rejected for a
 * fault that passes, and, if it was asked to, what is unknown (dispatcher/retries).
 *
 * A crash turns `written` into unknown and leaves `queued` to be sent by another shard; whatever is above stays as it
 * is, and what a byte cannot say of a rejection is in the notes behind the bytes. The dispatcher writes
 * a sheet before it posts it with the batch, the shard from then on until it is settled: plain loads and stores suffice,
 * because the messages between them order what each sees.
 */
import type { Answer } from '../apns/answer.js';
import { maxBatchRecipients } from '../base/limits.js';

export const QUEUED = 0;
export const WRITTEN = 1;
export const ACCEPTED = 2;
export const UNSENT = 3;
export const UNKNOWN = 4;
/** Rejected, with the code of apns/reason added; code 0 is a reason that is not in its table. */
export const REJECTED = 16;

/** The outcomes in a ledger by name. A byte from `rejected` on is a rejection: `byte >= Outcome.rejected`. */
export const Outcome = Object.freeze({
  accepted: ACCEPTED,
  rejected: REJECTED,
  unsent: UNSENT,
  unknown: UNKNOWN,
});

/** Recipients are numbered through the slots of a shard: `tag = slot * maxBatchRecipients + index`, a power of two. */
export const tagShift = 31 - Math.clz32(maxBatchRecipients);
export const tagIndexMask = maxBatchRecipients - 1;

/** What survives of a rejection, besides its reason. */
export type NotedAnswer = Pick<Answer, 'status' | 'timestampMs' | 'retryAfterSeconds'>;

const statusGone = 410;

/**
 * What a ledger byte has no room for about a rejection: whom to send to again, and when, must not depend on whether a shard
 * still posted it before it crashed. Text (an unlisted reason, the apns-id) is not kept.
 *
 * A shard writes a note right before the ledger byte that calls the recipient rejected, and for no other recipient; the
 * dispatcher reads those of a shard that was lost. A note without such a byte means nothing: it is of an earlier batch.
 *
 *   offset of n notes   0 ─ 8n: a double each, see `#values`     8n ─ 10n: the status, 16 bits each
 */
export class RejectionNotes {
  static readonly bytesEach = 10;
  /** With 410 the timestamp, otherwise the seconds of Retry-After; NaN where the answer named none. */
  readonly #values: Float64Array;
  readonly #statuses: Uint16Array;

  private constructor(values: Float64Array, statuses: Uint16Array) {
    this.#values = values;
    this.#statuses = statuses;
  }

  /** `count` notes from `offset` of a buffer on, a multiple of 8. */
  static in(buffer: ArrayBufferLike, offset: number, count: number): RejectionNotes {
    const values = new Float64Array(buffer, offset, count);
    return new RejectionNotes(values, new Uint16Array(buffer, offset + values.byteLength, count));
  }

  write(at: number, { status, timestampMs, retryAfterSeconds }: NotedAnswer): void {
    this.#values[at] = (status === statusGone ? timestampMs : retryAfterSeconds) ?? Number.NaN;
    this.#statuses[at] = status;
  }

  read(at: number): NotedAnswer {
    const status = this.#statuses[at]!;
    const value = this.#values[at]!;
    const known = Number.isNaN(value) ? null : value;
    const isGone = status === statusGone;
    return { status, timestampMs: isGone ? known : null, retryAfterSeconds: isGone ? null : known };
  }
}

/** A power of two, so that the notes are where numbers of eight bytes may be. */
const leastRecipients = 8;
const bytesPerRecipient = 1 + RejectionNotes.bytesEach;

/**
 * The part of a ledger that one batch has: a byte for each recipient, and behind all of them the notes. Opened by both
 * sides, each for itself.
 */
export class LedgerSheet {
  /** One for each recipient that there is room for, by index. */
  readonly bytes: Uint8Array;
  #notes: RejectionNotes | null = null;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.bytes = new Uint8Array(buffer, 0, buffer.byteLength / bytesPerRecipient);
  }

  /** A new one with room for `count` recipients, or a few more: the next batch may be a little larger. */
  static withRoomFor(count: number): LedgerSheet {
    const room = Math.max(leastRecipients, 2 ** Math.ceil(Math.log2(count)));
    return new LedgerSheet(new SharedArrayBuffer(room * bytesPerRecipient));
  }

  /** By index; of those that were rejected. */
  get notes(): RejectionNotes {
    const { length } = this.bytes;
    this.#notes ??= RejectionNotes.in(this.buffer, length, length);
    return this.#notes;
  }
}

/** The sheets of one incarnation of a shard, by slot, as the dispatcher keeps them. */
export class Ledger {
  readonly #sheets: LedgerSheet[] = [];

  /** The sheet of a slot for its next batch, of `count` recipients. What is in it is of an earlier batch. */
  prepare(slot: number, count: number): LedgerSheet {
    let sheet = this.#sheets[slot];
    if (sheet === undefined || sheet.bytes.length < count) {
      sheet = LedgerSheet.withRoomFor(count);
      this.#sheets[slot] = sheet;
    }
    return sheet;
  }

  /** Gives back all sheets but the first, with which single notifications go on one after another. */
  trim(): void {
    this.#sheets.length = Math.min(1, this.#sheets.length);
  }
}
