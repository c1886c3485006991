import assert from 'node:assert/strict';
import {
  breakerFailures,
  connectBackoffMs,
  maxConnectAttempts,
  maxConnectBackoffMs,
  maxOutageMs,
  minConnectWaitMs,
  minShortLifeWaitMs,
  shortLifeWaitMs,
} from '../../../src/base/limits.js';
import { AddressBackoff } from '../../../src/connection/pool/address-backoff.js';
import { ConnectBackoff } from '../../../src/connection/pool/connect-backoff.js';

/** As many attempts in a row that did not connect, one each second; what each was told. */
function failures(backoff: ConnectBackoff, count: number, fromMs = 0): boolean[] {
  return Array.from({ length: count }, (_, index) => {
    const nowMs = fromMs + index * 1000;
    return backoff.onFailure(nowMs, nowMs, false);
  });
}

describe('connection/pool/connect-backoff', () => {
  it('lets the first attempt go at once', () => {
    assert.equal(new ConnectBackoff(() => 0.99).waitMs(0), 0);
  });

  it('doubles the bound of the wait with each failure, up to its maximum', () => {
    const backoff = new ConnectBackoff(() => 1);
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      backoff.onFailure(0, 0, true);
      waits.push(backoff.waitMs(0));
    }
    assert.deepEqual(waits.slice(0, 3), [connectBackoffMs, 2 * connectBackoffMs, 4 * connectBackoffMs]);
    assert.equal(waits.at(-1), maxConnectBackoffMs);
  });

  it('waits anything between next to nothing and the bound, and no longer as time passes', () => {
    const backoff = new ConnectBackoff(() => 0.25);
    backoff.onFailure(100, 100, false);
    assert.equal(backoff.waitMs(100), connectBackoffMs / 4);
    assert.equal(backoff.waitMs(100 + connectBackoffMs), 0);
    const lucky = new ConnectBackoff(() => 0);
    lucky.onFailure(100, 100, false);
    assert.equal(lucky.waitMs(100), minConnectWaitMs, 'never none at all');
  });

  it('says when the attempts are used up, and an answer gives them back', () => {
    const backoff = new ConnectBackoff(() => 0);
    assert.deepEqual(failures(backoff, maxConnectAttempts), [
      ...Array<boolean>(maxConnectAttempts - 1).fill(false),
      true,
    ]);
    backoff.onAnswer();
    assert.equal(backoff.onFailure(0, 0, false), false);
  });

  it('is patient with a gateway that has answered and is out of reach, though not for ever, and only once', () => {
    const backoff = new ConnectBackoff(() => 0);
    backoff.onAnswer();
    assert.ok(!failures(backoff, 2 * maxConnectAttempts, 1000).includes(true));
    assert.equal(backoff.onFailure(1000 + maxOutageMs, 1000, false), true);
    backoff.onGivenUp();
    assert.equal(failures(backoff, maxConnectAttempts, 50_000).at(-1), true);
  });

  it('is as patient where connections are made and answer nothing, with one request at a time', () => {
    const backoff = new ConnectBackoff(() => 0);
    backoff.onAnswer();
    for (let ms = 0; ms < maxOutageMs; ms += 1000) {
      assert.equal(backoff.onFailure(ms, ms, true), false);
      assert.equal(backoff.isHalfOpen, ms > 0);
    }
    assert.equal(backoff.onFailure(maxOutageMs, maxOutageMs, true), true);
  });

  it('waits a moment after a connection that was sent away in order, the shorter the more it answered', () => {
    const backoff = new ConnectBackoff(() => 0.999);
    for (let row = 0; row < 20; row++) {
      backoff.onShortLife(0, 1, true);
      assert.ok(backoff.waitMs(0) <= 1_000 && backoff.waitMs(0) > 900, 'never doubled');
      backoff.onShortLife(0, 50, true);
      assert.ok(backoff.waitMs(0) <= 100);
      backoff.onShortLife(0, 5_000, true);
      assert.equal(backoff.waitMs(0), minConnectWaitMs);
    }
  });

  it('puts the next one off once for each connection, though it may be counted later', () => {
    const backoff = new ConnectBackoff(() => 1);
    backoff.onShortLife(0, 0);
    assert.equal(backoff.onFailure(100, 0, true, true), false);
    assert.equal(backoff.waitMs(100), connectBackoffMs - 100);
    for (let i = 1; i < maxConnectAttempts; i++) backoff.onFailure(100, 100, true, true);
    assert.equal(backoff.isHalfOpen, true);
  });

  it('takes connections that were opened together and fail together for one attempt', () => {
    for (const isReached of [true, false]) {
      const backoff = new ConnectBackoff(() => 1);
      for (let i = 0; i < 8; i++) assert.equal(backoff.onFailure(100 + i, 5 * i, isReached), false);
      assert.deepEqual([backoff.failures, backoff.isHalfOpen], [1, false]);
      assert.ok(backoff.waitMs(107) <= connectBackoffMs, `${backoff.waitMs(107)}`);
      assert.equal(backoff.onFailure(5_000, 4_000, isReached), false);
      assert.deepEqual([backoff.failures, backoff.isHalfOpen], [2, true]);
    }
  });

  it('is half open after failures in a row, until there is an answer', () => {
    const backoff = new ConnectBackoff(() => 0);
    failures(backoff, breakerFailures - 1);
    assert.equal(backoff.isHalfOpen, false);
    backoff.onFailure(0, 0, true);
    assert.equal(backoff.isHalfOpen, true);
    backoff.onAnswer();
    assert.equal(backoff.isHalfOpen, false);
  });

  it('waits the less for a successor the more answers a short life has brought', () => {
    const waitAfter = (answers: number): number => {
      const backoff = new ConnectBackoff(() => 1);
      for (let life = 0; life < 20; life++) backoff.onShortLife(0, answers);
      return backoff.waitMs(0);
    };
    assert.equal(waitAfter(0), maxConnectBackoffMs);
    assert.equal(waitAfter(4), shortLifeWaitMs / 4);
    assert.equal(waitAfter(50), minShortLifeWaitMs);
  });

  it('forgets the waits after a connection that served well', () => {
    const backoff = new ConnectBackoff(() => 1);
    for (let i = 0; i < 5; i++) backoff.onShortLife(0, 0);
    backoff.onUsefulConnection();
    assert.equal(backoff.waitMs(0), 0);
    backoff.onShortLife(0, 0);
    assert.equal(backoff.waitMs(0), connectBackoffMs);
  });

  it('shares with other pools that an address cannot be reached, and nothing else', () => {
    const address = new AddressBackoff();
    const [one, other] = [new ConnectBackoff(() => 1, address), new ConnectBackoff(() => 1, address)];
    one.onFailure(0, 0, true);
    assert.equal(other.waitMs(0), 0, 'a connection that died may have died of its credential');
    one.onFailure(0, 0, false);
    assert.equal(other.waitMs(0), connectBackoffMs);
    assert.equal(other.onFailure(0, 0, false), false, 'attempts are counted for each pool');
  });
});
