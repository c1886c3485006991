/**
 * A clock that stands still until it is told to go: timers and deferred calls run in order of time, then of making,
 * on the caller's stack. Nothing waits.
 */
import type { Clock, TimerHandle } from '../../src/base/clock.js';

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #sequence = 0;
  readonly #timers = new Set<Entry>();
  #deferred: (() => void)[] = [];

  constructor(readonly startWallMs = 1_700_000_000_000) {}

  now(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.startWallMs + this.#nowMs;
  }

  setTimer(callback: () => void, delayMs: number): TimerHandle {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#timers.add(entry);
    return entry;
  }

  clearTimer(timer: TimerHandle): void {
    this.#timers.delete(timer as Entry);
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Runs deferred calls, and those that they defer, until none is left. Throws after `maxCalls`: something spins. */
  settle(maxCalls = 1_000_000): void {
    let calls = 0;
    while (this.#deferred.length > 0) {
      const batch = this.#deferred;
      this.#deferred = [];
      for (const callback of batch) {
        if (++calls > maxCalls) throw new Error(`more than ${maxCalls} deferred calls at ${this.#nowMs} ms`);
        callback();
      }
    }
  }

  /** Lets `ms` milliseconds pass, running what falls due. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    this.settle();
    for (let next = this.#nextDue(untilMs); next !== null; next = this.#nextDue(untilMs)) {
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.callback();
      this.settle();
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number): Entry | null {
    let next: Entry | null = null;
    for (const entry of this.#timers) {
      if (entry.atMs > untilMs) continue;
      if (next === null || entry.atMs < next.atMs || (entry.atMs === next.atMs && entry.sequence < next.sequence)) {
        next = entry;
      }
    }
    return next;
  }
}
