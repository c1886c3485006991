/**
 * Reads the bodies of FCM's answers: the name of an accepted message, and what an answer other than 200 means. Such a
 * body is `{"error": {"code", "message", "status", "details": […]}}`, where the details may hold an FcmError, field
 * violations, a failure of quota and the reason of Google's front; each of them may be missing, and a front may send a
 * web page. Called by connections through fcm/protocol, for each message; pure, any thread.
 *
 * Sources: Firebase documentation, "ErrorCode"; google/rpc/error_details.proto; answers that people published
 * (docs/fcm.md).
 */
import { Buffer } from 'node:buffer';
import type { Clock } from '../base/clock.js';
import { maxDetailCharacters, maxMessageNameCharacters, maxResponseBodyBytes } from '../base/limits.js';
import { type Answer, type AnswerFields, retryAfterSeconds, shownReason } from '../push/answer.js';

/** An answer other than 200. */
export function fcmAnswerOf(
  status: number,
  body: Uint8Array,
  { retryAfter }: AnswerFields,
  clock: Pick<Clock, 'wallMs'>,
): Answer {
  const { reason, detail } = readErrorBody(status, body);
  return {
    status,
    reason,
    timestampMs: null,
    apnsId: null,
    retryAfterSeconds: retryAfterSeconds(retryAfter, clock),
    detail,
  };
}

/** What is left of an error's body. Both texts are bounded and printable, and hide tokens. */
interface ErrorBody {
  readonly reason: string;
  readonly detail: string | null;
}

/** Reads no more than `maxResponseBodyBytes` of the body. Never throws. */
function readErrorBody(status: number, bytes: Uint8Array): ErrorBody {
  const length = Math.min(bytes.length, maxResponseBodyBytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    .toString('utf8')
    .replace(/^\ufeff/, '');
  const error = errorIn(text);
  if (error === null) return { reason: plainReason(text), detail: null };
  const facts = factsOf(status, error);
  const reason = reasonOfFacts(facts);
  const detail = shownDetail(detailOf(reason, facts));
  return { reason: shownReason(reason), detail: detail === '' ? null : detail };
}

/** Plain words are kept, the page of a web server is not. */
function plainReason(text: string): string {
  return text.trimStart().startsWith('<') ? '' : shownReason(text);
}

/** The members that are read. Any of them may be missing, or of another type. */
type Member =
  | 'error'
  | 'status'
  | 'message'
  | 'details'
  | '@type'
  | 'errorCode'
  | 'reason'
  | 'metadata'
  | 'fieldViolations'
  | 'violations'
  | 'field'
  | 'subject'
  | 'description'
  | 'quota_limit_value'
  | 'quota_limit'
  | 'quota_unit';

type Dictionary = { readonly [Name in Member]?: unknown };

function dictionary(value: unknown): Dictionary | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Dictionary) : null;
}

function dictionaries(value: unknown): readonly Dictionary[] {
  return Array.isArray(value) ? value.flatMap((item: unknown) => dictionary(item) ?? []) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The object `error` of a body; null if the body is no JSON of this form. Google's fronts may put it into a list. */
function errorIn(text: string): Dictionary | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return dictionary(dictionary(Array.isArray(value) ? value[0] : value)?.error);
}

/** What an answer says of itself; texts are empty where it does not say. */
interface Facts {
  readonly httpStatus: number;
  /** Google's canonical name of the status: `NOT_FOUND`. */
  readonly status: string;
  readonly message: string;
  /** FCM's own error code; not every answer has one. */
  readonly errorCode: string;
  /** Google's front: `ACCESS_TOKEN_EXPIRED`. */
  readonly infoReason: string;
  readonly info: Dictionary;
  readonly violations: readonly Dictionary[];
  readonly quotaViolations: readonly Dictionary[];
}

function factsOf(httpStatus: number, error: Dictionary): Facts {
  const details = dictionaries(error.details);
  const ofType = (type: string): readonly Dictionary[] =>
    details.filter((detail) => textOf(detail['@type']).endsWith(`/${type}`));
  const info = ofType('google.rpc.ErrorInfo')[0];
  const listsOf = (type: string, key: Member): readonly Dictionary[] =>
    ofType(type).flatMap((detail) => dictionaries(detail[key]));
  return {
    httpStatus,
    status: textOf(error.status),
    message: textOf(error.message),
    errorCode: ofType('google.firebase.fcm.v1.FcmError').map((detail) => textOf(detail.errorCode))[0] ?? '',
    infoReason: textOf(info?.reason),
    info: dictionary(info?.metadata) ?? {},
    violations: listsOf('google.rpc.BadRequest', 'fieldViolations'),
    quotaViolations: listsOf('google.rpc.QuotaFailure', 'violations'),
  };
}

/** Other names of one fault. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['APNS_AUTH_ERROR', 'THIRD_PARTY_AUTH_ERROR'],
  ['RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED'],
]);

/** FCM's own code decides; without one, Google's status and the reason of its front. */
function reasonOfFacts(facts: Facts): string {
  const { errorCode, status, infoReason } = facts;
  const given = errorCode === '' ? status : errorCode;
  const code = aliases.get(given) ?? given;
  switch (code) {
    case 'INVALID_ARGUMENT':
      return isAboutRecipient(facts) ? 'INVALID_ARGUMENT (token)' : code;
    case 'QUOTA_EXCEEDED':
      return quotaReason(facts);
    case 'UNAUTHENTICATED':
      return infoReason === 'ACCESS_TOKEN_EXPIRED' ? infoReason : code;
    case 'PERMISSION_DENIED':
      return isDisabled(facts) ? 'SERVICE_DISABLED' : code;
    case '':
      return facts.message;
    default:
      return code;
  }
}

