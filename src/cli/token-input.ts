/**
 * The lists of recipients of `peal send`, one after another: read once, block by block, by the send and then, if that
 * stops early, by whoever keeps what was not sent. Main thread.
 */
import { open } from 'node:fs/promises';
import type { TokenBlock } from '../apns/token-block.js';
import { PealError } from '../base/errors.js';
import { readTokens } from '../campaign/recipients/token-file.js';
import type { InvalidLine } from '../campaign/recipients/token-lines.js';

/** Bytes from which the number of lines of a file is estimated. */
const sampleBytes = 64 * 1024;

export interface TokenInputOptions {
  /** Paths, or `-` for standard input, in the order in which they are read. */
  readonly sources: readonly string[];
  /** Told of a line of `source` that holds no token. */
  readonly onInvalid: (line: InvalidLine, source: string) => void;
  /** Whether to wait before more is read, so that what was handed out can be written. */
  readonly pressure: () => Promise<unknown> | null;
}

/** One list, and its first block once it was asked for. */
interface List {
  readonly blocks: AsyncGenerator<TokenBlock, void, void>;
  first: Promise<IteratorResult<TokenBlock, void>> | null;
}

export class TokenInput implements AsyncIterable<TokenBlock> {
  readonly #lists: readonly List[];
  readonly #end = new AbortController();
  #at = 0;
  #isDone = false;
  #read = 0;
  #failure: PealError | null = null;

  constructor(options: TokenInputOptions) {
    this.#lists = options.sources.map((source) => ({
      blocks: readTokens(source, {
        onInvalid: (line) => {
          options.onInvalid(line, source);
          return options.pressure()?.then(() => {});
        },
        signal: this.#end.signal,
      }),
      first: null,
    }));
  }

  /**
   * Reads the first block of each list, so that one that cannot be read is known before anything else begins. Throws
   * what is wrong with the first of those that cannot.
   */
  async probe(): Promise<void> {
    let isEmpty = true;
    for (const list of this.#lists) {
      list.first = list.blocks.next();
      if ((await list.first).done !== true) isEmpty = false;
    }
    this.#isDone = isEmpty;
  }

  /** Whether the last block was handed out. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** What went wrong first with the reading of a list; null when nothing did. */
  get failure(): PealError | null {
    return this.#failure;
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

  /**
   * Goes on where the last reader left off; a reader that leaves early does not end the lists, nor does one list that
   * cannot be read: after what it throws, the next one follows.
   */
  [Symbol.asyncIterator](): AsyncIterator<TokenBlock, void, void> {
    return { next: () => this.#next() };
  }

  async #next(): Promise<IteratorResult<TokenBlock, void>> {
    for (let list = this.#lists[this.#at]; list !== undefined; list = this.#lists[this.#at]) {
      const pending = list.first ?? list.blocks.next();
      list.first = null;
      const step = await pending.catch((error: unknown) => {
        this.#at++;
        if (error instanceof PealError) this.#failure ??= error;
        throw error;
      });
      if (step.done !== true) {
        this.#read += step.value.count;
        return step;
      }
      this.#at++;
    }
    this.#isDone = true;
    return { value: undefined, done: true };
  }
}

/** How many recipients all lists together seem to hold; null where that cannot be told of one of them. */
export async function estimateAll(sources: readonly string[]): Promise<number | null> {
  let sum = 0;
  for (const source of sources) {
    const estimated = await estimateRecipients(source);
    if (estimated === null) return null;
    sum += estimated;
  }
  return sum;
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
