/**
 * How long a number of recipients takes at a rate, before they are sent to. Pure; called by dry runs, on the main
 * thread.
 */
import { type Rate, rateAt } from './rate.js';

/** Changes of a timetable that are followed; what takes longer is estimated from them. */
const maxChanges = 1000;

/**
 * Seconds until the last of them may go out; null where no rate limits them. Where a timetable takes its limit off, the
 * seconds until then: how fast the others go is for the gateway to say.
 *
 * @param wallMs when the first one goes out
 */
export function secondsAtRate(rate: Rate, recipients: number, wallMs: number): number | null {
  let atMs = wallMs;
  let left = recipients;
  for (let change = 0; change < maxChanges; change++) {
    const { perSecond, forMs } = rateAt(rate, atMs);
    if (perSecond === null) return atMs === wallMs ? null : (atMs - wallMs) / 1000;
    const needsMs = (left * 1000) / perSecond;
    if (needsMs <= forMs) return (atMs - wallMs + needsMs) / 1000;
    left -= (perSecond * forMs) / 1000;
    atMs += forMs;
  }
  return (((atMs - wallMs) / 1000) * recipients) / (recipients - left);
}
