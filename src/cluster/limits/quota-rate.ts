/**
 * How many messages a second all machines together may send, so that a push service's rate for one sender is kept:
 * rises from a tenth to the whole while a campaign is sent, and stays a little below what is allowed. Kept by
 * dispatch/cluster-sender; main thread.
 */
import type { Clock } from '../../base/clock.js';
import { quotaSlackMs, quotaSteps, rampStartShare } from '../../base/limits.js';
import type { RequestRate } from '../../push/request-rate.js';

export class QuotaRate {
  readonly #rate: RequestRate | null;
  readonly #clock: Clock;
  #beganMs: number | null = null;

  /** @param rate null: the service takes what comes */
  constructor(rate: RequestRate | null, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Sending begins now, or goes on after a rest: the rate rises from its beginning. */
  begin(): void {
    this.#beganMs = this.#clock.now();
  }

  /** The rate of now: the lower one of what the service allows and what the user wants. Null: no limit. */
  perSecond(wanted: number | null): number | null {
    if (this.#rate === null) return wanted;
    const { perMinute, rampMs } = this.#rate;
    // Messages of a minute are those that got leave in it, and those that had leave before and go out in it.
    const most = (perMinute * 1000) / (60_000 + quotaSlackMs);
    const allowed = most * (rampStartShare + (1 - rampStartShare) * this.#risen(rampMs));
    return wanted === null ? allowed : Math.min(wanted, allowed);
  }

  /** 0 to 1, in steps, because all machines are told of each. */
  #risen(rampMs: number): number {
    if (rampMs === 0) return 1;
    if (this.#beganMs === null) return 0;
    return Math.min(1, Math.floor(((this.#clock.now() - this.#beganMs) * quotaSteps) / rampMs) / quotaSteps);
  }
}
