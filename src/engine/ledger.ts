/**
 * The ledger: one byte for each recipient of a batch, in memory that a shard and the dispatcher share, so that it
 * survives the shard. A shard writes, the dispatcher reads once the batch is settled or the shard is gone.
 *
 *   0 queued ──▶ 1 written ──▶ 2 accepted
 *      ▲             │  ├────▶ 16… rejected (16 + reason code)
 *      └─(requeued)──┘  ├────▶ 4 unknown
 *      └──────────▶ 3 unsent
 *
 * A crash turns `queued` into unsent and `written` into unknown; whatever is above stays as it is.
 */
import { maxBatchRecipients } from '../base/limits.js';

export const QUEUED = 0;
export const WRITTEN = 1;
export const ACCEPTED = 2;
export const UNSENT = 3;
export const UNKNOWN = 4;
/** Rejected, with the code of apns/reason added; code 0 is a reason that is not in its table. */
export const REJECTED = 16;

/** The ledger of one shard: `credit` slots of one batch each. Shared between threads. */
export class Ledger {
  readonly bytes: Uint8Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
  }

  static forCredit(batches: number): Ledger {
    return new Ledger(new SharedArrayBuffer(batches * maxBatchRecipients));
  }

  /** The bytes of the batch in `slot`, one for each of its `count` recipients. A view, not a copy. */
  slot(slot: number, count: number): Uint8Array {
    const start = slot * maxBatchRecipients;
    return this.bytes.subarray(start, start + count);
  }
}
