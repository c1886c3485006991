/**
 * Pulls recipients, or messages, out of an async iterable, one at a time, for one send. A pull can be left alone and
 * taken up again, so that a send can do something else while the stream has nothing to give; and the pull that is open
 * when the send wants no more is seen to its end, because its recipient is out of the program's hands by then. Main
 * thread.
 */
import type { Clock } from '../../base/clock.js';
import { lastPullMs } from '../../base/limits.js';
import type { StreamedRecipient } from '../recipients/recipient.js';

/** How the last pull ended: with a recipient or without one, or not within `lastPullMs`. */
type LastPull<Item> = { readonly recipient: Item } | 'nothing' | 'open';

export class RecipientStream<Item = StreamedRecipient> {
  readonly #iterator: AsyncIterator<Item>;
  /** The pull that has not been answered yet. */
  #pending: Promise<IteratorResult<Item>> | null = null;
  /** Ends the wait for it; null while there is no wait. */
  #wake: ((step: null) => void) | null = null;
  #isOver = false;
  /** The open pull was waited for as long as it may take. */
  #isLate = false;

  constructor(recipients: AsyncIterable<Item>) {
    this.#iterator = recipients[Symbol.asyncIterator]();
  }

  /**
   * The next step, or null when `wake` came first: the pull stays open then, and the next call goes on with it. Rejects
   * with what the stream throws.
   */
  async next(): Promise<IteratorResult<Item> | null> {
    try {
      const step = await this.#orWoken(() => {
        this.#pending ??= this.#iterator.next();
        return this.#pending;
      });
      if (step === null) return null;
      this.#pending = null;
      this.#isOver = step.done === true;
      return step;
    } catch (error) {
      this.#pending = null;
      this.#isOver = true;
      throw error;
    }
  }

  /**
   * The same after the send has stopped, while it takes what is left for its books. Resolves with `'late'` if the
   * stream gives nothing within `lastPullMs`: it is not asked again.
   */
  async nextSoon(clock: Clock): Promise<IteratorResult<Item> | null | 'late'> {
    this.#isLate = false;
    const timer = clock.setTimer(() => {
      this.#isLate = true;
      this.wake();
    }, lastPullMs);
    try {
      const step = await this.next();
      return step === null && this.#isLate ? 'late' : step;
    } finally {
      clock.clearTimer(timer);
    }
  }

  /** Ends the wait of `next`, if there is one. */
  wake(): void {
    this.#wake?.(null);
  }

  /**
   * Closes the stream, unless it has come to its end. Resolves with what the open pull still brings; a further `wake`,
   * as of a shutdown that follows an abort, does not end the wait for it. A generator that waits for something ends
   * only when that comes, so the close itself is not waited for.
   */
  async end(clock: Clock): Promise<LastPull<Item>> {
    const pending = this.#pending;
    this.#pending = null;
    if (!this.#isOver) {
      this.#isOver = true;
      this.#return();
    }
    if (pending === null) return 'nothing';
    if (this.#isLate) return 'open';
    return new Promise((resolve) => {
      const timer = clock.setTimer(() => resolve('open'), lastPullMs);
      const end = (last: LastPull<Item>): void => {
        clock.clearTimer(timer);
        resolve(last);
      };
      pending.then(
        (step) => end(step.done === true ? 'nothing' : { recipient: step.value }),
        // The send has ended for a reason of its own, which came first.
        () => end('nothing'),
      );
    });
  }

  #return(): void {
    try {
      void this.#iterator.return?.()?.then(undefined, () => {});
    } catch {
      // An iterator that cannot be closed has nothing to say about the recipients that it gave.
    }
  }

  /**
   * Waits for what `pull` returns. The stream that is pulled from may stop the send from within the call, so the way to
   * end the wait is there before. No race(): its reactions would pile up on a pull that stays open.
   */
  #orWoken(pull: () => Promise<IteratorResult<Item>>): Promise<IteratorResult<Item> | null> {
    return new Promise((resolve, reject) => {
      this.#wake = resolve;
      pull().then(resolve, reject);
    });
  }
}
