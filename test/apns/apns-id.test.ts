/** UUIDs as text and bytes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { apnsIdBytesOf, apnsIdText, isUuid } from '../../src/apns/apns-id.js';
import { apnsIdBytes } from '../../src/push/notification.js';

describe('apns-id', () => {
  it('is the same after a way through its bytes, in lower case', () => {
    const id = randomUUID();
    const bytes = new Uint8Array(2 * apnsIdBytes);
    bytes.set(apnsIdBytesOf(id.toUpperCase())!, apnsIdBytes);
    assert.equal(apnsIdText(bytes, apnsIdBytes), id);
  });

  it('is nothing but 8-4-4-4-12 hex digits', () => {
    const id = '123e4567-e89b-12d3-a456-42661417400a';
    assert.equal(isUuid(id), true);
    for (const other of ['', id.replaceAll('-', ''), `${id} `, `{${id}}`, id.replace('a', 'g'), `${id}0`]) {
      assert.equal(isUuid(other), false, other);
      assert.equal(apnsIdBytesOf(other), null);
    }
    assert.equal(apnsIdBytesOf(17), null);
  });
});
