/** The rate of all machines together under a service's quota, on virtual time. */
import assert from 'node:assert/strict';
import { QuotaRate } from '../../../src/cluster/limits/quota-rate.js';
import { VirtualClock } from '../../support/virtual-clock.js';

describe('cluster/limits/quota-rate', () => {
  it('is what the user wants where the service takes what comes', () => {
    const rate = new QuotaRate(null, new VirtualClock());
    assert.deepEqual([rate.perSecond(null), rate.perSecond(70)], [null, 70]);
  });

  it('rises from a tenth to a little less than the quota, from when sending begins', () => {
    const clock = new VirtualClock();
    const rate = new QuotaRate({ perMinute: 600_000, rampMs: 60_000 }, clock);
    clock.advance(100_000);
    const first = rate.perSecond(null)!;
    rate.begin();
    let last = rate.perSecond(null)!;
    assert.equal(last, first);
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      const next = rate.perSecond(null)!;
      assert.ok(next >= last);
      last = next;
    }
    assert.ok(last < 10_000 && last > 9_400, `${last} a second`);
    assert.ok(Math.abs(first - last / 10) < 1e-6, `${first} a second at first`);
    clock.advance(1_000_000);
    assert.equal(rate.perSecond(null), last);
    rate.begin();
    assert.equal(rate.perSecond(null), first);
  });

  it('is the lower one of what is allowed and what the user wants', () => {
    const rate = new QuotaRate({ perMinute: 6_300, rampMs: 0 }, new VirtualClock());
    assert.deepEqual([rate.perSecond(null), rate.perSecond(40), rate.perSecond(1e6)], [100, 40, 100]);
  });
});
