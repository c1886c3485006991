/**
 * Decides, by evidence, whether one more connection is worth opening. Owned by ConnectionPool, which asks at the end of
 * each period in which work waited and every connection was full; pure, time is handed in.
 *
 * Where the way is long or the window small, a second connection doubles the rate, and so do the next ones. Where the
 * gateway or this machine is the bound, more connections only share what there is, and each answer takes longer:
 * latency = requests in flight / answers per second. It is measured so, for all requests of a period at once.
 *
 *   period without an answer ──▶ do not grow
 *   latency is still about the least that was seen ──▶ grow
 *   latency has risen, and a connection is too young to have shown what it is good for ──▶ wait for it
 *   latency has risen, a fifth more connections work than at the last comparison …
 *            … and the rate rose by minGrowthGain ──▶ grow
 *            … and it did not ──▶ stop; again after 5 s, 10 s … 10 min
 *
 * Connections count as working once they have answered, so that those that are still being opened are not held against
 * the rate. A pool that once had a number of connections (`target`) goes back to it without a new proof: those that the
 * gateway sends away are replaced at once.
 */
import {
  connectStaggerMs,
  growthRetryMs,
  maxGrowthPeriodMs,
  maxGrowthRetryMs,
  minGrowthGain,
} from '../../base/limits.js';

/** How many more connections make a comparison worth while: twice the gain that is asked for. */
const comparedAtRatio = 1 + 2 * minGrowthGain;
/** Latency that still passes for the least one, of which it is a multiple, with something over for coarse timers. */
const steadyRatio = 1.5;
const steadySlackMs = 1;
/** Round trips that one period spans at least: answers come in bursts, one for each. */
const roundTripsPerPeriod = 4;

interface Rate {
  readonly working: number;
  readonly perSecond: number;
}

/** How a pool stands. */
export interface GrowthSample {
  readonly nowMs: number;
  /** Answers in all, and requests in flight. */
  readonly answers: number;
  readonly inFlight: number;
  /** The shortest time from the first request of a connection to its first answer; Infinity without one. */
  readonly roundTripMs: number;
  /** Since when each connection has answered, Infinity for those that have not. */
  readonly workingSinceMs: readonly number[];
}

export class Growth {
  /** Connections that the pool has grown to. */
  target = 1;
  readonly #needsProof: boolean;
  #base: Rate | null = null;
  #beganMs = 0;
  #answersThen = 0;
  #leastLatencyMs = Number.POSITIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #retryMs = growthRetryMs;

  /** `needsProof`: false where answers come too seldom to measure by, as over the binary protocol. */
  constructor(needsProof: boolean) {
    this.#needsProof = needsProof;
  }

  /** A period begins. Returns the milliseconds until it should end. */
  begin({ nowMs, answers, roundTripMs }: GrowthSample): number {
    this.#beganMs = nowMs;
    this.#answersThen = answers;
    if (!this.#needsProof || roundTripMs === Number.POSITIVE_INFINITY) return connectStaggerMs;
    return Math.min(maxGrowthPeriodMs, Math.max(connectStaggerMs, roundTripsPerPeriod * roundTripMs));
  }

  /** Whether another connection may be opened, at the end of a period in which work waited. */
  mayGrow({ nowMs, answers, inFlight, roundTripMs, workingSinceMs }: GrowthSample): boolean {
    if (!this.#needsProof) return true;
    const spanMs = nowMs - this.#beganMs;
    const gained = answers - this.#answersThen;
    // A gateway that answered nothing is not given more.
    if (gained === 0 || spanMs === 0) return false;
    // A connection that began to work within the first fifth of the period counts as if it had worked in all of it.
    const working = workingSinceMs.filter((sinceMs) => sinceMs <= this.#beganMs + spanMs / 5).length;
    const latencyMs = (inFlight * spanMs) / gained;
    this.#leastLatencyMs = Math.min(this.#leastLatencyMs, latencyMs, roundTripMs);
    const isSteady = latencyMs <= steadyRatio * this.#leastLatencyMs + steadySlackMs;
    if (working > 0) this.#compare(nowMs, { working, perSecond: (gained * 1000) / spanMs }, isSteady);
    return nowMs >= this.#notBeforeMs && (isSteady || working === workingSinceMs.length);
  }

  /** A connection was opened. */
  onOpened(usable: number): void {
    this.target = Math.max(this.target, usable);
  }

  /** A connection was given up because there is nothing for it to do. */
  onTrimmed(usable: number): void {
    this.target = Math.max(1, usable);
  }

  #compare(nowMs: number, now: Rate, isSteady: boolean): void {
    const base = this.#base ?? now;
    const ratio = now.working / base.working;
    if (ratio > 1 && ratio < comparedAtRatio) return;
    // Smoothed while nothing changes: one period is much like another, give or take a tenth.
    const perSecond = ratio === 1 ? (base.perSecond + now.perSecond) / 2 : now.perSecond;
    this.#base = { working: now.working, perSecond };
    if (ratio <= 1) return;
    if (isSteady || perSecond >= base.perSecond * (1 + minGrowthGain)) {
      this.#retryMs = growthRetryMs;
      return;
    }
    this.#notBeforeMs = nowMs + this.#retryMs;
    this.#retryMs = Math.min(maxGrowthRetryMs, this.#retryMs * 2);
  }
}
