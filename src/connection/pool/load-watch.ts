/**
 * How busy this thread's event loop is while a pool looks whether to grow: a thread that has no time for its
 * connections has no use for one more. Owned by ConnectionPool; the probe and time come from outside.
 *
 * A pool looks more often than a share of time means much, so the share is taken over minGrowthPeriodMs at least.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { maxLoadForNewConnection, minGrowthPeriodMs } from '../../base/limits.js';

export class LoadWatch {
  readonly #probe: () => number;
  #sinceMs = 0;
  #load = 1;

  /** `probe`: the busy share (0 to 1) of the event loop since its last call. Default: this thread's. */
  constructor(probe: () => number = createLoadProbe()) {
    this.#probe = probe;
  }

  /** The pool begins to look. What was before says nothing of the work that waits now. */
  begin(nowMs: number): void {
    this.#probe();
    this.#sinceMs = nowMs;
    this.#load = 1;
  }

  /** Whether the thread had time to spare; false as well where it is not known yet. */
  hasTime(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= minGrowthPeriodMs) {
      this.#load = this.#probe();
      this.#sinceMs = nowMs;
    }
    return this.#load < maxLoadForNewConnection;
  }
}

function createLoadProbe(): () => number {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
