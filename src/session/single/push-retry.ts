/**
 * Whether and when a rejected push is sent again. Pure but for the push's own counts; called by lanes, on the main
 * thread.
 */
import { retryGraceMs } from '../../base/limits.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import type { Protocol } from '../../push/address.js';
import { retryAfterMs } from '../../push/retry-policy.js';
import { retryKindOf } from '../../push-services/reasons.js';
import type { Push } from './lane-batch.js';

/** An expired provider token is the sender's own fault, so that it is replaced even where nothing is sent again. */
const expiredBudget = { attempts: 2, timeMs: Number.POSITIVE_INFINITY };

/**
 * Notes an answer that asks for another request. Returns the milliseconds to wait before it is sent; null if the answer
 * is final.
 */
export function pushRetryMs(
  push: Push,
  answer: OutcomeDetail,
  protocol: Protocol,
  nowMs: number,
  random: () => number,
): number | null {
  const { status, reason, retryAfterSeconds } = answer;
  const kind = retryKindOf(status, reason, protocol);
  if (kind === null) return null;
  const budget = push.options.budget ?? (kind === 'expired' ? expiredBudget : null);
  if (budget === null) return null;
  const retries = push.retries ?? { requests: 0, answer, firstMs: nowMs, expired: 0, connection: 0 };
  const attempt = retries.requests + 1;
  const repeats = kind === 'expired' || kind === 'connection' ? retries[kind] : 0;
  const elapsedMs = nowMs - retries.firstMs;
  const waitMs = retryAfterMs({ kind, attempt, repeats, elapsedMs, retryAfterSeconds }, budget, random);
  if (waitMs === null || (!push.isAnswerTimed && nowMs + waitMs >= push.deadlineMs)) return null;
  if (kind === 'expired' || kind === 'connection') retries[kind] += 1;
  retries.requests = attempt;
  retries.answer = answer;
  push.retries = retries;
  // From now on its time is limited: a gateway in trouble may hold requests back for longer than the budget says.
  if (push.isAnswerTimed) push.awaitWrite(nowMs + waitMs);
  else if (push.isPatient) push.deadlineMs = Math.max(retries.firstMs + budget.timeMs, nowMs + waitMs + retryGraceMs);
  return waitMs;
}
