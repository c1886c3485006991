/**
 * The ledger: one byte for each recipient of a batch, in memory that a shard and the dispatcher share, so that it
 * survives the shard. A shard writes, the dispatcher reads once the batch is settled or the shard is gone.
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
 * is, and what a byte cannot say of a rejection is in the notes behind the bytes (rejection-notes). The dispatcher writes
 * a slot before it posts the batch, the shard from then on until it is settled: plain loads and stores suffice, because
 * the messages between them order what each sees.
 */
import { maxBatchRecipients } from '../base/limits.js';
import { RejectionNotes } from './rejection-notes.js';

export const QUEUED = 0;
export const WRITTEN = 1;
export const ACCEPTED = 2;
export const UNSENT = 3;
export const UNKNOWN = 4;
/** Rejected, with the code of apns/reason added; code 0 is a reason that is not in its table. */
export const REJECTED = 16;

/** Recipients are numbered through the slots of a ledger: `tag = slot * maxBatchRecipients + index`, a power of two. */
export const tagShift = 31 - Math.clz32(maxBatchRecipients);
export const tagIndexMask = maxBatchRecipients - 1;

/** The ledger of one incarnation of a shard: slots of one batch each, a byte at each tag. Shared between threads. */
export class Ledger {
  readonly bytes: Uint8Array;
  /** One at each tag; of those that were rejected. */
  readonly notes: RejectionNotes;

  constructor(readonly buffer: SharedArrayBuffer) {
    const tags = buffer.byteLength / (1 + RejectionNotes.bytesEach);
    this.bytes = new Uint8Array(buffer, 0, tags);
    this.notes = RejectionNotes.in(buffer, tags, tags);
  }

  /** Memory that is never written, as most of the notes', is never used either: the system gives it out by pages. */
  static withSlots(slots: number): Ledger {
    return new Ledger(new SharedArrayBuffer(slots * maxBatchRecipients * (1 + RejectionNotes.bytesEach)));
  }

  get slots(): number {
    return this.bytes.length / maxBatchRecipients;
  }

  /** The bytes of the batch in `slot`, one for each of its `count` recipients. A view, not a copy. */
  slot(slot: number, count: number): Uint8Array {
    const start = slot * maxBatchRecipients;
    return this.bytes.subarray(start, start + count);
  }

  /** The notes of the batch in `slot`, numbered by its recipients. */
  slotNotes(slot: number, count: number): RejectionNotes {
    return this.notes.part(slot * maxBatchRecipients, count);
  }
}
