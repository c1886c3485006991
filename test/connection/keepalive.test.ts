import assert from 'node:assert/strict';
import {
  keepaliveTickMs,
  pingAfterIdleMs,
  pingAfterSilenceMs,
  pingTimeoutMs,
  requestTimeoutMs,
} from '../../src/base/limits.js';
import { Keepalive, type KeepaliveVerdict } from '../../src/connection/keepalive.js';

/** Ticks until the verdict is something else than 'fine', `most` at most; with the verdict. */
function ticksUntilNews(
  keepalive: Keepalive,
  inFlight: number,
  most: number,
  settled = 0,
): [ticks: number, verdict: KeepaliveVerdict] {
  for (let ticks = 1; ticks <= most; ticks++) {
    const verdict = keepalive.tick(inFlight, settled + inFlight, settled, false);
    if (verdict !== 'fine') return [ticks, verdict];
  }
  return [most, 'fine'];
}

const inTicks = (ms: number): number => ms / keepaliveTickMs;

describe('connection/keepalive', () => {
  it('asks after the silence allowed with requests in flight, and gives up when nothing comes', () => {
    const keepalive = new Keepalive();
    keepalive.heard();
    assert.deepEqual(ticksUntilNews(keepalive, 5, 100), [inTicks(pingAfterSilenceMs) + 1, 'ping']);
    assert.deepEqual(ticksUntilNews(keepalive, 5, 100), [inTicks(pingTimeoutMs), 'silent']);
  });

  it('takes any byte for a sign of life, also while a PING is out', () => {
    const keepalive = new Keepalive();
    assert.equal(ticksUntilNews(keepalive, 5, 100)[1], 'ping');
    keepalive.tick(5, 5, 0, false);
    keepalive.heard();
    assert.deepEqual(ticksUntilNews(keepalive, 5, 100), [inTicks(pingAfterSilenceMs) + 1, 'ping']);
  });

  it('asks idle connections far less often', () => {
    const keepalive = new Keepalive();
    assert.deepEqual(ticksUntilNews(keepalive, 0, 1000), [inTicks(pingAfterIdleMs), 'ping']);
    assert.deepEqual(ticksUntilNews(keepalive, 0, 1000), [inTicks(pingTimeoutMs), 'silent']);
  });

  it('does not hold the silence of idle hours against the first request after them', () => {
    const keepalive = new Keepalive();
    assert.deepEqual(ticksUntilNews(keepalive, 0, 200), [200, 'fine']);
    assert.deepEqual(ticksUntilNews(keepalive, 1, 100), [inTicks(pingAfterSilenceMs) + 1, 'ping']);
  });

  it('finds a request overdue although others are answered', () => {
    const keepalive = new Keepalive();
    let submitted = 100;
    let settled = 0;
    let verdict: KeepaliveVerdict = 'fine';
    let ticks = 0;
    // All but one are answered at once; after half the time nothing more is submitted.
    while (verdict === 'fine' && ticks < 1000) {
      keepalive.heard();
      if (ticks < 30) submitted += 50;
      settled = submitted - 1;
      verdict = keepalive.tick(1, submitted, settled, false);
      ticks++;
    }
    assert.equal(verdict, 'overdue');
    assert.ok(ticks >= inTicks(requestTimeoutMs) && ticks <= inTicks(requestTimeoutMs) + 31, `${ticks} ticks`);
  });

  it('finds nothing overdue in steady traffic', () => {
    const keepalive = new Keepalive();
    for (let ticks = 0; ticks < 500; ticks++) {
      keepalive.heard();
      assert.equal(keepalive.tick(1000, 5000 * (ticks + 1), 5000 * (ticks + 1) - 1000, false), 'fine');
    }
  });

  it('finds a connection starved that allows no request for as long as one may take', () => {
    const keepalive = new Keepalive();
    const starve = (ticks: number): KeepaliveVerdict => {
      let verdict: KeepaliveVerdict = 'fine';
      for (let tick = 0; tick < ticks && verdict === 'fine'; tick++) {
        keepalive.heard();
        verdict = keepalive.tick(0, 100, 100, true);
      }
      return verdict;
    };
    assert.equal(starve(inTicks(requestTimeoutMs)), 'fine');
    assert.equal(keepalive.tick(0, 100, 100, false), 'fine');
    assert.equal(starve(inTicks(requestTimeoutMs)), 'fine', 'counted from the last time that a request was allowed');
    assert.equal(starve(1), 'starved');
  });
});
