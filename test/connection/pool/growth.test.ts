import assert from 'node:assert/strict';
import { connectStaggerMs, growthRetryMs, maxGrowthPeriodMs } from '../../../src/base/limits.js';
import { Growth } from '../../../src/connection/pool/growth.js';

/** A gateway and a way to it: what `connections` connections with 1,000 streams each get answered in a second. */
type World = (connections: number) => number;

const far =
  (roundTripMs: number): World =>
  (connections) =>
    (connections * 1_000_000) / roundTripMs;
const bounded =
  (mostPerSecond: number): World =>
  (connections) =>
    Math.min(mostPerSecond, connections * 500_000);

/** Lets a pool grow for `seconds`; returns when each connection was opened, in milliseconds. */
function grow(world: World, seconds: number, options: { roundTripMs?: number; noise?: () => number } = {}): number[] {
  const { roundTripMs = 2, noise = () => 1 } = options;
  const growth = new Growth(true);
  const openedAt = [0];
  const workingSinceMs = [0];
  let answers = 0;
  let nowMs = 0;
  const sample = () => {
    const working = workingSinceMs.filter((since) => since <= nowMs).length;
    return { nowMs, answers, inFlight: working * 1000, roundTripMs, workingSinceMs: [...workingSinceMs] };
  };
  while (nowMs < seconds * 1000) {
    const periodMs = growth.begin(sample());
    const working = workingSinceMs.filter((since) => since <= nowMs + periodMs / 5).length;
    nowMs += periodMs;
    answers += Math.round((world(working) * noise() * periodMs) / 1000);
    if (openedAt.length < 16 && growth.mayGrow(sample())) {
      openedAt.push(nowMs);
      workingSinceMs.push(nowMs + 4 * roundTripMs);
    }
  }
  return openedAt;
}

/** The same numbers for the same seed, spread evenly from 1 - share to 1 + share. */
function noiseOf(share: number, seed = 7): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return 1 + share * (2 * (state / 2 ** 32) - 1);
  };
}

describe('connection/pool/growth', () => {
  for (const roundTripMs of [40, 100, 200]) {
    it(`goes to 16 connections within seconds over a way of ${roundTripMs} ms`, () => {
      const openedAt = grow(far(roundTripMs), 30, { roundTripMs, noise: noiseOf(0.15) });
      assert.equal(openedAt.length, 16);
      assert.ok(openedAt[15]! <= 32 * Math.max(connectStaggerMs, 4 * roundTripMs), `${openedAt}`);
    });
  }

  it('stops at two where the gateway is the bound, and tries again ever more seldom', () => {
    const openedAt = grow(bounded(200_000), 120);
    assert.equal(openedAt.filter((at) => at < growthRetryMs).length, 2);
    assert.ok(openedAt.length <= 6, `${openedAt}`);
  });

  it('stops soon also where rates vary by a tenth', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const openedAt = grow(bounded(200_000), 5, { noise: noiseOf(0.1, seed) });
      assert.ok(openedAt.length <= 5, `seed ${seed}: ${openedAt}`);
    }
  });

  it('stops where the bound is reached', () => {
    const openedAt = grow((n) => Math.min(100_000, far(40)(n)), 8, { roundTripMs: 40 });
    const soon = openedAt.filter((at) => at < 5_000).length;
    assert.ok(soon >= 4 && soon <= 7, `${openedAt}`);
  });

  it('does not grow on silence', () => {
    assert.deepEqual(
      grow(() => 0, 60),
      [0],
    );
  });

  it('measures over several round trips, within reason', () => {
    const growth = new Growth(true);
    const sample = { nowMs: 0, answers: 0, inFlight: 0, workingSinceMs: [] };
    assert.equal(growth.begin({ ...sample, roundTripMs: Number.POSITIVE_INFINITY }), connectStaggerMs);
    assert.equal(growth.begin({ ...sample, roundTripMs: 300 }), 1200);
    assert.equal(growth.begin({ ...sample, roundTripMs: 5000 }), maxGrowthPeriodMs);
  });

  it('asks for no proof where there can be none', () => {
    const sample = { nowMs: 250, answers: 0, inFlight: 100, roundTripMs: Number.POSITIVE_INFINITY, workingSinceMs: [] };
    assert.equal(new Growth(false).mayGrow(sample), true);
  });
});
