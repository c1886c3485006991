/**
 * What comes out of the engine: batches in which every recipient has its one outcome. Implemented by whoever keeps the
 * books of a send (session/, cli/, later the journal); called by the dispatcher, on its thread.
 */
import type { PersonalParts } from '../apns/notification.js';
import type { TokenBlock } from '../apns/token-block.js';
import type { PealError } from '../base/errors.js';
import type { AcceptedIds, Batch, OutcomeDetail } from './batch.js';

/** A batch that was dispatched, as it ended. Each comes exactly once, in no particular order. */
export interface SettledBatch {
  /** The very object that was given to `dispatch`; `tokens` and `personal` are its own. */
  readonly batch: Batch;
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
  /** One byte for each recipient, all final: ACCEPTED, UNSENT, UNKNOWN, or REJECTED and above. The receiver's to keep. */
  readonly ledger: Uint8Array;
  /** One for every rejected recipient; in no particular order. */
  readonly details: readonly OutcomeDetail[];
  /** Of accepted recipients, where the send keeps ids and any of its answers named one; otherwise null or missing. */
  readonly ids?: AcceptedIds | null;
  /** Why recipients are unsent or unknown (the latest cause, if there were several); null when none is. */
  readonly cause: PealError | null;
  /** Requests that were sent again after an answer (or none), beyond the first for each recipient. */
  readonly resent: number;
}

export interface OutcomeSink {
  /**
   * Takes a settled batch. While a returned promise is pending the batch counts against its shard's credit, so that a
   * slow sink slows the input down; the next call does not wait for it. A throw or a rejection cancels the job, and
   * `finish` rejects with it; what is settled after that still comes here.
   */
  settled(batch: SettledBatch): void | Promise<void>;
}
