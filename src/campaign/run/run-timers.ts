/**
 * The timers of one run of a campaign, which all end with it: after a time of any length, or at a time of the wall
 * clock. Owned by CampaignRun; main thread.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';

/** A timer has room for 25 days. */
const maxTimerMs = 2 ** 31 - 1;
/** A machine may sleep: the wall clock is looked at so often. */
const wallCheckMs = 1000;

export class RunTimers {
  readonly #clock: Clock;
  readonly #timers = new Set<TimerHandle>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param delayMs milliseconds, as many as you like */
  after(delayMs: number, callback: () => void): void {
    const leftMs = delayMs - maxTimerMs;
    if (leftMs <= 0) this.#set(delayMs, callback);
    else this.#set(maxTimerMs, () => this.after(leftMs, callback));
  }

  /**
   * Resolves with true at that time of the wall clock, and with false once `isOver` says so, within a second. After
   * `clear` it stays open.
   */
  async untilWall(wallMs: number, isOver: () => boolean): Promise<boolean> {
    while (!isOver()) {
      const leftMs = wallMs - this.#clock.wallMs();
      if (leftMs <= 0) return true;
      await new Promise<void>((resolve) => this.#set(Math.min(leftMs, wallCheckMs), resolve));
    }
    return false;
  }

  /** Ends all of them. */
  clear(): void {
    for (const timer of this.#timers) this.#clock.clearTimer(timer);
    this.#timers.clear();
  }

  #set(delayMs: number, callback: () => void): void {
    const timer = this.#clock.setTimer(() => {
      this.#timers.delete(timer);
      callback();
    }, delayMs);
    this.#timers.add(timer);
  }
}
