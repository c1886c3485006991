/**
 * Notifications whose values are left to the gateway: what goes the usual way, what goes as text, and what is refused.
 */
import assert from 'node:assert/strict';
import { type RawFields, rawNotification } from '../../src/apns/raw-notification.js';

const payloadText = '{"aps":{"alert":"Hello"}}';

function headersOf(fields: Partial<RawFields>): Record<string, string> {
  return Object.fromEntries(rawNotification({ payloadText, ...fields }).notification.headers);
}

describe('apns/raw-notification', () => {
  it('sends usual values as a checked message does', () => {
    const apnsId = '0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0';
    const raw = rawNotification({
      ...{ topic: 'com.example.app', pushType: 'alert', priority: 5, expiration: 0, collapseId: 'a b', apnsId },
      payloadText,
    });
    assert.deepEqual(
      [raw.topic, raw.pushType, raw.priority, raw.expiration, raw.collapseId, raw.apnsId],
      ['com.example.app', 'alert', 5, 0, 'a b', apnsId.toLowerCase()],
    );
    assert.deepEqual(raw.sharedHeaders, [
      ['apns-topic', 'com.example.app'],
      ['apns-push-type', 'alert'],
    ]);
    assert.deepEqual([raw.isRaw, raw.isForeignId], [true, false]);
  });

  it('sends any other value as it is', () => {
    assert.deepEqual(headersOf({ topic: '..', pushType: 'shout', priority: 7, expiration: 2 ** 33, apnsId: 'x' }), {
      'apns-topic': '..',
      'apns-push-type': 'shout',
      'apns-priority': '7',
      'apns-expiration': String(2 ** 33),
      'apns-id': 'x',
    });
    assert.equal(headersOf({ expiration: -1 })['apns-expiration'], '-1');
    assert.equal(headersOf({ collapseId: 'c'.repeat(65) })['apns-collapse-id'], 'c'.repeat(65));
    assert.equal(rawNotification({ payloadText, apnsId: 'x' }).isForeignId, true);
    assert.deepEqual(headersOf({ topic: null, pushType: undefined }), {});
    assert.deepEqual(headersOf({ further: [['apns-request-id', '1']] }), { 'apns-request-id': '1' });
  });

  it('shares the fields of equal notifications', () => {
    const [one, other] = [1, 2].map(() => rawNotification({ payloadText, topic: 'a.b', pushType: 'loud' }));
    assert.equal(one!.sharedHeaders, other!.sharedHeaders);
  });

  it('refuses what would end a header field, and a payload that is too large', () => {
    const injected = 'com.example.app\r\napns-priority: 10';
    for (const name of ['topic', 'pushType', 'collapseId', 'apnsId'] as const) {
      assert.throws(() => rawNotification({ payloadText, [name]: injected }), {
        code: 'ERR_PEAL_HEADER',
        message: /visible ASCII/,
      });
    }
    assert.throws(() => rawNotification({ payloadText, further: [['apns-request-id', 'a\nb']] }), {
      code: 'ERR_PEAL_HEADER',
    });
    const large = JSON.stringify({ aps: { alert: 'x'.repeat(4100) } });
    assert.throws(() => rawNotification({ payloadText: large }), { code: 'ERR_PEAL_PAYLOAD' });
    assert.equal(rawNotification({ payloadText: large, pushType: 'voip' }).payloadText, large);
  });
});
