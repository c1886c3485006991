import assert from 'node:assert/strict';
import type { TimerHandle } from '../../../src/base/clock.js';
import { allowanceCatchUpMs, allowancePieceMs, maxKeptAllowanceMs } from '../../../src/base/limits.js';
import { Allowance, allowanceMemory } from '../../../src/engine/allowance.js';
import { RequestPace } from '../../../src/engine/shard/request-pace.js';
import type { RequestRate } from '../../../src/push/request-rate.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const address = { protocol: 'fcm', host: 'gateway.test', port: 443, project: 'p' } as const;

/** Its timers are early by less than a millisecond, as those of Node may be. */
class EarlyClock extends VirtualClock {
  override setTimer(callback: () => void, delayMs: number): TimerHandle {
    return super.setTimer(callback, delayMs - 0.9);
  }
}

class Bench {
  readonly pace: RequestPace;
  wakes = 0;
  taken = 0;
  /** What a connection takes at each chance. */
  most = Number.POSITIVE_INFINITY;

  constructor(
    rate: RequestRate,
    readonly clock = new VirtualClock(),
  ) {
    const allowance = new Allowance(rate, allowanceMemory(this.clock, address));
    this.pace = new RequestPace(allowance, this.clock, () => {
      this.wakes += 1;
      this.takeAll();
    });
  }

  takeAll(): void {
    for (let count = this.#next(); count > 0; count = this.#next()) {
      this.pace.taken(count);
      this.taken += count;
    }
  }

  #next(): number {
    return this.pace.allow(Math.min(this.most, 10_000));
  }
}

describe('engine/shard/request-pace', () => {
  it('wakes its pool once for each piece, and no more often', () => {
    const bench = new Bench({ perMinute: 600_000, rampMs: 0 });
    bench.clock.advance(1_000);
    bench.takeAll();
    bench.clock.advance(10_000);
    assert.ok(bench.taken > 99_000 && bench.taken <= 101_500, `${bench.taken} in ten seconds`);
    assert.ok(bench.wakes <= 10_000 / allowancePieceMs + 20, `${bench.wakes} wakes`);
    bench.pace.stop();
    assert.equal(bench.clock.timerCount, 0);
  });

  it('wakes its pool once for each request of a small quota', () => {
    const bench = new Bench({ perMinute: 60, rampMs: 0 });
    bench.takeAll();
    assert.ok(bench.pace.isWaiting);
    assert.equal(bench.pace.allow(1), 0);
    bench.clock.advance(60_000);
    assert.equal(bench.wakes, 58);
    assert.equal(bench.taken, 59);
  });

  it('keeps what a connection had no room for, for a while, and then loses it', () => {
    // One request a second or so: after a while the first is still there beside the second, or it is gone.
    for (const [whileMs, taken] of [
      [maxKeptAllowanceMs - 500, 2],
      [maxKeptAllowanceMs + 500, 1],
    ] as const) {
      const bench = new Bench({ perMinute: 60, rampMs: 0 });
      bench.clock.advance(10_000);
      assert.equal(bench.pace.allow(1), 1);
      bench.clock.advance(whileMs);
      bench.takeAll();
      assert.equal(bench.taken, taken, `after ${whileMs} ms`);
    }
  });

  it('wakes nobody before the time, though timers of the system are early', () => {
    const bench = new Bench({ perMinute: 6_000, rampMs: 0 }, new EarlyClock());
    bench.takeAll();
    for (let wakes = 1; wakes < 50; wakes++) {
      while (bench.wakes < wakes) bench.clock.advance(0.5);
      assert.equal(bench.taken, wakes + 1, 'there is something to take at each wake');
    }
  });

  it('counts what a connection takes in parts as one piece', () => {
    const bench = new Bench({ perMinute: 600_000, rampMs: 0 });
    bench.clock.advance(1_000);
    bench.most = 7;
    bench.takeAll();
    const atOnce = bench.taken;
    assert.ok(atOnce >= 10 * allowanceCatchUpMs - 20 && atOnce <= 10 * allowanceCatchUpMs + 10, `${atOnce} at once`);
  });

  it('needs no allowance for what is refused before it is written', () => {
    const bench = new Bench({ perMinute: 60, rampMs: 0 });
    bench.pace.taken(1_000);
    assert.equal(bench.pace.allow(5), 1);
  });
});
