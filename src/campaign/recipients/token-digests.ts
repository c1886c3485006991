/**
 * Digests of device tokens under keys drawn by chance: 128 bits for each token of a block. For seen-tokens, on its thread.
 *
 * A digest is the XOR of the token's parts of 16 bytes, each told its place by a mask and encrypted with AES (an XOR MAC).
 * So no one can make tokens of one digest, as fast hashes allow whatever their key; and AES works on a whole block of
 * tokens in one call, faster than a hash in JavaScript.
 *
 *   token ─▶ [ part 1 ] ⊕ mask 1 ─ AES ┐
 *            [ part 2 ] ⊕ mask 2 ─ AES ┴ ⊕ ─▶ digest
 */
import { type Cipher, createCipheriv, randomBytes } from 'node:crypto';
import { maxBatchRecipients, maxTokenBytes, usualTokenBytes } from '../../base/limits.js';

/** What AES encrypts at a time, in bytes. */
const partBytes = 16;
const partWords = partBytes / 4;
/** A token's parts at most, behind one for its length. */
const maxParts = 1 + Math.ceil(maxTokenBytes / partBytes);

export class TokenDigests {
  /** Four words for each token of the last block. The last word is never 0. */
  words = new Int32Array(maxBatchRecipients * 4);
  readonly #cipher: Cipher;
  /** By place of a part in its token: four words that tell the place, drawn by chance. */
  readonly #masks: Int32Array;
  /** What is encrypted, and what comes of it. */
  #parts = new Int32Array(maxBatchRecipients * (usualTokenBytes / 4));

  constructor() {
    this.#cipher = createCipheriv('aes-128-ecb', randomBytes(partBytes), null).setAutoPadding(false);
    this.#masks = new Int32Array(Uint8Array.from(randomBytes(maxParts * partBytes)).buffer);
  }

  /** Leaves the digests of `count` tokens of `tokenBytes` bytes each, 1 to 100, in `words`. */
  digest(bytes: Uint8Array, tokenBytes: number, count: number): void {
    // Tokens of another length than today's have a part more, with their length: else some would be alike but for zeros.
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

/** Tokens of any length as whole parts: first one with the length, then the token with zeros behind it. */
function layOut(bytes: Uint8Array, tokenBytes: number, count: number, target: Uint8Array): void {
  const stride = target.length / count;
  target.fill(0);
  for (let index = 0; index < count; index++) {
    const to = index * stride;
    target[to] = tokenBytes;
    target.set(bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes), to + partBytes);
  }
}
