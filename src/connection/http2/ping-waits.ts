/**
 * Those who asked a connection for a sign of life and wait for the acknowledgement of their PING. Owned by
 * Http2Connection; on its thread.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { pingTimeoutMs } from '../../base/limits.js';

interface PingWait {
  readonly number: number;
  readonly done: (isAcknowledged: boolean) => void;
  readonly timer: TimerHandle;
}

export class PingWaits {
  readonly #clock: Clock;
  #waiting: PingWait[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves with true when PING `number` is acknowledged, and with false after pingTimeoutMs or when the connection
   * ends.
   */
  add(number: number): Promise<boolean> {
    return new Promise((done) => {
      const timer = this.#clock.setTimer(() => this.#end(number), pingTimeoutMs);
      this.#waiting.push({ number, done, timer });
    });
  }

  /** Something was read. `number`: the PING that was acknowledged last. On the hot path: one comparison. */
  heard(number: number): void {
    if (this.#waiting.length > 0) this.#settle((wait) => wait.number <= number, true);
  }

  stop(): void {
    this.#settle(() => true, false);
  }

  #end(number: number): void {
    this.#settle((wait) => wait.number === number, false);
  }

  #settle(isMeant: (wait: PingWait) => boolean, isAcknowledged: boolean): void {
    const over = this.#waiting.filter(isMeant);
    this.#waiting = this.#waiting.filter((wait) => !isMeant(wait));
    for (const { timer, done } of over) {
      this.#clock.clearTimer(timer);
      done(isAcknowledged);
    }
  }
}
