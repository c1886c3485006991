import assert from 'node:assert/strict';
import {
  type Bounds,
  type CountAt,
  halfReturnPerSecond,
  modelPerSecond,
  rateBetween,
  rateSpanMs,
  reachedAtMs,
} from '../../bench/scaling/model.js';
import { runQuickBenchmark } from '../support/quick-bench.js';

const bounds: Bounds = {
  ...{ connections: 8, streams: 1000, roundTripMs: 80 },
  ...{ windowBytes: 65_535, payloadBytes: 1000 },
};

describe('bench/scaling', () => {
  it('takes the lower bound of streams and windows', () => {
    assert.equal(modelPerSecond(bounds), (8 * 65) / 0.08);
    assert.equal(modelPerSecond({ ...bounds, streams: 10 }), (8 * 10) / 0.08);
    assert.equal(modelPerSecond({ ...bounds, windowBytes: 2 ** 24, roundTripMs: 20 }), (8 * 1000) / 0.02);
  });

  it('knows that a gateway gives back whole halves only', () => {
    assert.equal(halfReturnPerSecond(bounds), (8 * 33) / 0.08);
    // Two halves of 32 payloads each.
    assert.equal(halfReturnPerSecond({ ...bounds, windowBytes: 65_536, payloadBytes: 1024 }), (8 * 64) / 0.08);
    assert.equal(halfReturnPerSecond({ ...bounds, streams: 10 }), (8 * 10) / 0.08);
  });

  it('finds a rate, and when it is reached, between samples', () => {
    const series: CountAt[] = [0, 100, 200, 300, 400, 500, 600].map((ms) => ({ ms, count: Math.max(0, ms - 200) }));
    assert.equal(rateBetween(series, 250, 450), 1000);
    assert.equal(rateBetween(series, 0, 200), 0);
    assert.equal(rateBetween(series, 100, 300), 500);
    // The first span of 100 ms with nine tenths of the rate begins at 190.
    assert.equal(reachedAtMs(series, 900, 100), 240);
    assert.ok(Number.isNaN(reachedAtMs(series, 1100, 100)));
  });

  it('takes rates over whole round trips', () => {
    assert.deepEqual([20, 80, 200].map(rateSpanMs), [100, 160, 200]);
  });

  it('measures bulk sends by streams and by windows, their growth, and pushes on a schedule', async () => {
    const { rows } = await runQuickBenchmark('scaling/main.js');
    const whole = rows.filter(({ parameters }) => parameters.second === undefined);
    assert.deepEqual(
      whole.map(({ contender, parameters }) => [contender, parameters.roundTripMs, parameters.bound]),
      [
        ['bulk', 20, 'streams'],
        ['bulk', 20, 'window'],
        ['push', 20, 'schedule'],
      ],
    );
    for (const { contender, figures } of whole) {
      // No answer is faster than the gateway gives it.
      assert.ok(figures.p50Ms!.median >= 19 && figures.p99Ms!.median >= figures.p50Ms!.median);
      if (contender === 'push') continue;
      const { perSecond, allowed, reached } = figures;
      assert.ok(perSecond!.median > 0 && perSecond!.median < 1.2 * allowed!.median);
      assert.ok(reached!.median > 0 && reached!.median < 1);
    }
    const growth = rows.filter(({ parameters }) => parameters.second !== undefined);
    assert.ok(growth.length >= 6);
    assert.ok(growth.some(({ figures }) => figures.connections!.median > 0));
  });
});
