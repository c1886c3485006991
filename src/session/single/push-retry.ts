/**
 * Whether and when a rejected push is sent again. Pure but for the push's own counts; called by lanes, on the main thread.
 */
import { retryAfterMs, retryKindOf } from '../../apns/retry-policy.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import type { Push } from './lane-batch.js';

/** An expired provider token is the sender's own fault, so that it is replaced even where nothing is sent again. */
const expiredBudget = { attempts: 2, timeMs: Number.POSITIVE_INFINITY };

/**
 * Returns the milliseconds to wait before the push is sent again, and counts it; null if this answer is final.
 * `push.attempts` counts the request that was answered.
 */
export function pushRetryMs(push: Push, answer: OutcomeDetail, nowMs: number, random: () => number): number | null {
  const { status, reason, retryAfterSeconds } = answer;
  const kind = retryKindOf(status, reason);
  if (kind === null) return null;
  const budget = push.budget ?? (kind === 'expired' ? expiredBudget : null);
  if (budget === null) return null;
  if (push.answer === null) push.answeredAtMs = nowMs;
  const repeats = kind === 'expired' || kind === 'connection' ? push[kind] : 0;
  const elapsedMs = nowMs - push.answeredAtMs;
  const waitMs = retryAfterMs({ kind, attempt: push.attempts, repeats, elapsedMs, retryAfterSeconds }, budget, random);
  if (waitMs === null || nowMs + waitMs >= push.deadlineMs) return null;
  if (kind === 'expired' || kind === 'connection') push[kind] += 1;
  return waitMs;
}
