import assert from 'node:assert/strict';
import { Prng } from './prng.js';
import { VirtualClock } from './virtual-clock.js';

describe('virtual clock', () => {
  it('runs timers in order of time, then of making, whatever is set and cleared between', () => {
    const random = new Prng(7);
    const clock = new VirtualClock();
    const expected: { atMs: number; id: number }[] = [];
    const ran: number[] = [];
    for (let id = 0; id < 2_000; id++) {
      const delayMs = random.int(200);
      const timer = clock.setTimer(() => ran.push(id), delayMs);
      if (random.chance(0.6)) clock.clearTimer(timer);
      else expected.push({ atMs: delayMs, id });
    }
    expected.sort((a, b) => a.atMs - b.atMs || a.id - b.id);
    assert.equal(clock.timerCount, expected.length);
    assert.equal(clock.nextTimerMs, expected[0]!.atMs);
    clock.advance(200);
    assert.deepEqual(
      ran,
      expected.map(({ id }) => id),
    );
    assert.equal(clock.timerCount, 0);
    assert.equal(clock.nextTimerMs, null);
  });

  it('counts a timer that was cleared twice, or after it ran, once', () => {
    const clock = new VirtualClock();
    const cleared = clock.setTimer(() => assert.fail('it was cleared'), 5);
    const run = clock.setTimer(() => {}, 1);
    clock.clearTimer(cleared);
    clock.clearTimer(cleared);
    clock.advance(10);
    clock.clearTimer(run);
    assert.equal(clock.timerCount, 0);
  });

  it('runs what a callback sets and defers at its own time', () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.setTimer(() => {
      clock.setTimer(() => ran.push('timer'), 0);
      clock.defer(() => ran.push('deferred'));
    }, 10);
    clock.advance(10);
    assert.deepEqual(ran, ['deferred', 'timer']);
    assert.equal(clock.now(), 10);
  });

  it('moves the wall clock without moving time', () => {
    const clock = new VirtualClock(1_000);
    clock.advance(50);
    clock.stepWall(-500);
    assert.equal(clock.now(), 50);
    assert.equal(clock.wallMs(), 550);
  });

  it('says so when deferred calls never end', () => {
    const clock = new VirtualClock();
    const again = (): void => clock.defer(again);
    again();
    assert.throws(() => clock.settle(100), /more than 100 deferred calls/);
  });
});
