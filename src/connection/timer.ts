/** One timer that is set, set anew and cleared many times. Owned by connections and pools; runs on their thread. */
import type { Clock, TimerHandle } from '../base/clock.js';

export class Timer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #handle: TimerHandle | null = null;
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  get isSet(): boolean {
    return this.#handle !== null;
  }

  /** Runs the callback once, `delayMs` from now; what was set before no longer holds. */
  set(delayMs: number): void {
    this.clear();
    this.#dueAtMs = this.#clock.now() + delayMs;
    this.#handle = this.#clock.setTimer(this.#onDue, delayMs);
  }

  /** As set(), unless the timer is set and due sooner. */
  setNoLaterThan(delayMs: number): void {
    if (this.#clock.now() + delayMs < this.#dueAtMs) this.set(delayMs);
  }

  clear(): void {
    if (this.#handle === null) return;
    this.#clock.clearTimer(this.#handle);
    this.#forget();
  }

  readonly #onDue = (): void => {
    this.#forget();
    this.#callback();
  };

  #forget(): void {
    this.#handle = null;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }
}
