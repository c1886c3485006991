import assert from 'node:assert/strict';
import fc from 'fast-check';
import { checkHeaders, type HeaderOptions } from '../../src/apns/headers.js';
import { pushTypes, ruleOf, topicFor } from '../../src/apns/push-type.js';
import { VirtualClock } from '../support/virtual-clock.js';

const clock = new VirtualClock(1_700_000_000_500);
const check = (options: object) => {
  const { set, ...own } = checkHeaders(options as HeaderOptions, 'alert', clock);
  return { fields: set.with(own), ...own };
};
const refused = (options: object, message: RegExp) =>
  assert.throws(() => check(options), { code: 'ERR_PEAL_HEADER', origin: 'usage', message });

describe('apns/headers', () => {
  it('sends the push type with every push, and nothing else that was not given', () => {
    const own = { expiration: null, priority: null, collapseId: null, apnsId: null };
    assert.deepEqual(check({}), { fields: [['apns-push-type', 'alert']], ...own });
  });

  it('lays all fields out in one order', () => {
    const { fields } = check({
      headers: { 'x-new-field': 'a b' },
      apnsId: '0A1B2C3D-0000-4000-8000-0123456789AB',
      collapseId: 'score 2:1',
      expiration: 1_800_000_000,
      priority: 10,
      pushType: 'alert',
      topic: 'com.example.App-1',
    });
    assert.deepEqual(fields, [
      ['apns-topic', 'com.example.App-1'],
      ['apns-push-type', 'alert'],
      ['apns-priority', '10'],
      ['apns-expiration', '1800000000'],
      ['apns-collapse-id', 'score 2:1'],
      ['apns-id', '0a1b2c3d-0000-4000-8000-0123456789ab'],
      ['x-new-field', 'a b'],
    ]);
  });

  it('tells expiration 0 from none, and takes seconds, dates and times from now', () => {
    const field = (expiration: unknown) =>
      check({ expiration }).fields.find(([name]) => name === 'apns-expiration')?.[1];
    assert.equal(field(undefined), undefined);
    assert.equal(field(0), '0');
    assert.equal(check({ expiration: 0 }).expiration, 0);
    assert.equal(field(new Date('2030-01-01T00:00:00.999Z')), '1893456000');
    assert.equal(field({ seconds: 3600 }), '1700003600');
    assert.equal(field('1h'), '1700003600');
    assert.equal(field('+90s'), '1700000090');
    assert.equal(field('0'), '0');
    assert.equal(field('2030-01-01T01:00:00+01:00'), '1893456000');
  });

  it('refuses expirations that are none, or surely meant otherwise', () => {
    for (const expiration of [
      -1,
      1.5,
      Number.NaN,
      '',
      'soon',
      null,
      new Date(Number.NaN),
      { seconds: -5 },
      { seconds: 0 },
      {},
    ]) {
      refused({ expiration }, /expiration/);
    }
    refused({ expiration: 3600 }, /give \{ seconds: 3600 \}/);
    refused({ expiration: 1_800_000_000_000 }, /milliseconds/);
  });

  it('gives background pushes priority 5 and refuses another', () => {
    assert.equal(check({ pushType: 'background' }).priority, 5);
    assert.equal(check({ pushType: 'background', priority: 5 }).priority, 5);
    refused({ pushType: 'background', priority: 10 }, /priority is 10, which does not go with pushType background/);
    assert.equal(check({ pushType: 'alert' }).priority, null);
    for (const priority of [0, 2, '10', null]) refused({ priority }, /priority .* not 10, 5 or 1/);
  });

  it('asks the topic of mdm for the beginning that all push certificates for device management have', () => {
    const topic = 'com.apple.mgmt.External.0a1b2c3d-0000-4000-8000-000000000000';
    assert.deepEqual(check({ pushType: 'mdm', topic }).fields[0], ['apns-topic', topic]);
    assert.equal(topicFor('mdm', topic), topic);
    for (const other of ['com.example.app', 'com.apple.mgmt', 'com.apple.mgmt.', 'com.example.com.apple.mgmt.x']) {
      refused(
        { pushType: 'mdm', topic: other },
        /does not go with pushType mdm: it must be the topic in the push certificate \(its UID\), which begins with "com\.apple\.mgmt\."\.$/,
      );
    }
    assert.throws(() => topicFor('mdm', 'com.example.app'), {
      code: 'ERR_PEAL_HEADER',
      message:
        'The push type mdm has no topics of apps: give the topic of its push certificate (UID), com.apple.mgmt.….',
    });
  });

  it('refuses a topic that is a suffix alone, or begins with a full stop', () => {
    refused({ topic: '.voip' }, /no "\." at its beginning/);
    refused({ topic: '.push-type.widgets', pushType: 'widgets' }, /no "\." at its beginning/);
    refused({ topic: '.com.example.app' }, /no "\." at its beginning/);
  });

  it('asks the topic for the suffix of its push type', () => {
    for (const pushType of pushTypes.filter((one) => one !== 'mdm')) {
      const topic = topicFor(pushType, 'com.example.app');
      assert.deepEqual(check({ pushType, topic }).fields[0], ['apns-topic', topic]);
      if (ruleOf(pushType).topicSuffix !== '') {
        refused({ pushType, topic: 'com.example.app' }, new RegExp(`must be ${topic.replaceAll('.', '\\.')}`));
      }
    }
  });

  it('reads the push type from the topic where it is not given', () => {
    const typeFor = (topic: string) => check({ topic }).fields.find(([name]) => name === 'apns-push-type')?.[1];
    for (const pushType of pushTypes.filter((one) => ruleOf(one).topicSuffix !== '')) {
      assert.equal(typeFor(topicFor(pushType, 'com.example.app')), pushType);
    }
    assert.equal(typeFor('com.apple.mgmt.External.0a1b2c3d-0000-4000-8000-000000000000'), 'mdm');
    assert.equal(typeFor('com.example.app'), 'alert');
    assert.equal(typeFor('com.example.voipal'), 'alert');
  });

  it('refuses a push type that contradicts the topic, unless it is given as a header', () => {
    refused({ topic: 'com.example.voip', pushType: 'alert' }, /is a topic of pushType voip, not alert/);
    refused({ topic: 'a.complication', pushType: 'background' }, /is a topic of pushType complication, not background/);
    refused({ topic: 'com.apple.mgmt.External.x', pushType: 'alert' }, /is a topic of pushType mdm, not alert/);
    refused({ topic: 'a.push-type.widgets', pushType: 'voip' }, /is a topic of pushType widgets, not voip/);
    const own = check({ topic: 'com.example.voip', headers: { 'apns-push-type': 'alert' } });
    assert.deepEqual(own.fields, [
      ['apns-topic', 'com.example.voip'],
      ['apns-push-type', 'alert'],
    ]);
  });

  it('has the eleven push types of Apple, and refuses others', () => {
    assert.equal(pushTypes.length, 11);
    for (const pushType of ['Alert', '', 'constructor', null, 'ALERT\r\n'])
      refused({ pushType }, /pushType .* not known/);
  });

  it('takes a push type of tomorrow as a header', () => {
    assert.deepEqual(check({ headers: { 'apns-push-type': 'hologram' } }).fields, [['apns-push-type', 'hologram']]);
    refused({ pushType: 'alert', headers: { 'apns-push-type': 'alert' } }, /both given/);
  });

  it('bounds the collapse id at 64 bytes', () => {
    assert.equal(check({ collapseId: 'x'.repeat(64) }).fields.length, 2);
    refused({ collapseId: 'x'.repeat(65) }, /65 bytes, more than 64/);
    for (const collapseId of ['', ' x', 'x ', 'ü', 'a\tb', 7]) refused({ collapseId }, /collapseId/);
  });

  it('bounds the topic and the number of further fields', () => {
    refused({ topic: 'x'.repeat(256) }, /256 characters/);
    refused({ topic: '' }, /topic/);
    refused({ headers: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`x-${i}`, 'y'])) }, /17 fields/);
  });

  it('refuses further fields that are named options, belong to HTTP, or are no fields', () => {
    refused({ headers: { 'apns-topic': 'x' } }, /set by the option topic/);
    for (const name of ['authorization', 'content-length', 'host', 'te', 'connection']) {
      refused({ headers: { [name]: 'x' } }, /cannot be set/);
    }
    for (const name of [':path', 'Apns-Topic', 'a b', '', 'a\r\nb', 'ü', 'a:'])
      refused({ headers: { [name]: 'x' } }, /name/);
    for (const headers of [[], null, 'x', 5]) refused({ headers }, /option headers/);
  });

  it('lets no CR, LF, NUL or other control or non-ASCII character into any value', () => {
    const bad = fc
      .tuple(
        fc.string({ maxLength: 10 }),
        fc.constantFrom('\r', '\n', '\0', '\r\nx: y', '\x7f', '☃', '\u0085'),
        fc.string({ maxLength: 10 }),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        bad,
        fc.constantFrom('topic', 'collapseId', 'apnsId', 'pushType', 'priority', 'header'),
        (text, option) => {
          refused(option === 'header' ? { headers: { 'x-field': text } } : { [option]: text }, /./);
        },
      ),
    );
  });

  it('never prints a control character in its messages', () => {
    assert.throws(
      () => check({ topic: 'x\x1b[2J\r\n' }),
      (error: Error) => !/\p{Cc}/u.test(error.message),
    );
  });
});
