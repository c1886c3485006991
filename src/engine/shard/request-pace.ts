/**
 * Lets the connections of one route begin no more requests than its rate allows, and wakes their pool when more may
 * begin. Owned by ShardRoute, for routes that have a rate; on the shard's thread. How much is allowed when:
 * engine/allowance.
 *
 *   nothing in stock ── allow() ──▶ the next piece of the timetable ── it begins ──▶ in stock ── taken, or too late ──┐
 *         ▲                                 (waiting: the route has nothing to send)                                  │
 *         └───────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 */
import { type Clock, processMs } from '../../base/clock.js';
import { Timer } from '../../base/timers.js';
import type { Allowance } from '../allowance.js';

export class RequestPace {
  readonly #allowance: Allowance;
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #onAllowed: () => void;
  #stock = 0;

  /** `onAllowed`: what was waited for may begin. */
  constructor(allowance: Allowance, clock: Clock, onAllowed: () => void) {
    this.#allowance = allowance;
    this.#clock = clock;
    this.#onAllowed = onAllowed;
    this.#timer = new Timer(clock, () => this.#onDue());
  }

  /** Nothing may begin now. `onAllowed` is called when something may. */
  get isWaiting(): boolean {
    return this.#timer.isSet;
  }

  /** How many of `wanted` requests may begin now. For 0, `onAllowed` is called when more may. */
  allow(wanted: number): number {
    if (this.isWaiting) return 0;
    const nowMs = processMs(this.#clock);
    if (nowMs > this.#allowance.untilMs) this.#stock = 0;
    if (this.#stock === 0) {
      this.#stock = this.#allowance.take(wanted, nowMs);
      if (this.#waits(nowMs)) return 0;
    }
    return Math.min(wanted, this.#stock);
  }

  /** So many have begun. Requests that are refused before they are written need no allowance, and may be more. */
  taken(count: number): void {
    this.#stock = Math.max(0, this.#stock - count);
  }

  stop(): void {
    this.#timer.clear();
  }

  #waits(nowMs: number): boolean {
    const waitMs = this.#allowance.fromMs - nowMs;
    // A timer of Node may be early by less than a millisecond.
    if (waitMs > 0) this.#timer.set(Math.ceil(waitMs));
    return waitMs > 0;
  }

  #onDue(): void {
    if (!this.#waits(processMs(this.#clock))) this.#onAllowed();
  }
}
