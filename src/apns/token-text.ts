/**
 * Tells bytes that are a device token from bytes that hold its text, as a file, a socket or a column of a database
 * gives it. Called for each token that is given as bytes, so it ends after a few bytes of a random token. Pure, any
 * thread.
 */
import { Buffer } from 'node:buffer';

const HEX = 1;
const BASE64 = 2;
const PRINTED = 4;

/** By byte: a hex digit, a digit of base64 or base64url, or anything that a line of text holds. */
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  const isPrinted = (byte >= 0x20 && byte <= 0x7e) || /[\t\n\v\f\r]/.test(character);
  return (
    (/[0-9a-fA-F]/.test(character) ? HEX : 0) | (/[\w+/=-]/.test(character) ? BASE64 : 0) | (isPrinted ? PRINTED : 0)
  );
});

/** Bytes that are shorter without the NULs at their end are not text, but an invented token: a number, a name. */
const leastBytes = 24;
/**
 * Fewest bytes of base64 that count as text. No token of today has as many, and longer ones are text by their share
 * only.
 */
const leastBase64Bytes = 40;
/** The surroundings of a text: byte order marks, NULs that end or fill a field, white space. */
const around = /^[\ufeff\0\s]+|[\0\s]+$/g;

/**
 * The text that the bytes hold, or null where they are the token itself. Text is
 *
 * - what is printable ASCII throughout, also behind a byte order mark and in front of NULs: one of 10^13 tokens of 32
 *   random bytes looks so;
 * - three quarters of hex digits, or seven eighths of base64 digits (of 40 bytes at least), whatever the rest is;
 * - printable ASCII in UTF-16.
 *
 * Fewer than one of 10^14 tokens of random bytes pass for one of the last two.
 */
export function textOfBytes(bytes: Uint8Array): string | null {
  const start = beginOf(bytes);
  const end = endOf(bytes);
  const length = end - start;
  const isWhole = length === bytes.length;
  if ((isWhole || length >= leastBytes) && isAllButFew(bytes, start, end, PRINTED, 0)) return decoded(bytes, 'utf8');
  if (length >= leastBytes && isAllButFew(bytes, start, end, HEX, length >> 2)) return decoded(bytes, 'utf8');
  if (length >= leastBase64Bytes && isAllButFew(bytes, start, end, BASE64, length >> 3)) return decoded(bytes, 'utf8');
  return textOfUtf16(bytes, end);
}

/** Where the text begins: after the byte order mark of UTF-8. */
function beginOf(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Where the text ends: before the NULs at its end. */
function endOf(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** Returns whether all bytes except `few` are of `kind`. */
function isAllButFew(bytes: Uint8Array, start: number, end: number, kind: number, few: number): boolean {
  let left = few;
  for (let index = start; index < end; index++) if ((kinds[bytes[index]!]! & kind) === 0 && left-- === 0) return false;
  return true;
}

/** UTF-16 in either byte order: one byte of each two is zero, and the other printable. */
function textOfUtf16(bytes: Uint8Array, lastByte: number): string | null {
  const isBigEndian = bytes[0] === 0 || bytes[0] === 0xfe;
  const hasMark = isBigEndian ? bytes[1] === 0xff : bytes[0] === 0xff && bytes[1] === 0xfe;
  const end = lastByte + (lastByte % 2);
  if (bytes.length % 2 !== 0 || end < 2 * leastBytes) return null;
  for (let index = hasMark ? 2 : 0; index < end; index += 2) {
    const [high, low] = isBigEndian ? [index, index + 1] : [index + 1, index];
    if (bytes[high] !== 0 || (kinds[bytes[low]!]! & PRINTED) === 0) return null;
  }
  return decoded(bytes, isBigEndian ? 'utf16be' : 'utf16le');
}

/** Without the surroundings of the text. */
function decoded(bytes: Uint8Array, encoding: 'utf8' | 'utf16le' | 'utf16be'): string {
  const copy = Buffer.from(bytes);
  const text = encoding === 'utf16be' ? copy.swap16().toString('utf16le') : copy.toString(encoding);
  return text.replace(around, '');
}
