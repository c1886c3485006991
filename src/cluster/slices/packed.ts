/**
 * How slices, manifests and outcomes lie in bytes: a letter for the kind, a version, the content, and a check sum
 * behind it. Numbers are written with seven bits a byte, the lowest first. Called by the codecs of this folder, on main
 * threads. Bytes that were cut off or changed end in ERR_PEAL_STORE and in nothing else.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { PealError } from '../../base/errors.js';

const sumBytes = 4;
const firstBytes = 1024;
/** Numbers up to 2^53 - 1 have at most eight bytes. */
const maxNumberBytes = 8;

/** What a record begins with, and the subject of sentences about it: `A slice`. */
export interface PackedKind {
  readonly letter: number;
  readonly version: number;
  readonly what: string;
}

/** Collects the bytes of one record after the other in the same memory. */
export class PackedWriter {
  #bytes = Buffer.allocUnsafeSlow(firstBytes);
  #length = 0;

  begin({ letter, version }: PackedKind): void {
    this.#length = 0;
    this.number(letter);
    this.number(version);
  }

  /** @param value a whole number from 0 to 2^53 - 1 */
  number(value: number): void {
    this.#need(maxNumberBytes);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  bytes(bytes: Uint8Array): void {
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Makes room for `count` bytes, all zero, and returns them to be filled before the next call. */
  room(count: number): Uint8Array {
    this.#need(count);
    const start = this.#length;
    this.#length += count;
    return this.#bytes.subarray(start, this.#length).fill(0);
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.number(length);
    this.#need(length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Returns what was written since `begin`, with its check sum, in memory of its own. */
  seal(): Uint8Array {
    this.#need(sumBytes);
    const sum = crc32(this.#bytes.subarray(0, this.#length));
    this.#length = this.#bytes.writeUInt32LE(sum, this.#length);
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length);
  }

  #need(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#length + count, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads one record that a `PackedWriter` has sealed. */
export class PackedReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  readonly #what: string;
  #at = 0;

  /** @throws PealError ERR_PEAL_STORE where the check sum does not match, or for another kind or version */
  constructor(bytes: Uint8Array, { letter, version, what }: PackedKind) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#end = bytes.length - sumBytes;
    this.#what = what;
    if (this.#end < 0 || this.#bytes.readUInt32LE(this.#end) !== crc32(this.#bytes.subarray(0, this.#end))) {
      throw this.#damage();
    }
    if (this.number() !== letter) throw this.#damage();
    if (this.number() !== version) throw packedVersionError(what);
  }

  number(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < maxNumberBytes; count++) {
      if (this.#at >= this.#end) throw this.#damage();
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return this.check(value, Number.isSafeInteger(value));
      factor *= 0x80;
    }
    throw this.#damage();
  }

  /** A number that is not above `highest`. */
  numberUpTo(highest: number): number {
    const value = this.number();
    return this.check(value, value <= highest);
  }

  /** The next `count` bytes, as a view. */
  bytes(count: number): Uint8Array {
    if (count > this.#end - this.#at) throw this.#damage();
    const start = this.#at;
    this.#at += count;
    return this.#bytes.subarray(start, this.#at);
  }

  text(): string {
    return Buffer.prototype.toString.call(this.bytes(this.number()), 'utf8');
  }

  json<T>(): T {
    const text = this.text();
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.#damage();
    }
  }

  /** Returns `value` where `isGood`. */
  check<T>(value: T, isGood: boolean): T {
    if (!isGood) throw this.#damage();
    return value;
  }

  /** Checks that nothing is left. */
  end(): void {
    if (this.#at !== this.#end) throw this.#damage();
  }

  #damage(): PealError {
    return packedDamage(this.#what);
  }
}

export function packedDamage(what: string): PealError {
  return new PealError('ERR_PEAL_STORE', `${what} is damaged in the store: its bytes are not those that were stored.`, {
    origin: 'store',
  });
}

/** Where a record was written by another version of peal. */
export function packedVersionError(what: string): PealError {
  const message = `${what} was stored by another version of peal: run the same version on all machines of a cluster.`;
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store' });
}
