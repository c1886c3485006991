import assert from 'node:assert/strict';
import {
  connectStaggerMs,
  growthRetryMs,
  maxConnectionsOnTheWay,
  maxGrowthPeriodMs,
  minGrowthPeriodMs,
} from '../../../src/base/limits.js';
import { type ConnectionSample, Growth, type GrowthSample } from '../../../src/connection/pool/growth.js';

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
  const answers = [0];
  const openedAt = [0];
  let nowMs = 0;
  // TCP, TLS and SETTINGS take three round trips, and the first answer one more.
  const since = (index: number): number => (index === 0 ? 0 : openedAt[index]! + 4 * roundTripMs);
  const sample = (): GrowthSample => {
    const connections = openedAt.map((_, index): ConnectionSample => {
      const isOpen = index === 0 || nowMs >= openedAt[index]! + 3 * roundTripMs;
      return {
        id: index,
        answers: answers[index]!,
        inFlight: isOpen ? 1_000 : 0,
        isFull: isOpen,
        isStarting: !isOpen,
        workingSinceMs: since(index) <= nowMs ? since(index) : Number.POSITIVE_INFINITY,
      };
    });
    return { nowMs, answers: answers.reduce((sum, one) => sum + one, 0), roundTripMs, connections };
  };
  let periodMs = growth.begin(sample());
  while (nowMs < seconds * 1000) {
    const working = openedAt.flatMap((_, index) => (since(index) <= nowMs + periodMs / 5 ? [index] : []));
    const each = Math.round((world(working.length) * noise() * periodMs) / 1000 / working.length);
    nowMs += periodMs;
    for (const index of working) answers[index]! += each;
    const look = sample();
    const step = Math.min(growth.step(look), 16 - openedAt.length);
    for (let left = step; left > 0; left--) {
      openedAt.push(nowMs);
      answers.push(0);
    }
    growth.onOpened(openedAt.length);
    periodMs = growth.next(look);
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

  for (const ofUse of [3, 4, 6]) {
    it(`stops where the bound is reached: not much above twice the ${ofUse} connections that are of use`, () => {
      const openedAt = grow((n) => Math.min(ofUse * 25_000, far(40)(n)), 8, { roundTripMs: 40 });
      const soon = openedAt.filter((at) => at < 5_000).length;
      assert.ok(soon >= ofUse && soon <= 2 * ofUse + 2, `${openedAt}`);
    });
  }

  describe('looks at how many work, how many are on their way, and how long answers take', () => {
    interface Row {
      readonly roundTripMs: number;
      readonly working: number;
      readonly onTheWay?: number;
      /** Latency as a multiple of the round trip. Default 1. */
      readonly latency?: number;
      /** One of those that work has room, and takes nothing. */
      readonly hasIdle?: boolean;
    }

    /** What is opened at the first look that has evidence, before any rates are compared. */
    function step({ roundTripMs, working, onTheWay = 0, latency = 1, hasIdle = false }: Row): number {
      const growth = new Growth(true);
      const at = (nowMs: number, answered: number): GrowthSample => {
        const connections = Array.from({ length: working + onTheWay }, (_, id): ConnectionSample => {
          const isWorking = id < working;
          return {
            id,
            answers: isWorking ? answered : 0,
            inFlight: isWorking ? 100 : 0,
            isFull: isWorking && !(hasIdle && id === 0),
            isStarting: !isWorking,
            workingSinceMs: isWorking ? 0 : Number.POSITIVE_INFINITY,
          };
        });
        return { nowMs, answers: working * answered, roundTripMs, connections };
      };
      const everyMs = growth.begin(at(0, 0));
      for (let look = 1; look <= 8; look++) {
        const sample = at(look * everyMs, Math.floor((100 * look * everyMs) / (latency * roundTripMs)));
        const wanted = growth.step(sample);
        if (wanted > 0) return wanted;
        growth.next(sample);
      }
      return 0;
    }

    for (const [row, expected] of [
      [{ roundTripMs: 20, working: 1 }, 1],
      [{ roundTripMs: 20, working: 4 }, 4],
      [{ roundTripMs: 20, working: 4, onTheWay: 3 }, 1],
      [{ roundTripMs: 20, working: 4, onTheWay: 4 }, 0],
      [{ roundTripMs: 80, working: 1 }, 2],
      [{ roundTripMs: 80, working: 3, onTheWay: 2 }, 4],
      [{ roundTripMs: 200, working: 1 }, 3],
      [{ roundTripMs: 200, working: 2, onTheWay: 3 }, 3],
      [{ roundTripMs: 80, working: 30 }, maxConnectionsOnTheWay],
      [{ roundTripMs: 80, working: 30, onTheWay: 20 }, 0],
      [{ roundTripMs: 20, working: 4, latency: 1.4 }, 1],
      [{ roundTripMs: 20, working: 4, latency: 1.4, onTheWay: 1 }, 0],
      [{ roundTripMs: 20, working: 4, latency: 2 }, 0],
      [{ roundTripMs: 80, working: 4, latency: 1.7 }, 0],
      [{ roundTripMs: 20, working: 4, hasIdle: true }, 0],
      [{ roundTripMs: 20, working: 0, onTheWay: 1 }, 0],
    ] as const) {
      it(`opens ${expected}: ${JSON.stringify(row).replaceAll('"', '')}`, () => {
        assert.equal(step(row), expected);
      });
    }
  });

  it('does not grow on silence', () => {
    assert.deepEqual(
      grow(() => 0, 60),
      [0],
    );
  });

  it('looks five times in a round trip and a quarter, within reason', () => {
    const growth = new Growth(true);
    const sample = { nowMs: 0, answers: 0, connections: [] };
    assert.equal(growth.begin({ ...sample, roundTripMs: Number.POSITIVE_INFINITY }), connectStaggerMs);
    assert.equal(growth.begin({ ...sample, roundTripMs: 5000 }), maxGrowthPeriodMs / 5);
    assert.equal(growth.begin({ ...sample, roundTripMs: 300 }), 376 / 5);
    const shortMs = 5 * growth.begin({ ...sample, roundTripMs: 2 });
    assert.ok(shortMs >= minGrowthPeriodMs && shortMs < 2 * minGrowthPeriodMs);
  });

  it('asks for no proof where there can be none', () => {
    const connection = { id: 1, answers: 0, inFlight: 100, isFull: true, isStarting: false };
    const connections = [{ ...connection, workingSinceMs: Number.POSITIVE_INFINITY }];
    const sample = { nowMs: 250, answers: 0, roundTripMs: Number.POSITIVE_INFINITY, connections };
    assert.equal(new Growth(false).step(sample), 1);
  });
});
