/**
 * What became of one notification to one recipient. Made by lanes, given to the program. Main thread.
 */
import type { PealError } from '../../base/errors.js';

/** The one outcome of a push. Plain data, but for `error`. */
export interface PushOutcome {
  /**
   * `accepted`: APNs answered 200. `rejected`: it answered otherwise. `unsent`: certainly not processed, safe to send
   * again. `unknown`: written and not answered in time; sending again may show the notification twice. `invalid`: the
   * token failed the local checks, nothing was sent; with `sendEach` also a message or an option that is not valid.
   */
  readonly outcome: 'accepted' | 'rejected' | 'unsent' | 'unknown' | 'invalid';
  /** The HTTP status of the answer; null without one. */
  readonly status: number | null;
  /** Apple's reason for a rejection, empty if the answer named none; null for other outcomes. */
  readonly reason: string | null;
  /**
   * The notification's id, a UUID: the message's own, or one that was made for this push. Null for an invalid token,
   * and for an item that `sendEach` did not begin to send.
   */
  readonly apnsId: string | null;
  /** Since when the token is gone (410), in milliseconds since the epoch; null elsewhere. */
  readonly timestampMs: number | null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  /** Why it is unsent, unknown or invalid; null for other outcomes. */
  readonly error: PealError | null;
}

export function acceptedOutcome(apnsId: string, attempts: number): PushOutcome {
  return { outcome: 'accepted', status: 200, reason: null, apnsId, timestampMs: null, attempts, error: null };
}

export function rejectedOutcome(
  answer: { readonly status: number; readonly reason: string; readonly timestampMs: number | null },
  apnsId: string,
  attempts: number,
): PushOutcome {
  const { status, reason, timestampMs } = answer;
  return { outcome: 'rejected', status, reason, apnsId, timestampMs, attempts, error: null };
}

/** @param outcome why there is no answer */
export function unansweredOutcome(
  outcome: 'unsent' | 'unknown',
  error: PealError,
  apnsId: string | null,
  attempts: number,
): PushOutcome {
  return { outcome, status: null, reason: null, apnsId, timestampMs: null, attempts, error };
}

export function invalidOutcome(error: PealError): PushOutcome {
  return { outcome: 'invalid', status: null, reason: null, apnsId: null, timestampMs: null, attempts: 0, error };
}
