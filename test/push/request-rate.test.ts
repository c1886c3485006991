import assert from 'node:assert/strict';
import { allowancePieceMs, maxKeptAllowanceMs, minKeptAllowanceMs, rampStartShare } from '../../src/base/limits.js';
import { durationOf, PacedRate, type RequestRate } from '../../src/push/request-rate.js';

const rateOf = (perMinute: number, rampMs = 0): RequestRate => ({ perMinute, rampMs });

describe('push/request-rate', () => {
  it('takes as long as the rate says, and hardly longer', () => {
    const table: readonly (readonly [perMinute: number, count: number, minMs: number])[] = [
      [600_000, 600_001, 60_000],
      [600_000, 6_000_001, 600_000],
      [60, 61, 60_000],
      [60, 2, 1_000],
      [1, 2, 60_000],
      [7, 8, 60_000],
    ];
    for (const [perMinute, count, minMs] of table) {
      const ms = durationOf(count, rateOf(perMinute));
      assert.ok(ms >= minMs && ms < minMs * 1.04, `${count} at ${perMinute} a minute take ${ms} ms`);
    }
  });

  it('takes no time for what begins the ramp', () => {
    for (const count of [0, 1]) assert.equal(durationOf(count, rateOf(60, 60_000)), 0);
  });

  it('begins with a tenth of the rate and rises evenly: the ramp has 55 of 100 of what the full rate has', () => {
    const [even, ramped] = [new PacedRate(rateOf(600_000)), new PacedRate(rateOf(600_000, 60_000))];
    assert.ok(Math.abs(ramped.spanMs(0, 10) - even.spanMs(0, 10) / rampStartShare) < 0.1);
    assert.ok(Math.abs(ramped.spanMs(30_000, 10) - even.spanMs(0, 10) / 0.55) < 0.1);
    assert.equal(ramped.spanMs(60_000, 10), even.spanMs(0, 10));
    const perMs = 1 / even.spanMs(0, 1);
    assert.ok(Math.abs(ramped.spanMs(0, 0.55 * 60_000 * perMs) - 60_000) < 0.01);
    assert.ok(Math.abs(ramped.spanMs(0, 1.55 * 60_000 * perMs) - 120_000) < 0.01);
  });

  it('is the same in one span as in several, one after the other', () => {
    const rate = new PacedRate(rateOf(600_000, 60_000));
    let rampedMs = 0;
    for (let sent = 0; sent < 500_000; sent += 1_000) rampedMs += rate.spanMs(rampedMs, 1_000);
    assert.ok(Math.abs(rampedMs - rate.spanMs(0, 500_000)) < 0.01);
  });

  it('lets so few begin together that the rate is even: one where it is small', () => {
    const rate = new PacedRate(rateOf(600_000, 60_000));
    assert.equal(rate.pieceAt(0), Math.floor(rampStartShare * 10 * allowancePieceMs * 0.999));
    assert.equal(rate.pieceAt(60_000), Math.floor(10 * allowancePieceMs * 0.999));
    for (const perMinute of [1, 60, 3_000]) assert.equal(new PacedRate(rateOf(perMinute)).pieceAt(0), 1);
  });

  it('keeps what was allowed for longer where a minute has few requests', () => {
    assert.equal(new PacedRate(rateOf(600_000)).keptMs, minKeptAllowanceMs);
    assert.equal(new PacedRate(rateOf(6_000)).keptMs, 200);
    assert.equal(new PacedRate(rateOf(60)).keptMs, maxKeptAllowanceMs);
  });
});
