import assert from 'node:assert/strict';
import { apnsHttp2 } from '../../src/apns/protocols.js';
import { maxServerErrorsInRow } from '../../src/base/limits.js';
import { ConnectionHealth } from '../../src/connection/connection-health.js';
import type { Answer } from '../../src/push/answer.js';

function rejection(status: number, reason: string, retryAfterSeconds: number | null = null): Answer {
  return { status, reason, retryAfterSeconds, timestampMs: null, apnsId: null };
}

describe('connection/connection-health', () => {
  const table: [
    status: number,
    reason: string,
    wedge: string | null,
    bad: number,
    transient: number,
    inconclusive: number,
  ][] = [
    [400, 'BadDeviceToken', null, 1, 0, 0],
    [400, 'BadTopic', null, 1, 0, 0],
    [400, 'IdleTimeout', 'unsuitable', 1, 0, 1],
    [403, 'UnrelatedKeyIdInToken', 'unsuitable', 1, 0, 1],
    [403, 'ExpiredProviderToken', 'token-expired', 1, 0, 1],
    [403, 'InvalidProviderToken', null, 1, 0, 0],
    [410, 'Unregistered', null, 0, 0, 0],
    [410, 'ExpiredToken', null, 0, 0, 0],
    [413, 'PayloadTooLarge', null, 1, 0, 0],
    [421, '', 'unsuitable', 1, 0, 1],
    [429, 'TooManyRequests', null, 0, 0, 0],
    [429, 'TooManyProviderTokenUpdates', 'token-updates', 1, 0, 1],
    [429, '', null, 1, 1, 1],
    [500, 'InternalServerError', null, 1, 1, 1],
    [502, '', null, 1, 1, 1],
    [503, 'ServiceUnavailable', null, 1, 1, 1],
    [503, 'Shutdown', 'shutdown', 1, 0, 1],
  ];
  for (const [status, reason, wedge, bad, transient, inconclusive] of table) {
    it(`takes ${status} ${reason} for what it is`, () => {
      const health = new ConnectionHealth(apnsHttp2);
      health.rejected(1, rejection(status, reason), false);
      const { wedge: found, bad: badNow, transient: transientNow, inconclusive: inconclusiveNow } = health;
      assert.deepEqual([found, badNow, transientNow, inconclusiveNow], [wedge, bad, transient, inconclusive]);
      health.forgetRead();
      assert.deepEqual([health.bad, health.transient, health.inconclusive, health.isTokenExpired], [0, 0, 0, false]);
      assert.equal(health.wedge, wedge, 'a wedge stays');
    });
  }

  it(`finds ${maxServerErrorsInRow} answers 500 in a row, over as many reads as they take`, () => {
    const health = new ConnectionHealth(apnsHttp2);
    for (let answers = 1; answers < maxServerErrorsInRow; answers++) {
      health.rejected(answers, rejection(500, 'InternalServerError'), false);
      health.forgetRead();
    }
    assert.equal(health.wedge, null);
    health.rejected(maxServerErrorsInRow, rejection(500, 'InternalServerError'), false);
    assert.equal(health.wedge, 'server-errors');
  });

  it('begins to count anew with any other answer, accepted ones included', () => {
    const health = new ConnectionHealth(apnsHttp2);
    for (let answers = 1; answers < 20 * maxServerErrorsInRow; answers++) {
      if (answers % maxServerErrorsInRow !== 0) health.rejected(answers, rejection(500, 'InternalServerError'), false);
    }
    assert.equal(health.wedge, null);
  });

  it('takes a passing fault of a retry for no news about the gateway, and not for a fault of the connection', () => {
    const health = new ConnectionHealth(apnsHttp2);
    const many = 10 * maxServerErrorsInRow;
    for (let answers = 1; answers <= many; answers++) {
      health.rejected(answers, rejection(500, 'InternalServerError', 9), true);
    }
    const { transient, repeated, inconclusive, retryAfterMs, wedge } = health;
    assert.deepEqual([transient, repeated, inconclusive, retryAfterMs], [0, many, many, 0]);
    assert.equal(wedge, null);
    health.forgetRead();
    assert.equal(health.repeated, 0);
  });

  it('counts as many retries of a run of 500s as there are first requests in it', () => {
    const half = maxServerErrorsInRow / 2;
    for (const [first, expected] of [
      [half - 1, null],
      [half, 'server-errors'],
    ] as const) {
      const health = new ConnectionHealth(apnsHttp2);
      for (let answers = 1; answers <= maxServerErrorsInRow; answers++) {
        health.rejected(answers, rejection(500, 'InternalServerError'), answers > first);
      }
      assert.equal(health.wedge, expected, `${first} first requests`);
    }
  });

  it('keeps the longest Retry-After of the answers that pass', () => {
    const health = new ConnectionHealth(apnsHttp2);
    health.rejected(1, rejection(503, 'ServiceUnavailable', 2), false);
    health.rejected(2, rejection(503, 'ServiceUnavailable', 7), false);
    health.rejected(3, rejection(503, 'ServiceUnavailable'), false);
    health.rejected(4, rejection(429, 'TooManyRequests', 60), false);
    assert.equal(health.retryAfterMs, 7000);
  });
});
