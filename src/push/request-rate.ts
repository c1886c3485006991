/**
 * How many requests a minute a push service takes from one sender, and how that is kept to: what an even rate with a
 * ramp allows by when. Pure; any thread. engine/allowance hands requests out by it, and a dry run asks how long a list
 * takes.
 *
 * The rate is even, because the minutes of a service begin when it likes. It begins at a tenth and rises as it is used:
 *
 *   requests ▲            ╱‾‾‾‾‾‾‾‾‾‾‾‾  perMinute
 *   a second │        ╱
 *            │    ╱
 *     a tenth│╱
 *            └──────────┬───────────▶ time in which the allowance was used, less the time in which it was not
 *                     rampMs
 */
import { assert } from '../base/assert.js';
import {
  allowancePieceMs,
  keptRequests,
  maxKeptAllowanceMs,
  minKeptAllowanceMs,
  rampStartShare,
} from '../base/limits.js';

/** Plain data, because it goes to other threads. */
export interface RequestRate {
  /** So many requests begin in any minute at most. */
  readonly perMinute: number;
  /** Time from the first requests to the full rate, in milliseconds; 0: the full rate at once. */
  readonly rampMs: number;
}

const minuteMs = 60_000;

export class PacedRate {
  readonly rampMs: number;
  /**
   * What was allowed for a moment may begin so much later. After that it is gone, and nobody makes up for it: two
   * shares of time in one minute would be too many.
   */
  readonly keptMs: number;
  /**
   * The full rate: a little below the one that is asked for, so that no minute has too many even where some begin late.
   */
  readonly #perMs: number;
  /** By how much of the full rate the ramp rises in a millisecond. */
  readonly #risePerMs: number;
  readonly #rampRequests: number;

  constructor({ perMinute, rampMs }: RequestRate) {
    assert(perMinute > 0 && Number.isFinite(perMinute), 'a rate lets something go');
    assert(rampMs >= 0 && Number.isFinite(rampMs), 'a ramp ends');
    const requestMs = minuteMs / perMinute;
    const largestPiece = Math.max(1, Math.floor(allowancePieceMs / requestMs));
    this.keptMs = Math.min(maxKeptAllowanceMs, Math.max(minKeptAllowanceMs, keptRequests * requestMs));
    // Of a minute: what was allowed in it or up to keptMs before it, and a piece that begins with it.
    this.#perMs = (perMinute + 1 - largestPiece) / (minuteMs + this.keptMs);
    this.rampMs = rampMs;
    this.#risePerMs = rampMs === 0 ? 0 : (1 - rampStartShare) / rampMs;
    this.#rampRequests = this.#requestsBy(rampMs);
  }

  /** How many requests may begin together when the ramp is `rampedMs` old: few enough to be even, and at least one. */
  pieceAt(rampedMs: number): number {
    const allowed = this.#requestsBy(rampedMs + allowancePieceMs) - this.#requestsBy(rampedMs);
    return Math.max(1, Math.floor(allowed));
  }

  /** How long `requests` take that begin when the ramp is `rampedMs` old. */
  spanMs(rampedMs: number, requests: number): number {
    if (rampedMs >= this.rampMs) return requests / this.#perMs;
    return this.#rampedAt(this.#requestsBy(rampedMs) + requests) - rampedMs;
  }

  /** The rate over the age of the ramp, summed up. */
  #requestsBy(rampedMs: number): number {
    const risingMs = Math.min(rampedMs, this.rampMs);
    const rising = rampStartShare * risingMs + (this.#risePerMs * risingMs ** 2) / 2;
    return this.#perMs * (rising + rampedMs - risingMs);
  }

  /** The age of the ramp at which so many have begun. */
  #rampedAt(requests: number): number {
    if (requests >= this.#rampRequests) return this.rampMs + (requests - this.#rampRequests) / this.#perMs;
    const fullMs = requests / this.#perMs;
    return (2 * fullMs) / (rampStartShare + Math.sqrt(rampStartShare ** 2 + 2 * this.#risePerMs * fullMs));
  }
}

/** How long it takes until the last of `count` requests begins, in milliseconds, if the first one begins the ramp. */
export function durationOf(count: number, rate: RequestRate): number {
  return new PacedRate(rate).spanMs(0, Math.max(0, count - 1));
}
