/**
 * Collects the fields of one request's header block as the decoder visits them. Texts are made only if a value differs
 * from the same field's in the request before. Owned by one connection's request reader.
 */

import type { FieldVisitor } from '../../codec/hpack/decoder.js';
import {
  type FieldNames,
  FLAG_CONNECTION_SPECIFIC,
  FLAG_PSEUDO,
  FLAG_WELL_FORMED,
  NAME_AUTHORITY,
  NAME_AUTHORIZATION,
  NAME_CONTENT_LENGTH,
  NAME_CONTENT_TYPE,
  NAME_METHOD,
  NAME_PATH,
  NAME_SCHEME,
  NAME_TE,
} from '../../codec/hpack/field-names.js';
import { decodeText } from '../../codec/hpack/field-text.js';
import { decodeHuffman, huffmanRoom } from '../../codec/hpack/huffman.js';
import {
  NAME_APNS_CHANNEL_ID,
  NAME_APNS_COLLAPSE_ID,
  NAME_APNS_EXPIRATION,
  NAME_APNS_ID,
  NAME_APNS_PRIORITY,
  NAME_APNS_PUSH_TYPE,
  NAME_APNS_REQUEST_ID,
  NAME_APNS_TOPIC,
} from '../../codec/requests/apns-names.js';

/** Longest path and apns-id that are read, in bytes. A longer one is always wrong. */
const maxKeptBytes = 1024;
/** A request without content-length. */
export const NO_LENGTH = -1;
const wholeLength = /^\d{1,15}$/;

/** One field whose text the rules read. Remembers the text of the request before by its octets. */
class TextField {
  text = '';
  #octets = new Uint8Array(64);
  #length = -1;
  #isHuffman = false;

