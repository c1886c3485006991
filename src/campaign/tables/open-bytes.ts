/**
 * The bytes of a table that were not read to the end of their row, with those that come next. Used by readers of
 * tables, on their thread.
 */
import { Buffer } from 'node:buffer';

export class OpenBytes {
  #memory: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was kept, with `chunk` behind it. The chunk itself where nothing was kept. Valid until the next call. */
  with(chunk: Uint8Array): Buffer {
    if (this.#length === 0) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const length = this.#length + chunk.length;
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(length * 2);
      larger.set(this.#memory.subarray(0, this.#length));
      this.#memory = larger;
    }
    this.#memory.set(chunk, this.#length);
    this.#length = length;
    return this.#memory.subarray(0, length);
  }

  /** Keeps what `bytes`, which `with` returned, has from `from` on. */
  keep(bytes: Buffer, from: number): void {
    const length = bytes.length - from;
    if (length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(length * 2);
    // A copy within the same memory is right also where both overlap.
    this.#memory.set(bytes.subarray(from), 0);
    this.#length = length;
  }
}
