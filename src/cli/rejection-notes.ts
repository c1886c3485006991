/**
 * What is said of rejections that are not about single tokens: of a key, a topic, a list for the other environment. Tokens
 * that are gone are what every list has, and are said in the summary alone. Pure; called by the report of the send command.
 */
import type { Protocol } from '../apns/address.js';
import { adviceOf, classOf, isSendersFault } from '../apns/reason.js';
import type { PealError } from '../base/errors.js';
import { apnsReason, type ReasonCount, type RunSummary } from './counts.js';
import { counted, integer } from './numbers.js';

/** Reasons as Apple writes them, and "HTTP 500": they need no quotes in a shell or in a cell of CSV. */
const unquotedReason = /^[A-Za-z0-9 ]+$/;

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

/**
 * The sentence, or null where nobody was refused so.
 *
 * @param folder the folder of --out, fit to be shown; null where there is none
 */
export function refusedNote(summary: RunSummary, protocol: Protocol, folder: string | null): string | null {
  const { stopped, unsent } = summary;
  if (stopped !== 'ERR_PEAL_STOPPED' && stopped !== 'ERR_PEAL_CREDENTIAL') return null;
  const isRefusal = ({ reason, status }: ReasonCount): boolean =>
    unquotedReason.test(reason) &&
    isSendersFault(classOf(status, apnsReason(reason), protocol), stopped === 'ERR_PEAL_STOPPED');
  const refused = summary.reasons.filter(isRefusal);
  if (refused.length === 0) return null;
  const count = refused.reduce((sum, reason) => sum + reason.count, 0);
  const who = `${counted(count, 'token')} ${count === 1 ? 'was' : 'were'} refused for what ended the run, and ${count === 1 ? 'is' : 'are'} rejected, not unsent`;
  if (folder === null) return `${who}: with --out DIR they are kept in rejected.csv`;
  const condition = refused.map(({ reason }) => `$3=="${reason}"`).join(' || ');
  const rest = unsent > 0 ? `--tokens ${quoted(`${folder}/unsent.txt`)} --tokens -` : '--tokens -';
  return `${who}. Once it is mended, send to them as well: awk -F, '${condition}{print $1}' ${quoted(`${folder}/rejected.csv`)} | peal send ${rest} …`;
}

/** As one word for a shell. */
function quoted(path: string): string {
  return /^[\w./@%+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
