/** Whether and when a rejected push is sent again, as a table. */
import assert from 'node:assert/strict';
import {
  busyDeviceDelayMs,
  expiredTokenDelayMs,
  maxConnectionResends,
  retryDelayMs,
} from '../../../src/base/limits.js';
import type { RetryBudget } from '../../../src/push/retry-policy.js';
import { CallerPush } from '../../../src/session/single/caller-push.js';
import type { Push } from '../../../src/session/single/lane-batch.js';
import { pushRetryMs } from '../../../src/session/single/push-retry.js';
import { rejection } from '../../support/engine-fixtures.js';

const usual: RetryBudget = { attempts: 3, timeMs: 60_000 };

function pushWith(budget: RetryBudget | null, deadlineMs = 1_000_000): Push {
  return new CallerPush({ timeoutMs: deadlineMs, budget, signal: null, isStreamed: false }, deadlineMs, () => {});
}

/** What comes of these answers in turn, each `stepMs` after the one before. */
function waits(push: Push, reasons: readonly string[], stepMs = 1_000, retryAfterSeconds: number | null = null) {
  return reasons.map((reason, place) => {
    const status = reason === 'TooManyRequests' ? 429 : reason === 'ExpiredProviderToken' ? 403 : 503;
    const answer = { ...rejection(reason === 'IdleTimeout' ? 400 : status, reason, { retryAfterSeconds }), index: 0 };
    return pushRetryMs(push, answer, 'http2', place * stepMs, () => 0.5);
  });
}

describe('the retries of a push', () => {
  it('are none without a budget, but for an expired provider token, once', () => {
    assert.deepEqual(waits(pushWith(null), ['ServiceUnavailable']), [null]);
    assert.deepEqual(waits(pushWith(null), ['TooManyRequests']), [null]);
    assert.deepEqual(waits(pushWith(null), ['IdleTimeout']), [null]);
    const expired = ['ExpiredProviderToken', 'ExpiredProviderToken'];
    assert.deepEqual(waits(pushWith(null), expired), [expiredTokenDelayMs, null]);
    assert.deepEqual(waits(pushWith(null), ['ExpiredProviderToken', 'ServiceUnavailable']), [
      expiredTokenDelayMs,
      null,
    ]);
  });

  it('are as many as the budget has, with waits that double', () => {
    const three = ['ServiceUnavailable', 'ServiceUnavailable', 'ServiceUnavailable'];
    assert.deepEqual(waits(pushWith(usual), three), [retryDelayMs / 2, retryDelayMs, null]);
    assert.deepEqual(waits(pushWith({ ...usual, attempts: 1 }), three.slice(0, 1)), [null]);
    const busy = ['TooManyRequests', 'TooManyRequests'];
    assert.deepEqual(waits(pushWith(usual), busy), [1.5 * busyDeviceDelayMs, 3 * busyDeviceDelayMs]);
  });

  it('end where the budget or the time of the push would', () => {
    assert.deepEqual(waits(pushWith({ attempts: 9, timeMs: 0 }), ['ServiceUnavailable']), [null]);
    const two = ['ServiceUnavailable', 'ServiceUnavailable'];
    assert.deepEqual(waits(pushWith({ attempts: 9, timeMs: 1_500 }), two), [retryDelayMs / 2, null]);
    assert.deepEqual(waits(pushWith(usual, retryDelayMs / 2), two.slice(0, 1)), [null]);
    assert.deepEqual(waits(pushWith(usual, retryDelayMs / 2 + 1), two.slice(0, 1)), [retryDelayMs / 2]);
  });

  it('wait for as long as the gateway asks, or not at all', () => {
    assert.deepEqual(waits(pushWith(usual), ['ServiceUnavailable'], 0, 20), [20_000]);
    assert.deepEqual(waits(pushWith(usual), ['ServiceUnavailable'], 0, 61), [null]);
  });

  it('over another connection are counted apart, and noted only where they are made', () => {
    const push = pushWith({ attempts: 9, timeMs: 60_000 });
    const faults = Array.from({ length: maxConnectionResends + 1 }, () => 'IdleTimeout');
    assert.deepEqual(waits(push, faults), [...Array(maxConnectionResends).fill(0), null]);
    assert.equal(push.retries?.requests, maxConnectionResends, 'the last answer is not one that is sent again');
    assert.equal(push.retries.answer.reason, 'IdleTimeout');
    const final = pushWith(usual);
    assert.deepEqual(waits(final, ['BadDeviceToken']).length, 1);
  });

  it('are none for an answer that is final', () => {
    const push = pushWith(usual);
    for (const [status, reason] of [
      [400, 'BadDeviceToken'],
      [410, 'Unregistered'],
      [403, 'InvalidProviderToken'],
    ] as const) {
      assert.equal(
        pushRetryMs(push, { ...rejection(status, reason), index: 0 }, 'http2', 0, () => 0),
        null,
      );
    }
    assert.equal(push.retries, null);
  });
});
