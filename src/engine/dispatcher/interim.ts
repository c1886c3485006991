/**
 * The outcomes of a batch that are certain before it is settled, because nothing changes them any more. Read from its
 * ledger, which a shard may be writing to meanwhile, for progress reports and for sinks that keep what is certain
 * (OutcomeSink.glimpse). What is certain stays so, and the counts of one batch never decrease. On the dispatcher's thread.
 */
import { isForGood, reasonOf } from '../../apns/reason.js';
import { ACCEPTED, QUEUED, REJECTED } from '../ledger.js';

/** Recipients that have their outcome, in batches that are not settled yet. */
export interface InterimCounts {
  accepted: number;
  rejected: number;
}

/**
 * By ledger byte: 1 for a rejection that stays. Whether one with a reason that is not in the table stays depends on its
 * status, which the byte does not tell.
 */
const staysRejected = Uint8Array.from({ length: 256 }, (_, byte) => {
  const reason = byte > REJECTED ? reasonOf(byte - REJECTED) : null;
  return reason !== null && isForGood(reason.class) ? 1 : 0;
});

/** Adds the certain outcomes in `ledger` to `counts`. */
export function addInterim(ledger: Uint8Array, counts: InterimCounts): void {
  let accepted = 0;
  let rejected = 0;
  for (let index = 0; index < ledger.length; index++) {
    const byte = ledger[index]!;
    if (byte === ACCEPTED) accepted += 1;
    else rejected += staysRejected[byte]!;
  }
  counts.accepted += accepted;
  counts.rejected += rejected;
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
