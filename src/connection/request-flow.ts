/** Small decisions about requests on their way out and answers on their way in. Called by connections. */
import { parseAnswerBody } from '../apns/answer.js';
import type { Clock } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import { maxRetryAfterSeconds, minRequestsPerWrite } from '../base/limits.js';
import type { ResponseFields } from '../codec/http2/index.js';
import type { Rejection, RequestRun, RequestSource } from './request-source.js';

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

/** The form of dates that senders must use (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. */
const fixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The Retry-After field as seconds from now (RFC 9110 §10.2.3): a number of seconds, or a date, which is held against
 * the wall clock; 0 for one that is past; never more than `maxRetryAfterSeconds`. Null for anything else, and where there is
 * none.
 */
export function retryAfterSeconds(text: string | null, clock: Clock): number | null {
  if (text === null) return null;
  if (/^\d+$/.test(text)) return Math.min(Number(text), maxRetryAfterSeconds);
  const atMs = fixdate.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return null;
  return Math.min(Math.max(0, Math.ceil((atMs - clock.wallMs()) / 1000)), maxRetryAfterSeconds);
}

/** What an answer other than 200 said. */
export function rejectionOf(status: number, body: Uint8Array, fields: ResponseFields, clock: Clock): Rejection {
  const { reason, timestampMs } = parseAnswerBody(body);
  const { apnsId, retryAfter, uniqueId } = fields;
  const rejection = { status, reason, timestampMs, apnsId, retryAfterSeconds: retryAfterSeconds(retryAfter, clock) };
  return uniqueId === null ? rejection : { ...rejection, apnsUniqueId: uniqueId };
}

/** The gateway cannot be sent this notification at all: nobody who waits for it gets it. */
export function refuseRun(source: RequestSource, run: RequestRun, cause: PealError): void {
  const { order, head, tagBase } = run;
  const refused = order.slice(head);
  source.taken(run, refused.length);
  for (const index of refused) source.onUnsent((tagBase + index) >>> 0, cause);
}
