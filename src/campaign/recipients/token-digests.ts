/**
 * Digests of device tokens under random keys: 128 bits for each token of a block. For seen-tokens, on its thread.
 *
 * A digest is the XOR of the token's parts of 16 bytes, each combined with a mask for its position and encrypted with
 * AES (an XOR MAC). So nobody can make tokens with equal digests, as is possible with fast hashes under any key. And
 * AES works on a whole block of tokens in one call, faster than a hash in JavaScript.
 *
 *   token ─▶ [ part 1 ] ⊕ mask 1 ─ AES ┐
 *            [ part 2 ] ⊕ mask 2 ─ AES ┴ ⊕ ─▶ digest
 */
import { type Cipher, createCipheriv, randomBytes } from 'node:crypto';
import { maxBatchRecipients, maxTextTokenBytes, usualTokenBytes } from '../../base/limits.js';

/** Bytes that AES encrypts at a time. */
const partBytes = 16;
const partWords = partBytes / 4;
/** Most parts of a token, with one for its length. */
const maxParts = 1 + Math.ceil(maxTextTokenBytes / partBytes);

export class TokenDigests {
  /** Four words for each token of the last block. The last word is never 0. */
  words = new Int32Array(maxBatchRecipients * 4);
  readonly #cipher: Cipher;
  /** By position of a part in its token: a mask of four random words. */
  readonly #masks: Int32Array;
  /** The input of the encryption, and its output. */
  #parts = new Int32Array(maxBatchRecipients * (usualTokenBytes / 4));

  constructor() {
    this.#cipher = createCipheriv('aes-128-ecb', randomBytes(partBytes), null).setAutoPadding(false);
    this.#masks = new Int32Array(Uint8Array.from(randomBytes(maxParts * partBytes)).buffer);
  }

  /** Writes the digests of `count` tokens of `tokenBytes` bytes each, 1 to 1,024, to `words`. */
  digest(bytes: Uint8Array, tokenBytes: number, count: number): void {
    // Tokens of another length than today's have one more part with their length. Otherwise tokens that differ only in
    // zeros at their end would have equal digests.
    const isUsual = tokenBytes === usualTokenBytes;
    const width = (Math.ceil(tokenBytes / partBytes) + (isUsual ? 0 : 1)) * partWords;
    const length = count * width;
    if (length > this.#parts.length) this.#parts = new Int32Array(length);
    const parts = this.#parts;
    const plain = new Uint8Array(parts.buffer, 0, length * 4);
    if (isUsual) plain.set(bytes.subarray(0, count * tokenBytes));
    else layOut(bytes, tokenBytes, count, plain);
    this.#mask(length, width, isUsual ? partWords : 0);
    plain.set(this.#cipher.update(plain));
    this.#join(count, width);
  }

  #mask(length: number, width: number, firstMask: number): void {
    const parts = this.#parts;
    const masks = this.#masks;
    for (let start = 0; start < length; start += width)
      for (let word = 0; word < width; word++) parts[start + word]! ^= masks[firstMask + word]!;
  }

  #join(count: number, width: number): void {
    if (count * 4 > this.words.length) this.words = new Int32Array(count * 4);
    const parts = this.#parts;
    const words = this.words;
    for (let index = 0; index < count; index++) {
      const start = index * width;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      for (let at = start; at < start + width; at += partWords) {
        a ^= parts[at]!;
        b ^= parts[at + 1]!;
        c ^= parts[at + 2]!;
        d ^= parts[at + 3]!;
      }
      const to = index * 4;
      words[to] = a;
      words[to + 1] = b;
      words[to + 2] = c;
      words[to + 3] = d | 1;
    }
  }
}

/** Lays tokens of any length out as whole parts: first one with the length, then the token, filled up with zeros. */
function layOut(bytes: Uint8Array, tokenBytes: number, count: number, target: Uint8Array): void {
  const stride = target.length / count;
  target.fill(0);
  for (let index = 0; index < count; index++) {
    const to = index * stride;
    target[to] = tokenBytes;
    target[to + 1] = tokenBytes >>> 8;
    target.set(bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes), to + partBytes);
  }
}
