/**
 * Which recipients are sent to again, and when: one table. Pure; time and chance are handed in. Called by the
 * dispatcher for what a send does of its own accord, by shards for what was not processed, and by results for
 * `delay()`.
 *
 *   kind            which                                       wait                         how often
 *   unsent          certainly not processed                     none                         maxResends (by one shard)
 *   transient       500, 503, other 5xx, other 429              random part of 1 s, 2 s, …   the budget
 *   busy            TooManyRequests                             2 to 4 s, 4 to 8 s, …        the budget
 *   token-updates   TooManyProviderTokenUpdates                 10 to 20 s, 20 to 40 s, …    the budget
 *   expired         ExpiredProviderToken                        100 ms, under a new token    once, within the budget
 *   connection      IdleTimeout, UnrelatedKeyIdInToken, 421     none, over another one       twice, within the budget
 *   unknown         written, never answered (only if asked to)  random part of 1 s, 2 s, …   the budget
 *
 * Everything else is final. A wait is never shorter than the gateway's Retry-After: where the budget ends before that,
 * the answer is final.
 *
 * Sources: "Handling notification responses from APNs"; RFC 9110 §10.2.3 (Retry-After); RFC 9113 §8.7 (unprocessed).
 */
import {
  busyDeviceDelayMs,
  expiredTokenDelayMs,
  maxConnectionResends,
  maxExpiredTokenResends,
  maxResends,
  maxRetryDelayMs,
  retryDelayMs,
  tokenUpdatesDelayMs,
} from '../base/limits.js';
import type { Protocol } from './address.js';
import { classOf } from './reason.js';

export type RetryKind = 'unsent' | 'transient' | 'busy' | 'token-updates' | 'expired' | 'connection' | 'unknown';

interface RetryRule {
  /**
   * The least wait after the first request, and what chance adds at most, in milliseconds; doubled with each request.
   */
  readonly leastMs: number;
  readonly jitterMs: number;
  /** How often this kind is sent again to one recipient, whatever the budget still allows. */
  readonly most: number;
}

const atOnce = { leastMs: 0, jitterMs: 0 } as const;
const fullJitter = { leastMs: 0, jitterMs: retryDelayMs, most: Number.POSITIVE_INFINITY } as const;
const atLeast = (leastMs: number): RetryRule => ({ leastMs, jitterMs: leastMs, most: Number.POSITIVE_INFINITY });

export const retryRules: Readonly<Record<RetryKind, RetryRule>> = {
  unsent: { ...atOnce, most: maxResends },
  transient: fullJitter,
  busy: atLeast(busyDeviceDelayMs),
  'token-updates': atLeast(tokenUpdatesDelayMs),
  expired: { leastMs: expiredTokenDelayMs, jitterMs: 0, most: maxExpiredTokenResends },
  connection: { ...atOnce, most: maxConnectionResends },
  unknown: fullJitter,
};

/** What a send may spend on one recipient. */
export interface RetryBudget {
  /** Requests in all, the first one included. */
  readonly attempts: number;
  /**
   * No request may begin later than this, in milliseconds, after the policy was first asked about the recipient. That
   * is when its whole batch has been answered or lost; one silent request delays it by requestTimeoutMs at most.
   */
  readonly timeMs: number;
}

/** What is known of a recipient whose request was answered other than 200, or never. */
export interface RetryCase {
  readonly kind: RetryKind;
  /** Requests so far, from 1. */
  readonly attempt: number;
  /** How often it was sent to again for this same kind. */
  readonly repeats: number;
  /** Since the policy was first asked about the recipient, in milliseconds. */
  readonly elapsedMs: number;
  readonly retryAfterSeconds: number | null;
}

/** The kind of a rejection that may be answered otherwise next time; null for those that are final. */
export function retryKindOf(status: number, reason: string, protocol: Protocol = 'http2'): RetryKind | null {
  // A binary gateway closes at each refusal, and its sender goes on behind it: nothing is sent again unasked.
  if (protocol === 'binary') return null;
  if (reason === 'TooManyRequests') return 'busy';
  if (reason === 'TooManyProviderTokenUpdates') return 'token-updates';
  if (reason === 'ExpiredProviderToken') return 'expired';
  const reasonClass = classOf(status, reason);
  return reasonClass === 'transient' || reasonClass === 'connection' ? reasonClass : null;
}

/** Milliseconds to wait before the recipient is sent to again; null: its outcome is final. */
export function retryAfterMs(it: RetryCase, budget: RetryBudget, random: () => number): number | null {
  const { kind, attempt, repeats, elapsedMs, retryAfterSeconds } = it;
  if (attempt >= budget.attempts || repeats >= retryRules[kind].most) return null;
  const waitMs = Math.max(backoffMs(kind, attempt, null, random), (retryAfterSeconds ?? 0) * 1000);
  return elapsedMs + waitMs <= budget.timeMs ? waitMs : null;
}

/**
 * Milliseconds to wait after request number `attempt` (from 1): a random part of what doubles with each request, on top
 * of the kind's own least wait, and never less than the gateway asked for; maxRetryDelayMs at most, whatever it asked.
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
