/**
 * Decides, by evidence, whether one more connection is worth opening. Owned by ConnectionPool, which asks at the end of
 * each period in which work waited and every connection was full; pure, time is handed in.
 *
 * Where the way is long or the window small, a second connection doubles the rate, and so do the next ones. Where the
 * gateway or this machine is the bound, more connections only share what there is: each answer takes longer, because
 * latency = requests in flight / answers per second, and more are in flight. So the rate before and after is compared:
 *
 *   period without an answer ──▶ do not grow
 *   nothing to compare with yet ──▶ grow
 *   a fifth more connections work than at the last comparison, and the rate rose by minGrowthGain ──▶ grow
 *                                                         … and it did not ──▶ stop; again after 30 s, 60 s … 10 min
 *
 * Connections count as working once they have answered, so that those that are still being opened are not held against
 * the rate. A pool that once had a number of connections (`target`) goes back to it without a new proof: those that the
 * gateway sends away are replaced at once.
 */
import { connectStaggerMs, growthRetryMs, maxGrowthPeriodMs, maxGrowthRetryMs, minGrowthGain } from '../base/limits.js';

/** How many more connections make a comparison worth while: twice the gain that is asked for. */
const comparedAtRatio = 1 + 2 * minGrowthGain;
/** Round trips that one period spans at least: answers come in bursts, one for each. */
const roundTripsPerPeriod = 4;

interface Rate {
  readonly working: number;
  readonly perSecond: number;
}

export class Growth {
  /** Connections that the pool has grown to. */
  target = 1;
  readonly #needsProof: boolean;
  #base: Rate | null = null;
  #beganMs = 0;
  #answersThen = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #retryMs = growthRetryMs;
  /** The last comparison found that more connections did more. */
  #isGaining = false;

  /** `needsProof`: false where answers come too seldom to measure by, as over the binary protocol. */
  constructor(needsProof: boolean) {
    this.#needsProof = needsProof;
  }

  /** Milliseconds until the period that begins now should end; `roundTripMs`: to a first answer, as far as known. */
  begin(nowMs: number, answers: number, roundTripMs: number): number {
    this.#beganMs = nowMs;
    this.#answersThen = answers;
    if (!this.#needsProof) return connectStaggerMs;
    return Math.min(maxGrowthPeriodMs, Math.max(connectStaggerMs, roundTripsPerPeriod * roundTripMs));
  }

  /**
   * Whether another connection may be opened, at the end of a period. `answers`: in all. `workingSinceMs`: since when
   * each connection has answered, Infinity for those that have not.
   */
  mayGrow(nowMs: number, answers: number, workingSinceMs: readonly number[]): boolean {
    if (!this.#needsProof) return true;
    const spanMs = nowMs - this.#beganMs;
    // What began to work within the first fifth of the period has worked in all of it, as far as anybody can see.
    const working = workingSinceMs.filter((sinceMs) => sinceMs <= this.#beganMs + spanMs / 5).length;
    const gained = answers - this.#answersThen;
    // Silence is no reason to trust the gateway with more.
    if (gained === 0 || spanMs === 0) return false;
    if (working === 0) return nowMs >= this.#notBeforeMs;
    this.#compare(nowMs, working, (gained * 1000) / spanMs);
    // What was opened has to show first what it is good for, unless the one before it was good for something.
    const unproven = workingSinceMs.length - working;
    return nowMs >= this.#notBeforeMs && (unproven === 0 || (this.#isGaining && unproven < working));
  }

  /** A connection was opened. */
  onOpened(usable: number): void {
    this.target = Math.max(this.target, usable);
  }

  /** A connection was given up because there is nothing for it to do. */
  onTrimmed(usable: number): void {
    this.target = Math.max(1, usable);
  }

  #compare(nowMs: number, working: number, perSecond: number): void {
    const base = this.#base;
    const ratio = base === null ? 0 : working / base.working;
    if (base === null || ratio <= 1) {
      // Smoothed while nothing changes: one period is much like another, give or take a tenth.
      const smoothed = ratio === 1 ? (base!.perSecond + perSecond) / 2 : perSecond;
      this.#base = { working, perSecond: smoothed };
      return;
    }
    if (ratio < comparedAtRatio) return;
    this.#base = { working, perSecond };
    this.#isGaining = perSecond >= base.perSecond * (1 + minGrowthGain);
    if (this.#isGaining) {
      this.#retryMs = growthRetryMs;
      return;
    }
    this.#notBeforeMs = nowMs + this.#retryMs;
    this.#retryMs = Math.min(maxGrowthRetryMs, this.#retryMs * 2);
  }
}
