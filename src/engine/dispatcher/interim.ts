/**
 * What a ledger tells of a batch before it is settled: the outcomes that are certain, because nothing changes them any
 * more, and how many recipients are not sent to yet. A shard may be writing to it meanwhile. For progress reports and
 * for sinks that keep what is certain (OutcomeSink.glimpse). What is certain stays so, and the counts of one batch
 * never decrease. On the dispatcher's thread.
 */
import { isForGood } from '../../push/reason.js';
import { reasonOf } from '../../push-services/reasons.js';
import { ACCEPTED, QUEUED, REJECTED } from '../ledger.js';

/** Recipients of batches that are not settled yet. */
export interface InterimCounts {
  /** They have their outcome. */
  accepted: number;
  rejected: number;
  /** They wait for a connection. Those that are to be sent to again later are not among them before it is time. */
  queued: number;
}

/**
 * By ledger byte: 1 for a rejection that stays. Whether one with a reason that is not in the table stays depends on its
 * status, which the byte does not tell.
 */
const staysRejected = Uint8Array.from({ length: 256 }, (_, byte) => {
  const reason = byte > REJECTED ? reasonOf(byte - REJECTED) : null;
  return reason !== null && isForGood(reason.class) ? 1 : 0;
});

/** Adds what `ledger` tells to `counts`. */
export function addInterim(ledger: Uint8Array, counts: InterimCounts): void {
  let accepted = 0;
  let rejected = 0;
  let queued = 0;
  for (let index = 0; index < ledger.length; index++) {
    const byte = ledger[index]!;
    if (byte === ACCEPTED) accepted += 1;
    else if (byte === QUEUED) queued += 1;
    else rejected += staysRejected[byte]!;
  }
  counts.accepted += accepted;
  counts.rejected += rejected;
  counts.queued += queued;
}

/**
 * How many recipients of a ledger may wait for a connection: those from the first that does. Exact for a batch that is
 * sent to in order, and much cheaper than a count.
 */
export function queuedAtMost(ledger: Uint8Array): number {
  const first = ledger.indexOf(QUEUED);
  return first === -1 ? 0 : ledger.length - first;
}

/** Copies the certain outcomes in `ledger` to `into`, with QUEUED for all others. Returns how many are certain. */
export function copyCertain(ledger: Uint8Array, into: Uint8Array): number {
  let certain = 0;
  for (let index = 0; index < ledger.length; index++) {
    // Read once, because a shard may write it at any moment.
    const byte = ledger[index]!;
    const isCertain = byte === ACCEPTED || staysRejected[byte] === 1;
    into[index] = isCertain ? byte : QUEUED;
    if (isCertain) certain += 1;
  }
  return certain;
}
