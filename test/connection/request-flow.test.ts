import assert from 'node:assert/strict';
import { TokenBlock } from '../../src/apns/token-block.js';
import { maxRetryAfterSeconds, minRequestsPerWrite } from '../../src/base/limits.js';
import { isTooFew, nextPayloadBytes, retryAfterSeconds } from '../../src/connection/request-flow.js';
import type { RequestRun } from '../../src/connection/request-source.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock();

describe('connection/request-flow', () => {
  it('waits for an eighth of a connection to be free, at most for minRequestsPerWrite', () => {
    assert.equal(isTooFew(0, 0), true);
    assert.equal(isTooFew(1, 0), false);
    assert.equal(isTooFew(1, 7), false);
    assert.equal(isTooFew(1, 20), true);
    assert.equal(isTooFew(12, 88), false);
    assert.equal(isTooFew(11, 89), true);
    assert.equal(isTooFew(minRequestsPerWrite - 1, 1000), true);
    assert.equal(isTooFew(minRequestsPerWrite, 1000), false);
  });

  it('never waits when nothing is in flight that could end the wait', () => {
    for (let credit = 1; credit < 100; credit++) assert.equal(isTooFew(credit, 0), false);
  });

  it('measures the payload of the recipient that is next', () => {
    const run: RequestRun = {
      notification: { headers: [], payload: new Uint8Array(77), expiration: null, priority: null },
      notificationId: 1,
      tokens: new TokenBlock(new Uint8Array(64), 32, 2),
      personal: null,
      order: Uint16Array.of(0, 1),
      head: 1,
      tagBase: 0,
    };
    assert.equal(nextPayloadBytes(run), 77);
    const personal = { apnsIds: null, payloads: new Uint8Array(30), payloadOffsets: Uint32Array.of(0, 10, 30) };
    assert.equal(nextPayloadBytes({ ...run, personal }), 20);
  });

  it('reads Retry-After as seconds', () => {
    assert.equal(retryAfterSeconds('120', clock), 120);
    assert.equal(retryAfterSeconds('0', clock), 0);
    assert.equal(retryAfterSeconds('9999999999', clock), maxRetryAfterSeconds);
    assert.equal(retryAfterSeconds('1'.repeat(500), clock), maxRetryAfterSeconds);
    assert.equal(retryAfterSeconds('Fri, 31 Dec 9999 23:59:59 GMT', clock), maxRetryAfterSeconds);
  });

  it('reads Retry-After as a date by the wall clock, and a date that is past as now', () => {
    const at = new VirtualClock(Date.UTC(2026, 0, 31, 23, 59, 30, 500));
    assert.equal(retryAfterSeconds('Sun, 01 Feb 2026 00:00:00 GMT', at), 30);
    assert.equal(retryAfterSeconds('Fri, 31 Dec 1999 23:59:59 GMT', at), 0);
  });

  it('takes nothing else for a Retry-After', () => {
    const others = [null, '', '-1', '1.5', '1e3', 'soon', '2026-02-01T00:00:00Z', 'Sun, 41 Feb 2026 00:00:00 GMT'];
    for (const text of others) assert.equal(retryAfterSeconds(text, clock), null, String(text));
  });
});
