/**
 * Pulls items out of a program's iterable, sync or async, as long as its taker has room: ahead, so that items which are
 * there in one turn of the loop are sent in one batch. One for each sendEach; main thread.
 */
import { rethrowAssertion } from '../../base/assert.js';
import type { Clock, TimerHandle } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import { lastPullMs } from '../../base/limits.js';
import { faultOf } from '../send/books.js';

/** Who gets the items. Must not call the source from within these. */
export interface ItemTaker<Item> {
  readonly hasRoom: boolean;
  take(item: Item): void;
  /** Called once: no item follows. `fault`: what the source threw before it was stopped; null without. */
  end(fault: PealError | null): void;
}

export class ItemSource<Item> {
  readonly #source: Iterable<Item> | AsyncIterable<Item>;
  readonly #taker: ItemTaker<Item>;
  readonly #clock: Clock;
  /** Made with the first pull. */
  #iterator: Iterator<Item> | AsyncIterator<Item> | null = null;
  #isPulling = false;
  /** Stopping: no further pull; the item of the one that is open is still taken. */
  #state: 'open' | 'stopping' | 'over' = 'open';
  #lastPull: TimerHandle | null = null;

  constructor(source: Iterable<Item> | AsyncIterable<Item>, taker: ItemTaker<Item>, clock: Clock) {
    this.#source = source;
    this.#taker = taker;
    this.#clock = clock;
  }

  /** Pulls while the taker has room. */
  pull(): void {
    if (this.#isPulling || this.#state !== 'open' || !this.#taker.hasRoom) return;
    this.#isPulling = true;
    try {
      if (Symbol.asyncIterator in this.#source) this.#pullOne(this.#source);
      else this.#pullAll(this.#source);
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * Pulls nothing more, and closes the source. An open pull has `lastPullMs` for its item, which is out of the
   * program's hands by then.
   */
  stop(): void {
    if (this.#state !== 'open') return;
    this.#state = 'stopping';
    this.#close();
    if (!this.#isPulling) this.#end(null);
    else this.#lastPull = this.#clock.setTimer(() => this.#end(null), lastPullMs);
  }

  /** The same without waiting: nobody takes items any more. */
  leave(): void {
    if (this.#state === 'open') this.#close();
    this.#end(null);
  }

  #pullAll(source: Iterable<Item>): void {
    this.#iterator ??= source[Symbol.iterator]();
    const iterator = this.#iterator as Iterator<Item>;
    while (this.#state === 'open' && this.#taker.hasRoom) {
      const step = checkedStep(iterator.next());
      if (step.done === true) {
        this.#end(null);
        return;
      }
      this.#taker.take(step.value);
    }
    this.#isPulling = false;
    if (this.#state !== 'stopping') return;
    // It was stopped from within: a generator that runs cannot be closed.
    this.#close();
    this.#end(null);
  }

  #pullOne(source: AsyncIterable<Item>): void {
    this.#iterator ??= source[Symbol.asyncIterator]();
    Promise.resolve((this.#iterator as AsyncIterator<Item>).next()).then(this.#onStep, this.#onError);
  }

  readonly #onStep = (step: IteratorResult<Item>): void => {
    if (this.#state === 'over') return;
    try {
      checkedStep(step);
      if (step.done === true) {
        this.#end(null);
        return;
      }
      this.#taker.take(step.value);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#isPulling = false;
    if (this.#state === 'stopping') this.#end(null);
    else this.pull();
  };

  readonly #onError = (error: unknown): void => this.#failed(error);

  /** After a stop it is no news that the source ends by throwing: the stop came first. */
  #failed(error: unknown): void {
    rethrowAssertion(error);
    this.#end(this.#state === 'open' ? faultOf('The source', error) : null);
  }

  #end(fault: PealError | null): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (this.#lastPull !== null) this.#clock.clearTimer(this.#lastPull);
    this.#lastPull = null;
    this.#taker.end(fault);
  }

  /** A generator that waits for something ends only when that comes, so the close itself is not waited for. */
  #close(): void {
    try {
      Promise.resolve(this.#iterator?.return?.()).catch(() => {});
    } catch {
      // A source that cannot be closed has nothing to say about the items that it gave.
    }
  }
}

/** As `for await` refuses it: otherwise such a source would be an endless stream of items that are not there. */
function checkedStep<Item>(step: IteratorResult<Item>): IteratorResult<Item> {
  if (typeof step === 'object' && step !== null) return step;
  throw new TypeError('The iterator returned a step that is not an object.');
}
