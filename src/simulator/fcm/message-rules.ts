/**
 * FCM's demands on the body of a request: JSON of the known form, one target, and contents that can be delivered. The
 * first rule that fails decides the answer. Pure.
 *
 * Sources: REST reference "projects.messages" and "ErrorCode" of the FCM HTTP v1 API. Google does not publish how it
 * measures a message: here the keys and values of data and notification count, in bytes of UTF-8, for each platform by
 * itself.
 */
import { Buffer } from 'node:buffer';
import { maxTextTokenBytes, simulatedFcmPayloadBytes, simulatedFcmTopicPayloadBytes } from '../../base/limits.js';
import { ACCEPTED_ANSWER } from '../settings/answers.js';
import { FCM_INVALID_ARGUMENT, FCM_INVALID_TOKEN } from '../settings/fcm-answers.js';
import type { Violation } from './error-bodies.js';
import { fieldOf, isObject, parserFault } from './message-fields.js';

export type MessageTarget = 'token' | 'topic' | 'condition' | 'fid';

/** What a body says and earns. */
interface MessageVerdict {
  /** As answers.ts has it. */
  readonly answer: number;
  readonly violation: Violation | null;
  /** Null: there is none, or none that could be stored. */
  readonly target: string | null;
  readonly kind: MessageTarget;
  readonly isDryRun: boolean;
}

type Plain = Readonly<Record<string, unknown>>;

const kinds: readonly MessageTarget[] = ['token', 'topic', 'condition', 'fid'];
const reservedKey = /^(?:from|gcm|message_type|google.*|gcm\.notification\..*)$/;
const printable = /^[\x20-\x7e]+$/;
/** What FCM has given out so far. Sixty-four hex digits are a token of APNs. */
const tokenForm = /^(?![0-9a-fA-F]{64}$)[\w:-]+$/;
const topicForm = /^[\w\-.~%]{1,900}$/;
const fidForm = /^[\w-]{1,64}$/;
const labelForm = /^[\w\-.~%]{1,50}$/;
const maxTtlSeconds = 2_419_200;
const maxTopicsOfCondition = 5;
const nothing = { target: null, kind: 'token', isDryRun: false } as const;

/** Judges the body of a request. */
export function judgeMessage(text: string): MessageVerdict {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refused(ofParser('', 'Invalid JSON payload received. Unexpected token.'));
  }
  if (!isObject(body))
    return refused(ofParser('', 'Invalid JSON payload received. Unknown name "": Root element must be a message.'));
  const message = isObject(body.message) ? body.message : {};
  const given = kinds.filter((kind) => typeof message[kind] === 'string');
  const kind = given[0] ?? 'token';
  const named = String(message[kind] ?? '');
  const isKept = named.length > 0 && named.length <= maxTextTokenBytes && printable.test(named);
  const isDryRun = fieldOf(body, 'validate_only') === true;
  const about = { target: isKept ? named : null, kind, isDryRun };
  const violation = parserFault(body) ?? judgeTarget(message, given) ?? judgeContents(message, kind);
  if (violation !== null) return { ...about, answer: FCM_INVALID_ARGUMENT, violation };
  if (kind === 'token' && !tokenForm.test(named)) return { ...about, answer: FCM_INVALID_TOKEN, violation: null };
  return { ...about, answer: ACCEPTED_ANSWER, violation: null };
}

function refused(violation: Violation): MessageVerdict {
  return { ...nothing, answer: FCM_INVALID_ARGUMENT, violation };
}

function ofParser(field: string, description: string): Violation {
  return { field, description, isOfParser: true, message: description };
}

function ofFcm(field: string, description: string): Violation {
  return { field, description, isOfParser: false };
}

