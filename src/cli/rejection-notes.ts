/**
 * What is said of rejections that are not about single tokens: of a key, a topic, a list for the other environment. Tokens
 * that are gone are what every list has, and are said in the summary alone. Pure; called by the report of the send command.
 */
import type { Protocol } from '../apns/address.js';
import { adviceOf, classOf } from '../apns/reason.js';
import type { PealError } from '../base/errors.js';
import { apnsReason, type ReasonCount, type RunSummary } from './counts.js';
import { integer } from './numbers.js';

export interface RejectionNote {
  readonly count: number;
  /** A sentence, which names the count, the answer and what to do. */
  readonly message: string;
  /** Whether sending to them again may succeed without a change. */
  readonly retryable: boolean;
}

/**
 * The most frequent reason first; a reason that `problems` names already is left out. A reason is said where it would be the
 * same for every token, and any other (but `gone`) where it was the answer for half of the recipients that had one.
 */
export function rejectionNotes(
  { accepted, rejected, reasons }: Pick<RunSummary, 'accepted' | 'rejected' | 'reasons'>,
  protocol: Protocol,
  problems: readonly PealError[],
): RejectionNote[] {
  const answered = accepted + rejected;
  const isSaid = ({ reason, status, count }: ReasonCount): boolean => {
    const about = classOf(status, apnsReason(reason), protocol);
    const isForAll = about === 'request' || about === 'credential';
    return about !== 'gone' && (isForAll || count * 2 >= answered);
  };
  return reasons
    .filter((row) => isSaid(row) && !problems.some(({ message }) => message.includes(row.reason)))
    .map(({ reason, status, count }) => {
      const text = apnsReason(reason);
      const about = classOf(status, text, protocol);
      const answer = text === '' ? reason : `${status} ${reason}`;
      const what = `${integer(count)} of ${integer(answered)} that were answered ${count === 1 ? 'was' : 'were'} rejected`;
      const message = `${what}: ${answer}. ${adviceOf(status, text, protocol)}`;
      return { count, message, retryable: about === 'transient' || about === 'connection' };
    });
}
