/**
 * Runs what has to be done now and then while sends run. A send that waits for its last answers, or for a slow input,
 * dispatches nothing and still needs a fresh provider token. Owned by the dispatcher, on its thread.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';

export class Periodic {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #run: () => void;
  #timer: TimerHandle | null = null;

  constructor(clock: Clock, intervalMs: number, run: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#run = run;
  }

  /** Sets or clears the timer. An idle program has no timer, so that it can end. */
  setNeeded(isNeeded: boolean): void {
    if (isNeeded === (this.#timer !== null)) return;
    if (isNeeded) this.#arm();
    else this.#disarm();
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#arm();
      this.#run();
    }, this.#intervalMs);
  }

  #disarm(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
