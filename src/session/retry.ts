/**
 * When a result's `retry()` is to be sent. Pure; by the policy of sends. Called by results.
 */
import { backoffMs, retryKindOf } from '../apns/retry-policy.js';
import type { Failure } from './failure.js';

/**
 * Milliseconds to wait after attempt number `attempt` (from 1): a random part of what doubles with each attempt (full
 * jitter), and never less than any of the failures that pass asks for. The first retry of recipients that were never
 * processed waits only where `hasToWait` says that the cause is likely to stand.
 */
export function retryDelay(
  attempt: number,
  hasToWait: boolean,
  failures: Iterable<Failure>,
  random: () => number,
): number {
  if (attempt === 1 && !hasToWait) return 0;
  const drawn = random();
  let waitMs = backoffMs('transient', attempt, null, () => drawn);
  for (const { status, reason, protocol, retryAfterSeconds, isTransient } of failures) {
    if (!isTransient) continue;
    const kind = retryKindOf(status, reason, protocol) ?? 'transient';
    waitMs = Math.max(
      waitMs,
      backoffMs(kind, attempt, retryAfterSeconds, () => drawn),
    );
  }
  return waitMs;
}
