import assert from 'node:assert/strict';
import { RateMeter } from '../../../src/cli/send/rate-meter.js';

describe('rate meter', () => {
  it('says nothing before there is anything to say', () => {
    const meter = new RateMeter();
    assert.equal(meter.perSecond(), 0);
    assert.equal(meter.secondsLeft(100), null);
  });

  it('looks at the last seconds only', () => {
    const meter = new RateMeter();
    for (let second = 0; second <= 10; second++) meter.note(second * 1000, second * 100);
    for (let second = 11; second <= 20; second++) meter.note(second * 1000, 1000 + (second - 10) * 500);
    assert.equal(meter.perSecond(), 500);
    assert.equal(meter.secondsLeft(7000), 2);
  });

  it('says no time that is left in the first moments, which say nothing of it', () => {
    const meter = new RateMeter();
    meter.note(0, 0);
    meter.note(500, 1);
    assert.equal(meter.secondsLeft(200_000), null);
    meter.note(3000, 3000);
    assert.equal(meter.secondsLeft(6000), 3);
  });

  it('falls to nothing when nothing happens any more', () => {
    const meter = new RateMeter();
    meter.note(0, 0);
    for (let second = 1; second <= 5; second++) meter.note(second * 1000, 900);
    assert.equal(meter.perSecond(), 0);
    assert.equal(meter.secondsLeft(1000), null);
  });

  it('knows the mean of the whole time besides', () => {
    const meter = new RateMeter();
    assert.equal(meter.mean(), 0);
    for (let second = 0; second <= 20; second++) meter.note(second * 1000, Math.min(second, 10) * 500);
    assert.deepEqual([meter.perSecond(), meter.mean()], [0, 250]);
  });
});
