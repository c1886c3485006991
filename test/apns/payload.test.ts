import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkPayloadSize, compilePayload, type PayloadOptions } from '../../src/apns/payload.js';

const text = (options: object) => new TextDecoder().decode(compilePayload(options as PayloadOptions).bytes);
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

  it('counts undefined as not given', () => {
    assert.equal(text({ alert: 'Hi', badge: undefined, extra: undefined }), '{"aps":{"alert":"Hi"}}');
    refused({ alert: undefined }, /message is empty/);
    refused({}, /message is empty/);
  });

  it("puts the app's own keys beside aps, but not aps itself", () => {
    assert.equal(text({ alert: 'Hi', extra: { a: { b: [null] } } }), '{"aps":{"alert":"Hi"},"a":{"b":[null]}}');
    assert.equal(text({ extra: {} }), '{"aps":{}}');
    refused({ extra: { aps: {} } }, /extra holds aps/);
    for (const extra of [[], null, 'x', 3]) refused({ alert: 'x', extra }, /extra must be an object/);
  });

  it('is UTF-8 without needless escapes, and cannot be broken out of by text', () => {
    assert.equal(text({ alert: 'Grüße 世界 😀' }), '{"aps":{"alert":"Grüße 世界 😀"}}');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (alert, value) => {
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
    refused({ timestamp: new Date(Number.NaN) }, /timestamp must be/);
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
    const suggested = (options: object) => compilePayload(options as PayloadOptions).suggestedPushType;
    assert.equal(suggested({ contentAvailable: true, extra: { a: 1 } }), 'background');
    assert.equal(suggested({ contentAvailable: true, alert: 'x' }), 'alert');
    assert.equal(suggested({ contentAvailable: false }), 'alert');
    assert.equal(suggested({ payload: { aps: { 'content-available': 1 } } }), 'background');
    assert.equal(suggested({ payload: '{"aps":{"content-available":1,"badge":3}}' }), 'alert');
    assert.equal(suggested({ payload: { mdm: 'x' } }), 'alert');
  });

  it('allows 4,096 bytes, 5,120 for voip, and says actual and allowed', () => {
    checkPayloadSize(new Uint8Array(4096), 'alert');
    checkPayloadSize(new Uint8Array(5120), 'voip');
    assert.throws(() => checkPayloadSize(new Uint8Array(4097), 'alert'), {
      code: 'ERR_PEAL_PAYLOAD',
      message: /4097 bytes.*alert allows 4096/,
    });
    assert.throws(() => checkPayloadSize(new Uint8Array(5121), 'voip'), { message: /5121 bytes.*voip allows 5120/ });
    assert.throws(() => checkPayloadSize(new Uint8Array(4097), null), { message: /a push allows 4096/ });
  });
});
