import assert from 'node:assert/strict';
import { PatientTimer } from '../../src/base/timers.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('base/timers: PatientTimer', () => {
  let clock: VirtualClock;
  let heard: number;
  let verdicts: number;
  let timer: PatientTimer;

  beforeEach(() => {
    clock = new VirtualClock();
    heard = 0;
    verdicts = 0;
    timer = new PatientTimer(
      clock,
      () => heard,
      () => verdicts++,
    );
  });

  it('lets what has arrived be read before it gives its verdict', () => {
    timer.set(100);
    clock.runTimer();
    assert.deepEqual([verdicts, timer.isSet], [0, true]);
    clock.defer(() => timer.clear());
    heard += 1;
    clock.settle();
    assert.deepEqual([verdicts, timer.isSet], [0, false]);
  });

  it('gives it once nothing comes any more, and at once where nothing came', () => {
    timer.set(100);
    clock.advance(100);
    assert.deepEqual([verdicts, timer.isSet], [1, false]);
    timer.set(100);
    clock.runTimer();
    for (let octet = 0; octet < 6; octet++) {
      heard += 1;
      clock.runDeferred();
    }
    assert.equal(verdicts, 1);
    clock.settle();
    assert.equal(verdicts, 2);
  });

  it('does not wait for somebody who never stops', () => {
    const babble = (): void => {
      heard += 1;
      if (heard < 1_000) clock.defer(babble);
    };
    timer.set(100);
    clock.runTimer();
    babble();
    clock.settle();
    assert.equal(verdicts, 1);
  });

  it('is set anew while it listens, though not for later', () => {
    timer.set(100);
    clock.runTimer();
    timer.setNoLaterThan(10);
    clock.settle();
    assert.equal(verdicts, 1);
    timer.set(100);
    clock.runTimer();
    timer.set(50);
    clock.settle();
    assert.equal(verdicts, 1);
    clock.advance(50);
    assert.equal(verdicts, 2);
    assert.equal(clock.timerCount, 0);
  });
});
