/**
 * Sends nothing for a while after the gateway refused streams (RST_STREAM REFUSED_STREAM). Owned by Http2Connection.
 * A few refusals among answers are what a lowered stream limit looks like, and the new limit is followed. Refusals
 * alone mean that the next requests will be refused too: the pause doubles until an answer comes, so that requests
 * and refusals cannot chase each other.
 */
import type { Clock } from '../../base/clock.js';
import { maxRefusalPauseMs, refusalPauseMs } from '../../base/limits.js';
import { DoublingPause } from '../../base/timers.js';

export class RefusalPause {
  readonly #pause: DoublingPause;

  /** `onOver`: requests may be sent again. */
  constructor(clock: Clock, onOver: () => void) {
    this.#pause = new DoublingPause(clock, refusalPauseMs, maxRefusalPauseMs, onOver);
  }

  get isActive(): boolean {
    return this.#pause.isActive;
  }

  /** After a read with so many refusals and answers. */
  afterRead(refusals: number, answers: number): void {
    if (answers > 0) this.#pause.reset();
    else if (refusals > 0) this.#pause.begin();
  }

  stop(): void {
    this.#pause.stop();
  }
}
