/**
 * A pause that is twice as long each time it begins again, up to a bound, until something good resets it. Owned by
 * RefusalPause and SendGate; on the thread of their connections.
 */
import type { Clock } from '../base/clock.js';
import { Timer } from './timer.js';

export class DoublingPause {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #timer: Timer;
  #pauseMs = 0;

  /** `onOver`: the pause has ended by itself. */
  constructor(clock: Clock, firstMs: number, longestMs: number, onOver: () => void) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#timer = new Timer(clock, onOver);
  }

  get isActive(): boolean {
    return this.#timer.isSet;
  }

  /** Begins the next pause, `atLeastMs` long if the bound allows; while one is on, nothing changes. */
  begin(atLeastMs = 0): void {
    if (this.#timer.isSet) return;
    this.#pauseMs = Math.min(this.#longestMs, this.#pauseMs === 0 ? this.#firstMs : this.#pauseMs * 2);
    this.#timer.set(Math.min(this.#longestMs, Math.max(this.#pauseMs, atLeastMs)));
  }

  /** The next pause is a first one again. A pause that is on goes on. */
  reset(): void {
    this.#pauseMs = 0;
  }

  stop(): void {
    this.#timer.clear();
  }
}
