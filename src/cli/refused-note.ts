/**
 * What is said after a run that stopped for a fault of its sender: whom the stop kept back is in unsent.txt, but those
 * who were refused before it are not, and would never be sent to. Called by send-report, on the main thread.
 */
import type { Protocol } from '../apns/address.js';
import { classOf, isSendersFault } from '../apns/reason.js';
import { apnsReason, type ReasonCount, type RunSummary } from './counts.js';
import { counted } from './numbers.js';

/** Reasons as Apple writes them, and "HTTP 500": what needs no quoting in a shell and in a cell. */
const plain = /^[A-Za-z0-9 ]+$/;

/**
 * The sentence, or null where nobody was refused so.
 *
 * @param folder the folder of --out, fit to be shown; null where there is none
 */
export function refusedNote(summary: RunSummary, protocol: Protocol, folder: string | null): string | null {
  const { stopped, unsent } = summary;
  if (stopped !== 'ERR_PEAL_STOPPED' && stopped !== 'ERR_PEAL_CREDENTIAL') return null;
  const isRefusal = ({ reason, status }: ReasonCount): boolean =>
    plain.test(reason) && isSendersFault(classOf(status, apnsReason(reason), protocol), stopped === 'ERR_PEAL_STOPPED');
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
