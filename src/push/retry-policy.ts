/**
 * Which recipients are sent to again, and when: one table. Pure; time and chance are handed in. Called by the
 * dispatcher for retries of a send, by shards for what was not processed, and by results for `delay()`.
 *
 *   kind            which                                       wait                         how often
 *   unsent          certainly not processed                     none                         maxResends (by one shard)
 *   transient       500, 503, other 5xx, other 429              random part of 1 s, 2 s, …   the budget
 *   busy            TooManyRequests, FCM's quota of a device    2 to 4 s, 4 to 8 s, …        the budget
 *   unavailable     FCM: UNAVAILABLE, INTERNAL, other 5xx       10 to 20 s, 20 to 40 s, …    the budget
 *   quota           FCM: QUOTA_EXCEEDED of the project          1 to 2 min, 2 to 4 min, …    the budget
 *   topic-quota     FCM: QUOTA_EXCEEDED of one topic            1 to 2 min, 2 to 4 min, …    the budget
 *   token-updates   TooManyProviderTokenUpdates                 10 to 20 s, 20 to 40 s, …    the budget
 *   expired         ExpiredProviderToken, ACCESS_TOKEN_EXPIRED  100 ms, under a new token    once, within the budget
 *   connection      IdleTimeout, UnrelatedKeyIdInToken, 421     none, over another one       twice, within the budget
 *   unknown         written, never answered (only if asked to)  random part of 1 s, 2 s, …   the budget
 *
 * Everything else is final. A wait is never shorter than the gateway's Retry-After: where the budget ends before that,
 * the answer is final.
 *
 * Sources: "Handling notification responses from APNs"; Firebase documentation, "Scale FCM" and "ErrorCode"; RFC 9110
 * §10.2.3 (Retry-After); RFC 9113 §8.7 (unprocessed).
 */
import {
  busyDeviceDelayMs,
  expiredTokenDelayMs,
  maxConnectionResends,
  maxExpiredTokenResends,
  maxResends,
  maxRetryDelayMs,
  quotaDelayMs,
  retryDelayMs,
  tokenUpdatesDelayMs,
  unavailableDelayMs,
} from '../base/limits.js';

export type RetryKind =
  | 'unsent'
  | 'transient'
  | 'busy'
  | 'unavailable'
  | 'quota'
  | 'topic-quota'
  | 'token-updates'
  | 'expired'
  | 'connection'
  | 'unknown';

interface RetryRule {
  /**
   * The least wait after the first request, and the most that chance adds, in milliseconds; doubled with each request.
   */
  readonly leastMs: number;
  readonly jitterMs: number;
  /** How often this kind is repeated for one recipient, within the budget. */
  readonly most: number;
}

const atOnce = { leastMs: 0, jitterMs: 0 } as const;
const fullJitter = { leastMs: 0, jitterMs: retryDelayMs, most: Number.POSITIVE_INFINITY } as const;
const atLeast = (leastMs: number): RetryRule => ({ leastMs, jitterMs: leastMs, most: Number.POSITIVE_INFINITY });

export const retryRules: Readonly<Record<RetryKind, RetryRule>> = {
  unsent: { ...atOnce, most: maxResends },
  transient: fullJitter,
  busy: atLeast(busyDeviceDelayMs),
  unavailable: atLeast(unavailableDelayMs),
  quota: atLeast(quotaDelayMs),
  'topic-quota': atLeast(quotaDelayMs),
  'token-updates': atLeast(tokenUpdatesDelayMs),
  expired: { leastMs: expiredTokenDelayMs, jitterMs: 0, most: maxExpiredTokenResends },
  connection: { ...atOnce, most: maxConnectionResends },
  unknown: fullJitter,
};

/** What one recipient may cost. */
export interface RetryBudget {
  /** Requests in all, the first one included. */
  readonly attempts: number;
  /**
   * No request may begin later than this, in milliseconds, after the policy was first asked about the recipient. It is
   * asked when the whole batch has been answered or lost; one silent request delays that by at most requestTimeoutMs.
   */
  readonly timeMs: number;
}

/** A recipient whose request was answered other than 200, or never. */
export interface RetryCase {
  readonly kind: RetryKind;
  /** Requests so far, from 1. */
  readonly attempt: number;
  /** How often it was sent to again because of this same kind. */
  readonly repeats: number;
  /** Milliseconds since the policy was first asked about the recipient. */
  readonly elapsedMs: number;
  readonly retryAfterSeconds: number | null;
}

/** Returns the milliseconds to wait before the recipient is sent to again, or null if its outcome is final. */
export function retryAfterMs(it: RetryCase, budget: RetryBudget, random: () => number): number | null {
  const { kind, attempt, repeats, elapsedMs, retryAfterSeconds } = it;
  if (attempt >= budget.attempts || repeats >= retryRules[kind].most) return null;
  const waitMs = Math.max(backoffMs(kind, attempt, null, random), (retryAfterSeconds ?? 0) * 1000);
  return elapsedMs + waitMs <= budget.timeMs ? waitMs : null;
}

/**
 * Returns the milliseconds to wait after request number `attempt` (from 1): the kind's own least wait and a random part
 * of a range that doubles with each request, not less than the gateway's Retry-After, and at most maxRetryDelayMs.
 */
export function backoffMs(
  kind: RetryKind,
  attempt: number,
  retryAfterSeconds: number | null,
  random: () => number,
): number {
  const { leastMs, jitterMs } = retryRules[kind];
  const doublings = 2 ** Math.min(attempt - 1, 30);
  const leastWait = Math.min(maxRetryDelayMs, leastMs * doublings);
  const jitter = random() * Math.min(maxRetryDelayMs - leastWait, jitterMs * doublings);
  const asked = Math.min(maxRetryDelayMs, (retryAfterSeconds ?? 0) * 1000);
  return Math.ceil(Math.max(leastWait + jitter, asked));
}
