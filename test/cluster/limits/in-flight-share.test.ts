/** Shares of a limit that holds for all workers. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shareTurnMs } from '../../../src/base/limits.js';
import { inFlightShare } from '../../../src/cluster/limits/in-flight-share.js';

describe('cluster/limits/in-flight-share', () => {
  const sharesOf = (limit: number, workers: number, wallMs: number): number[] =>
    Array.from({ length: workers }, (_, rank) => inFlightShare(limit, workers, rank, wallMs));

  it('makes up the limit, at any time, in parts that differ by one at most', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.integer({ min: 1, max: 200 }), fc.nat(2 ** 41), (limit, workers, wallMs) => {
        const shares = sharesOf(limit, workers, wallMs);
        assert.equal(
          shares.reduce((sum, share) => sum + share, 0),
          limit,
        );
        assert.ok(Math.max(...shares) - Math.min(...shares) <= 1);
      }),
    );
  });

  it('gives each worker its turn where there is less than one for each', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(2 ** 41),
        (limit, more, from) => {
          const workers = limit + more;
          const turns = Math.ceil(workers / limit);
          for (const rank of Array(workers).keys()) {
            const shares = Array.from({ length: turns }, (_, turn) =>
              inFlightShare(limit, workers, rank, from + turn * shareTurnMs),
            );
            assert.ok(shares.includes(1), `${rank} of ${workers} has none in ${turns} turns`);
          }
        },
      ),
    );
  });

  it('does not change with time where there is enough for all', () => {
    assert.deepEqual(sharesOf(10, 3, 0), [4, 3, 3]);
    assert.deepEqual(sharesOf(10, 3, 3 * shareTurnMs), [4, 3, 3]);
  });

  it('has no limit where none is given', () => {
    assert.equal(inFlightShare(null, 3, 1, 0), Number.POSITIVE_INFINITY);
  });
});
