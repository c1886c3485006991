/**
 * Decides, by evidence, how many more connections are worth opening. Owned by ConnectionPool, which asks at short
 * intervals while work waits; pure, time is handed in.
 *
 * Where the way is long or the window small, a second connection doubles the rate, and so do the next ones. Where the
 * gateway or this machine is the bound, more connections only share what there is, and each answer takes longer. So the
 * evidence is latency at full load: whether full connections have answered all that they had in flight at an earlier
 * look, in so many times the least latency that was seen.
 *
 *   a connection could take more and does not, or none is full, or nothing is answered ──▶ do not grow
 *   latency is flat (1.25) ──▶ as many as work now, or two or three times as many, less those that are on their way
 *   latency is steady (1.5), and no connection is on its way ──▶ one more
 *   latency has risen, and a connection is too young to have shown what it is good for ──▶ wait for it
 *   latency has risen, a fifth more connections work than at the last comparison …
 *            … and the rate rose by minGrowthGain, or half as much as the connections ──▶ one more
 *            … and it did not ──▶ stop; again after 5 s, 10 s … 10 min
 *
 * A connection shows what it is good for after five round trips: TCP, TLS, SETTINGS, and a request at full load. Where
 * they take less than connectStaggerMs a pool waits for each step, and doubles. Where they take longer it opens twice
 * or three times as many as work meanwhile. That is also how far it may go beyond what a gateway is able to serve.
 *
 *   80 ms to the gateway:  1 ─ 100 ms ─▶ 3 ─ 400 ms ─▶ 9 ─ 400 ms ─▶ 25 ─ 400 ms ─▶ 32
 *
 * Rates are compared over four round trips, because answers come in bursts, one for each. A pool that once had a number
 * of connections (`target`) goes back to it without a new proof: those that the gateway sends away are replaced one by
 * one.
 */
import {
  connectStaggerMs,
  growthRetryMs,
  maxConnectionsOnTheWay,
  maxGrowthPeriodMs,
  maxGrowthRetryMs,
  minGrowthGain,
  minGrowthPeriodMs,
} from '../../base/limits.js';

/** How many more connections make a comparison worth while: twice the gain that is asked for. */
const comparedAtRatio = 1 + 2 * minGrowthGain;
/** Latencies that pass for the least one, as a multiple of it. */
const flatRatio = 1.25;
const steadyRatio = 1.5;
/** Something over for coarse timers. */
const slackMs = 1;
/** Looks come at times that are sums of fractions. */
const timerSlackMs = 0.001;
/** Round trips that a comparison of rates spans at least. */
const roundTripsPerComparison = 4;
/** How often a pool looks in the time over which answers are evidence, and how many looks it keeps. */
const looksPerEvidence = 5;
const maxLooks = 2 * looksPerEvidence + 1;
/** Round trips until a connection that is being opened has shown what it is good for. */
const roundTripsToProof = 5;
/** So many times the connections that work may be on their way. */
const maxTimesOnTheWay = 3;
/** A connection that had less than this share of its requests in flight then says nothing of a full one. */
const minShareThen = 0.25;

interface Rate {
  readonly working: number;
  readonly perSecond: number;
}

/** How a connection stands that takes work, now or once it is open. */
export interface ConnectionSample {
  readonly id: number;
  readonly answers: number;
  readonly inFlight: number;
  /** Work has to wait, because its gateway allows no more. */
  readonly isFull: boolean;
  /** It is being opened, or takes more with each answer because it is new. */
  readonly isStarting: boolean;
  /** Since when it has answered; Infinity before. */
  readonly workingSinceMs: number;
}

/** How a pool stands. */
export interface GrowthSample {
  readonly nowMs: number;
  /** Answers in all, those of connections that are gone included. */
  readonly answers: number;
  /** The shortest time from the first request of a connection to its first answer; Infinity without one. */
  readonly roundTripMs: number;
  readonly connections: readonly ConnectionSample[];
}

