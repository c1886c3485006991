/**
 * How long answers took, as counts in buckets whose width grows with the time: half a microsecond up to 0.128 ms,
 * then 128 for each doubling, so that a time is known to within 0.4 % from 0.1 ms to ten minutes. Recording
 * allocates nothing.
 *
 * Each recording thread has memory of its own. A histogram gives such memory to another thread (`share`), which makes a
 * histogram of it and records. What the first histogram says includes that at any time: each count is then right or a
 * moment old.
 *
 *   unit 0 … 255      one bucket each (a unit is half a microsecond)
 *   256 … 511         128 buckets of 2 units          index = octave · 128 + (units >> octave)
 *   512 … 1023        128 buckets of 4 units
 *   …
 *   2^30 … 2^31 − 1   128 buckets of 2^23 units       ends at 17.9 minutes; what is longer counts as the longest
 *   behind them       the longest time, in units
 */
import { assert } from '../base/assert.js';
import { among, anyNumber, fieldsOf } from '../base/shape.js';

/** Units of a millisecond. */
const unitsPerMs = 2000;
const stepBits = 7;
const steps = 1 << stepBits;
const maxUnits = 2 ** 31 - 1;
const buckets = indexOf(maxUnits) + 1;
/** Where the longest time lies. */
const longestAt = buckets;

/** Bytes of memory that one histogram needs: 12.8 kB. */
export const latencyHistogramBytes = (buckets + 1) * Uint32Array.BYTES_PER_ELEMENT;

/** A histogram as plain JSON data: only the buckets that are not empty. */
export interface LatencyData {
  readonly version: 1;
  readonly longestMs: number;
  /** Bucket, count, bucket, count …, in rising order of the buckets. */
  readonly counts: readonly number[];
}

/** Whether it is what `toData` gives: data that was stored may be another version's. */
export const isLatencyData = fieldsOf<LatencyData>({
  version: among(1),
  longestMs: anyNumber,
  counts: (counts) =>
    Array.isArray(counts) && counts.every((count, at) => isCount(count) && (at % 2 === 1 || count < buckets)),
});

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** One bar of a chart: how many answers took at least `fromMs` and less than `toMs`. */
export interface LatencyBar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** Counts up to some borders. */
interface LatencySums {
  /** For each border, the answers that took less. */
  readonly below: readonly number[];
  readonly count: number;
  /** The sum of all times, to within 0.4 % from 0.1 ms on. */
  readonly sumMs: number;
}

export class LatencyHistogram {
  readonly #counts: Uint32Array;
  /** What other threads record. */
  readonly #shared: Uint32Array[] = [];
  /** What counts here, too. */
  readonly #parts: LatencyHistogram[] = [];

