/**
 * The outcomes of a batch that are certain before it is settled, because nothing changes them any more. Read for
 * progress reports from its ledger, which a shard may be writing to meanwhile; so the counts of one batch never
 * decrease. On the dispatcher's thread.
 */
import { isForGood, reasonOf } from '../../apns/reason.js';
import { ACCEPTED, REJECTED } from '../ledger.js';

/** Recipients that have their outcome, in batches that are not settled yet. */
export interface InterimCounts {
  accepted: number;
  rejected: number;
}

/** By ledger byte: 1 for a rejection that stays. A reason that is not in the table has its class by its status only. */
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
