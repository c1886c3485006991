/**
 * The ledger: one byte for each recipient of a batch, in memory that a shard and the dispatcher share, so that it
 * survives the shard. A shard writes it, and the dispatcher reads it once the batch is settled or the shard is lost.
 * Its memory is in sheets, one for each slot in use. A sheet is made with the first batch of its slot, is no larger
 * than the batches need, and is released when nothing is being sent.
 *
 *   0 queued ──▶ 1 written ──▶ 2 accepted
 *      ▲             │  ├────▶ 16… rejected (16 + reason code)
 *      └─(requeued)──┘  ├────▶ 4 unknown
 *      └──────────▶ 3 unsent
 *
 * Within a shard there are no other transitions. After a shard has settled a batch, the dispatcher may queue again the
 * unsent, those rejected for a passing fault, and, if asked to, the unknown ones (dispatcher/retries).
 *
 * A crash turns `written` into unknown and leaves `queued` for another shard. Higher values stay as they are, and the
 * notes behind the bytes have what a byte cannot say about a rejection. The dispatcher writes a sheet before it posts
 * it with the batch; from then on only the shard does, until the batch is settled. Plain loads and stores suffice,
 * because the messages between the two order them.
 */
import { maxBatchRecipients } from '../base/limits.js';
import type { Answer } from '../push/answer.js';

export const QUEUED = 0;
export const WRITTEN = 1;
export const ACCEPTED = 2;
export const UNSENT = 3;
export const UNKNOWN = 4;
/** Rejected, with the code of apns/reason added; code 0 is a reason that is not in its table. */
export const REJECTED = 16;

/** One of the bytes of `Outcome`. */
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** The outcomes in a ledger by name. A byte from `rejected` on is a rejection: `byte >= Outcome.rejected`. */
export const Outcome = Object.freeze({
  accepted: ACCEPTED,
  rejected: REJECTED,
  unsent: UNSENT,
  unknown: UNKNOWN,
});

/**
 * Numbers the recipients of all slots of a shard: `tag = slot * maxBatchRecipients + index`, where the factor is a
 * power of two.
 */
export const tagShift = 31 - Math.clz32(maxBatchRecipients);
export const tagIndexMask = maxBatchRecipients - 1;

/** The parts of a rejection, besides its reason, that survive a crash. */
export type NotedAnswer = Pick<Answer, 'status' | 'timestampMs' | 'retryAfterSeconds'>;

const statusGone = 410;

/**
 * The parts of a rejection that a ledger byte has no room for. They are kept because retries must not depend on whether
 * a shard could post the rejection before it crashed. Text (an unlisted reason, the apns-id) is not kept.
 *
 * A shard writes a note right before the ledger byte that calls the recipient rejected, and for no other recipient. The
 * dispatcher reads the notes of a lost shard. A note without such a byte belongs to an earlier batch and means nothing.
 *
 *   offset of n notes   0 ─ 8n: a double each, see `#values`     8n ─ 10n: the status, 16 bits each
 */
export class RejectionNotes {
  static readonly bytesEach = 10;
  /** With 410 the timestamp, otherwise the seconds of Retry-After; NaN if the answer had neither. */
  readonly #values: Float64Array;
  readonly #statuses: Uint16Array;

  private constructor(values: Float64Array, statuses: Uint16Array) {
    this.#values = values;
    this.#statuses = statuses;
  }

  /** `count` notes in a buffer from `offset` on, a multiple of 8. */
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

/** A power of two, so that the notes lie where numbers of eight bytes may lie. */
const leastRecipients = 8;
const bytesPerRecipient = 1 + RejectionNotes.bytesEach;

/**
 * The part of a ledger for one batch: a byte for each recipient, and behind all of them the notes. Each side opens its
 * own view.
 */
export class LedgerSheet {
  /** One byte for each recipient that there is room for, by index. */
  readonly bytes: Uint8Array;
  #notes: RejectionNotes | null = null;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.bytes = new Uint8Array(buffer, 0, buffer.byteLength / bytesPerRecipient);
  }

  /** A new sheet with room for `count` recipients or a few more, because the next batch may be a little larger. */
  static withRoomFor(count: number): LedgerSheet {
    const room = Math.max(leastRecipients, 2 ** Math.ceil(Math.log2(count)));
    return new LedgerSheet(new SharedArrayBuffer(room * bytesPerRecipient));
  }

  /** By index; valid for rejected recipients. */
  get notes(): RejectionNotes {
    const { length } = this.bytes;
    this.#notes ??= RejectionNotes.in(this.buffer, length, length);
    return this.#notes;
  }
}

/** The sheets of one incarnation of a shard, by slot, as the dispatcher keeps them. */
export class Ledger {
  readonly #sheets: LedgerSheet[] = [];

  /** The sheet of a slot for its next batch, of `count` recipients. It still holds an earlier batch. */
  prepare(slot: number, count: number): LedgerSheet {
    let sheet = this.#sheets[slot];
    if (sheet === undefined || sheet.bytes.length < count) {
      sheet = LedgerSheet.withRoomFor(count);
      this.#sheets[slot] = sheet;
    }
    return sheet;
  }

  /** Releases all sheets but the first, which single notifications keep using. */
  trim(): void {
    this.#sheets.length = Math.min(1, this.#sheets.length);
  }
}
