/** A campaign's rate in a process, on virtual time: how often the store is asked, and what is made of its answers. */
import assert from 'node:assert/strict';
import { ratePieceMs, rateStockMs } from '../../../src/base/limits.js';
import { SharedRate } from '../../../src/cluster/limits/shared-rate.js';
import { Prng } from '../../support/prng.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A store's bucket: a quarter of a second at most, as its script counts. */
class Bucket {
  asks: { readonly atMs: number; readonly wanted: number; readonly granted: number }[] = [];
  isAway = false;
  #tokens = 0;
  #countedMs = 0;
  readonly #clock: VirtualClock;

  constructor(
    clock: VirtualClock,
    public perSecond: number,
  ) {
    this.#clock = clock;
  }

  async take(wanted: number): Promise<{ granted: number; waitMs: number }> {
    if (this.isAway) throw new Error('away');
    const atMs = this.#clock.now();
    const gained = ((atMs - this.#countedMs) * this.perSecond) / 1000;
    this.#tokens = Math.min(Math.max(1, this.perSecond / 4), this.#tokens + gained);
    this.#countedMs = atMs;
    const granted = Math.min(wanted, Math.floor(this.#tokens));
    this.#tokens -= granted;
    this.asks.push({ atMs, wanted, granted });
    return { granted, waitMs: granted === wanted ? 0 : Math.ceil(((1 - this.#tokens) / this.perSecond) * 1000) };
  }
}

describe('cluster/limits/shared-rate', () => {
  let clock: VirtualClock;
  let chance: () => number;
  beforeEach(() => {
    clock = new VirtualClock();
    const prng = new Prng(7);
    chance = () => prng.next();
  });

  /** A process whose slices send pieces of `piece` as soon as they may. */
  function processOf(bucket: Bucket, piece = 1024) {
    const process = { sent: 0, isBusy: true, rate: null as never as SharedRate, pump: () => {} };
    process.pump = () => {
      while (process.isBusy) {
        const leave = process.rate.take(piece);
        if (leave === 0) return;
        process.sent += leave;
      }
    };
    process.rate = new SharedRate({
      takeFromStore: (wanted) => bucket.take(wanted),
      clock,
      chance,
      onStock: () => process.pump(),
    });
    process.rate.perSecond = bucket.perSecond;
    return process;
  }

  async function pass(ms: number): Promise<void> {
    for (const end = clock.now() + ms; clock.now() < end; clock.advance(1)) await Promise.resolve();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  for (const perSecond of [10, 150, 5_000, 1_000_000]) {
    it(`sends ${perSecond} a second by three processes, with parts of like size for each, and ten calls a second`, async () => {
      const bucket = new Bucket(clock, perSecond);
      const processes = [7, 100, 1024].map((piece) => processOf(bucket, piece));
      for (const process of processes) process.pump();
      await pass(2000);
      const before = processes.map(({ sent }) => sent);
      bucket.asks = [];
      await pass(20_000);
      const sent = processes.map((process, index) => process.sent - before[index]!);
      const all = sent.reduce((sum, one) => sum + one, 0) / 20;
      assert.ok(Math.abs(all - perSecond) <= perSecond * 0.02 + 0.1, `${all} a second`);
      if (perSecond > 10) assert.ok(Math.min(...sent) > 0.6 * Math.max(...sent), `unequal: ${sent}`);
      assert.ok(bucket.asks.length <= 3 * 20 * 10.5, `${bucket.asks.length} calls`);
    });
  }

  it('takes a change of the rate within half a second, and one to no limit at once', async () => {
    const bucket = new Bucket(clock, 1);
    const process = processOf(bucket);
    process.pump();
    await pass(3000);
    bucket.perSecond = 1000;
    process.rate.perSecond = 1000;
    const before = process.sent;
    await pass(1500);
    assert.ok(process.sent - before >= 900, `${process.sent - before} in the time`);
    process.isBusy = false;
    process.rate.perSecond = null;
    assert.equal(process.rate.take(1e6), 1e6);
  });

  it('drops what it took and did not use, so that there is no burst later', async () => {
    const bucket = new Bucket(clock, 1000);
    const process = processOf(bucket);
    const { rate } = process;
    process.isBusy = false;
    await pass(1000);
    assert.equal(rate.take(100), 0);
    await pass(ratePieceMs);
    assert.equal(rate.take(10), 10);
    await pass(rateStockMs + 1);
    assert.equal(rate.take(10), 0);
  });

  it('asks again after the store was away, as long as somebody waits', async () => {
    const bucket = new Bucket(clock, 100);
    bucket.isAway = true;
    const process = processOf(bucket);
    process.pump();
    await pass(5000);
    assert.equal(process.sent, 0);
    bucket.isAway = false;
    await pass(1000);
    assert.ok(process.sent >= 50, `${process.sent}`);
    process.isBusy = false;
    await pass(1000);
    bucket.asks = [];
    await pass(1000);
    assert.deepEqual(bucket.asks, [], 'nobody waits');
    process.rate.close();
    process.rate.take(1);
    await pass(1000);
    assert.deepEqual(bucket.asks, [], 'closed');
  });
});
