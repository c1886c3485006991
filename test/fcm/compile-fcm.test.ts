import assert from 'node:assert/strict';
import fc from 'fast-check';
import { PealError } from '../../src/base/errors.js';
import { compileFcm } from '../../src/fcm/compile-fcm.js';
import { afterRecipient } from '../../src/fcm/fcm-notification.js';
import type { FcmMessageOptions } from '../../src/fcm/message-options.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock();
const nowSeconds = Math.floor(clock.wallMs() / 1000);
const compile = (options: object) => compileFcm(options as FcmMessageOptions, clock);

/** The body of a request to one recipient, as a server reads it. */
function bodyOf(options: object, recipient = 'a:b'): Record<string, unknown> {
  const { bodyStart, payload } = compile(options).notification;
  const text = Buffer.concat([bodyStart!, Buffer.from(recipient), payload]).toString('utf8');
  return JSON.parse(text) as Record<string, unknown>;
}

const messageOf = (options: object) => {
  const { token, ...rest } = bodyOf(options).message as Record<string, unknown>;
  assert.equal(token, 'a:b');
  return rest;
};

function told(options: object): string {
  try {
    compile(options);
  } catch (error) {
    assert.ok(error instanceof PealError, String(error));
    assert.equal(error.origin, 'usage');
    return `${error.code.slice('ERR_PEAL_'.length)} ${error.message}`;
  }
  return 'nothing';
}

const data = { order: '7' };
const month = 28 * 86_400;
const time = { light_on_duration: '1s', light_off_duration: '0.5s' };

const taken: readonly (readonly [options: object, message: object])[] = [
  [{ alert: 'Hi' }, { notification: { body: 'Hi' } }],
  [{ title: 'Hi', body: 'You' }, { notification: { title: 'Hi', body: 'You' } }],
  [{ alert: { title: 'Hi' }, body: 'You' }, { notification: { title: 'Hi', body: 'You' } }],
  [{ alert: 'You', title: 'Hi' }, { notification: { title: 'Hi', body: 'You' } }],
  [
    { body: 'ä "quoted"\n\u2028', image: 'https://x/y.png' },
    { notification: { body: 'ä "quoted"\n\u2028', image: 'https://x/y.png' } },
  ],
  [
    { alert: { titleLocKey: 'T', titleLocArgs: ['1'], locKey: 'B', locArgs: ['2'] } },
    {
      android: {
        notification: { title_loc_key: 'T', title_loc_args: ['1'], body_loc_key: 'B', body_loc_args: ['2'] },
      },
    },
  ],
  [
    { badge: 3, sound: 'default', tag: 't' },
    { android: { notification: { notification_count: 3, sound: 'default', tag: 't' } } },
  ],
  [{ data }, { data }],
  [{ data: {} }, {}],
  [
    { data, extra: { a: 'text', n: 1, o: { b: [true, null] } } },
    { data: { order: '7', a: 'text', n: '1', o: '{"b":[true,null]}' } },
  ],
  [
    { data, collapseId: 'news' },
    { data, android: { collapse_key: 'news' } },
  ],
  [
    { data, priority: 10 },
    { data, android: { priority: 'HIGH' } },
  ],
  [
    { data, priority: 'normal' },
    { data, android: { priority: 'NORMAL' } },
  ],
  [
    { data, priority: 1 },
    { data, android: { priority: 'NORMAL' } },
  ],
  [
    { data, expiration: 0 },
    { data, android: { ttl: '0s' } },
  ],
  [
    { data, expiry: '1h' },
    { data, android: { ttl: '3600s' } },
  ],
  [
    { data, expiration: { seconds: month } },
    { data, android: { ttl: `${month}s` } },
  ],
  [
    { data, expiration: new Date((nowSeconds + 60) * 1000) },
    { data, android: { ttl: '60s' } },
  ],
  [
    { tag: 't', android: { ttl: '5s', notification: { channelId: 'c', light_settings: time } }, collapseId: 'x' },
    {
      android: { ttl: '5s', notification: { channel_id: 'c', light_settings: time, tag: 't' }, collapse_key: 'x' },
    },
  ],
  [{ android: { newField: 1, priority: 'high' } }, { android: { newField: 1, priority: 'high' } }],
  [
    { webpush: { headers: { TTL: '60' }, fcmOptions: { link: 'https://x' }, notification: { any: [1] } } },
    { webpush: { headers: { TTL: '60' }, fcm_options: { link: 'https://x' }, notification: { any: [1] } } },
  ],
  [
    { apns: { payload: { aps: { badge: 1 } }, liveActivityToken: 'x' }, fcmOptions: { analyticsLabel: 'l' } },
    { apns: { payload: { aps: { badge: 1 } }, live_activity_token: 'x' }, fcm_options: { analytics_label: 'l' } },
  ],
  [{ message: { notification: { title: 'Hi' } } }, { notification: { title: 'Hi' } }],
  [{ message: '{ "data": { "n": "1" } }' }, { data: { n: '1' } }],
  [{ message: Buffer.from('\ufeff{"android":{"collapseKey":"x"}}') }, { android: { collapseKey: 'x' } }],
  [{ alert: 'Hi', data: undefined, android: undefined }, { notification: { body: 'Hi' } }],
  [{ data: { a: '1', b: undefined } }, { data: { a: '1' } }],
  [{ data: { __proto__: null, toJSON: 'x', 7: '1' } }, { data: { 7: '1', toJSON: 'x' } }],
  [{ __proto__: null, title: 'Hi' }, { notification: { title: 'Hi' } }],
  [{ __proto__: { title: 'Hi' }, body: 'You' }, { notification: { title: 'Hi', body: 'You' } }],
];

