/**
 * An appender over one growing Uint8Array: what the codecs write whole blocks and control frames with. Called by the
 * encoders of hpack and http2, on whichever thread owns the connection. Not for the per-notification path, which
 * patches slots in place.
 */
import { PealError } from '../base/errors.js';

const smallestCapacityBytes = 16;

export class ByteWriter {
  /** What was written stands in `[0, length)`. Replaced when it grows: read it again after every write. */
  bytes: Uint8Array;
  #length = 0;

  /** @param capacityBytes Room that is there from the start; more is made when it is needed. */
  constructor(capacityBytes = 256) {
    this.bytes = new Uint8Array(Math.max(capacityBytes, smallestCapacityBytes));
  }

  /** Bytes written since the start or the last reset. */
  get length(): number {
    return this.#length;
  }

  /** Appends `value` as one octet. */
  u8(value: number): void {
    this.#check(value, 0xff);
    const at = this.#claim(1);
    this.bytes[at] = value;
  }

  /** Appends a text of US-ASCII characters, an octet each. */
  ascii(text: string): void {
    this.#text(text, 0x7f, 'US-ASCII');
  }

  /** Appends a text of characters up to U+00FF, an octet each: a field value as HTTP defines it. */
  latin1(text: string): void {
    this.#text(text, 0xff, 'Latin-1');
  }

  /** Appends `bytes[start, end)`. */
  append(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw misuse(`a range from ${start} to ${end} does not lie in ${bytes.length} bytes`);
    }
    const at = this.#claim(end - start);
    this.bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
  }

  /** Makes room for `count` bytes and counts them as written; returns where they start, for the caller to fill. */
  skip(count: number): number {
    this.#check(count, 0x7fffffff);
    return this.#claim(count);
  }

  /** What was written, as a view: valid until the next write or reset. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.#length);
  }

  /** Forgets what was written and keeps the memory. */
  reset(): void {
    this.#length = 0;
  }

  #text(text: string, highest: number, charset: string): void {
    const at = this.#claim(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > highest) {
        this.#length = at;
        throw new PealError('ERR_PEAL_HEADER', `A text to be sent holds a character at ${i} that is not ${charset}`, {
          origin: 'usage',
        });
      }
      this.bytes[at + i] = code;
    }
  }

  #check(value: number, highest: number): void {
    if (value >>> 0 !== value || value > highest) {
      throw misuse(`${value} is not an integer from 0 to ${highest}`);
    }
  }

  /** Counts `count` more bytes as written and returns where they start. */
  #claim(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
    }
    this.#length = needed;
    return at;
  }
}

function misuse(what: string): PealError {
  return new PealError('ERR_PEAL_OPTION', `Cannot append to a byte writer: ${what}`, { origin: 'usage' });
}
