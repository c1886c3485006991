/**
 * What became of one notification to one recipient. Made by lanes, given to the program. Main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { Answer } from '../../push/answer.js';

/** The service answered 200. */
export interface AcceptedPush {
  readonly outcome: 'accepted';
  readonly status: 200;
  readonly reason: null;
  /**
   * The notification's id, a UUID: the message's own, or one that was made for this push. With FCM the name that its
   * answer gives the message.
   */
  readonly apnsId: string;
  readonly timestampMs: null;
  readonly retryAfterSeconds: null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  readonly error: null;
}

/** The service answered otherwise. */
export interface RejectedPush {
  readonly outcome: 'rejected';
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The service's reason, empty if the answer named none. */
  readonly reason: string;
  /** FCM: what the answer finds fault with, where it says so. */
  readonly detail?: string;
  /** As with an accepted one; empty where FCM rejected, because it names accepted messages only. */
  readonly apnsId: string;
  /** Since when the token is gone (410), in milliseconds since the epoch; otherwise null. */
  readonly timestampMs: number | null;
  /** How long the gateway asks to wait, in seconds; null when it asks nothing. */
  readonly retryAfterSeconds: number | null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  readonly error: null;
}

/**
 * There is no answer. `unsent`: certainly not processed, safe to send again. `unknown`: written and not answered in
 * time; sending again may show the notification twice.
 */
export interface UnansweredPush {
  readonly outcome: 'unsent' | 'unknown';
  readonly status: null;
  readonly reason: null;
  /** The notification's id, empty with FCM; null for an item that `sendEach` did not begin to send. */
  readonly apnsId: string | null;
  readonly timestampMs: null;
  readonly retryAfterSeconds: null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  /** Why there is no answer. */
  readonly error: PealError;
}

/**
 * The token failed the local checks, and nothing was sent; with `sendEach` also a message or an option that is not
 * valid.
 */
export interface InvalidPush {
  readonly outcome: 'invalid';
  readonly status: null;
  readonly reason: null;
  readonly apnsId: null;
  readonly timestampMs: null;
  readonly retryAfterSeconds: null;
  /** Requests that were answered, or may have been processed. */
  readonly attempts: number;
  /** What is not valid. */
  readonly error: PealError;
}

/** The one outcome of a push. Plain data, but for `error`. `outcome` says which of the other fields are not null. */
export type PushOutcome = AcceptedPush | RejectedPush | UnansweredPush | InvalidPush;

const noAnswer = { status: null, reason: null, timestampMs: null, retryAfterSeconds: null } as const;

export function acceptedOutcome(apnsId: string, attempts: number): AcceptedPush {
  return {
    outcome: 'accepted',
    status: 200,
    reason: null,
    apnsId,
    timestampMs: null,
    retryAfterSeconds: null,
    attempts,
    error: null,
  };
}

export function rejectedOutcome(
  { status, reason, timestampMs, retryAfterSeconds, detail = null }: Answer,
  apnsId: string,
  attempts: number,
): PushOutcome {
  const outcome = { status, reason, apnsId, timestampMs, retryAfterSeconds, attempts, error: null };
  return { outcome: 'rejected', ...outcome, ...(detail !== null && { detail }) };
}

/** @param outcome why there is no answer */
export function unansweredOutcome(
  outcome: 'unsent' | 'unknown',
  error: PealError,
  apnsId: string | null,
  attempts: number,
): PushOutcome {
  return { outcome, ...noAnswer, apnsId, attempts, error };
}

export function invalidOutcome(error: PealError): PushOutcome {
  return { outcome: 'invalid', ...noAnswer, apnsId: null, attempts: 0, error };
}
