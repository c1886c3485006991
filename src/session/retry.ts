/**
 * When to send again. Pure: the randomness is handed in. Called by results.
 */
import { maxRetryDelayMs, retryDelayMs } from '../base/limits.js';
import type { Failure } from './failure.js';

/**
 * Milliseconds to wait after attempt number `attempt` (from 1): a random part of `retryDelayMs` doubled with each
 * attempt (full jitter), and never less than the longest Retry-After among the failures that pass. The first retry of
 * recipients that were never processed waits only where `hasToWait` says that the cause is likely to stand.
 */
export function retryDelay(
  attempt: number,
  hasToWait: boolean,
  failures: Iterable<Failure>,
  random: () => number,
): number {
  if (attempt === 1 && !hasToWait) return 0;
  let asked = 0;
  for (const failure of failures) {
    const seconds = failure.retryAfterSeconds;
    if (seconds !== null && seconds > asked && failure.isTransient) asked = seconds;
  }
  const longest = Math.min(maxRetryDelayMs, retryDelayMs * 2 ** Math.min(attempt - 1, 30));
  return Math.ceil(Math.max(random() * longest, Math.min(asked * 1000, maxRetryDelayMs)));
}