/** Fields of a message that name its recipient; an older form has no `message.` before them. */
const recipientField = /^(?:message\.)?(?:token|topic|condition|fid)$/;
/** What FCM says of a bad token without naming a field. */
const badToken = /registration token is not a valid|invalid registration/i;

function isAboutRecipient({ violations, message }: Facts): boolean {
  if (violations.length > 0) return violations.every(({ field }) => recipientField.test(textOf(field)));
  return badToken.test(message);
}

function isDisabled({ infoReason, message }: Facts): boolean {
  return infoReason === 'SERVICE_DISABLED' || /has not been used in project .{1,100} or it is disabled/s.test(message);
}

/**
 * Which of the three quotas was exceeded. Google's front refuses what is above the project's own. Otherwise the words
 * of the answer tell a device from a topic; no page of Google lists them. An answer that says neither counts as the
 * project's, because then the sender slows down as a whole.
 */
function quotaReason({ infoReason, quotaViolations, message }: Facts): string {
  if (infoReason === 'RATE_LIMIT_EXCEEDED') return 'QUOTA_EXCEEDED';
  const words = [...quotaViolations.flatMap(({ subject, description }) => [subject, description]), message];
  for (const word of words) {
    // The name of a project may be any word.
    const text = textOf(word).replace(/\bprojects?[:/]\S+/gi, '');
    if (/\b(?:device|token|registration)\b/i.test(text)) return 'QUOTA_EXCEEDED (device)';
    if (/\btopics?\b/i.test(text)) return 'QUOTA_EXCEEDED (topic)';
  }
  return 'QUOTA_EXCEEDED';
}

/** What the answer says beyond its reason; empty where that is nothing. */
function detailOf(reason: string, facts: Facts): string {
  const { message, infoReason } = facts;
  if (reason === 'UNREGISTERED' || reason === message) return '';
  const violations = facts.violations.map(({ field, description }) =>
    joined(': ', field, withoutField(field, description)),
  );
  if (violations.length > 0) return violations.join('; ');
  if (reason.startsWith('QUOTA_EXCEEDED')) return quotaDetail(facts);
  return infoReason === '' || infoReason === reason ? message : joined(': ', infoReason, message);
}

/** Some descriptions repeat the field. */
function withoutField(field: unknown, description: unknown): string {
  const text = textOf(description);
  const repeated = `Invalid value at '${textOf(field)}' `;
  return text.startsWith(repeated) ? `Invalid value ${text.slice(repeated.length)}` : text;
}

function quotaDetail({ info, quotaViolations, message }: Facts): string {
  const limit = textOf(info.quota_limit_value);
  if (limit !== '') return joined(', ', `quota ${limit}`, info.quota_unit, info.quota_limit);
  const violations = quotaViolations.map(({ subject, description }) => joined(': ', subject, description));
  return violations.length > 0 ? violations.join('; ') : message;
}

function joined(between: string, ...parts: readonly unknown[]): string {
  return parts.filter((part) => typeof part === 'string' && part !== '').join(between);
}

/** A Firebase installation id. Unlike words of its length it mixes digits and capitals. */
const installationId = /(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])([c-f][\w-]{3})[\w-]{18}(?![\w:-])/g;

function shownDetail(text: string): string {
  return shownReason(text.replace(installationId, '$1…'), maxDetailCharacters);
}

/**
 * The name that FCM gave an accepted message (`projects/my-app/messages/0:1700000000000000%31bd1c9631bd1c96`), or null
 * if the body has none. The part after the last slash is Google's own and may have any form. Called for each accepted
 * push: a walk along the octets makes nothing but the name.
 */
export function messageNameOf(body: Uint8Array): string | null {
  const length = Math.min(body.length, maxResponseBodyBytes);
  for (let at = 0; at < length; at++) {
    if (body[at] !== QUOTE || !isNameAt(body, at + 1)) continue;
    const colon = afterBlanks(body, at + nameKey.length + 2, length);
    if (body[colon] !== COLON) continue;
    const start = afterBlanks(body, colon + 1, length);
    return body[start] !== QUOTE ? null : plainTextAt(body, start + 1, length);
  }
  return null;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const nameKey = Buffer.from('name');

/** Whether the key `name` and its closing quote stand there. */
function isNameAt(body: Uint8Array, at: number): boolean {
  for (let i = 0; i < nameKey.length; i++) if (body[at + i] !== nameKey[i]) return false;
  return body[at + nameKey.length] === QUOTE;
}

function afterBlanks(body: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && body[at]! <= 0x20) at++;
  return at;
}

/**
 * The text up to the next quote. Null if it is none of visible ASCII without escapes, is empty, or longer than any
 * name.
 */
function plainTextAt(body: Uint8Array, start: number, end: number): string | null {
  const most = Math.min(end, start + maxMessageNameCharacters + 1);
  let at = start;
  for (; at < most && body[at] !== QUOTE; at++) {
    const octet = body[at]!;
    if (octet <= 0x20 || octet > 0x7e || octet === BACKSLASH) return null;
  }
  if (at === most || at === start) return null;
  return Buffer.from(body.buffer, body.byteOffset + start, at - start).toString('latin1');
}
