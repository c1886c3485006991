/**
 * Reads the body of an answer of APNs other than 200: JSON `{"reason": …, "timestamp": …}`; a proxy before it may send
 * anything. Called by connections for each rejected notification, and by those who read GOAWAYs; pure.
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../base/clock.js';
import { maxResponseBodyBytes } from '../base/limits.js';
import { type Answer, type AnswerFields, retryAfterSeconds, shownReason } from '../push/answer.js';

/** The content of an answer's body. */
type AnswerBody = Pick<Answer, 'reason' | 'timestampMs'>;

/** An answer over HTTP/2. */
export function answerOf(status: number, body: Uint8Array, fields: AnswerFields, clock: Pick<Clock, 'wallMs'>): Answer {
  const { apnsId, retryAfter, uniqueId } = fields;
  const answer = { status, ...parseAnswerBody(body), apnsId, retryAfterSeconds: retryAfterSeconds(retryAfter, clock) };
  return uniqueId === null ? answer : { ...answer, apnsUniqueId: uniqueId };
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
