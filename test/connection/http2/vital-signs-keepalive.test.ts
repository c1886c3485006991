import assert from 'node:assert/strict';
import { keepaliveTickMs, pingAfterIdleMs, pingAfterSilenceMs, pingTimeoutMs } from '../../../src/base/limits.js';
import { Keepalive, type KeepaliveVerdict } from '../../../src/connection/http2/vital-signs.js';

/** Ticks until the verdict is something else than 'fine', `most` at most; with the verdict. */
function ticksUntilNews(
  keepalive: Keepalive,
  isInFlight: boolean,
  most: number,
): [ticks: number, verdict: KeepaliveVerdict] {
  for (let ticks = 1; ticks <= most; ticks++) {
    const verdict = keepalive.tick(isInFlight);
    if (verdict !== 'fine') return [ticks, verdict];
  }
  return [most, 'fine'];
}

const inTicks = (ms: number): number => ms / keepaliveTickMs;

describe('connection/http2/vital-signs: Keepalive', () => {
  it('asks after the silence allowed with requests in flight, and gives up when nothing comes', () => {
    const keepalive = new Keepalive();
    keepalive.heard();
    assert.deepEqual(ticksUntilNews(keepalive, true, 100), [inTicks(pingAfterSilenceMs) + 1, 'ping']);
    assert.deepEqual(ticksUntilNews(keepalive, true, 100), [inTicks(pingTimeoutMs), 'silent']);
  });

  it('takes any byte for a sign of life, also while a PING is out', () => {
    const keepalive = new Keepalive();
    assert.equal(ticksUntilNews(keepalive, true, 100)[1], 'ping');
    keepalive.tick(true);
    keepalive.heard();
    assert.deepEqual(ticksUntilNews(keepalive, true, 100), [inTicks(pingAfterSilenceMs) + 1, 'ping']);
  });

  it('asks idle connections far less often', () => {
    const keepalive = new Keepalive();
    assert.deepEqual(ticksUntilNews(keepalive, false, 1000), [inTicks(pingAfterIdleMs), 'ping']);
    assert.deepEqual(ticksUntilNews(keepalive, false, 1000), [inTicks(pingTimeoutMs), 'silent']);
  });

  it('does not hold the silence of idle hours against the first request after them', () => {
    const keepalive = new Keepalive();
    assert.deepEqual(ticksUntilNews(keepalive, false, 200), [200, 'fine']);
    assert.deepEqual(ticksUntilNews(keepalive, true, 100), [inTicks(pingAfterSilenceMs) + 1, 'ping']);
  });
});
