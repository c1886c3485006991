/**
 * Notices that a connection was idle for too long, when nothing came from its client. One for each connection of a
 * gateway whose conduct limits that.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import type { ConductSettings } from '../settings/conduct.js';
import type { ConnectionConduct } from './connection-conduct.js';

export class IdleWatch {
  readonly #clock: Clock;
  readonly #settings: ConductSettings;
  readonly #whenIdle: () => void;
  #heardMs = 0;
  #timer: TimerHandle | null = null;
  /** Told that the next request gets IdleTimeout, if the connection ends that way. */
  conduct: ConnectionConduct | null = null;

  /** @param whenIdle Called once, unless the connection has to answer IdleTimeout. */
  constructor(clock: Clock, settings: ConductSettings, whenIdle: () => void) {
    this.#clock = clock;
    this.#settings = settings;
    this.#whenIdle = whenIdle;
  }

  /** The connection has opened. */
  begin(): void {
    this.#heardMs = this.#clock.now();
    if (this.#settings.idleEnd !== 'answer') this.#wait(this.#settings.idleMs);
  }

  /** Bytes came. */
  touch(): void {
    const nowMs = this.#clock.now();
    const isTooLate = nowMs - this.#heardMs >= this.#settings.idleMs;
    if (isTooLate && this.#settings.idleEnd === 'answer' && this.conduct !== null) this.conduct.isIdle = true;
    this.#heardMs = nowMs;
  }

  close(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #wait(ms: number): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      const leftMs = this.#heardMs + this.#settings.idleMs - this.#clock.now();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#whenIdle();
    }, ms);
  }
}
