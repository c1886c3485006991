import assert from 'node:assert/strict';
import { connectBackoffMs } from '../../../src/base/limits.js';
import { AddressBackoff, sharedAddressBackoff } from '../../../src/connection/pool/address-backoff.js';
import { VirtualClock } from '../../support/virtual-clock.js';

const most = (): number => 1;

describe('connection/pool/address-backoff', () => {
  it('is one for each clock and address', () => {
    const [clock, other] = [new VirtualClock(), new VirtualClock()];
    const backoff = sharedAddressBackoff(clock, 'gateway.example:443');
    assert.equal(sharedAddressBackoff(clock, 'gateway.example:443'), backoff);
    assert.notEqual(sharedAddressBackoff(clock, 'gateway.example:2197'), backoff);
    assert.notEqual(sharedAddressBackoff(other, 'gateway.example:443'), backoff);
  });

  it('counts attempts of several pools at one time as one failure', () => {
    const backoff = new AddressBackoff();
    for (let pool = 0; pool < 5; pool++) backoff.onUnreached(1000, 500, most);
    assert.equal(backoff.waitMs(1000), connectBackoffMs);
    backoff.onUnreached(3000, 2500, most);
    assert.equal(backoff.waitMs(3000), 2 * connectBackoffMs);
  });

  it('puts the next attempt off once one begins after a failure, so that pools take turns', () => {
    const backoff = new AddressBackoff();
    backoff.onAttempt(0, most);
    assert.equal(backoff.waitMs(0), 0, 'nothing has failed yet');
    backoff.onUnreached(0, 0, most);
    const later = connectBackoffMs;
    assert.equal(backoff.waitMs(later), 0);
    backoff.onAttempt(later, most);
    assert.ok(backoff.waitMs(later) > 0);
  });

  it('lets everybody who waits go on when an attempt connects, once', () => {
    const backoff = new AddressBackoff();
    const woken: string[] = [];
    const [first, second, gone] = ['first', 'second', 'gone'].map((name) => () => void woken.push(name));
    backoff.onUnreached(0, 0, most);
    for (const waiting of [first!, second!, gone!]) backoff.waitFor(waiting);
    backoff.stopWaiting(gone!);
    backoff.onReached();
    assert.deepEqual(woken, ['first', 'second']);
    assert.equal(backoff.waitMs(0), 0);
    backoff.onUnreached(1, 1, most);
    backoff.onReached();
    assert.equal(woken.length, 2);
  });
});
