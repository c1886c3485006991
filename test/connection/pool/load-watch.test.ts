import assert from 'node:assert/strict';
import { maxLoadForNewConnection, minGrowthPeriodMs } from '../../../src/base/limits.js';
import { LoadWatch } from '../../../src/connection/pool/load-watch.js';

describe('connection/pool/load-watch', () => {
  it('knows nothing before it has watched for long enough, and asks no sooner for the next share', () => {
    const shares = [0, 0.2, maxLoadForNewConnection, 0.1];
    const watch = new LoadWatch(() => shares.shift()!);
    watch.begin(50);
    assert.equal(watch.hasTime(50 + minGrowthPeriodMs - 1), false);
    assert.equal(watch.hasTime(50 + minGrowthPeriodMs), true);
    assert.equal(watch.hasTime(50 + 2 * minGrowthPeriodMs - 1), true);
    assert.equal(watch.hasTime(50 + 2 * minGrowthPeriodMs), false);
    assert.deepEqual(shares, [0.1]);
  });

  it('takes no time before the work for time to spare', () => {
    const watch = new LoadWatch(() => 0);
    watch.begin(0);
    assert.equal(watch.hasTime(1_000), true);
    watch.begin(60_000);
    assert.equal(watch.hasTime(60_001), false);
  });
});
