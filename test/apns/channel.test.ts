/** What may be a channel id. */
import assert from 'node:assert/strict';
import { isChannelId } from '../../src/apns/channel.js';

describe('apns/channel', () => {
  it('takes padded base64 for a channel id, and neither a device token nor anything else', () => {
    for (const id of ['Agp8keMHJbsZGBiYc0Dexg==', 'AAAA', 'ab'.repeat(30)]) assert.ok(isChannelId(id), id);
    for (const id of ['', 'abc', 'a\nbc', 'AAAA=', 'ab'.repeat(32), 'AB'.repeat(32), 7, null, undefined]) {
      assert.ok(!isChannelId(id), String(id));
    }
  });
});
