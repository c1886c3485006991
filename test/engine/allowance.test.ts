import assert from 'node:assert/strict';
import { allowanceCatchUpMs, allowancePieceMs } from '../../src/base/limits.js';
import { Allowance, allowanceMemory } from '../../src/engine/allowance.js';
import { PacedRate, type RequestRate } from '../../src/push/request-rate.js';
import { mostInAnyMinute } from '../support/minutes.js';
import { Prng } from '../support/prng.js';
import { VirtualClock } from '../support/virtual-clock.js';

const newMemory = (): SharedArrayBuffer =>
  allowanceMemory(new VirtualClock(), { protocol: 'fcm', host: 'gateway.test', port: 443, project: 'p' });

/** Any time: threads count from the start of the machine. */
const startMs = 1e9;

interface Taken {
  readonly atMs: number;
  readonly count: number;
}

/**
 * Shards that want all they can get from `sinceMs` on, until `endMs`: each takes a piece, begins its requests late by
 * up to `lateMs`, and takes the next one then.
 */
function takeAll(rate: RequestRate, sinceMs: readonly number[], endMs: number, lateMs: number, seed: number): Taken[] {
  const memory = newMemory();
  const prng = new Prng(seed);
  const taken: Taken[] = [];
  const shards = sinceMs.map((since) => ({ atMs: startMs + since, allowance: new Allowance(rate, memory), count: 0 }));
  for (;;) {
    const next = shards.reduce((first, shard) => (shard.atMs < first.atMs ? shard : first));
    if (next.atMs >= startMs + endMs) return taken;
    const { allowance } = next;
    if (next.count > 0 && next.atMs <= allowance.untilMs) taken.push({ atMs: next.atMs - startMs, count: next.count });
    next.count = allowance.take(1_000_000, next.atMs);
    next.atMs = Math.max(next.atMs, allowance.fromMs) + prng.next() * lateMs;
  }
}

const sum = (taken: readonly Taken[]): number => taken.reduce((total, { count }) => total + count, 0);

describe('engine/allowance', () => {
  it('is one for each clock and gateway', () => {
    const [clock, other] = [new VirtualClock(), new VirtualClock()];
    const address = { protocol: 'fcm', host: 'gateway.test', port: 443, project: 'p' } as const;
    assert.equal(allowanceMemory(clock, address), allowanceMemory(clock, { ...address }));
    assert.notEqual(allowanceMemory(clock, address), allowanceMemory(clock, { ...address, project: 'q' }));
    assert.notEqual(allowanceMemory(clock, address), allowanceMemory(other, address));
  });

  const bursts = [1, 7, 60, 999, 6_000, 600_000].flatMap((perMinute) =>
    [0, 60_000].map((rampMs) => ({ perMinute, rampMs })),
  );
  for (const rate of bursts) {
    it(`never has more than ${rate.perMinute} in any minute, ramp ${rate.rampMs} ms, shards late and late to start`, () => {
      for (let seed = 0; seed < 20; seed++) {
        const shards = [0, 0, 30_000, 61_000, 95_000].slice(0, 1 + (seed % 5));
        const lateMs = [0, 5, 90, 400, 2_500][seed % 4]!;
        const taken = takeAll(rate, shards, 200_000, lateMs, seed);
        assert.ok(mostInAnyMinute(taken) <= rate.perMinute, `seed ${seed}: ${mostInAnyMinute(taken)} in a minute`);
      }
    });
  }

  it('uses nearly all of the rate, by one shard as by many that take turns', () => {
    for (const shards of [[0], [0, 0], [0, 0, 0, 60_000]]) {
      const taken = takeAll({ perMinute: 600_000, rampMs: 0 }, shards, 120_000, 5, 1);
      assert.ok(sum(taken) > 1_190_000, `${shards.length} shards sent ${sum(taken)}`);
    }
  });

  it('lets nothing pile up while nobody sends', () => {
    const rate = { perMinute: 60_000, rampMs: 0 };
    const allowance = new Allowance(rate, newMemory());
    let atOnce = 0;
    for (let count = 0; allowance.fromMs <= startMs; count = allowance.take(1_000, startMs)) atOnce += count;
    assert.ok(atOnce >= allowanceCatchUpMs && atOnce <= allowanceCatchUpMs + allowancePieceMs, `${atOnce} at once`);
  });

  it('begins at a tenth, and rises in 60 s', () => {
    const rate = { perMinute: 600_000, rampMs: 60_000 };
    const perSecond = (taken: readonly Taken[], fromMs: number): number =>
      sum(taken.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1_000));
    const taken = takeAll(rate, [0], 70_000, 0, 1);
    const rates = [1_000, 30_000, 62_000].map((fromMs) => perSecond(taken, fromMs) / 10_000);
    [0.115, 0.56, 1].forEach((share, at) => {
      assert.ok(Math.abs(rates[at]! - share) < 0.03, `${rates[at]} instead of ${share}`);
    });
  });

  it('goes back on its ramp as long as the rate is not used', () => {
    const rate = { perMinute: 600_000, rampMs: 60_000 };
    const plan = new PacedRate(rate);
    const table = [
      [0, 60_000],
      [15_000, 45_000],
      [45_000, 15_000],
      [600_000, 0],
    ] as const;
    for (const [idleMs, rampedMs] of table) {
      const allowance = new Allowance(rate, newMemory());
      while (allowance.fromMs < startMs + 61_000) allowance.take(1_000, Math.max(startMs, allowance.fromMs));
      const piece = allowance.take(1_000, allowance.fromMs + allowancePieceMs + allowanceCatchUpMs + idleMs);
      assert.ok(Math.abs(piece - plan.pieceAt(rampedMs)) <= 1, `a piece of ${piece} after ${idleMs} ms`);
    }
  });

  it('follows a trickle to twice its rate at most, so that a campaign behind it has its ramp', () => {
    const rate = { perMinute: 600_000, rampMs: 60_000 };
    const allowance = new Allowance(rate, newMemory());
    for (let ms = 0; ms < 600_000; ms += 100) allowance.take(5, startMs + ms);
    const piece = allowance.take(1_000, startMs + 600_000);
    assert.ok(piece <= new PacedRate(rate).pieceAt(1_000), `a piece of ${piece} after 50 a second`);
  });
});