const refused: readonly (readonly [options: object | string | undefined, expected: RegExp])[] = [
  ['text', /^OPTION The message takes its options as an object, not "text"\.$/],
  [{}, /^PAYLOAD The message is empty: give alert, title, body, data/],
  [{ priority: 10, expiration: 0 }, /^PAYLOAD The message is empty/],
  [{ alert: ' ' }, /alert is empty: say something, or leave it out\.$/],
  [{ alert: {} }, /alert is empty/],
  [{ alert: 7 }, /alert must be a string or an object\.$/],
  [{ alert: 'a', body: 'b' }, /body and alert both say it: leave one out\.$/],
  [
    { alert: { title: 'a', subtitle: 'b' } },
    /^OPTION The option alert has no option "subtitle": FCM has none; for Apple/,
  ],
  [{ title: 7 }, /^PAYLOAD The message cannot be sent: title must be a string\.$/],
  [{ body: 'a\ud83d' }, /body holds half of a surrogate pair/],
  [{ titel: 'a' }, /^OPTION The message has no option "titel": did you mean title\?$/],
  [{ notification: {} }, /has no option "notification": write title, body and image\.$/],
  [{ ttl: 5 }, /has no option "ttl": write expiration\.$/],
  [{ collapse_key: 'a' }, /has no option "collapse_key": write collapseId\.$/],
  [{ topic: 'a' }, /has no option "topic": recipients are the first argument, and target: 'topic'/],
  [{ raw: {} }, /has no option "raw": write message\.$/],
  [{ icon: 'x' }, /write android: \{ notification: \{ icon \} \}\.$/],
  [
    { data, target: 'topics' },
    /^OPTION The option target must be 'token', 'topic', 'condition' or 'fid', not "topics"\.$/,
  ],
  [{ data, dryRun: 1 }, /^OPTION The option dryRun must be true or false, not 1\.$/],
  [{ badge: 0 }, /badge is 0, by which FCM counts up: leave it out\.$/],
  [{ badge: -1 }, /badge must be a whole number, 1 or more\.$/],
  [{ data: 'x' }, /data must be an object\.$/],
  [{ data: { n: 1 } }, /data\.n must be a string: FCM takes no other values here\.$/],
  [{ data: { a: 'x', b: '\ud83d' } }, /data\.b holds half of a surrogate pair/],
  [{ data: { 'a\ud83d': 'x' } }, /data holds half of a surrogate pair/],
  [{ data: { a: { b: 'x' } } }, /data\.a must be a string/],
  [{ data: JSON.parse('{"__proto__":"x"}') as object }, /data has a property __proto__/],
  [
    {
      data: new (class Order {
        id = '7';
      })(),
    },
    /data is an instance of a class \(Order\), not a plain object\.$/,
  ],
  [
    { data: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`k${n}`, ''])) },
    /is one of over 10000 values/,
  ],
  [
    {
      data: {
        get a() {
          return 'x';
        },
      },
    },
    /data\.a is a getter, not a value\.$/,
  ],
  [{ data: { from: 'x' } }, /data has the key "from", which FCM keeps for itself: give it another name\.$/],
  [{ data: { 'google.x': 'x' } }, /data has the key "google\.x"/],
  [{ data: { 'gcm.notification.x': 'x' } }, /which FCM keeps for itself/],
  [{ extra: { message_type: 1 } }, /data has the key "message_type"/],
  [{ android: { data: { from: 'x' } } }, /android\.data has the key "from"/],
  [{ data: { a: '1' }, extra: { a: 2 } }, /extra has a key that data has: leave one out\.$/],
  [{ extra: { a: () => 1 } }, /extra\.a is of the type function/],
  [{ extra: { a: new Date() } }, /extra\.a is an instance of a class/],
  [{ data, collapseId: '' }, /collapseId is empty/],
  [
    { data, collapseId: 'a', android: { collapseKey: 'b' } },
    /collapseId and android\.collapse_key are both given: leave one out\.$/,
  ],
  [{ sound: 'a', android: { notification: { sound: 'b' } } }, /sound and android\.notification\.sound are both given/],
  [{ android: { collapseKey: 'a', collapse_key: 'b' } }, /android has collapse_key twice, in two spellings/],
  [{ android: { collapse_kay: 'a' } }, /android has the key "collapse_kay": write collapse_key\.$/],
  [{ android: { ttl: 60 } }, /android\.ttl must be seconds as text that ends in s, such as '3600s'\.$/],
  [{ android: { priority: 10 } }, /android\.priority must be 'normal' or 'high'\.$/],
  [
    { android: { notification: { color: 'red' } } },
    /android\.notification\.color must be a colour such as '#ff8800'\.$/,
  ],
  [
    { android: { notification: { notificationCount: -1 } } },
    /android\.notification\.notification_count must be a whole/,
  ],
  [{ android: { directBootOk: 1 } }, /android\.direct_boot_ok must be true or false\.$/],
  [{ android: { notification: { bodyLocArgs: 'x' } } }, /body_loc_args must be an array of strings\.$/],
  [{ alert: { locKey: 'a', locArgs: [1] } }, /alert\.locArgs must be an array of strings\.$/],
  [{ webpush: { headers: { TTL: 60 } } }, /webpush\.headers\.TTL must be a string/],
  [{ apns: { payload: 'x' } }, /apns\.payload must be an object\.$/],
  [{ fcmOptions: [], data }, /fcmOptions must be an object\.$/],
  [{ data, priority: 2 }, /priority must be 10, 5, 1, 'high' or 'normal'\.$/],
  [{ data, expiration: 60 }, /expiration is 60, which lies before 2001/],
  [{ data, expiration: 'soon' }, /expiration is "soon", not a time/],
  [{ data, expiration: nowSeconds - 5 }, /expiration lies in the past: give a later time, or 0 for one attempt\.$/],
  [
    { data, expiration: { seconds: month + 1 } },
    /expiration is over four weeks from now, and FCM keeps no message longer/,
  ],
  [{ data, expiration: 0, expiry: 0 }, /expiration and expiry are two names of one thing/],
  [{ message: 7 }, /message must be an object, JSON text or bytes\.$/],
  [{ message: '{' }, /^PAYLOAD The message is not JSON: /],
  [{ message: '[]' }, /^PAYLOAD The message is JSON, but not an object/],
  [{ message: '' }, /^PAYLOAD The message is empty/],
  [{ message: {} }, /^PAYLOAD The message is empty: give notification, data or android\.$/],
  [{ message: Buffer.from([0xff]) }, /^PAYLOAD The message is not UTF-8\.$/],
  [{ message: ' '.repeat(2 ** 20 + 1) }, /^PAYLOAD The message is longer than 1048576 bytes/],
  [
    { message: '{"data":{"a":"1","a":"2"}}' },
    /^PAYLOAD The message has the key "a" twice in one object: leave one out\.$/,
  ],
  [{ message: { message: {} } }, /message has a message within it: give what stands within, and dryRun beside it\.$/],
  [{ message: { token: 'a', data } }, /message has token: leave it out; recipients are the first argument\.$/],
  [{ message: { data: { n: 1 } } }, /message\.data\.n must be a string/],
  [{ message: { notifcation: {} } }, /message has the key "notifcation": write notification\.$/],
  [{ message: { data }, title: 'x' }, /^PAYLOAD The options message and title are both given: leave one out\.$/],
];

