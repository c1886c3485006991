/** How much of a run a connection takes, and what becomes of a run that it cannot carry. Called by connections. */
import type { PealError } from '../base/errors.js';
import { minRequestsPerWrite } from '../base/limits.js';
import type { RequestRun, RequestSource } from './request-source.js';

/** Bytes of the body of the request to the recipient that is next in `run`. */
export function nextPayloadBytes(run: RequestRun): number {
  const { payload, bodyStart } = run.notification;
  const overhead = bodyStart === undefined ? 0 : bodyStart.length + run.tokens.tokenBytes;
  const offsets = run.personal === null ? null : run.personal.payloadOffsets;
  if (offsets === null) return overhead + payload.length;
  const next = run.order[run.head]!;
  return overhead + offsets[next + 1]! - offsets[next]!;
}

/**
 * Whether `credit` requests are too few for a write of their own: each write, wake-up and read costs as much as some
 * hundred requests. A connection waits until an eighth of what it can hold in flight is free, at most
 * minRequestsPerWrite; answers that are outstanding make sure that the wait ends.
 */
export function isTooFew(credit: number, inFlight: number): boolean {
  if (credit <= 0) return true;
  if (credit >= minRequestsPerWrite) return false;
  return credit < (credit + inFlight) >> 3;
}

/** This notification cannot be sent to the gateway at all: each recipient that waits for it is refused. */
export function refuseRun(source: RequestSource, run: RequestRun, cause: PealError): void {
  const { order, head, tagBase } = run;
  const refused = order.slice(head);
  source.taken(run, refused.length);
  for (const index of refused) source.onUnsent((tagBase + index) >>> 0, cause);
}
