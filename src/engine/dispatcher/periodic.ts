/**
 * What has to be done every now and then while sends run, because a send that waits for its last answers, or for a slow
 * input, dispatches nothing: it needs a fresh provider token all the same. Owned by the dispatcher, on its thread.
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

  /** No timer is left when it is not needed, so that an idle program can end. */
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
