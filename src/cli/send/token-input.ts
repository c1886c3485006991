/**
 * The lists of recipients of `peal send`, one after another. Read once, block by block, by the send. If the send stops
 * early, the run reads the rest and records it as unsent. Main thread.
 */
import { statSync } from 'node:fs';
import type { TokenBlock } from '../../apns/token-block.js';
import { assert } from '../../base/assert.js';
import { type Clock, systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import type { ListPlace } from '../../campaign/recipients/read-source.js';
import type { SeenTokens } from '../../campaign/recipients/seen-tokens.js';
import { readList } from '../../campaign/recipients/token-file.js';
import type { InvalidLine } from '../../campaign/recipients/token-lines.js';
import { deliverPendingSignals } from '../shared/interrupt.js';

interface TokenInputOptions {
  /** Paths, or `-` for standard input, in the order in which they are read. */
  readonly sources: readonly string[];
  /** Called for a line of `source` that holds no token. */
  readonly onInvalid: (line: InvalidLine, source: string) => void;
  /** Drops tokens that were read before, in any of the lists. Default: they are kept. */
  readonly seen?: SeenTokens | null;
  /** Bytes of the shortest token. */
  readonly minTokenBytes?: number | undefined;
  /** A promise to wait for before more is read, so that the outcomes can be written; null if there is no need. */
  readonly pressure: () => Promise<unknown> | null;
  /** Default: the process's own clock. */
  readonly clock?: Clock;
}

/**
 * How long before an interruption the end of a pipe may have come because of it. The terminal interrupts the writing
 * program, too, and either program may be faster.
 */
export const pipeEndDoubtMs = 200;

/** The process's own clock, but its timers keep the process alive, because nothing else may be under way yet. */
const waitingClock: Clock = { ...systemClock, setTimer: (callback, delayMs) => setTimeout(callback, delayMs) };

/** A list that was not read to its end. */
interface UnreadList {
  /** A path, or `-`. */
  readonly source: string;
  /** The line from which to go on, from 1; null if no line is reliable. */
  readonly line: number | null;
}

/** One list, and its first block once that was read. */
interface List {
  readonly source: string;
  /** A pipe that ended after an interruption, or just before it. */
  wasCut: boolean;
  readonly place: ListPlace;
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
  #isInterrupted = false;
  readonly #clock: Clock;
  /** The pipe that ended last, and when it did. */
  #endedPipe: List | null = null;
  #pipeEndedMs = 0;
  #endDoubt = (): void => {};
  #isWhole = false;

  constructor(options: TokenInputOptions) {
    const { seen = null, minTokenBytes } = options;
    this.#clock = options.clock ?? waitingClock;
    this.#lists = options.sources.map((source) => {
      const place: ListPlace = { next: 1, isWhole: false };
      const isEndCertain = (isLineOpen: boolean): Promise<boolean> => this.#isEndOfPipeCertain(list, isLineOpen);
      const readOptions = {
        ...(seen === null ? {} : { seen }),
        ...(minTokenBytes === undefined ? {} : { minTokenBytes }),
        ...(isPipe(source) ? { isEndCertain } : {}),
        onInvalid: (line: InvalidLine) => {
          options.onInvalid(line, source);
          return options.pressure()?.then(() => {});
        },
        signal: this.#end.signal,
      };
      const list: List = { source, place, blocks: readList(source, readOptions, place), first: null, wasCut: false };
      return list;
    });
  }

  /**
   * Reads the first block of each list, so that a list that cannot be read is known before anything else begins. Throws
   * the problem of the first such list.
   */
  async probe(): Promise<void> {
    assert(
      this.#at === 0 && this.#lists.every(({ first }) => first === null),
      'lists are probed once, before they are read',
    );
    let isEmpty = true;
    for (const list of this.#lists) {
      list.first = list.blocks.next();
      if ((await list.first).done !== true) isEmpty = false;
    }
    this.#isDone = isEmpty;
    this.#isWhole = isEmpty && !this.#wasCut && !this.#end.signal.aborted;
  }

  /** Whether the last block was handed out. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Whether all lists were read to their end. False also if standard input ended after an interruption: the terminal
   * interrupts the writing program, too, and its output may be incomplete.
   */
  get isWhole(): boolean {
    return this.#isWhole && this.#failure === null;
  }

  /** The first problem with reading a list, or null. */
  get failure(): PealError | null {
    return this.#failure;
  }

  /** Tokens handed out so far. */
  get tokens(): number {
    return this.#read;
  }

  /** The lists that were not read to their end. Complete once reading is over. */
  get unread(): readonly UnreadList[] {
    const cut = this.#lists.filter(({ place, wasCut }) => !place.isWhole || wasCut);
    return cut.map(({ source, place }) => ({ source, line: place.next }));
  }

  /** The run was interrupted. From shortly before this moment on, the end of a pipe proves nothing. */
  interrupted(): void {
    this.#isInterrupted = true;
    if (this.#endedPipe !== null && this.#clock.now() - this.#pipeEndedMs < pipeEndDoubtMs) {
      this.#endedPipe.wasCut = true;
      this.#isWhole = false;
    }
    this.#endDoubt();
  }

  /** Ends the reading at once, at any place. */
  close(): void {
    this.#isDone = true;
    this.#end.abort();
  }

  /**
   * Continues where the last reader stopped. A reader that leaves early does not end the lists. Nor does a list that
   * cannot be read: after its error the next list follows.
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
    this.#isWhole ||= !this.#isDone && !this.#wasCut;
    this.#isDone = true;
    return { value: undefined, done: true };
  }

  get #wasCut(): boolean {
    return this.#lists.some(({ wasCut }) => wasCut);
  }

  async #isEndOfPipeCertain(list: List, isLineOpen: boolean): Promise<boolean> {
    await deliverPendingSignals();
    this.#endedPipe = list;
    this.#pipeEndedMs = this.#clock.now();
    // Half a line cannot be taken back later.
    if (isLineOpen && !this.#isInterrupted) await this.#doubt();
    if (this.#isInterrupted) list.wasCut = true;
    return !this.#isInterrupted;
  }

  /** Resolves after an interruption, or once none can be the cause any more. */
  #doubt(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(resolve, pipeEndDoubtMs);
      this.#endDoubt = () => {
        this.#clock.clearTimer(timer);
        resolve();
      };
    });
  }
}

/** Whether a program writes the list while it is read. */
function isPipe(source: string): boolean {
  if (source === '-') return true;
  try {
    return statSync(source).isFIFO();
  } catch {
    // The reader reports the problem.
    return false;
  }
}
