/**
 * What a gateway answered where it did not accept: the one form of it, from the connection to the program. Reads the body
 * of an answer other than 200, which is JSON `{"reason": …, "timestamp": …}` from APNs, and anything at all from what may
 * stand before it. Called by connections for each rejected notification; pure.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../base/clock.js';
import { maxReasonCharacters, maxResponseBodyBytes, maxRetryAfterSeconds } from '../base/limits.js';
import { stripUnprintable } from '../base/text.js';

/** An answer other than 200, or the status of a binary gateway. Its texts are bounded and printable. */
export interface Answer {
  /** HTTP status; of a binary gateway its own. */
  readonly status: number;
  /** Apple's reason; else the text of the body; empty for an empty body or a page. */
  readonly reason: string;
  /** Milliseconds since the epoch since when a token is gone (status 410); null where the answer says no such time. */
  readonly timestampMs: number | null;
  /** The id of the notification; null where the answer named none. */
  readonly apnsId: string | null;
  /** The Retry-After field in seconds; null where there was none. */
  readonly retryAfterSeconds: number | null;
  /** The key of APNs' delivery log (development only); missing or null where there was none, or ids are not kept. */
  readonly apnsUniqueId?: string | null;
}

/** What an answer's body said. */
type AnswerBody = Pick<Answer, 'reason' | 'timestampMs'>;

/** What an answer's header fields said besides the status. */
interface AnswerFields {
  readonly apnsId: string | null;
  readonly retryAfter: string | null;
  readonly uniqueId: string | null;
}

/** An answer over HTTP/2. */
export function answerOf(status: number, body: Uint8Array, fields: AnswerFields, clock: Pick<Clock, 'wallMs'>): Answer {
  const { apnsId, retryAfter, uniqueId } = fields;
  const answer = { status, ...parseAnswerBody(body), apnsId, retryAfterSeconds: retryAfterSeconds(retryAfter, clock) };
  return uniqueId === null ? answer : { ...answer, apnsUniqueId: uniqueId };
}

/** An answer that says nothing but its status and reason, such as that of a binary gateway. */
export function bareAnswer(status: number, reason: string): Answer {
  return { status, reason, timestampMs: null, apnsId: null, retryAfterSeconds: null };
}

/** The form of dates that senders must use (RFC 9110 §5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`. */
const fixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The Retry-After field as seconds from now (RFC 9110 §10.2.3): a number of seconds, or a date, which is held against
 * the wall clock; 0 for one that is past; never more than `maxRetryAfterSeconds`. Null for anything else, and without a
 * field.
 */
export function retryAfterSeconds(text: string | null, clock: Pick<Clock, 'wallMs'>): number | null {
  if (text === null) return null;
  if (/^\d+$/.test(text)) return Math.min(Number(text), maxRetryAfterSeconds);
  const atMs = fixdate.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(atMs)) return null;
  return Math.min(Math.max(0, Math.ceil((atMs - clock.wallMs()) / 1000)), maxRetryAfterSeconds);
}

const empty: AnswerBody = Object.freeze({ reason: '', timestampMs: null });

/** APNs began in 2009; it did not send a time before that, or after this century. */
const earliestTimestampMs = Date.UTC(2009, 0, 1);
const latestTimestampMs = Date.UTC(2100, 0, 1);

/** Never throws. Looks at no more than `maxResponseBodyBytes` of the body. */
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

/** What a gateway may echo of the request: a device token in hex, or a JWT (its header begins `{"`). */
const echoed = /[0-9a-f]{32,}|eyJ[\w-]{10,}\.[\w.-]+/gi;
/** The same where the text was cut: too short to be told from other words anywhere else. */
const echoedAtCut = /(?:[0-9a-f]{5,}|eyJ[\w.-]*)$/i;
const shortestEchoCharacters = 16;
const searchedCharacters = 2 * maxReasonCharacters;

/** Reasons reach logs, messages and summaries, where no token belongs: of what looks like one, only the beginning stays. */
function shownReason(text: string): string {
  // Cleaned before it is searched, because a character that does not print could divide a token; and cut to its length
  // later, because half of one would not be recognized. The first cut bounds the search.
  const clean = stripUnprintable(text, searchedCharacters);
  if (clean.length < shortestEchoCharacters) return clean;
  const short = clean.replace(echoed, beginning);
  return stripUnprintable(
    text.length > searchedCharacters ? short.replace(echoedAtCut, beginning) : short,
    maxReasonCharacters,
  );
}

const beginning = (token: string): string => `${token.slice(0, 4)}…`;

/** A reason that is no text says nothing that the status does not. */
function textOrNone(reason: unknown): string {
  return typeof reason === 'string' ? reason : '';
}

/** A body that is not JSON: a reason in plain words is kept, the page of a web server is not. */
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

/** What an object that was cut off says at its beginning, which is where the reason stands; null for any other text. */
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