  /** Takes a value. Returns false if it is the same as before, octet for octet. */
  take(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): boolean {
    if (length === this.#length && isHuffman === this.#isHuffman) {
      let at = 0;
      while (at < length && bytes[start + at] === this.#octets[at]) at++;
      if (at === length) return false;
    }
    if (length > this.#octets.length) this.#octets = new Uint8Array(length * 2);
    for (let i = 0; i < length; i++) this.#octets[i] = bytes[start + i]!;
    this.#length = length;
    this.#isHuffman = isHuffman;
    this.text = decodeText(bytes, start, length, isHuffman);
    return true;
  }
}

/** An octet string that differs from request to request, after Huffman decoding. */
class KeptValue {
  readonly bytes = new Uint8Array(huffmanRoom(maxKeptBytes));
  /** -1: too long to be kept. */
  length = 0;

  take(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    if (length > maxKeptBytes) {
      this.length = -1;
    } else if (isHuffman) {
      this.length = decodeHuffman(bytes, start, start + length, this.bytes, 0);
    } else {
      for (let i = 0; i < length; i++) this.bytes[i] = bytes[start + i]!;
      this.length = length;
    }
  }
}

// Bits of `present`, in the order of `texts`.
export const METHOD = 0;
export const SCHEME = 1;
export const AUTHORITY = 2;
export const AUTHORIZATION = 3;
export const PUSH_TYPE = 4;
export const TOPIC = 5;
export const PRIORITY_FIELD = 6;
export const EXPIRATION = 7;
export const COLLAPSE_ID = 8;
export const CHANNEL_ID = 9;
export const REQUEST_ID = 10;
/** Read by FCM only. */
export const CONTENT_TYPE = 11;
const textFields = 12;
export const PATH = 12;
export const APNS_ID = 13;

export class RequestFields implements FieldVisitor {
  readonly #names: FieldNames;
  readonly #texts: readonly TextField[] = Array.from({ length: textFields }, () => new TextField());
  readonly path = new KeptValue();
  readonly apnsId = new KeptValue();
  /** The current block, so that a value in it can be told from one in a table. */
  #block: Uint8Array | null = null;
  #sawRegular = false;
  /** Which fields came, a bit for each of the numbers above. */
  present = 0;
  /** Whether a text differs from that of the request before. */
  hasChanged = false;
  /** Whether a field that may occur once occurred again. */
  hasDuplicates = false;
  /** The request breaks RFC 9113 §8.2 or §8.3: it is reset, not answered. */
  isMalformed = false;
  /** Offset of the path's octets in the block; -1 if it came out of a table. */
  pathStart = -1;
  pathLength = 0;
  isPathHuffman = false;
  /** The content-length that came, or NO_LENGTH. */
  contentLength = NO_LENGTH;

  constructor(names: FieldNames) {
    this.#names = names;
  }

  begin(block: Uint8Array): void {
    this.#block = block;
    this.#sawRegular = false;
    this.present = 0;
    this.hasChanged = false;
    this.hasDuplicates = false;
    this.isMalformed = false;
    this.pathStart = -1;
    this.contentLength = NO_LENGTH;
  }

  has(field: number): boolean {
    return (this.present & (1 << field)) !== 0;
  }

  /** Returns the text of a field, or null if the field did not come. */
  text(field: number): string | null {
    return this.has(field) ? this.#texts[field]!.text : null;
  }

  onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    this.#checkName(name);
    const field = fieldOf(name);
    if (field < 0) {
      this.#checkOther(name, bytes, start, length, isHuffman);
      return;
    }
    const bit = 1 << field;
    if ((this.present & bit) !== 0) {
      if (name <= NAME_SCHEME)
        this.isMalformed = true; // a pseudo-field twice
      else if (field !== CONTENT_TYPE) this.hasDuplicates = true; // it means nothing to APNs
    }
    this.present |= bit;
    if (field === PATH) this.#takePath(bytes, start, length, isHuffman);
    else if (field === APNS_ID) this.apnsId.take(bytes, start, length, isHuffman);
    else if (this.#texts[field]!.take(bytes, start, length, isHuffman)) this.hasChanged = true;
  }

  #takePath(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    this.path.take(bytes, start, length, isHuffman);
    this.pathStart = bytes === this.#block ? start : -1;
    this.pathLength = length;
    this.isPathHuffman = isHuffman;
  }

  /** Fields that mean nothing to APNs, but have a form in HTTP/2 (§8.1.1, §8.2.2). */
  #checkOther(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    if (name === NAME_TE) {
      if (decodeText(bytes, start, length, isHuffman).toLowerCase() !== 'trailers') this.isMalformed = true;
    } else if (name === NAME_CONTENT_LENGTH) {
      const text = decodeText(bytes, start, length, isHuffman);
      const value = wholeLength.test(text) ? Number(text) : NO_LENGTH;
      // Two with the same value count as one (RFC 9110 §8.6).
      if (value === NO_LENGTH || (this.contentLength !== NO_LENGTH && this.contentLength !== value)) {
        this.isMalformed = true;
      }
      this.contentLength = value;
    }
  }

  #checkName(name: number): void {
    const flags = this.#names.flags(name);
    if ((flags & FLAG_WELL_FORMED) === 0 || (flags & FLAG_CONNECTION_SPECIFIC) !== 0) this.isMalformed = true;
    if ((flags & FLAG_PSEUDO) === 0) this.#sawRegular = true;
    else if (this.#sawRegular || fieldOf(name) < 0) this.isMalformed = true;
  }
}

function fieldOf(name: number): number {
  switch (name) {
    case NAME_METHOD:
      return METHOD;
    case NAME_SCHEME:
      return SCHEME;
    case NAME_AUTHORITY:
      return AUTHORITY;
    case NAME_PATH:
      return PATH;
    case NAME_AUTHORIZATION:
      return AUTHORIZATION;
    case NAME_CONTENT_TYPE:
      return CONTENT_TYPE;
    case NAME_APNS_PUSH_TYPE:
      return PUSH_TYPE;
    case NAME_APNS_TOPIC:
      return TOPIC;
    case NAME_APNS_PRIORITY:
      return PRIORITY_FIELD;
    case NAME_APNS_EXPIRATION:
      return EXPIRATION;
    case NAME_APNS_COLLAPSE_ID:
      return COLLAPSE_ID;
    case NAME_APNS_ID:
      return APNS_ID;
    case NAME_APNS_CHANNEL_ID:
      return CHANNEL_ID;
    case NAME_APNS_REQUEST_ID:
      return REQUEST_ID;
    default:
      return -1;
  }
}
