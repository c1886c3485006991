/**
 * Reads the fields of one answer as the HPACK decoder reports them, and checks them as RFC 9113 §8.2 and §8.3 ask.
 * Makes strings only for answers other than 200. Owned by one connection, on its thread.
 */
import {
  decodeText,
  type FieldNames,
  type FieldVisitor,
  FLAG_CONNECTION_SPECIFIC,
  FLAG_PSEUDO,
  FLAG_WELL_FORMED,
  NAME_APNS_ID,
  NAME_CONTENT_LENGTH,
  NAME_RETRY_AFTER,
  NAME_STATUS,
} from '../hpack/index.js';
import type { ResponseFields } from './response-listener.js';

const digitZero = 0x30;
/** Values that are handed on: printable, and not longer than any that means something. */
const plainText = /^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/;
const decimal = /^[0-9]{1,15}$/;

export class ResponseFieldReader implements FieldVisitor, ResponseFields {
  /** Of `:status`; 0 while there was none. */
  status = 0;
  /** The answer breaks RFC 9113 §8 and must not be believed. */
  isMalformed = false;
  /** -1 without the field. */
  contentLength = -1;
  apnsId: string | null = null;
  retryAfter: string | null = null;
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
    this.#isTrailers = isTrailers;
    this.#isRegular = false;
  }

  onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    if (name === NAME_STATUS) {
      this.#readStatus(bytes, start, length, isHuffman);
      return;
    }
    if (name === NAME_APNS_ID && this.status === 200) {
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
      this.#readContentLength(decodeText(bytes, start, length, isHuffman));
    } else if (this.status !== 200 && name === NAME_APNS_ID) {
      this.apnsId = plainOrNull(decodeText(bytes, start, length, isHuffman));
    } else if (this.status !== 200 && name === NAME_RETRY_AFTER) {
      this.retryAfter = plainOrNull(decodeText(bytes, start, length, isHuffman));
    }
  }

  #readContentLength(text: string): void {
    const value = decimal.test(text) ? Number(text) : -1;
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

function statusOf(text: string): number {
  return text.length === 3 ? threeDigits(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2)) : 0;
}

function plainOrNull(text: string): string | null {
  return plainText.test(text) ? text : null;
}
