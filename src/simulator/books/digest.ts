/**
 * A digest over (token, answer) that does not depend on order, so that a sender and the simulator can compare their
 * books without exchanging tokens. Pure; docs/simulator.md defines it for other languages.
 *
 *   words   = the token's bytes as little-endian 32-bit words, the last one filled up with zero bytes
 *   lane    = start ^ length;  for each word: lane = (lane ^ word) * k;  lane ^= lane >>> s
 *   reason  = FNV-1a (32 bits) of the reason in UTF-8; of nothing for an accepted notification
 *   item    = (lane ^ reason) * 0x85ebca6b;  item ^= item >>> 13;  item *= 0xc2b2ae35;  item ^= item >>> 16
 *   digest  = the sums of the items of both lanes modulo 2^32, eight hex digits each
 *
 * A token that was answered twice counts twice. A request without an answer does not count. The digest finds mistakes;
 * it does not protect against forgeries.
 */
import { Buffer } from 'node:buffer';

const fnvOffset = 0x811c9dc5 | 0;
const fnvPrime = 0x01000193;

/** Hash of a reason for the digest; the empty text for an accepted notification. */
export function reasonHash(reason: string): number {
  let hash = fnvOffset;
  for (const octet of Buffer.from(reason, 'utf8')) hash = Math.imul(hash ^ octet, fnvPrime);
  return hash;
}

/** Both lanes of a token, of the bytes `[start, start + length)`; kept here so that hashing allocates nothing. */
export class TokenHash {
  a = 0;
  b = 0;

  take(bytes: Uint8Array, start: number, length: number): void {
    let a = 0x9e3779b9 ^ length;
    let b = 0x7f4a7c15 ^ length;
    const whole = start + (length & ~3);
    for (let at = start; at < whole; at += 4) {
      const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      a = Math.imul(a ^ word, 0xcc9e2d51 | 0);
      a ^= a >>> 15;
      b = Math.imul(b ^ word, 0x1b873593);
      b ^= b >>> 13;
    }
    if ((length & 3) !== 0) {
      let word = 0;
      for (let at = start + length - 1; at >= whole; at--) word = (word << 8) | bytes[at]!;
      a = Math.imul(a ^ word, 0xcc9e2d51 | 0);
      a ^= a >>> 15;
      b = Math.imul(b ^ word, 0x1b873593);
      b ^= b >>> 13;
    }
    this.a = a;
    this.b = b;
  }
}

/**
 * Sums up answers. A sender that keeps its own digest compares `toString()` with the `digest` of the ledger's summary.
 */
export class LedgerDigest {
  #a = 0;
  #b = 0;
  readonly #hash = new TokenHash();

  /** One answered notification. @param reason Apple's reason; empty when it was accepted. */
  add(token: Uint8Array, reason = ''): void {
    this.#hash.take(token, 0, token.length);
    this.addHash(this.#hash.a, this.#hash.b, reasonHash(reason));
  }

  /** @internal Like `add`, from hashes that the caller already has. */
  addHash(a: number, b: number, reason: number): void {
    this.#a = (this.#a + finish(a ^ reason)) | 0;
    this.#b = (this.#b + finish(b ^ reason)) | 0;
  }

  /** Forgets all answers. */
  reset(): void {
    this.#a = 0;
    this.#b = 0;
  }

  /** Sixteen hex digits. */
  toString(): string {
    return hex32(this.#a) + hex32(this.#b);
  }
}

function finish(lane: number): number {
  let item = Math.imul(lane, 0x85ebca6b | 0);
  item ^= item >>> 13;
  item = Math.imul(item, 0xc2b2ae35 | 0);
  return item ^ (item >>> 16);
}

function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}
