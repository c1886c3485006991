/**
 * The recipients of a simulated campaign, and the batches that they travel in. A device token holds the number of its
 * recipient, so that it can be told whose it is, on the wire or in a ledger:
 *
 *     [0..4) kind: random, or what asks the gateway for an answer   [4..8) number   [8..) random
 *     [0..6) what asks a binary gateway for one                     [6..8) number   [8..) random
 *
 * One of FCM is text: `good-7:` or what asks the service for an answer, `feed-unregistered-7:`, and random letters.
 */
import { Buffer } from 'node:buffer';
import type { Batch } from '../../src/engine/batch.js';
import type { PersonalFields, PersonalParts } from '../../src/push/notification.js';
import { TokenBlock } from '../../src/push/token-block.js';
import { scriptedBinaryToken } from '../../src/simulator/books/binary-script.js';
import { tokenScript } from '../../src/simulator/books/token-script.js';
import { scriptedFcmToken } from '../../src/simulator/fcm/fcm-script.js';
import type { Prng } from '../support/prng.js';

export interface RecipientPlan {
  readonly number: number;
  /** `good`, one of Apple's reasons, or what the gateway does instead of answering. */
  readonly kind: string;
  /** The gateway answers it whenever it can. */
  readonly isAnswered: boolean;
  readonly payload: Uint8Array;
  /** As text; null where the gateway makes it. */
  readonly apnsId: string | null;
  /** Of its own; null where it shares what the job has, which is none. */
  readonly collapseId: string | null;
  /** What is unknown is to be sent again. */
  readonly isResent: boolean;
  /** What asks a binary gateway for an answer takes it so long, a multiple of 100 milliseconds. */
  readonly delayMs: number;
}

/** What a batch is like. */
export interface BatchPlan {
  readonly first: number;
  readonly count: number;
  readonly tokenBytes: number;
  readonly hasIds: boolean;
  readonly hasPayloads: boolean;
  readonly hasCollapseIds: boolean;
  /** Its tokens are those of FCM. Default false. */
  readonly isText?: boolean;
}

/** Kinds of recipients that are not good, with the script's name for them. */
export const kinds = {
  gone: 'Unregistered',
  bad: 'BadDeviceToken',
  wrongTopic: 'DeviceTokenNotForTopic',
  tooMany: 'TooManyRequests',
  internal: 'InternalServerError',
  unavailable: 'ServiceUnavailable',
  silent: 'no answer, ever',
  refused: 'RST_STREAM REFUSED_STREAM, each time',
  reset: 'RST_STREAM INTERNAL_ERROR',
} as const;

/** The same for FCM. */
export const fcmKinds = {
  gone: 'UNREGISTERED',
  badToken: 'INVALID_ARGUMENT (token)',
  badMessage: 'INVALID_ARGUMENT',
  otherSender: 'SENDER_ID_MISMATCH',
  noKey: 'THIRD_PARTY_AUTH_ERROR',
  noProject: 'NOT_FOUND',
  page: 'HTTP 404',
  device: 'QUOTA_EXCEEDED (device)',
  topic: 'QUOTA_EXCEEDED (topic)',
  quota: 'QUOTA_EXCEEDED',
  internal: 'INTERNAL',
  unavailable: 'UNAVAILABLE',
  odd: 'UNSPECIFIED_ERROR',
} as const;

/** The same for a binary gateway. Whom a shutdown names is accepted. */
export const binaryKinds = {
  invalid: 'Invalid token',
  size: 'Invalid token size',
  payload: 'Missing payload',
  processing: 'Processing error',
  odd: 'Unknown status 77',
  shutdown: 'Shutdown behind it',
  closed: 'closed without a status',
  broken: 'reset without a status',
} as const;

const binaryStatuses = new Map<string, number | 'closed' | 'reset'>([
  [binaryKinds.invalid, 8],
  [binaryKinds.size, 5],
  [binaryKinds.payload, 4],
  [binaryKinds.processing, 1],
  [binaryKinds.odd, 77],
  [binaryKinds.shutdown, 10],
  [binaryKinds.closed, 'closed'],
  [binaryKinds.broken, 'reset'],
]);
const binaryScriptDigits = 12;
const [zero, colon, letterA] = [0x30, 0x3a, 0x41];

const unanswered: ReadonlySet<string> = new Set([
  ...[kinds.silent, kinds.refused, kinds.reset],
  ...[binaryKinds.closed, binaryKinds.broken],
]);
const prefixes = new Map(tokenScript.map(({ name, prefix }) => [name, Number.parseInt(prefix, 16)]));

/** The token of a recipient, from its number and kind. */
export function writeToken(random: Prng, bytes: Uint8Array, at: number, length: number, plan: RecipientPlan): void {
  for (let i = 0; i < length; i += 4) {
    const word = Math.floor(random.next() * 0x1_0000_0000);
    for (let j = 0; j < 4 && i + j < length; j++) bytes[at + i + j] = word >>> (8 * j);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, length);
  const prefix = prefixes.get(plan.kind);
  if (prefix !== undefined) view.setUint32(0, prefix);
  else if (bytes[at] === 0xfe) bytes[at] = 0x01;
  view.setUint32(4, plan.number);
  const status = binaryStatuses.get(plan.kind);
  if (status === undefined) return;
  const script = scriptedBinaryToken(status, 0, plan.delayMs).slice(0, binaryScriptDigits);
  bytes.set(Buffer.from(script, 'hex'), at);
}

