/**
 * The unit of dispatch: recipients of one notification on their way into the engine, and their outcomes on the way out.
 * Programs that make batches implement the sink (session/send/books, cli/send); on the dispatcher's thread.
 *
 * The same recipients have one form at each border, and no others:
 *
 *   Batch         what a program gives, and gets back unchanged; the program's memory, which nothing may transfer
 *   Parcel        the batch on its way: its ledger and retries, from one shard to the next (dispatcher/parcel)
 *   BatchMessage  the copy for one shard, as plain data, because classes do not cross threads (messages)
 *   BatchSlot     that copy in a shard, with the order in which its recipients wait (shard/batch-slot)
 *   RequestRun    the view of a slot that a connection gets, so that connections do not know the engine
 *                 (connection/request-source)
 */
import type { PealError } from '../base/errors.js';
import { maxBatchRecipients } from '../base/limits.js';
import type { Answer } from '../push/answer.js';
import type { PersonalParts } from '../push/notification.js';
import { fieldsFault } from '../push/personal-fields.js';
import type { TokenBlock } from '../push/token-block.js';

/** At most 1,024 recipients whose tokens all have one length. */
export interface Batch {
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
}

/** The ids of accepted notifications, by the recipient's index in its batch; null where the answer had no id. */
export interface AcceptedIds {
  readonly apnsIds: readonly (string | null)[];
  /** Keys of APNs' delivery log, which it sends in the development environment only. */
  readonly apnsUniqueIds: readonly (string | null)[];
}

/** The answer about one rejected recipient, which its ledger byte has no room for. */
export interface OutcomeDetail extends Answer {
  /** Index of the recipient in its batch. */
  readonly index: number;
}

/** A batch with all its outcomes. Each dispatched batch comes exactly once, in no particular order. */
export interface SettledBatch {
  /** The object that was given to `dispatch`, with its own `tokens` and `personal`. */
  readonly batch: Batch;
  readonly tokens: TokenBlock;
  readonly personal: PersonalParts | null;
  /**
   * One byte for each recipient, all final: ACCEPTED, UNSENT, UNKNOWN, or REJECTED and above. The receiver may keep it.
   */
  readonly ledger: Uint8Array;
  /** One detail for every rejected recipient, in no particular order. */
  readonly details: readonly OutcomeDetail[];
  /** Ids of accepted recipients, if the send keeps ids and any of its answers had one; otherwise null or missing. */
  readonly ids?: AcceptedIds | null;
  /**
   * Why recipients are unsent or unknown (the latest cause, if there were several); null if there are no such
   * recipients.
   */
  readonly cause: PealError | null;
  /** Requests that were repeated after an answer (or none), beyond the first for each recipient. */
  readonly resent: number;
}

export interface OutcomeSink {
  /**
   * Takes a settled batch. While a returned promise is pending, the batch counts against its shard's credit, so that a
   * slow sink slows the input down; the next call does not wait for it. A throw or a rejection cancels the job, and
   * `finish` rejects with it. Batches settled after that still come here.
   */
  settled(batch: SettledBatch): void | Promise<void>;
  /**
   * Told about ten times a second which outcomes of a batch under way are certain already, if there are more of them
   * than before: so that a journal knows after a crash which recipients were really in flight. Never called after
   * `settled` for the same batch. A throw cancels the job as one of `settled` does. Without this method nothing is
   * looked at.
   *
   * @param batch the object that was given to `dispatch`
   * @param states one byte for each recipient: ACCEPTED, or a rejection after which nothing is sent again, as it will
   *   be in the ledger; 0 for all others. Valid during the call only. Details of rejections come with `settled`
   */
  glimpse?(batch: Batch, states: Uint8Array): void;
}

/** A sink that may also be told outcomes one by one. */
export interface TellingSink extends OutcomeSink {
  /**
   * Told of each recipient as soon as its outcome is certain, without waiting for the others of its batch; not of those
   * whose outcomes come with `settled` at the same time. With this method nothing is sent again (`JobOptions.retry`
   * must be null), one recipient may be withdrawn (`SendJob.withdraw`), and refusals of one notification do not stop
   * the job. It must not throw.
   *
   * @param batch the object that was given to `dispatch`
   * @param outcome ACCEPTED, UNSENT, UNKNOWN, or REJECTED and above; WRITTEN: it could not be withdrawn, because its
   *   request is under way
   * @param detail the answer of a rejected recipient, otherwise null
   * @param cause why it is unknown or unsent, where that is known
   * @param id of an accepted recipient, where ids are kept and its answer had one
   */
  told?(
    batch: Batch,
    index: number,
    outcome: number,
    detail: OutcomeDetail | null,
    cause: PealError | null,
    id: string | null,
  ): void;
}

/** Returns the mistake that a program made in a batch, as a sentence, or null if there is none. */
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
