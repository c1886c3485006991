/**
 * The process's clock, some times faster, for libraries that know no virtual clock: waits of seconds take milliseconds.
 * `skip` moves the time without waiting, as a machine does that was asleep.
 */
import type { Clock, TimerHandle } from '../../src/base/clock.js';

export class HastyClock implements Clock {
  readonly #speed: number;
  #skippedMs = 0;

  constructor(speed: number) {
    this.#speed = speed;
  }

  now(): number {
    return performance.now() * this.#speed + this.#skippedMs;
  }

  wallMs(): number {
    return Date.now() + this.#skippedMs;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    return setTimeout(callback, delayMs / this.#speed).unref();
  }

  clearTimer(timer: TimerHandle): void {
    clearTimeout(timer as NodeJS.Timeout);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
  }
}