export class Growth {
  /** Connections that the pool has grown to. */
  target = 1;
  readonly #needsProof: boolean;
  #base: Rate | null = null;
  #leastLatencyMs = Number.POSITIVE_INFINITY;
  /** How the pool stood at the last looks, without a gap between them, the oldest first. */
  #looks: GrowthSample[] = [];
  /** Where the stretch began over which the rate is measured: looks without a gap, and all connections full. */
  #stretch: GrowthSample | null = null;
  #notBeforeMs = Number.NEGATIVE_INFINITY;
  #retryMs = growthRetryMs;

  /** `needsProof`: false where answers come too seldom to measure by, as over the binary protocol. */
  constructor(needsProof: boolean) {
    this.#needsProof = needsProof;
  }

  /** No answer has come yet: the first one says when to look. */
  get isWaitingForAnswer(): boolean {
    return this.#needsProof && this.#leastLatencyMs === Number.POSITIVE_INFINITY;
  }

  /** The pool begins to look, because work waits. Returns the milliseconds until the next look. */
  begin(sample: GrowthSample): number {
    this.#looks = [];
    return this.next(sample);
  }

  /** The same right after step(), with the same sample. */
  next(sample: GrowthSample): number {
    this.#leastLatencyMs = Math.min(this.#leastLatencyMs, sample.roundTripMs);
    if (this.#looks.length === 0) this.#stretch = sample;
    this.#looks.push(sample);
    if (this.#looks.length > maxLooks) this.#looks.shift();
    const isWaiting = this.isWaitingForAnswer || sample.nowMs < this.#notBeforeMs;
    if (!this.#needsProof || isWaiting) return connectStaggerMs;
    return this.#evidenceMs(flatRatio * this.#leastLatencyMs + slackMs) / looksPerEvidence;
  }

  /** The pool looks, and work waits. Returns how many connections may be opened. */
  step(sample: GrowthSample): number {
    const { nowMs, connections } = sample;
    const areAllFull = connections.every(({ isFull }) => isFull);
    if (!this.#needsProof) return areAllFull ? 1 : 0;
    if (!connections.every(({ isFull, isStarting }) => isFull || isStarting)) {
      this.#looks = [];
      return 0;
    }
    if (!areAllFull) this.#stretch = sample;
    const isSteady = this.#answersWithin(steadyRatio, sample) !== null;
    const compared = areAllFull ? this.#endStretch(sample, isSteady) : 0;
    if (nowMs >= this.#notBeforeMs) {
      const then = this.#answersWithin(flatRatio, sample);
      if (then !== null) return this.#stepAfter(then, sample);
      if (areAllFull && (isSteady || compared === connections.length)) return 1;
    }
    return compared > 0 && connections.length < this.target ? 1 : 0;
  }

  /** A connection was opened. */
  onOpened(usable: number): void {
    this.target = Math.max(this.target, usable);
  }

  /** A connection was given up because there is nothing for it to do. */
  onTrimmed(usable: number): void {
    this.target = Math.max(1, usable);
  }

  /** The time over which answers are evidence of a latency of `limitMs`: as often as it takes that. */
  #evidenceMs(limitMs: number): number {
    return Math.min(maxGrowthPeriodMs, limitMs * Math.ceil(minGrowthPeriodMs / limitMs));
  }

  /** As many as may be on their way, less those that are. */
  #stepAfter(then: GrowthSample, now: GrowthSample): number {
    const working = workingSince(then, now).length;
    const times = Math.ceil((roundTripsToProof * this.#leastLatencyMs) / connectStaggerMs);
    const most = Math.min(maxConnectionsOnTheWay, working * Math.min(maxTimesOnTheWay, times));
    return Math.max(0, most - (now.connections.length - working));
  }

  /**
   * Whether full connections have answered since an earlier look all that they had in flight then, and within `ratio`
   * times the least latency. Returns that look; null if they have not.
   */
  #answersWithin(ratio: number, now: GrowthSample): GrowthSample | null {
    const limitMs = ratio * this.#leastLatencyMs + slackMs;
    const latestMs = now.nowMs - this.#evidenceMs(limitMs);
    const then = this.#looks.findLast(({ nowMs }) => nowMs <= latestMs + timerSlackMs);
    if (then === undefined) return null;
    const earlier = new Map(then.connections.map((connection) => [connection.id, connection]));
    let asked = 0;
    let answered = 0;
    for (const connection of workingSince(then, now)) {
      const before = earlier.get(connection.id);
      if (before === undefined || !connection.isFull) continue;
      if (before.inFlight < minShareThen * connection.inFlight) continue;
      asked += before.inFlight;
      answered += connection.answers - before.answers;
    }
    const rounds = Math.max(1, Math.floor((now.nowMs - then.nowMs + timerSlackMs) / limitMs));
    return asked > 0 && answered >= rounds * asked ? then : null;
  }

  /**
   * Compares the rate of a stretch that is long enough, and begins the next. Returns how many connections have worked
   * in all of it; 0 where it is not long enough, or nothing was answered.
   */
  #endStretch(now: GrowthSample, isSteady: boolean): number {
    const then = this.#stretch ?? now;
    const spanMs = now.nowMs - then.nowMs;
    const enoughMs = Math.max(connectStaggerMs, roundTripsPerComparison * this.#leastLatencyMs);
    if (spanMs < Math.min(maxGrowthPeriodMs, enoughMs)) return 0;
    const gained = now.answers - then.answers;
    const working = workingSince(then, now).length;
    this.#stretch = now;
    // A gateway that answered nothing is not given more.
    if (gained === 0) return 0;
    this.#noteLatency(now, spanMs, gained);
    if (working > 0) this.#compare(now.nowMs, { working, perSecond: (gained * 1000) / spanMs }, isSteady);
    return working;
  }

  /**
   * The first request of a connection may take longer than others, because its gateway looks at the credential. The
   * burst that may stand at both ends of the span is counted once.
   */
  #noteLatency({ connections }: GrowthSample, spanMs: number, gained: number): void {
    const inFlight = connections.reduce((sum, connection) => sum + connection.inFlight, 0);
    if (gained <= inFlight) return;
    this.#leastLatencyMs = Math.min(this.#leastLatencyMs, (inFlight * spanMs) / (gained - inFlight));
  }

  #compare(nowMs: number, now: Rate, isSteady: boolean): void {
    const base = this.#base ?? now;
    const ratio = now.working / base.working;
    if (ratio > 1 && ratio < comparedAtRatio) return;
    // Smoothed while nothing changes: one stretch is much like another, give or take a tenth.
    const perSecond = ratio === 1 ? (base.perSecond + now.perSecond) / 2 : now.perSecond;
    this.#base = { working: now.working, perSecond };
    if (ratio <= 1) return;
    const isOneMore = now.working === base.working + 1;
    const gain = isOneMore ? minGrowthGain : Math.max(minGrowthGain, (ratio - 1) / 2);
    if (isSteady || perSecond >= base.perSecond * (1 + gain)) {
      this.#retryMs = growthRetryMs;
      return;
    }
    this.#notBeforeMs = nowMs + this.#retryMs;
    this.#retryMs = Math.min(maxGrowthRetryMs, this.#retryMs * 2);
  }
}

/**
 * The connections that have answered since `then`. One that began to within the first fifth of the time counts as if it
 * had in all of it.
 */
function workingSince(then: GrowthSample, now: GrowthSample): ConnectionSample[] {
  const latestMs = then.nowMs + (now.nowMs - then.nowMs) / 5;
  return now.connections.filter(({ workingSinceMs }) => workingSinceMs <= latestMs);
}
