/**
 * What is certain of a batch before it is settled: outcomes that nothing changes any more. Read from its ledger, which a
 * shard may be writing to meanwhile, for reports of progress; so counts of one batch never go down. On the dispatcher's
 * thread.
 */
import { isForGood, reasonOf } from '../../apns/reason.js';
import { ACCEPTED, REJECTED } from '../ledger.js';

/** Recipients that have their outcome, in batches that are not settled. */
export interface InterimCounts {
  accepted: number;
  rejected: number;
}

/** By ledger byte: 1 for a rejection that stays. A reason that is not in the table tells its class only with its status. */
const staysRejected = Uint8Array.from({ length: 256 }, (_, byte) => {
  const reason = byte > REJECTED ? reasonOf(byte - REJECTED) : null;
  return reason !== null && isForGood(reason.class) ? 1 : 0;
});

/** Adds what `ledger` says to `counts`. */
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
