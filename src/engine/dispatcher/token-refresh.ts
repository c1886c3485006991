/**
 * Looks at the provider tokens every now and then while sends run, because a send that waits for its last answers, or
 * for a slow input, dispatches nothing and yet needs a fresh token. Owned by the dispatcher, on its thread.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { providerTokenCheckMs } from '../../base/limits.js';

export class TokenRefresh {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  #timer: TimerHandle | null = null;

  constructor(clock: Clock, refresh: () => void) {
    this.#clock = clock;
    this.#refresh = refresh;
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
      this.#refresh();
    }, providerTokenCheckMs);
  }

  #disarm(): void {
    this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
