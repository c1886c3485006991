/**
 * What a gateway answered when it did not accept, in the same form from the connection to the program. Reads the body
 * of an answer other than 200: APNs sends JSON `{"reason": …, "timestamp": …}`, and a proxy before it may send
 * anything. Called by connections for each rejected notification; pure.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../base/clock.js';
import { maxReasonCharacters, maxResponseBodyBytes, maxRetryAfterSeconds } from '../base/limits.js';
import { stripUnprintable } from '../base/text.js';

/** An answer other than 200, or the status of a binary gateway. Its texts are bounded and printable. */
export interface Answer {
  /** The HTTP status, or the status of a binary gateway. */
  readonly status: number;
  /** Apple's reason, or else the text of the body. Empty for an empty body and for a web page. */
  readonly reason: string;
  /**
   * The time since which a token is gone (status 410), in milliseconds since the epoch; null if the answer has no such
   * time.
   */
  readonly timestampMs: number | null;
  /** The id of the notification; null if the answer has none. */
  readonly apnsId: string | null;
  /** The Retry-After field in seconds; null if there was none. */
  readonly retryAfterSeconds: number | null;
  /**
   * The key of the notification in APNs' delivery log (development only). Missing or null if there was none, or if ids
   * are not kept.
   */
  readonly apnsUniqueId?: string | null;
}

/** The content of an answer's body. */
type AnswerBody = Pick<Answer, 'reason' | 'timestampMs'>;

/** The content of an answer's header fields besides the status; null where it had none. Valid during a call only. */
export interface AnswerFields {
  readonly apnsId: string | null;
  /** As it came. */
  readonly retryAfter: string | null;
  /** Of `apns-unique-id`; also null where ids are not kept. */
  readonly uniqueId: string | null;
}

/** An answer over HTTP/2. */
export function answerOf(status: number, body: Uint8Array, fields: AnswerFields, clock: Pick<Clock, 'wallMs'>): Answer {
  const { apnsId, retryAfter, uniqueId } = fields;
  const answer = { status, ...parseAnswerBody(body), apnsId, retryAfterSeconds: retryAfterSeconds(retryAfter, clock) };
  return uniqueId === null ? answer : { ...answer, apnsUniqueId: uniqueId };
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

const empty: AnswerBody = Object.freeze({ reason: '', timestampMs: null });

/** APNs began in 2009. It sends no time before that, and none after this century. */
const earliestTimestampMs = Date.UTC(2009, 0, 1);
const latestTimestampMs = Date.UTC(2100, 0, 1);

/** Reads no more than `maxResponseBodyBytes` of the body. Never throws. */
export function parseAnswerBody(bytes: Uint8Array): AnswerBody {
  if (bytes.length === 0) return empty;
  const length = Math.min(bytes.length, maxResponseBodyBytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const fields = parseObject(text) ?? beginningOfObject(text);
  const reason = fields?.reason === undefined ? plainReason(text) : textOrNone(fields.reason);
  return { reason: shownReason(reason), timestampMs: timestampOf(fields?.timestamp) };
}

/** Secrets of the request that a gateway may echo: a device token in hex, or a JWT (its header begins with `{"`). */
const echoed = /[0-9a-f]{32,}|eyJ[\w-]{10,}\.[\w.-]+/gi;
/** The same at the place where the text was cut. So short a piece could not be told from other words anywhere else. */
const echoedAtCut = /(?:[0-9a-f]{5,}|eyJ[\w.-]*)$/i;
const shortestEchoCharacters = 16;
const searchedCharacters = 2 * maxReasonCharacters;

/** Shortens what looks like a token to its beginning, because reasons reach logs, messages and summaries. */
function shownReason(text: string): string {
  // Cleaned before the search, because an unprintable character could divide a token. Cut to its length after the
  // search, because half a token would not be recognized. The first cut bounds the search.
  const clean = stripUnprintable(text, searchedCharacters);
  if (clean.length < shortestEchoCharacters) return clean;
  const short = clean.replace(echoed, beginning);
  return stripUnprintable(
    text.length > searchedCharacters ? short.replace(echoedAtCut, beginning) : short,
    maxReasonCharacters,
  );
}

const beginning = (token: string): string => `${token.slice(0, 4)}…`;

/** A reason that is not text adds nothing to the status. */
function textOrNone(reason: unknown): string {
  return typeof reason === 'string' ? reason : '';
}

/** The reason in a body that is not JSON: plain words are kept, the page of a web server is not. */
function plainReason(text: string): string {
  return text.trimStart().startsWith('<') ? '' : text;
}

function parseObject(text: string): { reason?: unknown; timestamp?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

const cutObject = /^\s*\{\s*(?:"timestamp"\s*:\s*(\d{1,15})\s*,\s*)?(?:"reason"\s*:\s*"([^"\\]*)")?/;

/** Reads the beginning of a JSON object that was cut off, which is where the reason stands. Null for any other text. */
function beginningOfObject(text: string): { reason: string; timestamp: number | null } | null {
  const cut = text.trimEnd().endsWith('}') ? null : cutObject.exec(text);
  if (cut === null) return null;
  const [, timestamp, reason = ''] = cut;
  return { reason, timestamp: timestamp === undefined ? null : Number(timestamp) };
}

function timestampOf(value: unknown): number | null {
  if (!Number.isSafeInteger(value)) return null;
  const milliseconds = value as number;
  return milliseconds >= earliestTimestampMs && milliseconds < latestTimestampMs ? milliseconds : null;
}
