/**
 * Whether the end of a pipe is the end of the list. In a terminal Ctrl-C ends the program that writes the pipe, too,
 * and either program may be faster: so an end after an interruption, or shortly before it, proves nothing. Owned by
 * the run, asked by the reader of the lists, on the main thread.
 */
import { type Clock, systemClock } from '../../base/clock.js';
import { deliverPendingSignals } from '../shared/interrupt.js';

/** How long before an interruption the end of a pipe may have come because of it. */
export const pipeEndDoubtMs = 200;

/** The process's own clock, but its timers keep the process alive, because nothing else may be under way yet. */
const waitingClock: Clock = { ...systemClock, setTimer: (callback, delayMs) => setTimeout(callback, delayMs) };

export class PipeEnds {
  readonly #clock: Clock;
  #isInterrupted = false;
  /** The pipe that ended last, and when it did. */
  #ended: string | null = null;
  #endedMs = 0;
  readonly #cut = new Set<string>();
  #endDoubt = (): void => {};

  constructor(clock: Clock = waitingClock) {
    this.#clock = clock;
  }

  /** The run was interrupted: from shortly before this moment on, no end of a pipe counts. */
  interrupted(): void {
    this.#isInterrupted = true;
    if (this.#ended !== null && this.#clock.now() - this.#endedMs < pipeEndDoubtMs) this.#cut.add(this.#ended);
    this.#endDoubt();
  }

  /** Whether the pipe ended because of an interruption, as far as that can be told. */
  wasCut(pipe: string): boolean {
    return this.#cut.has(pipe);
  }

  /** Asked when a pipe ends. Resolves with false where its last line may not be whole. */
  async isCertain(pipe: string, isLineOpen: boolean): Promise<boolean> {
    await deliverPendingSignals();
    this.#ended = pipe;
    this.#endedMs = this.#clock.now();
    // Half a line cannot be taken back later.
    if (isLineOpen && !this.#isInterrupted) await this.#doubt();
    if (this.#isInterrupted) this.#cut.add(pipe);
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
