/**
 * The list of recipients of `peal send`: read once, block by block, by the send and then, if that stops early, by
 * whoever keeps what was not sent. Main thread.
 */
import { open } from 'node:fs/promises';
import type { TokenBlock } from '../apns/token-block.js';
import { readTokens } from '../campaign/recipients/token-file.js';
import type { InvalidLine } from '../campaign/recipients/token-lines.js';

/** Bytes from which the number of lines of a file is estimated. */
const sampleBytes = 64 * 1024;

export interface TokenInputOptions {
  /** Path, or `-` for standard input. */
  readonly source: string;
  readonly onInvalid: (line: InvalidLine) => void;
  /** Whether to wait before more is read, so that what was handed out can be written. */
  readonly pressure: () => Promise<unknown> | null;
}

export class TokenInput implements AsyncIterable<TokenBlock> {
  readonly #blocks: AsyncGenerator<TokenBlock, void, void>;
  readonly #end = new AbortController();
  #first: Promise<IteratorResult<TokenBlock, void>> | null = null;
  #isDone = false;
  #read = 0;

  constructor(options: TokenInputOptions) {
    this.#blocks = readTokens(options.source, {
      onInvalid: (line) => {
        options.onInvalid(line);
        return options.pressure()?.then(() => {});
      },
      signal: this.#end.signal,
    });
  }

  /** Reads the first block, so that a list that cannot be read is known before anything else begins. */
  async probe(): Promise<void> {
    this.#first = this.#blocks.next();
    this.#isDone = (await this.#first).done === true;
  }

  /** Whether the last block was handed out. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Tokens handed out so far. */
  get tokens(): number {
    return this.#read;
  }

  /** Ends the reading at once, wherever it waits. */
  close(): void {
    this.#isDone = true;
    this.#end.abort();
  }

  /** Goes on where the last reader left off; a reader that leaves early does not end the list. */
  [Symbol.asyncIterator](): AsyncIterator<TokenBlock, void, void> {
    return { next: () => this.#next() };
  }

  async #next(): Promise<IteratorResult<TokenBlock, void>> {
    const pending = this.#first ?? this.#blocks.next();
    this.#first = null;
    const step = await pending;
    if (step.done === true) this.#isDone = true;
    else this.#read += step.value.count;
    return step;
  }
}

/**
 * How many recipients a list seems to hold, from its size and the length of its first lines; null where that cannot
 * be told (standard input, gzip, pipes). Exact for lists whose lines are all of one length.
 */
export async function estimateRecipients(source: string): Promise<number | null> {
  if (source === '-') return null;
  const file = await open(source, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    const sample = Buffer.alloc(Math.min(size, sampleBytes));
    const { bytesRead } = await file.read(sample, 0, sample.length, 0);
    return estimateLines(sample.subarray(0, bytesRead), size);
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Exported for its test. `head`: the beginning of a list of `size` bytes. */
export function estimateLines(head: Uint8Array, size: number): number | null {
  if (head.length === 0 || (head[0] === 0x1f && head[1] === 0x8b)) return null;
  let lines = 0;
  let end = 0;
  for (let at = head.indexOf(0x0a); at !== -1; at = head.indexOf(0x0a, at + 1)) {
    // Blank lines are no recipients.
    if (at - end > 1 || (at - end === 1 && head[end] !== 0x0d)) lines++;
    end = at + 1;
  }
  if (head.length === size) return lines + (end < size ? 1 : 0);
  return lines === 0 ? null : Math.round((size * lines) / end);
}
