/**
 * What `peal/compat/firebase-messaging` asks of messages, and what it sends of them: texts and names are those of
 * firebase-admin 13.10.
 */
import assert from 'node:assert/strict';
import { recipientOf, wireContentOf } from '../../../src/compat/firebase-messaging/message-rules.js';

const noon = new Date('2031-01-02T12:00:00.400Z');

const inNotification = (fields: object) => ({ android: { notification: fields } });
const inAps = (fields: object) => ({ apns: { payload: { aps: fields } } });
const lights = (fields: object) =>
  inNotification({
    lightSettings: { lightOnDurationMillis: 1, lightOffDurationMillis: 2, color: '#112233', ...fields },
  });

/** Messages without a recipient that are refused, and the texts. */
const refused: readonly (readonly [content: object, text: string])[] = [
  [{ data: null }, 'data must be a non-null object'],
  [{ data: [] }, 'data must be a non-null object'],
  [{ data: { n: 1 } }, 'data must only contain string values'],
  [{ android: 1 }, 'android must be a non-null object'],
  [{ android: { data: 1 } }, 'android.data must be a non-null object'],
  [{ android: { data: { n: 1 } } }, 'android.data must only contain string values'],
  ...['1', -1, Number.NaN, null].map(
    (ttl) => [{ android: { ttl } }, 'TTL must be a non-negative duration in milliseconds'] as const,
  ),
  [{ android: { fcmOptions: 1 } }, 'fcmOptions must be a non-null object'],
  [{ android: { fcmOptions: { analyticsLabel: 1 } } }, 'analyticsLabel must be a string value'],
  [{ android: { notification: [] } }, 'android.notification must be a non-null object'],
  [inNotification({ color: 'red' }), 'android.notification.color must be in the form #RRGGBB'],
  [inNotification({ color: '#12345678' }), 'android.notification.color must be in the form #RRGGBB'],
  [inNotification({ bodyLocArgs: ['a'] }), 'android.notification.bodyLocKey is required when specifying bodyLocArgs'],
  [
    inNotification({ titleLocArgs: ['a'], titleLocKey: '' }),
    'android.notification.titleLocKey is required when specifying titleLocArgs',
  ],
  [inNotification({ imageUrl: 'a' }), 'android.notification.imageUrl must be a valid URL string'],
  [
    inNotification({ eventTimestamp: '2031-01-02' }),
    'android.notification.eventTimestamp must be a valid `Date` object',
  ],
  [
    inNotification({ vibrateTimingsMillis: [] }),
    'android.notification.vibrateTimingsMillis must be a non-empty array of numbers',
  ],
  [
    inNotification({ vibrateTimingsMillis: [1, -1] }),
    'android.notification.vibrateTimingsMillis must be non-negative durations in milliseconds',
  ],
  [inNotification({ lightSettings: null }), 'android.notification.lightSettings must be a non-null object'],
  [
    inNotification({ lightSettings: {} }),
    'android.notification.lightSettings.lightOnDurationMillis must be a non-negative duration in milliseconds',
  ],
  [
    lights({ lightOffDurationMillis: -1 }),
    'android.notification.lightSettings.lightOffDurationMillis must be a non-negative duration in milliseconds',
  ],
  [
    lights({ color: '#12345' }),
    'android.notification.lightSettings.color must be in the form #RRGGBB or #RRGGBBAA format',
  ],
  [{ webpush: 'x' }, 'webpush must be a non-null object'],
  [{ webpush: { headers: { ttl: 1 } } }, 'webpush.headers must only contain string values'],
  [{ webpush: { data: 1 } }, 'webpush.data must be a non-null object'],
  [{ apns: null }, 'apns must be a non-null object'],
  [{ apns: { liveActivityToken: 1 } }, 'apns.liveActivityToken must be a string value'],
  [{ apns: { liveActivityToken: '' } }, 'apns.liveActivityToken must be a non-empty string'],
  [{ apns: { headers: { 'apns-priority': 5 } } }, 'apns.headers must only contain string values'],
  [{ apns: { payload: 'x' } }, 'apns.payload must be a non-null object'],
  [{ apns: { payload: { aps: 1 } } }, 'apns.payload.aps must be a non-null object'],
  [inAps({ alert: 1 }), 'apns.payload.aps.alert must be a string or a non-null object'],
  [inAps({ alert: { locArgs: ['a'] } }), 'apns.payload.aps.alert.locKey is required when specifying locArgs'],
  [
    inAps({ alert: { titleLocArgs: ['a'] } }),
    'apns.payload.aps.alert.titleLocKey is required when specifying titleLocArgs',
  ],
  [
    inAps({ alert: { subtitleLocArgs: ['a'] } }),
    'apns.payload.aps.alert.subtitleLocKey is required when specifying subtitleLocArgs',
  ],
  [inAps({ sound: '' }), 'apns.payload.aps.sound must be a non-empty string or a non-null object'],
  [inAps({ sound: {} }), 'apns.payload.aps.sound.name must be a non-empty string'],
  [inAps({ sound: { name: 'a', volume: '1' } }), 'apns.payload.aps.sound.volume must be a number'],
  [inAps({ sound: { name: 'a', volume: 2 } }), 'apns.payload.aps.sound.volume must be in the interval [0, 1]'],
  [inAps({ contentAvailable: true, 'content-available': 1 }), 'Multiple specifications for contentAvailable in Aps'],
  [inAps({ threadId: 'a', 'thread-id': 'b' }), 'Multiple specifications for threadId in Aps'],
  [{ apns: { fcmOptions: 1 } }, 'fcmOptions must be a non-null object'],
  [{ apns: { fcmOptions: { imageUrl: 'a b' } } }, 'imageUrl must be a valid URL string'],
  [{ apns: { fcmOptions: { analyticsLabel: 1 } } }, 'analyticsLabel must be a string value'],
  [
    { apns: { fcmOptions: { imageUrl: 'https://a.b/c', image: 'x' } } },
    'Multiple specifications for imageUrl in ApnsFcmOptions',
  ],
  [{ fcmOptions: null }, 'fcmOptions must be a non-null object'],
  [{ fcmOptions: { analyticsLabel: 1 } }, 'analyticsLabel must be a string value'],
  [{ notification: 'x' }, 'notification must be a non-null object'],
  [{ notification: { imageUrl: 'ftp://a/b' } }, 'notification.imageUrl must be a valid URL string'],
  [{ notification: { imageUrl: 'https://a.b/c', image: 'x' } }, 'Multiple specifications for imageUrl in Notification'],
  // Of several faults the one that firebase-admin tells.
  [{ notification: 1, data: 1, android: { ttl: -1, data: 1 } }, 'data must be a non-null object'],
  [{ notification: 1, android: { data: 1, ttl: -1 } }, 'TTL must be a non-negative duration in milliseconds'],
];

