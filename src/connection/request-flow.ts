/** Small decisions about how many requests go out at once. Called by Http2Connection; pure. */
import { minRequestsPerWrite } from '../base/limits.js';
import type { RequestRun } from './request-source.js';

/** Bytes of payload of the recipient that is next in `run`. */
export function nextPayloadBytes(run: RequestRun): number {
  const offsets = run.personal === null ? null : run.personal.payloadOffsets;
  if (offsets === null) return run.notification.payload.length;
  const next = run.order[run.head]!;
  return offsets[next + 1]! - offsets[next]!;
}

/**
 * Whether `credit` requests are too few for a write of their own: each write, wake-up and read costs as much as some
 * hundred requests. A connection waits until an eighth of what it can hold in flight is free, at most
 * minRequestsPerWrite; answers that are outstanding make sure that it does not wait for ever.
 */
export function isTooFew(credit: number, inFlight: number): boolean {
  if (credit <= 0) return true;
  if (credit >= minRequestsPerWrite) return false;
  return credit < (credit + inFlight) >> 3;
}

/** The Retry-After field as seconds (RFC 9110 §10.2.3); null for a date, for nonsense, and where there is none. */
export function retryAfterSeconds(text: string | null): number | null {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}