  /** @param memory `latencyHistogramBytes` long, zero or the memory of another histogram. Default: memory of its own */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(latencyHistogramBytes)) {
    assert(memory.byteLength === latencyHistogramBytes, 'the memory of a latency histogram has its length');
    this.#counts = new Uint32Array(memory);
  }

  static fromData({ counts, longestMs }: LatencyData): LatencyHistogram {
    const histogram = new LatencyHistogram();
    for (let at = 0; at + 1 < counts.length; at += 2) {
      const bucket = counts[at]!;
      assert(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets, 'latency data names buckets that exist');
      histogram.#counts[bucket]! += counts[at + 1]!;
    }
    // Rounded, because 1.011 * 2000 is a little less than 2022.
    histogram.#counts[longestAt] = Math.round(longestMs * unitsPerMs);
    return histogram;
  }

  /**
   * Counts `times` answers that took `ms` milliseconds each. What is not a time (negative, NaN) counts as none at
   * all.
   */
  record(ms: number, times = 1): void {
    const units = unitsOf(ms);
    const counts = this.#counts;
    counts[indexOf(units)]! += times;
    if (units > counts[longestAt]!) counts[longestAt] = units;
  }

  merge(other: LatencyHistogram): void {
    add(other.#total(), this.#counts);
  }

  /**
   * @internal for campaigns to two services
   *
   * Returns a histogram of some of the answers, which begins with `earlier`: what it counts counts here, too.
   */
  part(earlier: LatencyData | null): LatencyHistogram {
    const part = earlier === null ? new LatencyHistogram() : LatencyHistogram.fromData(earlier);
    this.#parts.push(part);
    return part;
  }

  /** Returns memory for one other thread, which makes a histogram of it: what it records there counts here, too. */
  share(): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(latencyHistogramBytes);
    this.#shared.push(new Uint32Array(memory));
    return memory;
  }

  /** Answers that were counted. */
  get count(): number {
    return sumOf(this.#total());
  }

  /** The longest time, in milliseconds; 0 where nothing was counted. */
  get longestMs(): number {
    return this.#total()[longestAt]! / unitsPerMs;
  }

  /**
   * The times in milliseconds within which each of `shares` of the answers came (0.5: the median), to within 0.4 %.
   * Null for each where nothing was counted.
   *
   * @param shares 0 to 1, rising
   */
  percentiles(shares: readonly number[]): (number | null)[] {
    const counts = this.#total();
    const count = sumOf(counts);
    const longestMs = counts[longestAt]! / unitsPerMs;
    if (count === 0) return shares.map(() => null);
    let index = -1;
    let seen = 0;
    return shares.map((share) => {
      const wanted = Math.max(1, Math.ceil(share * count));
      while (seen < wanted) {
        index += 1;
        seen += counts[index]!;
      }
      return Math.min(longestMs, middleOf(index));
    });
  }

  /**
   * The counts as bars of one width on a logarithmic axis, as narrow as `maxBars` of them allow, without empty ones
   * at the ends. A bucket that lies across the edge of a bar counts for both, in proportion.
   *
   * @param maxBars at least 20
   */
  bars(maxBars: number): LatencyBar[] {
    const counts = this.#total();
    const { first, last } = endsOf(counts);
    if (last < 0) return [];
    const [fromMs, toMs] = [Math.max(startOf(first), shortestBarMs), Math.max(startOf(last + 1), 2 * shortestBarMs)];
    const countBelow = countsBelow(counts);
    for (const perDecade of barsPerDecade) {
      const edgeMs = (at: number): number => 10 ** (at / perDecade);
      const firstBar = Math.floor(Math.log10(fromMs) * perDecade);
      const endBar = Math.ceil(Math.log10(toMs) * perDecade);
      if (endBar - firstBar > maxBars) continue;
      let below = 0;
      const bars = Array.from({ length: endBar - firstBar }, (_, index) => {
        const [from, to] = [edgeMs(firstBar + index), edgeMs(firstBar + index + 1)];
        const upTo = Math.round(countBelow(firstBar + index + 1 === endBar ? Number.POSITIVE_INFINITY : to));
        const count = upTo - below;
        below = upTo;
        return { fromMs: from, toMs: to, count };
      });
      const isFull = ({ count }: LatencyBar): boolean => count > 0;
      return bars.slice(bars.findIndex(isFull), bars.findLastIndex(isFull) + 1);
    }
    throw new RangeError('maxBars is below 20');
  }

  /**
   * @internal for metrics
   *
   * How many answers took less than each of `bordersMs`, how many there are, and about how long they took together.
   * A border lies between two buckets: the one up to 0.8 % above it where it is within a bucket.
   *
   * @param bordersMs in rising order
   */
  cumulative(bordersMs: readonly number[]): LatencySums {
    const counts = this.#total();
    const below: number[] = [];
    let [count, sumMs] = [0, 0];
    for (let index = 0; index < buckets; index++) {
      while (below.length < bordersMs.length && startOf(index) >= bordersMs[below.length]!) below.push(count);
      const times = counts[index]!;
      if (times === 0) continue;
      count += times;
      sumMs += times * middleOf(index);
    }
    while (below.length < bordersMs.length) below.push(count);
    return { below, count, sumMs };
  }

  toData(): LatencyData {
    const total = this.#total();
    const counts: number[] = [];
    for (let index = 0; index < buckets; index++) {
      const count = total[index]!;
      if (count > 0) counts.push(index, count);
    }
    return { version: 1, longestMs: total[longestAt]! / unitsPerMs, counts };
  }

  /** With what other threads have recorded by now. */
  #total(): Uint32Array {
    if (this.#shared.length + this.#parts.length === 0) return this.#counts;
    const total = this.#counts.slice();
    for (const counts of this.#shared) add(counts, total);
    for (const part of this.#parts) add(part.#total(), total);
    return total;
  }
}

function add(counts: Uint32Array, to: Uint32Array): void {
  for (let index = 0; index < buckets; index++) to[index]! += counts[index]!;
  to[longestAt] = Math.max(to[longestAt]!, counts[longestAt]!);
}

function sumOf(counts: Uint32Array): number {
  let sum = 0;
  for (let index = 0; index < buckets; index++) sum += counts[index]!;
  return sum;
}

/** Says how many answers took less than so many milliseconds, with a part of the bucket that the time lies in. */
function countsBelow(counts: Uint32Array): (ms: number) => number {
  const below = new Float64Array(buckets + 1);
  for (let index = 0; index < buckets; index++) below[index + 1] = below[index]! + counts[index]!;
  return (ms) => {
    if (ms >= startOf(buckets)) return below[buckets]!;
    const index = indexOf(unitsOf(ms));
    const [from, to] = [startOf(index), startOf(index + 1)];
    return below[index]! + (below[index + 1]! - below[index]!) * Math.min(1, (ms - from) / (to - from));
  };
}

/** The first and the last bucket that is not empty; -1 where all are. */
function endsOf(counts: Uint32Array): { first: number; last: number } {
  let last = buckets - 1;
  while (last >= 0 && counts[last] === 0) last -= 1;
  let first = 0;
  while (first < last && counts[first] === 0) first += 1;
  return { first, last };
}

/** Bars for each power of ten, from fine to coarse: 2.9 % wide to ten times as long. */
const barsPerDecade = [80, 40, 20, 10, 5, 2];
/** A logarithmic axis has no zero: what is shorter counts for the first bar. */
const shortestBarMs = 0.01;

/** Whole units, within what a bucket can hold. */
function unitsOf(ms: number): number {
  const units = ms * unitsPerMs;
  if (units >= maxUnits) return maxUnits;
  return units > 0 ? units | 0 : 0;
}

function indexOf(units: number): number {
  if (units < 2 * steps) return units;
  const octave = 31 - stepBits - Math.clz32(units);
  return (octave << stepBits) + (units >>> octave);
}

/** The first time of a bucket, in milliseconds. */
function startOf(index: number): number {
  if (index < 2 * steps) return index / unitsPerMs;
  const octave = (index >>> stepBits) - 1;
  return ((index - (octave << stepBits)) * 2 ** octave) / unitsPerMs;
}

function middleOf(index: number): number {
  return (startOf(index) + startOf(index + 1)) / 2;
}