/** What is given, and what is sent. */
const sent: readonly (readonly [what: string, content: object, wire: object])[] = [
  [
    'what has the same name',
    { data: { a: 'b' }, notification: { title: 'T', body: 'B' } },
    {
      data: { a: 'b' },
      notification: { title: 'T', body: 'B' },
    },
  ],
  ['fields that are not known', { own: 1, android: { own: 2 } }, { own: 1, android: { own: 2 } }],
  [
    'a picture in its three places',
    {
      notification: { imageUrl: 'https://example.com/a.png' },
      android: { notification: { imageUrl: 'http://[::1]:8080/b' } },
      apns: { fcmOptions: { imageUrl: 'https://example.com/c?x=1&y', analyticsLabel: 'l' } },
    },
    {
      notification: { image: 'https://example.com/a.png' },
      android: { notification: { image: 'http://[::1]:8080/b' } },
      apns: { fcmOptions: { image: 'https://example.com/c?x=1&y', analyticsLabel: 'l' } },
    },
  ],
  [
    'options of Android',
    {
      android: {
        collapseKey: 'c',
        priority: 'high',
        ttl: 3500,
        restrictedPackageName: 'p',
        directBootOk: true,
        bandwidthConstrainedOk: true,
        restrictedSatelliteOk: false,
        fcmOptions: { analyticsLabel: 'l' },
      },
    },
    {
      android: {
        collapse_key: 'c',
        priority: 'high',
        ttl: '3.500000000s',
        restricted_package_name: 'p',
        direct_boot_ok: true,
        bandwidth_constrained_ok: true,
        restricted_satellite_ok: false,
        fcmOptions: { analyticsLabel: 'l' },
      },
    },
  ],
  ...(
    [
      [0, '0s'],
      [3000, '3s'],
      [1, '0.001000000s'],
      [86_400_000.5, '86400.000500000s'],
    ] as const
  ).map(([ttl, text]) => [`a ttl of ${ttl} ms`, { android: { ttl } }, { android: { ttl: text } }] as const),
  [
    'a notification of Android',
    inNotification({
      clickAction: 'a',
      bodyLocKey: 'b',
      bodyLocArgs: ['1'],
      titleLocKey: 't',
      titleLocArgs: ['2'],
      channelId: 'c',
      eventTimestamp: noon,
      localOnly: true,
      priority: 'max',
      vibrateTimingsMillis: [100, 1500],
      defaultVibrateTimings: true,
      defaultSound: true,
      defaultLightSettings: false,
      notificationCount: 3,
      visibility: 'public',
      proxy: 'if_priority_lowered',
      color: '#aaBBcc',
      ticker: 't',
    }),
    inNotification({
      click_action: 'a',
      body_loc_key: 'b',
      body_loc_args: ['1'],
      title_loc_key: 't',
      title_loc_args: ['2'],
      channel_id: 'c',
      event_time: '2031-01-02T12:00:00.400Z',
      local_only: true,
      notification_priority: 'PRIORITY_MAX',
      vibrate_timings: ['0.100000000s', '1.500000000s'],
      default_vibrate_timings: true,
      default_sound: true,
      default_light_settings: false,
      notification_count: 3,
      visibility: 'PUBLIC',
      proxy: 'IF_PRIORITY_LOWERED',
      color: '#aaBBcc',
      ticker: 't',
    }),
  ],
  [
    'a light',
    lights({ color: '#FF000033' }),
    inNotification({
      light_settings: {
        light_on_duration: '0.001000000s',
        light_off_duration: '0.002000000s',
        color: { red: 1, green: 0, blue: 0, alpha: 0.2 },
      },
    }),
  ],
  [
    'a light without alpha',
    lights({ color: '#0033ff', lightOffDurationMillis: 2000 }),
    inNotification({
      light_settings: {
        light_on_duration: '0.001000000s',
        light_off_duration: '2s',
        color: { red: 0, green: 0.2, blue: 1, alpha: 1 },
      },
    }),
  ],
  [
    'what Apple shows',
    {
      apns: {
        liveActivityToken: 'l',
        headers: { 'apns-priority': '5' },
        payload: {
          own: { contentAvailable: true },
          aps: {
            alert: {
              title: 'T',
              locKey: 'k',
              locArgs: ['1'],
              subtitleLocKey: 's',
              actionLocKey: 'a',
              launchImage: 'i',
            },
            badge: 0,
            contentAvailable: true,
            mutableContent: false,
            threadId: 't',
            category: 'c',
            sound: { critical: true, name: 'n', volume: 0.5 },
            own: 1,
          },
        },
      },
    },
    {
      apns: {
        live_activity_token: 'l',
        headers: { 'apns-priority': '5' },
        payload: {
          own: { contentAvailable: true },
          aps: {
            alert: {
              title: 'T',
              'loc-key': 'k',
              'loc-args': ['1'],
              'subtitle-loc-key': 's',
              'action-loc-key': 'a',
              'launch-image': 'i',
            },
            badge: 0,
            'content-available': 1,
            'thread-id': 't',
            category: 'c',
            sound: { critical: 1, name: 'n', volume: 0.5 },
            own: 1,
          },
        },
      },
    },
  ],
  [
    'an alert as text, and flags of the wire',
    inAps({ alert: '', 'content-available': 1, 'mutable-content': 0 }),
    inAps({
      alert: '',
      'content-available': 1,
    }),
  ],
  [
    'web push as it is',
    { webpush: { headers: { TTL: '1' }, notification: { renotify: true } } },
    {
      webpush: { headers: { TTL: '1' }, notification: { renotify: true } },
    },
  ],
];