describe('fcm/compile-fcm', () => {
  for (const [options, message] of taken) {
    it(`takes ${JSON.stringify(options).slice(0, 100)}`, () => assert.deepEqual(messageOf(options), message));
  }

  for (const [options, expected] of refused) {
    it(`refuses ${JSON.stringify(options)?.slice(0, 100)}: ${String(expected).slice(0, 30)}`, () =>
      assert.match(told(options as object), expected));
  }

  it('has a place for each kind of recipient', () => {
    for (const target of ['token', 'topic', 'condition', 'fid']) {
      assert.deepEqual(bodyOf({ alert: 'Hi', target }, 'x'), {
        message: { [target]: 'x', notification: { body: 'Hi' } },
      });
      assert.equal(compile({ alert: 'Hi', target }).target, target);
    }
  });

  it('asks FCM to check only, where it is told to', () => {
    const expected = { message: { token: 'a:b', data }, validate_only: true };
    assert.deepEqual(bodyOf({ data, dryRun: true }), expected);
    assert.deepEqual(bodyOf({ message: { data }, dryRun: true }), expected);
    assert.deepEqual(bodyOf({ data: {}, dryRun: true }), { message: { token: 'a:b' }, validate_only: true });
    assert.deepEqual([compile({ data, dryRun: true }).dryRun, compile({ data, dryRun: false }).dryRun], [true, false]);
  });

  it('is a frozen notification, made once', () => {
    const compiled = compile({ alert: 'Hi' });
    const { notification } = compiled;
    assert.equal(compiled.notification, notification);
    assert.ok(Object.isFrozen(notification));
    assert.deepEqual(notification.headers, [['content-type', 'application/json']]);
    assert.deepEqual([notification.expiration, notification.priority], [null, null]);
    assert.equal(compiled.payloadText, '","notification":{"body":"Hi"}}}');
    assert.equal(Buffer.from(notification.bodyStart!).toString(), '{"message":{"token":"');
  });

  it('counts the time to live from when it is made, and once', () => {
    const late = new VirtualClock();
    const compiled = compileFcm({ alert: 'Hi', expiration: nowSeconds + 3600 }, late);
    assert.match(compiled.payloadText, /"ttl":"3600s"/);
    late.advance(60_000);
    assert.match(compiled.payloadText, /"ttl":"3600s"/);
    assert.match(compileFcm({ alert: 'Hi', expiration: nowSeconds + 3600 }, late).payloadText, /"ttl":"3540s"/);
  });

  it('leaves a whole message as it was written, but for blanks', () => {
    const { json } = compile({ message: '{ "data": { "n": "1" }, "new": 1.0, "big": 12345678901234567890 }' });
    assert.equal(json, '{"message":{"data":{"n":"1"},"new":1.0,"big":12345678901234567890}}');
  });

  it('lets placeholders stand in its strings, and gives the piece before the first one', () => {
    const { json, payloadText } = compile({ title: 'Hi {{name}}', data: { code: '{{code|x}}' } });
    assert.equal(json, '{"message":{"data":{"code":"{{code|x}}"},"notification":{"title":"Hi {{name}}"}}}');
    const [first, ...rest] = json.split('{{code|x}}');
    assert.equal([afterRecipient(first!), ...rest].join('{{code|x}}'), payloadText);
    assert.equal(payloadText.slice(0, 10), '","data":{');
  });

  it('refuses what FCM surely calls too large', () => {
    const text = (bytes: number) => ({ data: { k: 'ä'.repeat((bytes - 1) / 2) } });
    assert.equal(told(text(4095)), 'nothing');
    assert.equal(told(text(4097)), 'PAYLOAD The message has 4097 bytes of text, but FCM allows 4096: shorten it.');
    assert.equal(told({ ...text(2047), target: 'topic' }), 'nothing');
    assert.equal(
      told({ ...text(2049), target: 'topic' }),
      'PAYLOAD The message has 2049 bytes of text, but FCM allows 2048 to a topic: shorten it.',
    );
    assert.match(told({ body: 'a'.repeat(4097) }), /has 4097 bytes of text/);
    assert.match(told({ message: { notification: { body: 'a'.repeat(4097) } } }), /has 4097 bytes of text/);
  });

  it('makes JSON of every message that it takes', () => {
    const values = fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(values, fc.string({ unit: 'binary' }), (extra, title) => {
        if (told({ extra, title }) !== 'nothing') return;
        const message = messageOf({ extra, title }) as { notification: { title: string }; data?: object };
        assert.equal(message.notification.title, title);
        assert.deepEqual({ ...message.data }, { ...extra });
      }),
    );
  });
});
