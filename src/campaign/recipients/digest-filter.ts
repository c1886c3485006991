/**
 * Tells of most digests that are not in a store that they are not, without asking it: a Bloom filter whose bits for one
 * digest lie in one word. Of a digest that is in the store it never says so. For duplicate-filter, on its thread.
 *
 * With 8 bits for each digest that was added 1 in 20 of the others is asked for in vain; without room for that, more.
 */
import { storedDigestBytes } from './digest-store.js';

export class DigestFilter {
  readonly #words: Int32Array;
  readonly #mask: number;

  /** @param bytes of memory, rounded down to a power of two */
  constructor(bytes: number) {
    const words = 2 ** Math.floor(Math.log2(bytes / 4));
    this.#words = new Int32Array(words);
    this.#mask = words - 1;
  }

  get memoryBytes(): number {
    return this.#words.byteLength;
  }

  add(digests: Uint8Array, count: number): void {
    const view = new DataView(digests.buffer, digests.byteOffset);
    for (let at = 0; at < count * storedDigestBytes; at += storedDigestBytes) {
      this.#words[view.getInt32(at + 9) & this.#mask]! |= bitsOf(view.getInt32(at + 5));
    }
  }

  /** False only where the digest at `index` was never added. */
  mayHold(digests: DataView, index: number): boolean {
    const at = index * storedDigestBytes;
    const bits = bitsOf(digests.getInt32(at + 5));
    return (this.#words[digests.getInt32(at + 9) & this.#mask]! & bits) === bits;
  }
}

/** Four bits of a word, chosen by 20 bits of a digest. */
function bitsOf(digest: number): number {
  return (
    (1 << (digest & 31)) | (1 << ((digest >>> 5) & 31)) | (1 << ((digest >>> 10) & 31)) | (1 << ((digest >>> 15) & 31))
  );
}
