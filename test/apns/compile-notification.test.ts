import assert from 'node:assert/strict';
import { parseAddress } from '../../src/apns/address.js';
import {
  type CompiledNotification,
  checkAuthentication,
  compileNotification,
  type NotificationOptions,
} from '../../src/apns/compile-notification.js';
import type { Environment } from '../../src/push/address.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock(1_700_000_000_000);
const partsOf = (options: object) => compileNotification(options as NotificationOptions, clock);
const compile = (options: object) => partsOf(options).notification;

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
    const whole = (aps: object, message: RegExp) => refused({ pushType: 'background', payload: { aps } }, message);
    whole({ alert: 'x', 'content-available': 1 }, /background cannot have payload\.aps\.alert/);
    whole({ 'content-available': 1, sound: 'x' }, /background cannot have payload\.aps\.sound/);
    whole({}, /background needs payload\.aps\.content-available, which must be 1/);
    whole({ 'content-available': 0 }, /background needs payload\.aps\.content-available/);
    refused({ pushType: 'background', payload: { data: 1 } }, /background needs payload\.aps\.content-available/);
  });

  const now = 1_700_000_000;
  const typeOf = (options: object) => compile(options).headers.find(([name]) => name === 'apns-push-type')?.[1];

  it('sends an event as a Live Activity, and only with what it needs', () => {
    const topic = 'com.example.app.push-type.liveactivity';
    const update = { event: 'update', timestamp: now, contentState: { score: 1 } };
    assert.equal(typeOf(update), 'liveactivity');
    assert.equal(typeOf({ ...update, topic }), 'liveactivity');
    assert.equal(typeOf({ event: 'end', timestamp: now }), 'liveactivity');
    const start = { ...update, event: 'start', attributesType: 'Game', attributes: {}, alert: 'Kick-off' };
    assert.equal(typeOf(start), 'liveactivity');
    assert.equal(typeOf({ payload: { aps: { event: 'end', timestamp: now } } }), 'liveactivity');
    const refused = (options: object, message: RegExp, code = 'ERR_PEAL_PAYLOAD') =>
      assert.throws(() => compile(options), { code, message });
    refused({ event: 'update', timestamp: now }, /event update needs contentState besides/);
    refused({ event: 'end' }, /event end needs timestamp besides/);
    refused({ ...start, attributes: undefined, alert: undefined }, /event start needs attributes, alert besides/);
    refused(
      { payload: { aps: { event: 'update' } } },
      /event update needs payload\.aps\.timestamp, payload\.aps\.content-state/,
    );
    refused({ pushType: 'liveactivity', alert: 'x' }, /liveactivity needs event: start, update or end/);
    refused({ ...update, pushType: 'alert' }, /event is for Live Activities and does not go with pushType alert/);
    refused({ ...update, topic: 'com.example.app.voip' }, /does not go with pushType voip/);
    refused(
      { ...update, topic: 'com.example.app' },
      /must be com\.example\.app\.push-type\.liveactivity/,
      'ERR_PEAL_HEADER',
    );
  });

  it('refuses the forms of other services, and what stands outside of aps, where something is to be shown', () => {
    const refused = (payload: object, message: RegExp) =>
      assert.throws(() => compile({ payload }), { code: 'ERR_PEAL_PAYLOAD', message });
    refused({ notification: { title: 'x' } }, /"notification" and no aps, which is the form of another service/);
    refused({ message: { notification: {}, token: 'x' } }, /"message" and no aps/);
    refused({ registration_ids: [], data: {} }, /"registration_ids" and no aps/);
    refused({ alert: 'x' }, /has "alert" outside of aps/);
    refused({ 'content-available': 1 }, /has "content-available" outside of aps/);
    const call = { message: { from: 'x' }, sound: 'ring' };
    assert.equal(compile({ payload: call, topic: 'a.voip' }).payload.length > 0, true);
    assert.equal(typeOf({ payload: { aps: { alert: 'x' }, notification: { id: 1 } } }), 'alert');
  });

  it('takes the type of a device management command from what it holds or from its topic', () => {
    assert.equal(typeOf({ payload: { mdm: 'push magic' } }), 'mdm');
    assert.equal(typeOf({ payload: { mdm: 'push magic' }, topic: 'com.apple.mgmt.External.x' }), 'mdm');
  });

  it('has no bytes where nothing is said: each recipient has to bring a payload', () => {
    assert.equal(compile({ topic: 'a.voip' }).payload.length, 0);
    assert.equal(typeOf({ topic: 'a.voip' }), 'voip');
  });

  it('measures the payload in bytes by its push type', () => {
    const body = '😀'.repeat(1100);
    assert.throws(() => compile({ alert: body }), { code: 'ERR_PEAL_PAYLOAD', message: /4420 bytes.*4096/ });
    assert.equal(compile({ alert: body, pushType: 'voip', topic: 'a.voip' }).payload.length, 4420);
  });

  it('asks for a topic with a provider-token key, and for such a key where a push type needs it', () => {
    const withoutTopic = partsOf({ alert: 'x' });
    const elsewhere = parseAddress('https://127.0.0.1:8443');
    const check = (parts: CompiledNotification, kind: 'certificate' | 'token' | 'none') =>
      checkAuthentication(parts, { kind, topics: null, environments: null }, elsewhere);
    check(withoutTopic, 'certificate');
    check(withoutTopic, 'none');
    assert.throws(() => check(withoutTopic, 'token'), { code: 'ERR_PEAL_HEADER', message: /topic is missing/ });
    const location = partsOf({ payload: { aps: {} }, pushType: 'location', topic: 'a.location-query' });
    check(location, 'token');
    assert.throws(() => check(location, 'certificate'), { message: /location does not work with a certificate/ });
  });

  it('compares the topic with those of the certificate', () => {
    const app = 'com.example.app';
    const check = (topic: string | undefined, topics: readonly string[] | null) =>
      checkAuthentication(
        partsOf({ alert: 'x', ...(topic !== undefined && { topic }) }),
        { kind: 'certificate', topics, environments: null },
        parseAddress('production'),
      );
    const universal = [app, `${app}.voip`, `${app}.complication`];
    for (const topic of universal) check(topic, universal);
    // Certificates do not list the topics of later push types.
    for (const ending of ['.push-type.widgets', '.push-type.controls', '.pushkit.fileprovider', '.voip-ptt']) {
      check(`${app}${ending}`, universal);
    }
    check(undefined, [app]);
    check(undefined, null);
    check('com.example.other', null);
    const refused = (topic: string | undefined, topics: readonly string[], message: string | RegExp): void =>
      assert.throws(() => check(topic, topics), { code: 'ERR_PEAL_HEADER', origin: 'usage', message });
    refused(
      'com.example.other',
      universal,
      'The option topic is "com.example.other", and the certificate is only for com.example.app, com.example.app.voip, ' +
        'com.example.app.complication: name one of these, or use a credential of that app.',
    );
    refused(
      `${app}.voip`,
      [app],
      /^The option topic is "com\.example\.app\.voip", and the certificate is only for com/,
    );
    refused(app, [`${app}.voip`], /is only for com\.example\.app\.voip: name one/);
    refused('com.apple.mgmt.External.x', [app], /is only for com\.example\.app: name one/);
    refused('com.example.other.push-type.widgets', universal, /is only for/);
    refused(
      undefined,
      universal,
      'The option topic is missing: the certificate is for several topics (com.example.app, com.example.app.voip, ' +
        'com.example.app.complication), so name one.',
    );
    refused(
      undefined,
      Array.from({ length: 12 }, (_, i) => `com.example.${i}`),
      /com\.example\.7 and 4 more\), so name/,
    );
  });

  it("compares the environment of the certificate with Apple's gateway", () => {
    const parts = partsOf({ alert: 'x', topic: 'com.example.app' });
    const check = (environments: readonly Environment[] | null, address: string) =>
      checkAuthentication(parts, { kind: 'certificate', topics: null, environments }, parseAddress(address));
    for (const address of ['production', 'sandbox', 'https://localhost']) {
      check(null, address);
      check(['sandbox', 'production'], address);
    }
    check(['sandbox'], 'sandbox');
    check(['sandbox'], 'https://api.development.push.apple.com');
    check(['production'], 'https://api.push.apple.com:2197');
    check(['sandbox'], 'https://push.example.com');
    assert.throws(() => check(['sandbox'], 'production'), {
      code: 'ERR_PEAL_CREDENTIAL',
      origin: 'credential',
      message:
        'The certificate is for the sandbox only, and api.push.apple.com is production: use the gateway of the sandbox, ' +
        'or a certificate for production.',
    });
    assert.throws(() => check(['production'], 'https://api.sandbox.push.apple.com:2197'), {
      message: /is the sandbox/,
    });
    assert.throws(() => check(['production'], 'push_sandbox'), { message: /gateway\.sandbox\.push\.apple\.com is/ });
  });
});
