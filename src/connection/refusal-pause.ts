/**
 * Sends nothing for a while after the gateway refused streams (RST_STREAM REFUSED_STREAM). Owned by Http2Connection.
 * A few refusals among answers are what a lowered stream limit looks like, and the new limit is followed. Refusals
 * alone mean that the next requests will be refused too: the pause doubles until an answer comes, so that requests
 * and refusals cannot chase each other.
 */
import type { Clock } from '../base/clock.js';
import { maxRefusalPauseMs, refusalPauseMs } from '../base/limits.js';
import { Timer } from './timer.js';

export class RefusalPause {
  readonly #timer: Timer;
  #pauseMs = 0;

  /** `onOver`: requests may be sent again. */
  constructor(clock: Clock, onOver: () => void) {
    this.#timer = new Timer(clock, onOver);
  }

  get isActive(): boolean {
    return this.#timer.isSet;
  }

  /** After a read with so many refusals and answers. */
  afterRead(refusals: number, answers: number): void {
    if (answers > 0) {
      this.#pauseMs = 0;
    } else if (refusals > 0 && !this.#timer.isSet) {
      this.#pauseMs = Math.min(maxRefusalPauseMs, this.#pauseMs === 0 ? refusalPauseMs : this.#pauseMs * 2);
      this.#timer.set(this.#pauseMs);
    }
  }

  stop(): void {
    this.#timer.clear();
  }
}
