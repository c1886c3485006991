import assert from 'node:assert/strict';
import { stopAfterRefusals, tokenUpdatesBurstMs } from '../../../src/base/limits.js';
import { NotificationState } from '../../../src/engine/shard/notification-state.js';
import { notification } from '../../support/engine-fixtures.js';

function refuse(state: NotificationState, times: number, status = 400, reason = 'BadTopic'): boolean[] {
  return Array.from({ length: times }, () => state.isRefusedForGood(status, reason, 0));
}

describe('notification state', () => {
  let state: NotificationState;
  beforeEach(() => {
    state = new NotificationState(1, 1, notification);
  });

  it('is refused for good by the same refusal in a row, and says so once', () => {
    const answers = refuse(state, stopAfterRefusals + 3);
    assert.deepEqual(
      answers.flatMap((isLast, index) => (isLast ? [index] : [])),
      [stopAfterRefusals - 1],
    );
  });

  it('is not refused for good when something was accepted between', () => {
    const batch = { accepted: 0 };
    state.begin(batch);
    assert.ok(!refuse(state, stopAfterRefusals - 1).includes(true));
    batch.accepted = 1;
    assert.ok(!refuse(state, stopAfterRefusals - 1).includes(true));
    assert.ok(refuse(state, 1).includes(true));
  });

  it('is not refused for good by different reasons', () => {
    for (let n = 0; n < stopAfterRefusals; n++) {
      assert.ok(!refuse(state, 1, 400, 'BadTopic').includes(true));
      assert.ok(!refuse(state, 1, 400, 'BadPriority').includes(true));
    }
  });

  it('is not refused for good by what concerns single tokens, or passes', () => {
    for (const [status, reason] of [
      [400, 'BadDeviceToken'],
      [410, 'Unregistered'],
      [429, 'TooManyRequests'],
      [503, 'ServiceUnavailable'],
    ] as const) {
      assert.ok(!refuse(state, stopAfterRefusals * 2, status, reason).includes(true), reason);
    }
  });

  it('leaves an expired provider token to whoever renews it, however many were in flight under it', () => {
    const renewed = new NotificationState(1, 1, notification, { hasProviderToken: true });
    assert.ok(!refuse(renewed, stopAfterRefusals * 100, 403, 'ExpiredProviderToken').includes(true));
    assert.ok(refuse(state, stopAfterRefusals, 403, 'ExpiredProviderToken').includes(true), 'nobody renews it');
  });

  it('counts a burst of TooManyProviderTokenUpdates once, and gives up when waiting does not help', () => {
    const answer = (nowMs: number): boolean => state.isRefusedForGood(429, 'TooManyProviderTokenUpdates', nowMs);
    for (let burst = 1; burst < stopAfterRefusals; burst++) {
      for (let n = 0; n < 1_000; n++) assert.ok(!answer(burst * tokenUpdatesBurstMs));
    }
    assert.ok(answer(stopAfterRefusals * tokenUpdatesBurstMs));
  });

  it('tells refusals without a reason apart by their status', () => {
    assert.ok(refuse(state, stopAfterRefusals, 403, '').includes(true));
  });

  it('asks the protocol, and not the number, what a status means', () => {
    for (const status of [201, 202, 204, 255]) {
      assert.ok(refuse(new NotificationState(1, 1, notification), stopAfterRefusals, status, '').includes(true));
      const binary = new NotificationState(1, 1, notification, { protocol: 'binary' });
      assert.ok(!refuse(binary, stopAfterRefusals * 2, status, `Unknown status ${status}`).includes(true));
    }
  });
});
