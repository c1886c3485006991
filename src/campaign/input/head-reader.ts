/**
 * Keeps the beginning of a source until it is known how it is written; then the reader of its format takes over. The
 * first 64 KiB decide, or all of a shorter source; where a source pauses before, what came of it decides if it
 * suffices. Called by recipients/read-source, on the main thread.
 */
import { Buffer } from 'node:buffer';
import { readChunkBytes } from '../../base/limits.js';
import type { SourceReader } from '../recipients/read-source.js';

/**
 * Makes the reader for a source that begins with `head`. `isEnd`: there is no more. `isHasty`: more will come; null
 * where it is needed to tell. Throws what is wrong with the source.
 */
type MakeReader = (head: Buffer, when: { readonly isEnd: boolean; readonly isHasty: boolean }) => SourceReader | null;

export class HeadReader implements SourceReader {
  readonly #readerOf: MakeReader;
  #reader: SourceReader | null = null;
  #head: Buffer[] = [];
  #length = 0;
  /** What came so far was not enough, and nothing has come since. */
  #isWaiting = false;

  constructor(readerOf: MakeReader) {
    this.#readerOf = readerOf;
  }

  get lines(): number {
    return this.#reader?.lines ?? 0;
  }

  get isOpen(): boolean {
    return this.#reader?.isOpen ?? (this.#length > 0 && !this.#isWaiting);
  }

  get isLineOpen(): boolean {
    return this.#reader?.isLineOpen ?? this.#length > 0;
  }

  get unit(): string {
    return this.#reader?.unit ?? 'Lines';
  }

  goOn(line: number): string | null {
    return this.#reader?.goOn === undefined ? `tail -n +${line}` : this.#reader.goOn(line);
  }

  write(chunk: Uint8Array): void {
    if (this.#reader !== null) {
      this.#reader.write(chunk);
      return;
    }
    this.#head.push(Buffer.from(chunk));
    this.#length += chunk.length;
    this.#isWaiting = false;
    if (this.#length >= readChunkBytes) this.#decide(false, false);
  }

  flush(isOver: boolean): void {
    if (this.#reader === null && this.#length > 0) this.#decide(false, true);
    this.#isWaiting = true;
    this.#reader?.flush(isOver);
  }

  end(): void {
    if (this.#reader === null) this.#decide(true, false);
    this.#reader?.end();
  }

  #decide(isEnd: boolean, isHasty: boolean): void {
    const all = Buffer.concat(this.#head);
    // Of longer first chunks no more is looked at than of short ones.
    const isAll = isEnd && all.length <= readChunkBytes;
    this.#reader = this.#readerOf(all.subarray(0, readChunkBytes), { isEnd: isAll, isHasty });
    this.#head = this.#reader === null ? [all] : [];
    this.#reader?.write(all);
  }
}
