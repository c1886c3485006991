import assert from 'node:assert/strict';
import { minRequestsPerWrite } from '../../src/base/limits.js';
import { isTooFew, nextPayloadBytes } from '../../src/connection/request-flow.js';
import type { RequestRun } from '../../src/connection/request-source.js';
import { TokenBlock } from '../../src/push/token-block.js';

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
});
