/**
 * Tries a step that needs the store or the queue until it works: both may be away for a while, and a campaign goes on
 * once they are back. Used by the dispatcher; main thread.
 */
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { maxStorePauseMs, minStorePauseMs } from '../../base/limits.js';

export class Patience {
  readonly #clock: Clock;
  readonly #onNote: (said: string) => void;
  /** Steps that wait for the store now. */
  #waiting = 0;

  constructor(clock: Clock, onNote: (said: string) => void) {
    this.#clock = clock;
    this.#onNote = onNote;
  }

  /**
   * Resolves with what the step gives.
   *
   * @param isOver whether nobody waits for it any more: then it rejects with what the last try threw
   * @throws what the step throws, unless it is a PealError that is retryable
   */
  async until<Value>(step: () => Promise<Value>, isOver: () => boolean): Promise<Value> {
    let pauseMs = minStorePauseMs;
    let hasWaited = false;
    for (;;) {
      try {
        const value = await step();
        if (hasWaited) this.#endWait();
        return value;
      } catch (error) {
        if (!(error instanceof PealError) || !error.retryable || isOver()) {
          if (hasWaited) this.#waiting -= 1;
          throw error;
        }
        if (!hasWaited) this.#beginWait(error);
        hasWaited = true;
        await this.pause(pauseMs);
        pauseMs = Math.min(maxStorePauseMs, pauseMs * 2);
      }
    }
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.setTimer(resolve, delayMs);
    });
  }

  #beginWait(error: PealError): void {
    this.#waiting += 1;
    if (this.#waiting === 1) this.#onNote(`The campaign waits: ${error.message}`);
  }

  #endWait(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#onNote('The campaign goes on.');
  }
}
