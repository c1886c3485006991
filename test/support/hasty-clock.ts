/**
 * The process's clock, some times faster, for libraries that know no virtual clock: waits of seconds take milliseconds.
 * It counts the turns of the event loop, not what a busy machine makes of one: within a turn no more time passes than
 * `longestTurnMs` of real time, so that nothing is late only because this process had no core for a while.
 * `skip` moves the time without waiting, as a machine does that was asleep.
 */
import type { Clock, TimerHandle } from '../../src/base/clock.js';

const longestTurnMs = 2;

interface Waiting {
  readonly callback: () => void;
  readonly atMs: number;
}

export class HastyClock implements Clock {
  readonly #speed: number;
  readonly #waiting = new Set<Waiting>();
  #isTicking = false;
  /** The time at `#realMs`, which was read in the last turn that counted. */
  #ms = 0;
  #realMs = performance.now();
  #skippedMs = 0;

  constructor(speed: number) {
    this.#speed = speed;
  }

  now(): number {
    return this.#ms + Math.min(longestTurnMs, performance.now() - this.#realMs) * this.#speed + this.#skippedMs;
  }

  wallMs(): number {
    return Date.now() + this.#skippedMs;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    // What is skipped is slept through: timers do not notice.
    const waiting = { callback, atMs: this.now() - this.#skippedMs + delayMs };
    this.#waiting.add(waiting);
    if (!this.#isTicking) this.#tickSoon();
    return waiting;
  }

  clearTimer(timer: TimerHandle): void {
    this.#waiting.delete(timer as Waiting);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  #tickSoon(): void {
    this.#isTicking = true;
    // The next turn is the one after this: what arrived meanwhile is read before.
    setTimeout(() => setImmediate(() => this.#tick()), 1).unref();
  }

  #tick(): void {
    this.#ms = this.now() - this.#skippedMs;
    this.#realMs = performance.now();
    this.#isTicking = false;
    const due = [...this.#waiting].filter(({ atMs }) => atMs <= this.#ms).sort((one, other) => one.atMs - other.atMs);
    for (const waiting of due) if (this.#waiting.delete(waiting)) waiting.callback();
    if (this.#waiting.size > 0 && !this.#isTicking) this.#tickSoon();
  }
}
