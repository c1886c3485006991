/**
 * Header and path injection: what could become another field, another path or another host is refused before encoding.
 */
import assert from 'node:assert/strict';
import { ClientConnection } from '../../src/codec/requests/client-connection.js';
import type { ResponseListener } from '../../src/codec/requests/response-listener.js';
import { APNs, Message, type MessageOptions, type PealError, Session } from '../../src/index.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';

const base = { alert: 'Hello', topic: 'com.example.app' };

/** What ends a field, hides in one, or is no byte of one; in the middle, where no trimming helps. */
const poisons = [
  '\r\nfoo: bar',
  '\r',
  '\n',
  '\0',
  '\x01',
  '\x7f',
  '\u0080',
  '\u00a0',
  '☃',
  '\u{1f600}',
  '\ud800',
  '\u2028',
  '\u202e',
];
/** Refused wherever they stand in a field. */
const inText = (text: string): string[] => poisons.map((poison) => `${text.slice(0, 3)}${poison}${text.slice(3)}`);
/** Blanks are refused at the ends. */
const atEnds = (text: string): string[] => [` ${text}`, `${text} `, `\t${text}`, `${text}\t`, `${text}\r\n`];

describe('security: nothing that is sent can become another header field, path or host', () => {
  const fields: Record<string, { good: string; options: (value: string) => MessageOptions }> = {
    topic: { good: 'com.example.app', options: (topic) => ({ ...base, topic }) },
    collapseId: { good: 'score', options: (collapseId) => ({ ...base, collapseId }) },
    apnsId: { good: '123e4567-e89b-12d3-a456-426614174000', options: (apnsId) => ({ ...base, apnsId }) },
    pushType: { good: 'alert', options: (pushType) => ({ ...base, pushType }) as MessageOptions },
    'a further field': { good: 'value', options: (value) => ({ ...base, headers: { 'apns-new': value } }) },
    'the name of a further field': { good: 'apns-new', options: (name) => ({ ...base, headers: { [name]: 'value' } }) },
    priority: { good: '10', options: (priority) => ({ ...base, priority }) as never },
    expiration: { good: '1700000000', options: (expiration) => ({ ...base, expiration }) as never },
  };

  for (const [name, { good, options }] of Object.entries(fields)) {
    it(`header injection: ${name} is refused with CR, LF, NUL, controls, what is not ASCII, and blanks at its ends`, () => {
      for (const bad of [...inText(good), ...atEnds(good), '']) {
        assert.throws(
          () => new Message([], options(bad)),
          (error: PealError) => {
            assert.equal(error.code, 'ERR_PEAL_HEADER');
            // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
            assert.doesNotMatch(error.message, /[\x00-\x1f\x7f-\x9f\u2028\u202e]/);
            return true;
          },
          JSON.stringify(bad),
        );
      }
    });
  }

  it('header injection: pseudo-fields, fields of the connection and upper case cannot be added', () => {
    const names = [':path', ':method', ':authority', 'authorization', 'host', 'content-length', 'transfer-encoding'];
    for (const name of [...names, 'te', 'cookie', 'connection', 'upgrade', 'Apns-New', 'apns new', 'apns-topic']) {
      const make = () => new Message([], { ...base, headers: { [name]: 'value' } });
      assert.throws(make, { code: 'ERR_PEAL_HEADER' }, name);
    }
  });

  it('header injection: a message that was stored and edited is checked again', () => {
    const data = structuredClone(new Message([], { ...base, collapseId: 'score' }).toJSON());
    for (const name of ['apns-topic', 'apns-collapse-id', 'apns-push-type', 'apns-new', 'apns-id', 'apns-priority']) {
      const edited = { ...data, headers: { ...data.headers, [name]: 'a\r\nb: c' } };
      assert.throws(() => Message.fromJSON(edited), { code: 'ERR_PEAL_HEADER' }, name);
    }
  });

  it('header injection: what a message holds cannot be changed once it is checked', () => {
    const message = new Message([], { ...base, headers: { 'apns-new': 'value' } });
    const { notification } = message as unknown as { notification: { headers: string[][] } };
    assert.throws(() => notification.headers.push(['foo', 'bar']), TypeError);
    for (const field of notification.headers) assert.throws(() => field.splice(1, 1, 'a\r\nb: c'), TypeError);
    assert.throws(() => Object.assign(notification, { headers: [] }), TypeError);
  });

  it('header injection: the encoder refuses what came past these checks', () => {
    const bad = poisons.map((poison) => ['apns-topic', `com${poison}example`] as const);
    for (const field of [
      ...bad,
      ['Apns-Topic', 'com.example'] as const,
      ['apns\r\nb', 'c'] as const,
      ['x', ''] as const,
    ]) {
      const codec = new ClientConnection({
        listener: {} as ResponseListener,
        ...{
          authority: 'gateway.example',
          path: '/3/device/',
          authorizationScheme: 'bearer',
          indexAuthorization: true,
          probeFirst: false,
        },
      });
      const notification = { headers: [field], payload: new Uint8Array(0), expiration: null, priority: null };
      const template = codec.template(notification, { tokenBytes: 32, providerToken: null });
      assert.equal(template.refusal?.code, 'ERR_PEAL_HEADER', JSON.stringify(field));
    }
  });

  it('host injection: an address holds a host and a port and nothing else', () => {
    const session = new Session();
    const hosts = [
      'gateway.example\r\nfoo: bar',
      'gateway.example\0',
      'gateway example',
      'gateway.example/path',
      'a?b',
      'a#b',
    ];
    for (const host of [...hosts, 'me@gateway.example', 'me:secret@gateway.example', 'gateway.example:443:443', '']) {
      for (const address of [`https://${host}`, `https://${host}:443`, [host, 2195] as const]) {
        assert.throws(
          () => session.getConnection(address as string, null),
          (error: PealError) =>
            error.code === 'ERR_PEAL_ADDRESS' && !/[\r\n\0]/.test(error.message) && !error.message.includes('secret'),
          String(address),
        );
      }
    }
  });

  describe('path injection', () => {
    let simulator: Simulator;
    let session: Session;

    before(async () => {
      simulator = await startSimulator({ controlPort: null });
      session = new Session({ ca: simulator.caCertificate! });
    });

    after(async () => {
      await session.shutdown();
      await simulator.close();
    });

    it('path injection: a device token that is more than hex digits is invalid, and reaches no gateway', async () => {
      const good = 'ab'.repeat(32);
      const bad = [
        '../../../4/broadcasts/apps/zz',
        `${good}?x=1`,
        `${good}/../${good}`,
        `${good}#x`,
        `${good}%2e`,
        `${good}\r\n:path: /`,
        `${good}\0`,
        `${good.slice(0, 30)} ${good.slice(31)}`,
        'ａｂ'.repeat(32),
        '☃',
        'abc',
        '',
        'ab'.repeat(101),
        { toString: () => good },
        null,
        7,
      ];
      const apns = new APNs(session.getConnection(simulator.url, null));
      const result = await apns.send(new Message(bad as string[], base));
      assert.deepEqual([result.counts.invalid, result.counts.recipients], [bad.length, bad.length]);
      assert.equal(simulator.ledger.summary().requests, 0);
      for (const { why } of result.invalid) {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
        assert.doesNotMatch(why, /[\x00-\x1f\x7f-\x9f]/);
      }
    });

    it('header injection: a personal apns-id that is no UUID makes its recipient invalid', async () => {
      const apns = new APNs(session.getConnection(simulator.url, null));
      const ids = [
        '123e4567-e89b-12d3-a456-42661417400\r',
        'x',
        '',
        '123e4567-e89b-12d3-a456-426614174000\r\nfoo: bar',
      ];
      const recipients = ids.map((apnsId) => ({ token: 'ab'.repeat(32), apnsId }));
      const result = await apns.send(new Message(recipients, base));
      assert.equal(result.counts.invalid, ids.length);
      assert.equal(simulator.ledger.summary().requests, 0);
    });
  });
});
