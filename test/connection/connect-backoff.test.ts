import assert from 'node:assert/strict';
import { connectBackoffMs, maxConnectAttempts, maxConnectBackoffMs, maxOutageMs } from '../../src/base/limits.js';
import { ConnectBackoff } from '../../src/connection/connect-backoff.js';

describe('connection/connect-backoff', () => {
  it('lets the first attempt go at once', () => {
    assert.equal(new ConnectBackoff(() => 0.99).waitMs(0), 0);
  });

  it('doubles the bound of the wait with each failure, up to its maximum', () => {
    const backoff = new ConnectBackoff(() => 1);
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      backoff.onFailure(0, false);
      waits.push(backoff.waitMs(0));
    }
    assert.deepEqual(waits.slice(0, 3), [connectBackoffMs, 2 * connectBackoffMs, 4 * connectBackoffMs]);
    assert.equal(waits.at(-1), maxConnectBackoffMs);
  });

  it('waits anything between nothing and the bound, and no longer as time passes', () => {
    const backoff = new ConnectBackoff(() => 0.25);
    backoff.onFailure(100, false);
    assert.equal(backoff.waitMs(100), connectBackoffMs / 4);
    assert.equal(backoff.waitMs(100 + connectBackoffMs), 0);
  });

  it('says when the attempts are used up, and an answer gives them back', () => {
    const backoff = new ConnectBackoff(() => 0);
    const attempts = Array.from({ length: maxConnectAttempts }, () => backoff.onFailure(0, false));
    assert.deepEqual(attempts, [...Array<boolean>(maxConnectAttempts - 1).fill(false), true]);
    backoff.onAnswer();
    assert.equal(backoff.onFailure(0, false), false);
  });

  it('is patient with a gateway that has answered and is out of reach, though not for ever, and only once', () => {
    const backoff = new ConnectBackoff(() => 0);
    backoff.onAnswer();
    for (let i = 0; i < 2 * maxConnectAttempts; i++) assert.equal(backoff.onFailure(1000 + i, false), false);
    assert.equal(backoff.onFailure(1000 + maxOutageMs, false), true);
    backoff.onGivenUp();
    const attempts = Array.from({ length: maxConnectAttempts }, () => backoff.onFailure(50_000, false));
    assert.equal(attempts.at(-1), true);
  });

  it('is not patient with connections that are made and answer nothing: each may leave requests unknown', () => {
    const backoff = new ConnectBackoff(() => 0);
    backoff.onAnswer();
    const attempts = Array.from({ length: maxConnectAttempts }, () => backoff.onFailure(0, true));
    assert.equal(attempts.at(-1), true);
  });

  it('forgets the waits after a connection that served well', () => {
    const backoff = new ConnectBackoff(() => 1);
    for (let i = 0; i < 5; i++) backoff.onShortLife(0);
    backoff.onUsefulConnection();
    assert.equal(backoff.waitMs(0), 0);
    backoff.onShortLife(0);
    assert.equal(backoff.waitMs(0), connectBackoffMs);
  });
});