/** The number that the token of recipient `index` of a batch holds. */
export function numberOf({ bytes, tokenBytes, encoding }: TokenBlock, index: number): number {
  return encoding === 'text' ? textNumberIn(bytes, index * tokenBytes) : numberIn(bytes, index * tokenBytes);
}

/** The number that the token of FCM at `at` holds; -1 where its end is not there yet, -2 where none is. */
export function textNumberIn(bytes: Uint8Array, at: number): number {
  const end = bytes.indexOf(colon, at);
  if (end < 0) return -1;
  let number = 0;
  let digits = 0;
  for (let unit = 1; end - digits > at && isDigit(bytes[end - digits - 1]!); digits++, unit *= 10) {
    number += unit * (bytes[end - digits - 1]! - zero);
  }
  return digits === 0 ? -2 : number;
}

function isDigit(character: number): boolean {
  return character >= zero && character < zero + 10;
}

/** A token of FCM. */
function writeTextToken(random: Prng, bytes: Uint8Array, length: number, { kind, number }: RecipientPlan): void {
  const own = kind === 'good' ? `good-${number}` : scriptedFcmToken(kind, number).split(':')[0]!;
  bytes.set(Buffer.from(`${own}:`.padEnd(length, 'A'), 'latin1'));
  for (let at = own.length + 1; at < length; at++) bytes[at] = letterA + random.int(26);
}

/** The number that the token at `at` holds. */
export function numberIn(bytes: Uint8Array, at: number): number {
  const low = (bytes[at + 6]! << 8) | bytes[at + 7]!;
  if (bytes[at] === 0xfe && bytes[at + 1] === 0xed && bytes[at + 2]! >>> 4 === 0xb) return low;
  return ((bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | low) >>> 0;
}

export function isAnswered(kind: string): boolean {
  return !unanswered.has(kind);
}

/** JSON of `length` bytes, or a little more where that is too little for it. */
export function payloadOf(number: number, length: number): Uint8Array {
  const head = `{"aps":{},"n":${number},"p":"`;
  return new Uint8Array(Buffer.from(`${head}${'x'.repeat(Math.max(0, length - head.length - 2))}"}`, 'latin1'));
}

/** What comes before the token in a body of FCM. */
export const fcmBodyStart = new Uint8Array(Buffer.from('{"message":{"token":"'));

/** What follows it. */
export function fcmPayloadOf(number: number, length: number): Uint8Array {
  const head = `","data":{"n":"${number}","p":"`;
  return new Uint8Array(Buffer.from(`${head}${'x'.repeat(Math.max(0, length - head.length - 4))}"}}}`, 'latin1'));
}

/** A UUID that is told apart by the recipient's number. */
export function apnsIdOf(number: number): string {
  return `5eed0000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

/** A collapse id that is told apart by the recipient's number, of 2 to 33 characters. */
export function collapseIdOf(number: number): string {
  return `${number}-`.padEnd(2 + (number % 32), 'c');
}

/** The batch as it is handed to the engine. */
export function makeBatch(random: Prng, plan: BatchPlan, recipients: readonly RecipientPlan[]): Batch {
  const { first, count, tokenBytes } = plan;
  const own = recipients.slice(first, first + count);
  const bytes = new Uint8Array(count * tokenBytes);
  for (const recipient of own) {
    const at = (recipient.number - first) * tokenBytes;
    if (plan.isText === true) writeTextToken(random, bytes.subarray(at, at + tokenBytes), tokenBytes, recipient);
    else writeToken(random, bytes, at, tokenBytes, recipient);
  }
  const tokens = new TokenBlock(bytes, tokenBytes, count, plan.isText === true ? 'text' : 'hex');
  return { tokens, personal: personalParts(plan, own) };
}

function personalParts(
  { hasIds, hasPayloads, hasCollapseIds }: BatchPlan,
  own: readonly RecipientPlan[],
): PersonalParts | null {
  if (!hasIds && !hasPayloads && !hasCollapseIds) return null;
  const fields = hasCollapseIds ? collapseIds(own) : null;
  const apnsIds = idsOf(hasIds, own);
  if (!hasPayloads) return { apnsIds, payloads: null, payloadOffsets: null, fields };
  const offsets = new Uint32Array(own.length + 1);
  own.forEach(({ payload }, index) => {
    offsets[index + 1] = offsets[index]! + payload.length;
  });
  const payloads = new Uint8Array(Buffer.concat(own.map(({ payload }) => payload)));
  return { apnsIds, payloads, payloadOffsets: offsets, fields };
}

function idsOf(hasIds: boolean, own: readonly RecipientPlan[]): Uint8Array | null {
  if (!hasIds) return null;
  return new Uint8Array(Buffer.from(own.map(({ apnsId }) => apnsId!.replaceAll('-', '')).join(''), 'hex'));
}

function collapseIds(own: readonly RecipientPlan[]): PersonalFields {
  const collapseIdOffsets = new Uint32Array(own.length + 1);
  own.forEach(({ collapseId }, index) => {
    collapseIdOffsets[index + 1] = collapseIdOffsets[index]! + collapseId!.length;
  });
  const bytes = new Uint8Array(Buffer.from(own.map(({ collapseId }) => collapseId).join('')));
  return { expirations: null, priorities: null, collapseIds: bytes, collapseIdOffsets };
}
