/**
 * Says how a send goes, a few times a second: when batches are settled, and between that by a timer that looks at those
 * that are under way. Main thread; no timer outlives a send.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { progressIntervalMs } from '../../base/limits.js';
import type { OutcomeCounts } from '../message/result.js';

/** Where a send stands. Counts of recipients. */
export interface Progress {
  /** Recipients that have their outcome: the sum of the next five. */
  readonly done: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
  /** How many there are to be, where that is known; otherwise null. */
  readonly total: number | null;
  /**
   * Recipients that were taken in and wait for a connection to write their request: none where the gateway could be
   * sent more. Those that wait for their time to be sent to again are not among them.
   */
  readonly queued: number;
}

export class ProgressReporter {
  #lastMs: number;
  #timer: TimerHandle | null = null;

  constructor(
    readonly onProgress: (progress: Progress) => void,
    readonly clock: Clock,
    readonly total: number | null,
  ) {
    this.#lastMs = clock.now();
  }

  /** Whether `progressIntervalMs` have passed since this last said yes. */
  isDue(): boolean {
    const now = this.clock.now();
    if (now - this.#lastMs < progressIntervalMs) return false;
    this.#lastMs = now;
    return true;
  }

  /** Calls `look` at each interval, until `stop`. */
  start(look: () => void): void {
    this.#timer = this.clock.setTimer(() => {
      this.start(look);
      look();
    }, progressIntervalMs);
  }

  stop(): void {
    if (this.#timer !== null) this.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** @param queued recipients that wait for a connection */
  report(counts: OutcomeCounts, queued: number): void {
    const { recipients, accepted, rejected, unsent, unknown, invalid } = counts;
    this.onProgress({ done: recipients, accepted, rejected, unsent, unknown, invalid, total: this.total, queued });
  }
}
