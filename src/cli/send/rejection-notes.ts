/**
 * Notes about rejections that are not about single tokens, but about a key, a topic or a list for the other
 * environment. Tokens that are gone occur in every list, so only the summary has them. Pure; called by the report of
 * the send command.
 */
import type { PealError } from '../../base/errors.js';
import { counted, integer, shellWord } from '../../base/text.js';
import type { CampaignSummary, CountedReason } from '../../campaign/report/summary.js';
import type { Protocol } from '../../push/address.js';
import { isSendersFault } from '../../push/reason.js';
import { adviceOf, classOf, protocolOfReason } from '../../push-services/reasons.js';
import { apnsReason } from './counts.js';

/** Reasons as Apple writes them, and "HTTP 500", which need no quotes in a shell or in a cell of CSV. */
const unquotedReason = /^[A-Za-z0-9 ]+$/;

export interface RejectionNote {
  readonly count: number;
  /** A sentence with the count, the answer and advice. */
  readonly message: string;
  /** Whether sending to them again may succeed without a change. */
  readonly retryable: boolean;
}

/**
 * One note for each reason that would be the same for every token, and for any other reason (but `gone`) that at least
 * half of the answered recipients got. The most frequent comes first. Leaves out the reasons that `problems` names.
 */
export function rejectionNotes(
  { accepted, rejected, reasons }: Pick<CampaignSummary, 'accepted' | 'rejected' | 'reasons'>,
  protocol: Protocol,
  problems: readonly PealError[],
): RejectionNote[] {
  const answered = accepted + rejected;
  const isSaid = ({ reason, status, count }: CountedReason): boolean => {
    const about = classOf(status ?? 0, apnsReason(reason), protocolOfReason(apnsReason(reason), protocol));
    const isForAll = about === 'request' || about === 'credential';
    return about !== 'gone' && (isForAll || count * 2 >= answered);
  };
  return reasons
    .filter((row) => isSaid(row) && !problems.some(({ message }) => message.includes(row.reason)))
    .map(({ reason, status, count }) => {
      const text = apnsReason(reason);
      const about = classOf(status ?? 0, text, protocolOfReason(text, protocol));
      const answer = text === '' || status === null ? reason : `${status} ${reason}`;
      const were = count === 1 ? 'was' : 'were';
      const what = `${integer(count)} of ${counted(answered, 'answered recipient')} ${were} rejected`;
      const message = `${what}: ${answer}. ${adviceOf(status ?? 0, text, protocolOfReason(text, protocol))}`;
      return { count, message, retryable: about === 'transient' || about === 'connection' };
    });
}

interface RefusedNote {
  readonly text: string;
  /** Sends to them; null where there is no such command. It follows the text and a colon. */
  readonly command: string | null;
}

/**
 * Returns what is said of them, or null if no recipient was refused for the reason that ended the run.
 *
 * @param folder the folder of --out, fit to be shown; null without --out
 */
export function refusedNote(summary: CampaignSummary, protocol: Protocol, folder: string | null): RefusedNote | null {
  const { stopped, unsent } = summary;
  if (stopped !== 'ERR_PEAL_STOPPED' && stopped !== 'ERR_PEAL_CREDENTIAL') return null;
  const isRefusal = ({ reason, status }: CountedReason): boolean =>
    unquotedReason.test(reason) &&
    isSendersFault(
      classOf(status ?? 0, apnsReason(reason), protocolOfReason(apnsReason(reason), protocol)),
      stopped === 'ERR_PEAL_STOPPED',
    );
  const refused = summary.reasons.filter(isRefusal);
  if (refused.length === 0) return null;
  const count = refused.reduce((sum, reason) => sum + reason.count, 0);
  const [were, theyCount, them] = count === 1 ? ['was', 'It counts', 'it'] : ['were', 'They count', 'them'];
  const refusal = `${counted(count, 'token')} ${were} refused for the reason that ended the run`;
  const who = `${refusal}. ${theyCount} as rejected, not unsent`;
  if (folder === null) return { text: `${who}: give --out DIR to keep ${them} in rejected.csv`, command: null };
  const names = summary.files.map(({ name }) => name);
  if (names.some((name) => name.endsWith('.ndjson')))
    return { text: `${who}. They are in ${folder}/rejected.ndjson`, command: null };
  const condition = refused.map(({ reason }) => `$3=="${reason}"`).join(' || ');
  // A table keeps the names and cells of its columns; of a plain list the tokens are enough.
  const isTable = names.includes('unsent.csv');
  const chosen = isTable ? `NR==1 || ${condition}` : `${condition}{print $1}`;
  const unsentFile = shellWord(`${folder}/${isTable ? 'unsent.csv' : 'unsent.txt'}`);
  const rest = unsent > 0 ? `--tokens ${unsentFile} --tokens -` : '--tokens -';
  const command = `awk -F, '${chosen}' ${shellWord(`${folder}/rejected.csv`)} | peal send ${rest} …`;
  return { text: `${who}. Once the cause is mended, send to ${them} as well`, command };
}
