import assert from 'node:assert/strict';
import fc from 'fast-check';
import { apsFields } from '../../src/apns/aps-fields.js';
import { checkPayloadContent, checkPayloadSize, compilePayload, type PayloadOptions } from '../../src/apns/payload.js';
import { pushTypeOfContent } from '../../src/apns/payload-content.js';
import type { PushType } from '../../src/apns/push-type.js';

const compile = (options: object) => compilePayload(options as PayloadOptions)!;
const text = (options: object) => compile(options).text;
const refused = (options: object, message: RegExp) =>
  assert.throws(() => compilePayload(options as PayloadOptions), {
    code: 'ERR_PEAL_PAYLOAD',
    origin: 'usage',
    message,
  });

describe('apns/payload', () => {
  it('writes the fields that are given under the names of Apple, and no others', () => {
    assert.equal(text({ alert: 'Hi' }), '{"aps":{"alert":"Hi"}}');
    assert.equal(
      text({
        alert: { title: 'T', body: 'B', locKey: 'K', locArgs: ['a'], titleLocKey: 'TK' },
        badge: 0,
        sound: 'default',
      }),
      '{"aps":{"alert":{"title":"T","body":"B","title-loc-key":"TK","loc-key":"K","loc-args":["a"]},"badge":0,"sound":"default"}}',
    );
    assert.equal(
      text({ contentAvailable: true, mutableContent: false, threadId: 't', category: 'c', targetContentId: 'w' }),
      '{"aps":{"thread-id":"t","category":"c","content-available":1,"mutable-content":0,"target-content-id":"w"}}',
    );
    assert.equal(
      text({
        interruptionLevel: 'time-sensitive',
        relevanceScore: 0.5,
        sound: { critical: true, name: 'x', volume: 1 },
      }),
      '{"aps":{"sound":{"critical":1,"name":"x","volume":1},"interruption-level":"time-sensitive","relevance-score":0.5}}',
    );
  });

  it('writes the fields of Live Activities', () => {
    assert.equal(
      text({
        event: 'update',
        timestamp: new Date(1_700_000_000_000),
        contentState: { score: [1, 2] },
        staleDate: 1_700_000_100,
      }),
      '{"aps":{"timestamp":1700000000,"event":"update","content-state":{"score":[1,2]},"stale-date":1700000100}}',
    );
  });

  it('writes the keys of widgets, controls and Safari', () => {
    assert.equal(text({ contentChanged: true }), '{"aps":{"content-changed":true}}');
    assert.equal(
      text({ alert: { title: 'T', body: 'B', action: 'View' }, urlArgs: ['boarding', 'A998'] }),
      '{"aps":{"alert":{"title":"T","body":"B","action":"View"},"url-args":["boarding","A998"]}}',
    );
    refused({ contentChanged: 1 }, /contentChanged must be true or false/);
    refused({ urlArgs: 'boarding' }, /urlArgs must be an array of strings/);
    for (const value of [true, 1]) text({ payload: { aps: { 'content-changed': value } } });
    refused({ payload: { aps: { 'content-changed': 'yes' } } }, /content-changed must be true or false/);
    refused({ payload: { aps: { alert: 'x', 'url-args': [1] } } }, /url-args must be an array of strings/);
  });

  it("writes the alert of a Live Activity as Apple's example has it", () => {
    const alert = {
      title: { locKey: '%@ is down', locArgs: ['Panda'] },
      body: { locKey: 'Heal %@!', locArgs: ['Panda'] },
      sound: 'Hero.mp4',
    };
    const written =
      '{"title":{"loc-key":"%@ is down","loc-args":["Panda"]},"body":{"loc-key":"Heal %@!","loc-args":["Panda"]},"sound":"Hero.mp4"}';
    assert.equal(text({ alert }), `{"aps":{"alert":${written}}}`);
    assert.equal(text({ payload: `{"aps":{"alert":${written}}}` }), `{"aps":{"alert":${written}}}`);
    refused({ alert: { title: 5 } }, /alert\.title must be a string, or an object with locKey/);
    refused({ alert: { title: { 'loc-key': 'x' } } }, /alert\.title has an unknown property "loc-key": write locKey/);
    refused({ payload: { aps: { alert: { body: { 'loc-args': 'x' } } } } }, /body\.loc-args must be an array/);
    refused({ payload: { aps: { alert: { body: 5 } } } }, /alert\.body must be a string, or an object with loc-key/);
  });

  it('puts keys that have no option beside the named options', () => {
    assert.equal(
      text({ alert: 'Hi', aps: { 'new-key': [1, { a: null }] } }),
      '{"aps":{"alert":"Hi","new-key":[1,{"a":null}]}}',
    );
    assert.equal(text({ aps: { x: 1 }, extra: { y: 2 } }), '{"aps":{"x":1},"y":2}');
    assert.equal(text({ aps: {} }), '{"aps":{}}');
    assert.equal(text({ alert: 'Hi', aps: {} }), '{"aps":{"alert":"Hi"}}');
    assert.equal(text({ alert: 'Hi', aps: undefined }), '{"aps":{"alert":"Hi"}}');
    assert.equal(pushTypeOfContent(compile({ contentAvailable: true, aps: { x: 1 } }).content), 'background');
  });

  it('refuses keys of aps that have an option, and says which', () => {
    refused(
      { alert: 'Hi', aps: { alert: 'Ho' } },
      /^The payload cannot be sent: aps has the key "alert": use the option alert\.$/,
    );
    // More values than any payload has, and more octets, are refused before their names are looked at.
    const keys = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, 1]));
    refused({ aps: { alert: 'x', ...keys(20_000) } }, /is one of over 10000 values/);
    const tooLarge = { alert: 'Hi', aps: { ...keys(9_000), alerts: 'x' } };
    assert.throws(() => checkPayloadSize(text(tooLarge).length, 'alert'), /bytes, but/);
    refused({ aps: { ...keys(100), alerts: 'x' } }, /has the key "alerts": use the option alert\.$/);
    refused({ aps: { 'thread-id': 'x' } }, /has the key "thread-id": use the option threadId\.$/);
    refused({ aps: { threadId: 'x' } }, /has the key "threadId": use the option threadId\.$/);
    refused({ aps: { thread_id: 'x' } }, /has the key "thread_id": use the option threadId\.$/);
    refused({ aps: 'x' }, /aps must be an object/);
    refused({ aps: { x: Number.NaN } }, /aps\.x is NaN/);
    refused({ aps: { toJSON: () => 1 } }, /aps has a method toJSON/);
    refused({ aps: { x: 1 }, payload: '{}' }, /payload and aps are both given: leave one out/);
  });

  it('writes a payload for device management', () => {
    const { text: payload, content } = compile({ mdm: 'F3C3-"42"' });
    assert.equal(payload, '{"mdm":"F3C3-\\"42\\""}');
    assert.equal(pushTypeOfContent(content), 'mdm');
    refused({ mdm: '' }, /mdm must be the PushMagic, as text/);
    refused({ mdm: 'x', alert: 'Hi' }, /The options mdm and alert are both given: leave one out/);
    refused({ mdm: 'x', payload: {} }, /payload and mdm are both given/);
  });

  it('counts undefined as not given', () => {
    assert.equal(text({ alert: 'Hi', badge: undefined, extra: undefined }), '{"aps":{"alert":"Hi"}}');
    assert.equal(compilePayload({ alert: undefined } as object), null);
    assert.equal(compilePayload({}), null);
  });

  it("puts the app's own keys beside aps, but not aps itself", () => {
    assert.equal(text({ alert: 'Hi', extra: { a: { b: [null] } } }), '{"aps":{"alert":"Hi"},"a":{"b":[null]}}');
    assert.equal(text({ extra: {} }), '{"aps":{}}');
    refused({ extra: { aps: {} } }, /extra must not hold aps/);
    for (const extra of [[], null, 'x', 3]) refused({ alert: 'x', extra }, /extra must be an object/);
  });

  /** An alert that says nothing is refused. */
  const spoken = fc.string({ unit: 'grapheme' }).filter((said) => said.trim() !== '');

  it('is UTF-8 without needless escapes, and cannot be broken out of by text', () => {
    assert.equal(text({ alert: 'Grüße 世界 😀' }), '{"aps":{"alert":"Grüße 世界 😀"}}');
    fc.assert(
      fc.property(spoken, fc.string({ unit: 'grapheme' }), (alert, value) => {
        assert.deepEqual(JSON.parse(text({ alert, extra: { value } })), { aps: { alert }, value });
      }),
    );
  });

  it('names a field of the wrong kind', () => {
    refused({ alert: 7 }, /alert must be a string or an object/);
    refused({ alert: { 'loc-key': 'x' } }, /unknown property "loc-key": write locKey/);
    refused({ alert: { text: 'x' } }, /unknown property "text": allowed are title/);
    refused({ alert: { locArgs: [1] } }, /alert\.locArgs must be an array of strings/);
    refused({ badge: -1 }, /badge must be a whole number/);
    refused({ badge: '1' }, /badge/);
    refused({ sound: { volume: 2 } }, /sound\.volume must be a number from 0 to 1/);
    refused({ contentAvailable: 1 }, /contentAvailable must be true or false/);
    refused({ interruptionLevel: 'loud' }, /one of passive, active/);
    refused({ relevanceScore: Number.NaN }, /relevanceScore is NaN/);
    refused({ timestamp: new Date(Number.NaN) }, /timestamp is an invalid Date, not a time/);
    refused({ alert: 'cut \ud83d' }, /alert holds half of a surrogate pair/);
    refused({ extra: { n: 5n } }, /extra\.n is of the type bigint/);
    refused(Object.defineProperty({}, 'alert', { get: () => 'x', enumerable: true }), /alert is a getter/);
  });

  it('takes a whole payload as object, text or bytes', () => {
    const object = { aps: { alert: 'Hi' }, n: 1 };
    const compact = '{"aps":{"alert":"Hi"},"n":1}';
    assert.equal(text({ payload: object }), compact);
    assert.equal(text({ payload: JSON.stringify(object, null, 2) }), compact);
    assert.equal(text({ payload: new TextEncoder().encode(`\uFEFF${compact}\n`) }), compact);
  });

  it('keeps numbers and order of a payload that was given as text', () => {
    assert.equal(text({ payload: '{"b": 1.50, "a": 12345678901234567890}' }), '{"b":1.50,"a":12345678901234567890}');
  });

  it('refuses whole payloads that are none', () => {
    refused({ payload: '' }, /payload is empty/);
    refused({ payload: '{"aps":' }, /not JSON/);
    refused({ payload: '[1]' }, /not an object/);
    refused({ payload: Uint8Array.of(0x22, 0xff, 0x22) }, /not UTF-8/);
    refused({ payload: 7 }, /payload must be an object/);
    refused({ payload: ['x'] }, /payload must be an object/);
    refused({ payload: { a: new Date() } }, /payload\.a is an instance/);
    refused({ payload: '{"a":"\ud800"}' }, /surrogate/);
    refused({ payload: ' '.repeat((1 << 20) + 1) }, /longer than/);
    refused({ payload: {}, alert: 'x' }, /payload and alert are both given/);
    refused({ payload: {}, extra: {} }, /payload and extra are both given/);
  });

  it('suggests background for content-available alone, however it was given', () => {
    const suggested = (options: object) => pushTypeOfContent(compile(options).content);
    assert.equal(suggested({ contentAvailable: true, extra: { a: 1 } }), 'background');
    assert.equal(suggested({ contentAvailable: true, alert: 'x' }), 'alert');
    assert.equal(suggested({ contentAvailable: false }), 'alert');
    assert.equal(suggested({ payload: { aps: { 'content-available': 1 } } }), 'background');
    assert.equal(suggested({ payload: '{"aps":{"content-available":1,"badge":3}}' }), 'alert');
    assert.equal(suggested({ payload: { mdm: 'x' } }), 'mdm');
  });

  const start = 1_800_000_000;

  for (const name of ['timestamp', 'staleDate', 'dismissalDate']) {
    it(`takes seconds for ${name}, and no milliseconds`, () => {
      const [key] = apsFields[name]!;
      assert.equal(text({ [name]: start }), `{"aps":{"${key}":${start}}}`);
      assert.equal(text({ [name]: new Date(start * 1000 + 999) }), `{"aps":{"${key}":${start}}}`);
      assert.equal(text({ [name]: '2027-01-15T08:00:00Z' }), `{"aps":{"${key}":${start}}}`);
      assert.match(text({ [name]: '+1h' }), /":\d{10}\}/);
      refused({ [name]: start * 1000 }, new RegExp(`${name} is 1800000000000, .* give seconds, not milliseconds`));
      refused({ [name]: 3600 }, new RegExp(`${name} is 3600, which lies before 2001: .* \\{ seconds: 3600 \\}`));
      refused({ [name]: 0 }, new RegExp(`${name} is 0`));
      refused({ [name]: { seconds: 5, hours: 1 } }, new RegExp(`${name} has an unknown property "hours"`));
      refused({ [name]: 'soon' }, new RegExp(`${name} is "soon", not a time`));
      refused({ payload: { aps: { [key]: start * 1000 } } }, new RegExp(`payload.aps.${key} is 1800000000000`));
      refused(
        { payload: { aps: { [key]: 5 } } },
        /is 5, which lies before 2001: give whole epoch seconds, such as 1\d{9}/,
      );
      refused({ payload: { aps: { [key]: String(start) } } }, new RegExp(`payload.aps.${key} must be a number`));
    });
  }

  it('refuses an alert and a sound that say nothing, named or whole', () => {
    for (const alert of ['', '  ', {}, { title: '', body: ' ' }, { title: undefined }]) {
      refused({ alert }, /alert is empty/);
      refused({ payload: { aps: { alert } } }, /payload\.aps\.alert is empty/);
    }
    refused({ sound: '' }, /sound is empty/);
    assert.equal(text({ alert: { title: 'x', body: '' } }), '{"aps":{"alert":{"title":"x","body":""}}}');
    assert.equal(text({ badge: 0 }), '{"aps":{"badge":0}}');
  });

  it('holds a whole payload to what named options are held to', () => {
    const aps = (value: unknown, message: RegExp) => {
      refused({ payload: { aps: value } }, message);
      refused({ payload: JSON.stringify({ aps: value }) }, message);
    };
    aps({ 'content-available': true }, /payload\.aps\.content-available is true: in a payload it must be 1 or 0/);
    aps({ 'mutable-content': '1' }, /payload\.aps\.mutable-content is "1": in a payload it must be 1 or 0/);
    aps({ badge: '3' }, /payload\.aps\.badge must be a whole number/);
    aps({ alert: 7 }, /payload\.aps\.alert must be a string or an object/);
    aps({ alert: { title: 7 } }, /payload\.aps\.alert\.title must be a string/);
    aps({ sound: { critical: true, name: 'x' } }, /payload\.aps\.sound\.critical is true/);
    aps({ contentAvailable: 1 }, /has the key "contentAvailable": write content-available/);
    aps({ 'content-avaliable': 1 }, /has the key "content-avaliable": write content-available/);
    aps({ thread_id: 'x' }, /has the key "thread_id": write thread-id/);
    aps({ alert: { titleLocKey: 'x' } }, /payload\.aps\.alert has the key "titleLocKey": write title-loc-key/);
    aps('text', /payload\.aps must be an object/);
    aps(null, /payload\.aps must be an object/);
    refused({ payload: { APS: { alert: 'x' } } }, /has the key "APS": write aps/);
  });

  it('refuses a payload without aps for what is read out of it, and no other', () => {
    const check = (payload: unknown, pushType: PushType) => checkPayloadContent(compile({ payload }).content, pushType);
    for (const payload of [{}, '{}', { to: 'x', data: { a: 1 }, priority: 'high' }, '{"a":{"aps":{"alert":"x"}}}']) {
      for (const pushType of ['alert', 'widgets', 'controls'] as const) {
        assert.throws(() => check(payload, pushType), {
          code: 'ERR_PEAL_PAYLOAD',
          message: new RegExp(`payload has no aps, .* ${pushType} are read: write \\{ "aps": \\{`),
        });
      }
      assert.throws(() => check(payload, 'background'), {
        message: /background needs payload\.aps\.content-available/,
      });
      assert.throws(() => check(payload, 'liveactivity'), { message: /liveactivity needs payload\.aps\.event/ });
      for (const pushType of ['complication', 'fileprovider', 'location', 'mdm', 'pushtotalk', 'voip'] as const)
        check(payload, pushType);
    }
    check({ aps: {}, data: 1 }, 'alert');
  });

  it('refuses text that has a key twice, at any depth and however it is escaped', () => {
    refused({ payload: '{"aps":{"alert":"a"}, "aps":{"alert":"b"}}' }, /has the key "aps" twice in one object/);
    refused({ payload: '{"aps":{"alert":"a","badge":1,"alert" :"b"}}' }, /the key "alert" twice/);
    refused({ payload: '{"aps":{"alert":"a"},"x":[{"y":1,"\\u0079":2}]}' }, /the key "y" twice/);
    refused({ payload: new TextEncoder().encode('{"aps":{},"":1,"":2}') }, /the key "" twice/);
    const distinct =
      '{"aps":{"alert":{"title":"a\\"{","body":"b"},"badge":1},"a":{"aps":1,"x":["a","a"]},"b":{"aps":1}}';
    assert.equal(text({ payload: distinct }), distinct);
  });

  it('lets keys through that Apple may have added, and an app’s own', () => {
    const whole =
      '{"aps":{"alert":{"body":"x","summary-arg":"y"},"content-available":1,"url-args":[],"hologram":2},"apsx":1}';
    assert.equal(text({ payload: whole }), whole);
  });

  it('allows 4,096 bytes, 5,120 for voip, and says actual and allowed', () => {
    checkPayloadSize(4096, 'alert');
    checkPayloadSize(5120, 'voip');
    assert.throws(() => checkPayloadSize(4097, 'alert'), {
      code: 'ERR_PEAL_PAYLOAD',
      message: /4097 bytes.*alert allows 4096/,
    });
    assert.throws(() => checkPayloadSize(5121, 'voip'), { message: /5121 bytes.*voip allows 5120/ });
    assert.throws(() => checkPayloadSize(4097, null), { message: /a push allows 4096/ });
  });
});
