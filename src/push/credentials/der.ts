/**
 * A small reader of DER, and of the BER in which some programs write PKCS#12 (indefinite lengths, octet strings in
 * pieces). It can tell what kind of file it is and walk through its parts. Pure; called while credentials are loaded.
 */
import { Buffer } from 'node:buffer';
import { maxDerDepth } from '../../base/limits.js';

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
export const SEQUENCE = 0x30;
/** Constructed octet string: its pieces are octet strings. BER only. */
const octetStringInPieces = 0x24;

export interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
  /** The value with its tag and length. */
  readonly whole: Buffer;
}

/** Returns the value at the beginning of `bytes`, or null if there is none or it is cut off. */
export function readDer(bytes: Buffer): DerValue | null {
  return readAt(bytes, 0, 0);
}

/** Returns the values within `content`, or null if they are not whole. */
function readAll(content: Buffer): readonly DerValue[] | null {
  const values: DerValue[] = [];
  for (let at = 0; at < content.length; ) {
    const value = readAt(content, at, 0);
    if (value === null) return null;
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

/**
 * Returns the values within the sequence, set or explicit tag at the beginning of `bytes`, or null if another value is
 * there.
 */
export function partsOf(bytes: Buffer | undefined): readonly DerValue[] | null {
  const value = bytes === undefined ? null : readDer(bytes);
  return value === null || (value.tag & 0x20) === 0 ? null : readAll(value.content);
}

/** Returns the octets of an octet string, also of one in pieces, or null for any other value. */
export function octetsOf(value: DerValue | undefined): Buffer | null {
  if (value === undefined) return null;
  const { tag, content } = value;
  // An implicit [0] stands for the octet string of encrypted content (RFC 5652 §6.1).
  if (tag === OCTET_STRING || tag === 0x80) return content;
  if (tag !== octetStringInPieces && tag !== 0xa0) return null;
  const pieces = readAll(content)?.map(octetsOf);
  return pieces === undefined || pieces.includes(null) ? null : Buffer.concat(pieces as Buffer[]);
}

/** Returns an object id in dotted form, or an empty text for any other value. */
export function objectIdOf(value: DerValue | undefined): string {
  if (value?.tag !== OBJECT_ID) return '';
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value.content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const first = numbers[0] ?? 0;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...numbers.slice(1)].join('.');
}

/** Returns a small whole number, or NaN for a large one and for any other value. */
export function integerOf(value: DerValue | undefined): number {
  if (value?.tag !== INTEGER || value.content.length === 0 || value.content.length > 6) return Number.NaN;
  return value.content.readUIntBE(0, value.content.length);
}

/**
 * Returns how many bytes the value at the beginning of `bytes` has by its own length field, or 0 if it does not tell.
 */
export function announcedLength(bytes: Buffer): number {
  const header = headerAt(bytes, 0);
  return header === null || header.length === null ? 0 : header.size + header.length;
}

interface Header {
  readonly size: number;
  /** Null for an indefinite length. */
  readonly length: number | null;
}

function headerAt(bytes: Buffer, at: number): Header | null {
  const first = bytes[at + 1];
  // Tags above 30 take several bytes. Nothing that is read here has such a tag.
  if (first === undefined || (bytes[at]! & 0x1f) === 0x1f) return null;
  if (first < 0x80) return { size: 2, length: first };
  if (first === 0x80) return { size: 2, length: null };
  const octets = first & 0x7f;
  if (octets > 4 || at + 2 + octets > bytes.length) return null;
  return { size: 2 + octets, length: bytes.readUIntBE(at + 2, octets) };
}

function readAt(bytes: Buffer, at: number, depth: number): DerValue | null {
  const header = headerAt(bytes, at);
  if (header === null || depth > maxDerDepth) return null;
  const start = at + header.size;
  const tag = bytes[at]!;
  if (header.length !== null) {
    const end = start + header.length;
    return end > bytes.length ? null : { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) };
  }
  // Up to the two zero bytes that end an indefinite length (X.690 §8.1.3.6).
  let end = start;
  while (bytes[end] !== 0 || bytes[end + 1] !== 0) {
    const inner = readAt(bytes, end, depth + 1);
    if (inner === null) return null;
    end += inner.whole.length;
  }
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end + 2) };
}