function judgeTarget(message: Plain, given: readonly MessageTarget[]): Violation | null {
  const [first, second] = given;
  if (first === undefined || message[first] === '') return ofFcm('message', 'Recipient of the message is not set.');
  if (second !== undefined) {
    const description = `Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set '${second}'`;
    return ofParser('message', description);
  }
  const target = String(message[first]);
  if (first === 'topic' && !topicForm.test(target)) return ofFcm('message.topic', 'Malformed topic name.');
  if (first === 'fid' && !fidForm.test(target)) return ofFcm('message.fid', 'Invalid Firebase installation ID.');
  if (first === 'condition') return judgeCondition(target);
  return null;
}

function judgeCondition(condition: string): Violation | null {
  const topics = condition.match(/'[^']*' in topics/g) ?? [];
  const rest = condition.replace(/'[\w\-.~%]{1,900}' in topics/g, 'x').replace(/\s+/g, '');
  if (topics.length > maxTopicsOfCondition) {
    return ofFcm('message.condition', `Condition has more than ${maxTopicsOfCondition} topics.`);
  }
  const isForm = topics.length > 0 && /^[!()x&|]+$/.test(rest) && /^!*\(*/.test(rest) && isBalanced(rest);
  return isForm ? null : ofFcm('message.condition', 'Invalid condition expression provided.');
}

/** Operands and operators take turns, and parentheses match. */
function isBalanced(expression: string): boolean {
  let text = expression;
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace('!x', 'x').replace('(x)', 'x').replace('x&&x', 'x').replace('x||x', 'x');
  }
  return text === 'x';
}

function judgeContents(message: Plain, kind: MessageTarget): Violation | null {
  const android = objectOf(message.android);
  return (
    judgeKeys(message.data, 'message.data') ??
    judgeKeys(android.data, 'message.android.data') ??
    judgeTtl(android.ttl) ??
    judgeLabel(message, 'message') ??
    judgeLabel(android, 'message.android') ??
    judgeSize(message, android, kind === 'topic' || kind === 'condition')
  );
}

function judgeKeys(data: unknown, path: string): Violation | null {
  for (const name in objectOf(data)) {
    if (name === '' || reservedKey.test(name)) return ofFcm(path, `Invalid data payload key: ${name}`);
  }
  return null;
}

function judgeTtl(ttl: unknown): Violation | null {
  if (typeof ttl !== 'string') return null;
  const seconds = Number(ttl.slice(0, -1));
  if (seconds >= 0 && seconds <= maxTtlSeconds) return null;
  return ofFcm('message.android.ttl', `The ttl must be between 0 and ${maxTtlSeconds} seconds.`);
}

function judgeLabel(of: Plain, path: string): Violation | null {
  const label = fieldOf(objectOf(fieldOf(of, 'fcm_options')), 'analytics_label');
  if (typeof label !== 'string' || labelForm.test(label)) return null;
  return ofFcm(`${path}.fcm_options.analytics_label`, 'Invalid analytics label.');
}

function judgeSize(message: Plain, android: Plain, isToTopic: boolean): Violation | null {
  const limit = isToTopic ? simulatedFcmTopicPayloadBytes : simulatedFcmPayloadBytes;
  const shared = bytesOf(message.notification);
  const ownData = android.data === undefined ? message.data : android.data;
  const sizes = [
    shared + bytesOf(ownData) + bytesOf(android.notification),
    bytesOf(objectOf(message.apns).payload) + bytesOf(message.data),
    bytesOf(objectOf(message.webpush).data) + bytesOf(objectOf(message.webpush).notification),
  ];
  if (sizes.every((size) => size <= limit)) return null;
  const message_ = isToTopic
    ? `Message is too large. The maximum is 2K (${limit} bytes) for messages to topics.`
    : `Message is too large. The maximum is 4K (${limit} bytes).`;
  return { field: 'message', description: message_, isOfParser: false, message: message_ };
}

/** Bytes of all keys and values within. */
function bytesOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object') return String(value).length;
  if (Array.isArray(value)) return value.reduce((sum: number, item: unknown) => sum + bytesOf(item), 0);
  let sum = 0;
  for (const name in value) sum += Buffer.byteLength(name) + bytesOf((value as Plain)[name]);
  return sum;
}

function objectOf(value: unknown): Plain {
  return isObject(value) ? value : {};
}
