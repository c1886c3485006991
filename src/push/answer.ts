/**
 * What a gateway answered when it did not accept, in the same form from the connection to the program, whichever push
 * service it is of. Each service reads the bodies of its own answers (PushProtocol.answerOf). Pure; any thread.
 */
import type { Clock } from '../base/clock.js';
import { maxReasonCharacters, maxRetryAfterSeconds } from '../base/limits.js';
import { stripUnprintable } from '../base/text.js';

/** An answer other than 200, or the status of a binary gateway. Its texts are bounded and printable. */
export interface Answer {
  /** The HTTP status, or the status of a binary gateway. */
  readonly status: number;
  /** The service's reason, or else the text of the body. Empty for an empty body and for a web page. */
  readonly reason: string;
  /**
   * The time since which a token is gone (status 410), in milliseconds since the epoch; null if the answer has no such
   * time.
   */
  readonly timestampMs: number | null;
  /** The id of the notification: APNs' apns-id, FCM's name of the message. Null if the answer has none. */
  readonly apnsId: string | null;
  /** The Retry-After field in seconds; null if there was none. */
  readonly retryAfterSeconds: number | null;
  /**
   * The key of the notification in APNs' delivery log (development only). Missing or null if there was none, or if ids
   * are not kept.
   */
  readonly apnsUniqueId?: string | null;
  /**
   * What the answer finds fault with, where it says so: the field of the request, and a sentence of the service.
   * Missing or null if it says nothing of that.
   */
  readonly detail?: string | null;
}

/** The content of an answer's header fields besides the status; null where it had none. Valid during a call only. */
export interface AnswerFields {
  readonly apnsId: string | null;
  /** As it came. */
  readonly retryAfter: string | null;
  /** Of `apns-unique-id`; also null where ids are not kept. */
  readonly uniqueId: string | null;
}

/** An answer with nothing but a status and a reason, such as that of a binary gateway. */
export function bareAnswer(status: number, reason: string): Answer {
  return { status, reason, timestampMs: null, apnsId: null, retryAfterSeconds: null };
}

/** The form of dates that senders must use (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. */
const fixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Returns the Retry-After field as seconds from now (RFC 9110 §10.2.3). The field is a number of seconds, or a date
 * that is compared with the wall clock; a date in the past gives 0. Never more than `maxRetryAfterSeconds`. Null
 * without a field, and for anything else in it.
 */
export function retryAfterSeconds(text: string | null, clock: Pick<Clock, 'wallMs'>): number | null {
  if (text === null) return null;
  if (/^\d+$/.test(text)) return Math.min(Number(text), maxRetryAfterSeconds);
  const atMs = fixdate.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return null;
  return Math.min(Math.max(0, Math.ceil((atMs - clock.wallMs()) / 1000)), maxRetryAfterSeconds);
}

/**
 * Secrets of the request that a gateway may echo: a device token in hex, a registration token of FCM, a JWT (its header
 * begins with `{"`), or an access token of Google.
 */
const echoed = /[0-9a-f]{32,}|[\w-]*:APA91[\w-]+|eyJ[\w-]{10,}\.[\w.-]+|ya29\.[\w.-]+/gi;
/** The same at the place where the text was cut. So short a piece could not be told from other words anywhere else. */
const echoedAtCut = /(?:[0-9a-f]{5,}|[\w-]*:APA91[\w-]*|eyJ[\w.-]*|ya29[\w.-]*)$/i;
const shortestEchoCharacters = 16;

/**
 * The text of an answer as it may be shown: what looks like a token is shortened to its beginning, because reasons
 * reach logs, messages and summaries.
 */
export function shownReason(text: string, maxCharacters: number = maxReasonCharacters): string {
  const searchedCharacters = 2 * maxCharacters;
  // Cleaned before the search, because an unprintable character could divide a token. Cut to its length after the
  // search, because half a token would not be recognized. The first cut bounds the search.
  const clean = stripUnprintable(text, searchedCharacters);
  if (clean.length < shortestEchoCharacters) return clean;
  const short = clean.replace(echoed, beginning);
  return stripUnprintable(
    text.length > searchedCharacters ? short.replace(echoedAtCut, beginning) : short,
    maxCharacters,
  );
}

const beginning = (token: string): string => `${token.slice(0, 4)}…`;
