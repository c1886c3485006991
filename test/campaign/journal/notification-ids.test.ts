import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { apnsIdText, isUuid } from '../../../src/apns/apns-id.js';
import { notificationIds } from '../../../src/campaign/journal/notification-ids.js';

const key = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

describe('the apns-ids of a campaign', () => {
  it('are UUIDs of version 8, each recipient has its own, and the same one in every run', () => {
    const seen = new Set<string>();
    for (const block of [0, 1, 2, 70_000]) {
      const ids = notificationIds(key, block, 1_024);
      assert.deepEqual(ids, notificationIds(key, block, 1_024));
      for (let index = 0; index < 1_024; index++) {
        const text = apnsIdText(ids, index * 16);
        assert.ok(isUuid(text) && text[14] === '8' && /[89ab]/.test(text[19]!), text);
        seen.add(text);
      }
    }
    assert.equal(seen.size, 4 * 1_024);
  });

  it('do not depend on how many recipients their block has', () => {
    assert.deepEqual(notificationIds(key, 5, 10), notificationIds(key, 5, 1_024).subarray(0, 160));
  });

  it('differ from one journal to the next', () => {
    assert.notDeepEqual(notificationIds(key, 0, 1), notificationIds(Buffer.alloc(16), 0, 1));
  });
});
