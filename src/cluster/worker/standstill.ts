/**
 * Notices that this process stood still: it was stopped (SIGSTOP), its machine slept, or its event loop was held for
 * longer than others wait for a sign of it. Then others may have its slices. Asked before anything is handed out, and
 * told by a timer; main thread.
 */
import type { Clock } from '../../base/clock.js';
import { queueLockMs, standstillLookMs } from '../../base/limits.js';
import { Timer } from '../../base/timers.js';

export class Standstill {
  readonly #clock: Clock;
  readonly #onNoticed: () => void;
  readonly #timer: Timer;
  #seenMs: number;
  #seenWallMs: number;

  constructor(clock: Clock, onNoticed: () => void) {
    this.#clock = clock;
    this.#onNoticed = onNoticed;
    this.#seenMs = clock.now();
    this.#seenWallMs = clock.wallMs();
    this.#timer = new Timer(clock, () => this.#look());
    this.#timer.set(standstillLookMs);
  }

  /**
   * Looks at the clocks: whichever callback runs first after a standstill finds it. A machine that sleeps may hold its
   * monotonic clock, so the wall clock counts, too; one that is set forward looks the same, and costs one change of
   * slices.
   */
  check(): void {
    const [nowMs, wallMs] = [this.#clock.now(), this.#clock.wallMs()];
    const gapMs = Math.max(nowMs - this.#seenMs, wallMs - this.#seenWallMs);
    this.#seenMs = nowMs;
    this.#seenWallMs = wallMs;
    if (gapMs > queueLockMs) this.#onNoticed();
  }

  close(): void {
    this.#timer.clear();
  }

  #look(): void {
    this.check();
    this.#timer.set(standstillLookMs);
  }
}
