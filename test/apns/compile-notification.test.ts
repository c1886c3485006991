import assert from 'node:assert/strict';
import {
  checkAuthentication,
  compileNotification,
  type NotificationOptions,
} from '../../src/apns/compile-notification.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock(1_700_000_000_000);
const compile = (options: object) => compileNotification(options as NotificationOptions, clock);

describe('apns/compile-notification', () => {
  it('makes plain, frozen data of a message', () => {
    const notification = compile({ alert: 'Hi', topic: 'com.example.app', priority: 5, expiration: { seconds: 60 } });
    assert.deepEqual(notification.headers, [
      ['apns-topic', 'com.example.app'],
      ['apns-push-type', 'alert'],
      ['apns-priority', '5'],
      ['apns-expiration', '1700000060'],
    ]);
    assert.equal(new TextDecoder().decode(notification.payload), '{"aps":{"alert":"Hi"}}');
    assert.equal(notification.priority, 5);
    assert.equal(notification.expiration, 1_700_000_060);
    assert.ok(
      Object.isFrozen(notification) &&
        Object.isFrozen(notification.headers) &&
        Object.isFrozen(notification.headers[0]),
    );
    assert.deepEqual(structuredClone(notification), notification);
    assert.equal(notification.payload.byteLength, notification.payload.buffer.byteLength);
  });

  it('makes a background push of content-available alone', () => {
    const notification = compile({ contentAvailable: true });
    assert.deepEqual(notification.headers, [
      ['apns-push-type', 'background'],
      ['apns-priority', '5'],
    ]);
  });

  it('refuses background pushes that show something or lack content-available', () => {
    const refused = (options: object, message: RegExp) =>
      assert.throws(() => compile(options), { code: 'ERR_PEAL_PAYLOAD', message });
    refused({ pushType: 'background', extra: {} }, /needs contentAvailable/);
    refused({ pushType: 'background', contentAvailable: true, alert: 'x' }, /cannot have alert/);
    refused({ pushType: 'background', contentAvailable: true, badge: 1 }, /cannot have badge/);
  });

  it('measures the payload in bytes by its push type', () => {
    const body = '😀'.repeat(1100);
    assert.throws(() => compile({ alert: body }), { code: 'ERR_PEAL_PAYLOAD', message: /4420 bytes.*4096/ });
    assert.equal(compile({ alert: body, pushType: 'voip', topic: 'a.voip' }).payload.length, 4420);
  });

  it('asks for a topic with a provider-token key, and for such a key where a push type needs it', () => {
    const withoutTopic = compile({ alert: 'x' });
    checkAuthentication(withoutTopic, 'certificate');
    checkAuthentication(withoutTopic, 'none');
    assert.throws(() => checkAuthentication(withoutTopic, 'token'), {
      code: 'ERR_PEAL_HEADER',
      message: /topic is missing/,
    });
    const location = compile({ payload: { aps: {} }, pushType: 'location', topic: 'a.location-query' });
    checkAuthentication(location, 'token');
    assert.throws(() => checkAuthentication(location, 'certificate'), {
      message: /location does not work with a certificate/,
    });
  });
});
