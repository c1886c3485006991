/**
 * Reads the fields of one answer as the HPACK decoder reports them, and checks them as RFC 9113 §8.2 and §8.3 ask.
 * Makes strings only for answers other than 200, and for ids where they are kept. Owned by one response reader, on the
 * thread of its connection.
 */
import { Buffer } from 'node:buffer';
import type { AnswerFields } from '../../push/answer.js';
import type { FieldVisitor } from '../hpack/decoder.js';
import {
  type FieldNames,
  FLAG_CONNECTION_SPECIFIC,
  FLAG_PSEUDO,
  FLAG_WELL_FORMED,
  NAME_CONTENT_LENGTH,
  NAME_RETRY_AFTER,
  NAME_STATUS,
} from '../hpack/field-names.js';
import { decodeText } from '../hpack/field-text.js';
import { NAME_APNS_ID, NAME_APNS_UNIQUE_ID } from './apns-names.js';

// V8 builds a module's own constants into its code, and loads imported ones each time.
const statusName: number = NAME_STATUS;
const apnsIdName: number = NAME_APNS_ID;

const digitZero = 0x30;
/** The values that are handed on: printable, and not longer than any useful one. */
const plainText = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;
/** The digit 0 in Huffman code, five bits and padding (RFC 7541 Appendix B). */
const huffmanZero = 0x07;
const maxDecimalDigits = 15;

export class ResponseFieldReader implements FieldVisitor, AnswerFields {
  /** Of `:status`; 0 before it has come. */
  status = 0;
  /** The answer breaks RFC 9113 §8 and must not be believed. */
  isMalformed = false;
  /** -1 without the field. */
  contentLength = -1;
  apnsId: string | null = null;
  retryAfter: string | null = null;
  uniqueId: string | null = null;
  /** Whether the ids of every answer are wanted: a 200 costs strings then. */
  keepsIds = false;
  readonly #names: FieldNames;
  #isTrailers = false;
  /** Regular fields have begun: no pseudo-field may follow. */
  #isRegular = false;

  constructor(names: FieldNames) {
    this.#names = names;
  }

  begin(isTrailers: boolean): void {
    this.status = 0;
    this.isMalformed = false;
    this.contentLength = -1;
    this.apnsId = null;
    this.retryAfter = null;
    this.uniqueId = null;
    this.#isTrailers = isTrailers;
    this.#isRegular = false;
  }

  onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    if (name === statusName) {
      this.#readStatus(bytes, start, length, isHuffman);
      return;
    }
    if (name === apnsIdName && this.status === 200 && !this.keepsIds) {
      this.#isRegular = true;
      return;
    }
    this.#readOther(name, bytes, start, length, isHuffman);
  }

  #readStatus(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    if (this.#isTrailers || this.#isRegular || this.status !== 0) this.isMalformed = true;
    if (isHuffman) this.status = statusOf(decodeText(bytes, start, length, true));
    else if (length !== 3) this.status = 0;
    else this.status = threeDigits(bytes[start]!, bytes[start + 1]!, bytes[start + 2]!);
    if (this.status === 0) this.isMalformed = true;
  }

  #readOther(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    const flags = this.#names.flags(name);
    if ((flags & (FLAG_WELL_FORMED | FLAG_PSEUDO | FLAG_CONNECTION_SPECIFIC)) !== FLAG_WELL_FORMED) {
      this.isMalformed = true;
      return;
    }
    this.#isRegular = true;
    if (this.#isTrailers) return;
    if (name === NAME_CONTENT_LENGTH) {
      this.#readContentLength(bytes, start, length, isHuffman);
    } else if (name === apnsIdName && (this.status !== 200 || this.keepsIds)) {
      this.apnsId = plainOrNull(decodeText(bytes, start, length, isHuffman));
    } else if (this.status !== 200 && name === NAME_RETRY_AFTER) {
      this.retryAfter = plainOrNull(decodeText(bytes, start, length, isHuffman));
    } else if (name === NAME_APNS_UNIQUE_ID && this.keepsIds) {
      this.uniqueId = plainOrNull(decodeText(bytes, start, length, isHuffman));
    }
  }

  /** Servers that name the length name it in every answer, and mostly 0: both without a string. */
  #readContentLength(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    let value: number;
    if (!isHuffman) value = decimalAt(bytes, start, length);
    else if (length === 1 && bytes[start] === huffmanZero) value = 0;
    else value = decimalOf(decodeText(bytes, start, length, true));
    if (value < 0 || (this.contentLength >= 0 && this.contentLength !== value)) this.isMalformed = true;
    else this.contentLength = value;
  }
}

/** 100 to 999, or 0 for anything else. */
function threeDigits(first: number, second: number, third: number): number {
  const hundreds = first - digitZero;
  const tens = second - digitZero;
  const ones = third - digitZero;
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return 0;
  return hundreds * 100 + tens * 10 + ones;
}

/** The number that the octets spell, or -1 where they spell none. */
function decimalAt(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0 || length > maxDecimalDigits) return -1;
  let value = 0;
  for (let at = start; at < start + length; at++) {
    const digit = bytes[at]! - digitZero;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function decimalOf(text: string): number {
  return decimalAt(Buffer.from(text, 'latin1'), 0, text.length);
}

function statusOf(text: string): number {
  return text.length === 3 ? threeDigits(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2)) : 0;
}

function plainOrNull(text: string): string | null {
  return plainText.test(text) ? text : null;
}
