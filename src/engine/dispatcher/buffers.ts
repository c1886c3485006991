/**
 * The buffers that tokens travel in. A full batch's buffer is transferred to a shard, comes back when the batch is
 * settled and is used again, for as long as anything is sent; others are small or rare and are made for one use. Owned
 * by the dispatcher.
 */
import type { TokenBlock } from '../../apns/token-block.js';
import { maxBatchRecipients } from '../../base/limits.js';

/** The usual size: a full batch of the tokens that Apple issues today (32 bytes each). */
const usualBytes = maxBatchRecipients * 32;
/** Below this a buffer of the usual size would waste more than it saves. */
const smallBytes = 4096;

export class TokenBuffers {
  readonly #free: ArrayBuffer[] = [];
  readonly #maxFree: number;

  constructor(maxFree: number) {
    this.#maxFree = maxFree;
  }

  /** A copy of the block's tokens from offset 0, in a buffer of its own that may be transferred. */
  copyOf({ bytes, count, tokenBytes }: TokenBlock): ArrayBuffer {
    const length = count * tokenBytes;
    const isUsual = length > smallBytes && length <= usualBytes;
    const buffer = isUsual ? (this.#free.pop() ?? new ArrayBuffer(usualBytes)) : new ArrayBuffer(length);
    new Uint8Array(buffer, 0, length).set(length === bytes.byteLength ? bytes : bytes.subarray(0, length));
    return buffer;
  }

  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength === usualBytes && this.#free.length < this.#maxFree) this.#free.push(buffer);
  }

  /** Nothing is sent now: keeps one. */
  trim(): void {
    this.#free.length = Math.min(1, this.#free.length);
  }
}
