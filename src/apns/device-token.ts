/**
 * Turns device tokens in the forms that people write into bytes. For single tokens and unusual lines; long lists take
 * the faster path of campaign/recipients/token-lines. Pure, any thread.
 */
import { Buffer } from 'node:buffer';
import { decodeHex } from '../base/hex.js';
import { maxTokenBytes, minBase64TokenBytes, minTokenBytes, usualTokenBytes } from '../base/limits.js';
import { escapeUnprintable, typeNameOf } from '../base/text.js';
import { isUuid } from './apns-id.js';
import { textOfBytes } from './token-text.js';

/** Why a text is not a device token: the rest of a sentence that begins with the text ("has 63 hex digits, …"). */
export interface InvalidToken {
  readonly why: string;
}

const hexOnly = /^[0-9a-fA-F]+$/;
const quoted = /^(["'])(.*)\1$/s;
/** Lines that tools print between the rows and columns of a table. */
const tableRule = /^[-=+|_*~#:.\s]{2,}$/;
/** How registration tokens of FCM are written: an installation id, a colon, and a text that begins so. */
const ofFcm = /^[\w-]+:APA91/;
const notHex = /[^0-9a-fA-F]/u;
const base64Only = /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)(={0,2})$/;

/**
 * Returns the bytes of a device token, `minBytes` (default `minTokenBytes`) to `maxTokenBytes`, or why the text is not
 * one. Never throws. Accepts
 *
 * - hex digits in either case, an even number: `1a2B…`;
 * - the same as `NSData` prints it: `<1a2b3c4d 5e6f…>`;
 * - base64 or base64url, with or without padding, of at least `minBase64TokenBytes` bytes.
 *
 * Blanks and quotes around it are ignored. A text of hex digits alone is always hex, and a text of nearly only hex
 * digits is meant as hex, so that a mistyped token is invalid rather than another token. Base64 has to look like
 * random bytes, because names and the rules of tables have the same characters.
 */
export function parseDeviceToken(text: string, minBytes = minTokenBytes): Uint8Array | InvalidToken {
  const trimmed = unquoted(text.trim());
  if (trimmed === '') return { why: 'is empty' };
  if (trimmed.length > maxTokenBytes * 4)
    return { why: `is longer than any device token (${trimmed.length} characters)` };
  const parsed = trimmed.startsWith('<') ? parseBracketed(trimmed) : parsePlain(trimmed);
  if (!isDeviceToken(parsed) || parsed.length >= minBytes) return parsed;
  return { why: `has ${parsed.length * 2} hex digits; a device token has at least ${minBytes * 2}` };
}

/**
 * The same for bytes. Bytes are the token itself, unless they hold text (token-text). Text is read as such, so that
 * text that is not a token is never sent as a token of its bytes.
 */
export function readDeviceToken(token: string | Uint8Array, minBytes = minTokenBytes): Uint8Array | InvalidToken {
  if (typeof token === 'string') return parseDeviceToken(token, minBytes);
  const text = token.length >= minBytes ? textOfBytes(token) : null;
  if (text !== null) return parseDeviceToken(text, minBytes);
  if (token.length >= minBytes && token.length <= maxTokenBytes) return token;
  return { why: `has ${token.length} bytes; a device token has ${minBytes} to ${maxTokenBytes}` };
}

/** Returns true for the bytes of a token, and false for the reason why it is not one. */
export function isDeviceToken(parsed: Uint8Array | InvalidToken): parsed is Uint8Array {
  return parsed instanceof Uint8Array;
}

/** A token's text for logs and messages: `1a2b…9c0d`. Of a short text even less, so that it is never shown whole. */
export function shortToken(text: string): string {
  if (text.length < 16) return `${escapeUnprintable(text.slice(0, text.length >> 2), 16)}…`;
  return `${escapeUnprintable(text.slice(0, 4), 16)}…${escapeUnprintable(text.slice(-4), 16)}`;
}

function unquoted(text: string): string {
  return quoted.exec(text)?.[2]?.trim() ?? text;
}

function parsePlain(text: string): Uint8Array | InvalidToken {
  const hex = parseHex(text);
  if (hex !== null) return hex;
  if (tableRule.test(text)) return { why: 'is a line of a table, not a device token' };
  if (isUuid(text)) return { why: 'is a UUID, not a device token' };
  if (ofFcm.test(text)) {
    return { why: 'is a registration token of FCM: send it through FCM, or give the device token of APNs' };
  }
  return parseBase64(text) ?? { why: notHexProblem(text) };
}

function parseBracketed(text: string): Uint8Array | InvalidToken {
  if (!text.endsWith('>')) return { why: 'begins with < but does not end with >' };
  const inner = text.slice(1, -1).replace(/[ \t]+/g, '');
  if (inner === '') return { why: 'is empty' };
  return parseHex(inner) ?? { why: notHexProblem(inner) };
}

/** Returns the bytes, or why they are not a token, or null for text with other characters than hex digits. */
function parseHex(text: string): Uint8Array | InvalidToken | null {
  if (text.length % 2 === 0 && text.length <= maxTokenBytes * 2) {
    const bytes = new Uint8Array(text.length >> 1);
    return decodeHex(text, bytes, 0) ? bytes : null;
  }
  if (!hexOnly.test(text)) return null;
  if (text.length % 2 !== 0) return { why: `has ${text.length} hex digits, an odd number` };
  return { why: `has ${text.length} hex digits, more than ${maxTokenBytes * 2}` };
}

/** Returns the bytes, or null for text that is not meant as base64. */
function parseBase64(text: string): Uint8Array | InvalidToken | null {
  const padding = base64Only.exec(text)?.[1]?.length;
  if (padding === undefined || (padding === 0 && isMostlyHex(text))) return null;
  const digits = text.length - padding;
  if (digits % 4 === 1 || (padding > 0 && text.length % 4 !== 0)) return null;
  const bytes = Buffer.from(text, 'base64');
  const hasEvidence = padding > 0 || bytes.length === usualTokenBytes;
  if (bytes.length < minBase64TokenBytes || !isLikeChance(text.slice(0, digits), hasEvidence)) return null;
  if (bytes.length > maxTokenBytes) return { why: `is base64 of ${bytes.length} bytes, more than ${maxTokenBytes}` };
  const isCanonical = bytes.toString('base64url') === text.slice(0, digits).replaceAll('+', '-').replaceAll('/', '_');
  return isCanonical
    ? new Uint8Array(bytes)
    : { why: 'is base64 that was cut off or changed: its last digit cannot be' };
}

/**
 * Returns whether base64 digits are as mixed as those of random bytes: capital and small letters, and neighbours of
 * different kinds in two of three cases. In words and names one of three cases is much, digits are rare, and rules of
 * tables have no letters. For a text that has padding, or the length of today's tokens, the test is weaker: it
 * refuses one real token in 700,000.
 */
function isLikeChance(digits: string, hasEvidence: boolean): boolean {
  let kinds = 0;
  let changes = 0;
  let before = 0;
  for (const digit of digits) {
    const kind =
      digit >= 'a' && digit <= 'z' ? 1 : digit >= 'A' && digit <= 'Z' ? 2 : digit >= '0' && digit <= '9' ? 4 : 8;
    kinds |= kind;
    if (before !== 0 && kind !== before) changes++;
    before = kind;
  }
  const hasLetters = (kinds & 3) === 3;
  const [least, leastOfLetters] = hasEvidence ? [0.25, 0.33] : [0.33, 0.4];
  return hasLetters && changes >= (digits.length - 1) * (kinds === 3 ? leastOfLetters : least);
}

/** In base64 of a token about a third of the digits are hex digits. Four fifths means mistyped hex. */
function isMostlyHex(text: string): boolean {
  let hex = 0;
  for (const character of text) if (hexOnly.test(character)) hex++;
  return hex * 5 >= text.length * 4;
}

function notHexProblem(text: string): string {
  if (!isMostlyHex(text)) return 'is neither hex nor base64 of a device token';
  const position = text.search(notHex);
  const character = String.fromCodePoint(text.codePointAt(position)!);
  return `has ${escapeUnprintable(`"${character}"`, 16)} at position ${position + 1}, where a hex digit is expected`;
}

/** The bytes of a token, or why it is not one. Never throws. `minBytes`: the shortest token there is. */
export function deviceTokenOf(token: unknown, minBytes?: number): Uint8Array | string {
  if (typeof token !== 'string' && !(token instanceof Uint8Array)) return `is ${typeNameOf(token)}, not a device token`;
  const read = readDeviceToken(token, minBytes);
  return isDeviceToken(read) ? read : read.why;
}