const withCode = (code: string, message: string) => (error: unknown) => {
  assert.deepEqual((error as { toJSON(): object }).toJSON(), { code, message });
  return true;
};

describe('messages of compat/firebase-messaging', () => {
  for (const [content, text] of refused) {
    it(`are refused: ${text} (${JSON.stringify(content)})`, () => {
      assert.throws(() => wireContentOf(content), withCode('messaging/invalid-payload', text));
    });
  }

  for (const [what, content, wire] of sent) {
    it(`are sent by the names of the wire: ${what}`, () => {
      const before = structuredClone(content);
      assert.deepEqual(JSON.parse(JSON.stringify(wireContentOf(content))), wire);
      assert.deepEqual(content, before, 'what the program gave is as it was');
    });
  }

  it('take fields that are undefined as not given', () => {
    const content = { data: undefined, android: undefined, apns: { payload: undefined }, fcmOptions: undefined };
    assert.equal(JSON.stringify(wireContentOf(content)), '{"apns":{}}');
  });

  it('prefer the name of firebase-admin to the one of the wire', () => {
    const content = { android: { collapseKey: 'a', collapse_key: 'b' } };
    assert.deepEqual(wireContentOf(content), { android: { collapse_key: 'a' } });
  });

  it('go to one token, topic, condition or installation id', () => {
    const kinds = { token: 't', topic: 'news', condition: "'a' in topics", fid: 'f' };
    for (const [target, text] of Object.entries(kinds))
      assert.deepEqual(recipientOf({ [target]: text }), { target, text });
    assert.deepEqual(recipientOf({ topic: '/topics/a-b_c.~%1' }), { target: 'topic', text: 'a-b_c.~%1' });
    assert.deepEqual(recipientOf({ token: 't', topic: '', condition: undefined }), { target: 'token', text: 't' });
    const texts: readonly (readonly [unknown, string])[] = [
      ...[null, undefined, 'x', [], 1].map((message) => [message, 'Message must be a non-null object'] as const),
      ...[{}, { token: 't', topic: 'a' }, { token: '' }, { token: 5 }, { condition: 'c', fid: 'f' }].map(
        (message) => [message, 'Exactly one of topic, token or condition is required'] as const,
      ),
      ...['a b', '/topics/', 'a/b', 'ä', 5].map((topic) => [{ topic }, 'Malformed topic name'] as const),
    ];
    for (const [message, text] of texts) {
      assert.throws(() => recipientOf(message), withCode('messaging/invalid-payload', text));
    }
  });
});
