/**
 * The bytes of a regular file, read into two buffers that are used again and again: while one is looked at, the other
 * is filled. New memory for each chunk would cost more, in garbage collections, than the reading. Made by open-list and
 * read by read-source; main thread.
 */
import { Buffer } from 'node:buffer';
import { close, read } from 'node:fs';
import { readChunkBytes } from '../../base/limits.js';

const end = { value: undefined, done: true } as const;

/** Can be read once. A chunk is overwritten after the next one was asked for: copy what is needed longer. */
export class ListFile implements AsyncIterableIterator<Uint8Array> {
  bytesRead = 0;
  readonly #fd: number;
  #filled = Buffer.allocUnsafeSlow(readChunkBytes);
  #filling = Buffer.allocUnsafeSlow(readChunkBytes);
  /** The read of `#filling`, with the number of bytes; null before the first and once the file is closed. */
  #reading: Promise<number> | null = null;
  #isClosed = false;

  /** @param sizeAtOpen its size in bytes when it was opened */
  constructor(
    fd: number,
    readonly sizeAtOpen: number,
  ) {
    this.#fd = fd;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isClosed) return end;
    this.#reading ??= this.#fill();
    const length = await this.#reading;
    if (this.#isClosed || length === 0) {
      this.close();
      return end;
    }
    this.bytesRead += length;
    const chunk = this.#filling;
    this.#filling = this.#filled;
    this.#filled = chunk;
    this.#reading = this.#fill();
    return { value: chunk.subarray(0, length), done: false };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.close();
    return end;
  }

  /**
   * Closes the file, once a read that is under way has ended: until then its number must not become that of another.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const closeIt = (): void => close(this.#fd);
    if (this.#reading === null) closeIt();
    else this.#reading.then(closeIt, closeIt);
  }

  #fill(): Promise<number> {
    const reading = new Promise<number>((resolve, reject) => {
      read(this.#fd, this.#filling, 0, readChunkBytes, null, (error, length) => {
        if (error === null) resolve(length);
        else reject(error);
      });
    });
    // It is asked for with the next chunk.
    reading.catch(() => {});
    return reading;
  }
}
