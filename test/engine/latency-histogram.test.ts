/** Counts of times in buckets, beside the sorted times themselves. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { LatencyHistogram, latencyHistogramBytes } from '../../src/engine/latency-histogram.js';
import { cases } from '../support/cases.js';

const shares = [0, 0.001, 0.5, 0.9, 0.99, 0.999, 1];

/** From 0.1 ms to ten minutes, as many in each power of ten. */
const times = fc.double({ min: -1, max: Math.log10(600_000), noNaN: true }).map((power) => 10 ** power);

function histogramOf(list: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const ms of list) histogram.record(ms);
  return histogram;
}

/** The nearest rank: the time within which a share of the answers came. */
function exactly(list: readonly number[]): number[] {
  const sorted = list.toSorted((a, b) => a - b);
  return shares.map((share) => sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!);
}

describe('LatencyHistogram', () => {
  it('counts what took less than each border, to within the width of a bucket, and how long all took together', () => {
    const borders = [0.5, 1, 2.5, 10, 100, 1000, 30_000];
    fc.assert(
      fc.property(fc.array(times, { maxLength: 200 }), (list) => {
        const { below, count, sumMs } = histogramOf(list).cumulative(borders);
        assert.equal(count, list.length);
        for (const [at, border] of borders.entries()) {
          const least = list.filter((ms) => ms < border * 0.9999).length;
          const most = list.filter((ms) => ms < border * 1.0079).length;
          assert.ok(below[at]! >= least && below[at]! <= most, `${below[at]} below ${border}: ${least} to ${most}`);
        }
        const sum = list.reduce((all, ms) => all + ms, 0);
        assert.ok(Math.abs(sumMs - sum) <= sum * 0.005, `${sumMs} for ${sum}`);
      }),
      { numRuns: cases(1000, 100) },
    );
  });

  it('counts what others record in memory that it shares, as if it had recorded that itself', () => {
    fc.assert(
      fc.property(fc.array(fc.array(times, { maxLength: 50 }), { minLength: 1, maxLength: 4 }), ([own, ...others]) => {
        const shared = histogramOf(own!);
        for (const list of others) {
          const other = new LatencyHistogram(shared.share());
          for (const ms of list) other.record(ms);
        }
        const whole = histogramOf([...own!, ...others.flat()]);
        const copy = new LatencyHistogram();
        copy.merge(shared);
        for (const each of [shared, copy]) {
          assert.deepEqual(each.toData(), whole.toData());
          assert.equal(each.count, whole.count);
          assert.equal(each.longestMs, whole.longestMs);
          assert.deepEqual(each.percentiles(shares), whole.percentiles(shares));
          assert.deepEqual(each.bars(40), whole.bars(40));
        }
      }),
      { numRuns: cases(500, 100) },
    );
  });

  it('says percentiles to within one percent of the sorted times', () => {
    fc.assert(
      fc.property(fc.array(times, { minLength: 1, maxLength: 300 }), (list) => {
        const found = histogramOf(list).percentiles(shares);
        for (const [index, expected] of exactly(list).entries()) {
          const off = Math.abs(found[index]! - expected) / expected;
          assert.ok(off <= 0.005, `share ${shares[index]}: ${found[index]} instead of ${expected}`);
        }
      }),
      { numRuns: cases(3000, 500) },
    );
  });

  it('never says a percentile above the longest time, which it knows', () => {
    const histogram = histogramOf([40, 41, 1234.5]);
    assert.equal(histogram.longestMs, 1234.5);
    assert.ok(histogram.percentiles([1])[0]! <= 1234.5);
  });

  it('keeps short times apart, and counts what is longer than its longest bucket there', () => {
    const histogram = histogramOf([0, 0.002, 0.1, 1e9, Number.POSITIVE_INFINITY]);
    assert.equal(histogram.count, 5);
    assert.ok(histogram.percentiles([0.2])[0]! < 0.001);
    assert.ok(Math.abs(histogram.percentiles([0.6])[0]! - 0.1) < 0.001);
    assert.ok(histogram.longestMs > 600_000);
  });

  it('counts what is not a time as no time at all', () => {
    const histogram = histogramOf([Number.NaN, -5, Number.NEGATIVE_INFINITY]);
    assert.equal(histogram.count, 3);
    assert.equal(histogram.longestMs, 0);
    assert.deepEqual(histogram.percentiles([0.5]), [0]);
  });

  it('says nothing of nothing', () => {
    const histogram = new LatencyHistogram();
    assert.deepEqual(histogram.percentiles([0.5, 0.99]), [null, null]);
    assert.deepEqual(histogram.bars(60), []);
    assert.deepEqual(histogram.toData(), { version: 1, longestMs: 0, counts: [] });
  });

  it('counts several answers at once', () => {
    const histogram = new LatencyHistogram();
    histogram.record(10, 999);
    histogram.record(500);
    assert.equal(histogram.count, 1000);
    assert.ok(Math.abs(histogram.percentiles([0.999])[0]! - 10) < 0.05);
    assert.ok(Math.abs(histogram.percentiles([1])[0]! - 500) < 2.5);
  });

  it('merges to what one histogram of both would hold, and survives JSON', () => {
    fc.assert(
      fc.property(fc.array(times, { maxLength: 50 }), fc.array(times, { maxLength: 50 }), (first, second) => {
        const merged = histogramOf(first);
        merged.merge(LatencyHistogram.fromData(JSON.parse(JSON.stringify(histogramOf(second).toData()))));
        assert.deepEqual(merged.toData(), histogramOf([...first, ...second]).toData());
      }),
      { examples: [[[], [1.0110000000000001]]] },
    );
  });

  it('refuses data of buckets that it does not have', () => {
    for (const bucket of [-1, 1.5, 3200, Number.NaN]) {
      assert.throws(
        () => LatencyHistogram.fromData({ version: 1, longestMs: 1, counts: [bucket, 1] }),
        /AssertionError/,
      );
    }
  });

  it('draws bars that hold every answer once, lie side by side and are as narrow as allowed', () => {
    fc.assert(
      fc.property(fc.array(times, { minLength: 1, maxLength: 100 }), (list) => {
        const bars = histogramOf(list).bars(60);
        assert.equal(
          bars.reduce((sum, { count }) => sum + count, 0),
          list.length,
        );
        assert.ok(bars.length >= 1 && bars.length <= 60);
        assert.ok(bars[0]!.count > 0 && bars.at(-1)!.count > 0);
        for (const [index, bar] of bars.slice(1).entries()) assert.equal(bar.fromMs, bars[index]!.toMs);
        assert.ok(bars[0]!.fromMs <= Math.min(...list) * 1.03 && bars.at(-1)!.toMs * 1.03 >= Math.max(...list));
      }),
    );
    const narrow = histogramOf(Array.from({ length: 10_000 }, (_, index) => 40 + index / 1000)).bars(60);
    assert.ok(narrow.length >= 7, `${narrow.length} bars from 40 to 50 ms`);
    const counts = narrow.slice(1, -1).map(({ count }) => count);
    assert.ok(Math.max(...counts) / Math.min(...counts) < 1.35, 'an even spread looks even');
  });

  it('is written by one thread and read by another through shared memory', async () => {
    const memory = new SharedArrayBuffer(latencyHistogramBytes);
    const module = new URL('../../src/engine/latency-histogram.js', import.meta.url).href;
    const code = `
      const { workerData } = require('node:worker_threads');
      import(${JSON.stringify(module)}).then(({ LatencyHistogram }) => {
        const histogram = new LatencyHistogram(workerData);
        for (let index = 0; index < 100000; index++) histogram.record(1 + (index % 1000));
      });`;
    const [exitCode] = await once(new Worker(code, { eval: true, workerData: memory }), 'exit');
    assert.equal(exitCode, 0);
    const seen = new LatencyHistogram(memory);
    assert.equal(seen.count, 100_000);
    assert.equal(seen.longestMs, 1000);
    assert.ok(Math.abs(seen.percentiles([0.5])[0]! - 500) < 2.5);
  });
});
