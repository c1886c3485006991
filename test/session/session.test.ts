import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { Session, type SessionOptions } from '../../src/index.js';
import { APNs } from '../../src/session/apns.js';
import { Message } from '../../src/session/message/message.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';

const key = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;
const credential = { key, keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST' };
const ca = new ThrowAwayAuthority().certificate;

describe('Session', () => {
  it('refuses options that it does not know or cannot use, and names them', () => {
    const bad: [object, RegExp][] = [
      [{ thread: 2 }, /"thread"/],
      [{ threads: -1 }, /threads/],
      [{ threads: 1.5 }, /threads/],
      [{ threads: 65 }, /threads/],
      [{ threads: 'all' }, /'auto'/],
      [{ maxConnections: 0 }, /maxConnections/],
      [{ connectTimeoutMs: '5s' }, /connectTimeoutMs/],
      [{ indexAuthorization: 'no' }, /indexAuthorization/],
      [{ ca: 'no certificate' }, /ca/],
      [{ ca: { file: '/nonexistent/ca.pem' } }, /ca\.pem.*does not exist/],
      [{ threads: 1, backend: { open: () => {} } }, /backend/],
    ];
    for (const [options, message] of bad) {
      assert.throws(() => new Session(options as SessionOptions), { code: 'ERR_PEAL_OPTION', message });
    }
  });

  it('closes by both names', async () => {
    class Watched extends Session {
      readonly calls: unknown[] = [];
      override close(): Promise<void> {
        this.calls.push('close');
        return super.close();
      }
      override closeIdle(idleMs: number): Promise<void> {
        this.calls.push(idleMs);
        return super.closeIdle(idleMs);
      }
    }
    const session = new Watched();
    await session.closeIdle(5);
    await session.outdate(7);
    await session.close();
    await session.shutdown();
    await session[Symbol.asyncDispose]();
    assert.deepEqual(session.calls, [5, 7, 'close', 'close', 'close']);
  });

  it('closes though the engine cannot be started: the sends that asked for it tell why', async () => {
    for (const method of ['getConnection', 'newConnection'] as const) {
      const session = new Session({ ca, backend: '/nonexistent/backend.mjs' });
      const apns = new APNs(session[method]('https://localhost:8443', null));
      const sends = [1, 2].map(() => apns.send(new Message(['a'.repeat(64)], { alert: 'Hello', topic: 'a.b' })));
      const refused = sends.map((send) => assert.rejects(send, { code: 'ERR_PEAL_OPTION', message: /backend\.mjs/ }));
      await Promise.all([session.close(), session.close()]);
      await Promise.all(refused);
    }
  });

  it('makes auto at least one thread', () => {
    assert.ok(new Session({ threads: 'auto' }).threads >= 1);
    assert.equal(new Session().threads, 0);
  });

  it('takes the certificates of a bundle and nothing else of it', () => {
    new Session({ ca: `comment\n${ca}\n${ca}\n` });
    assert.throws(() => new Session({ ca: key }), { code: 'ERR_PEAL_OPTION' });
  });

  it('gives the same gateway for the same address and key, however they are written', () => {
    const session = new Session();
    const gateway = session.getConnection('api_sandbox', credential);
    assert.equal(session.getConnection('https://api.sandbox.push.apple.com', { ...credential }), gateway);
    assert.equal(session.getConnection('https://api.sandbox.push.apple.com:443', gateway.credential), gateway);
    assert.notEqual(session.getConnection('api_production', credential), gateway);
    assert.notEqual(session.getConnection('api_sandbox', null), gateway);
    assert.notEqual(session.getConnection('api_sandbox', { ...credential, keyId: 'ABCDEFGHIX' }), gateway);
  });

  it('refuses an address or a credential that is none, at once', () => {
    const session = new Session();
    assert.throws(() => session.getConnection('api_prod', null), { code: 'ERR_PEAL_ADDRESS' });
    assert.throws(() => session.getConnection('api_sandbox', { ...credential, keyId: 'x' }), {
      code: 'ERR_PEAL_CREDENTIAL',
    });
  });

  it('gives gateways of the binary protocol by name, URL and pair, and refuses provider tokens for them', () => {
    const session = new Session();
    const gateway = session.getConnection('push_sandbox', null);
    assert.equal(session.getConnection(['gateway.sandbox.push.apple.com', 2195], null), gateway);
    assert.equal(session.getConnection('binary://gateway.sandbox.push.apple.com', null), gateway);
    assert.notEqual(session.getConnection('feedback_sandbox', null), gateway);
    for (const address of ['push_production', 'feedback_production', ['localhost', 2195]] as const) {
      assert.throws(() => session.getConnection(address, credential), {
        code: 'ERR_PEAL_CREDENTIAL',
        message: /provider token.*client certificate/,
      });
    }
  });

  it('makes a new gateway with each newConnection', () => {
    const session = new Session();
    const gateway = session.newConnection('push_sandbox', null);
    assert.notEqual(session.newConnection('push_sandbox', null), gateway);
    assert.notEqual(session.getConnection('push_sandbox', null), gateway);
    assert.throws(() => session.newConnection('push_sandbx', null), { code: 'ERR_PEAL_ADDRESS' });
  });

  it('refuses durations and sizes that are none', () => {
    for (const name of [
      'connectTimeoutMs',
      'writeTimeoutMs',
      'readTimeoutMs',
      'readTailTimeoutMs',
      'writeBufferSize',
      'readBufferSize',
    ]) {
      for (const value of [0, -1, 0.5, '20', Number.NaN, 1e9]) {
        assert.throws(() => new Session({ [name]: value }), { code: 'ERR_PEAL_OPTION', message: new RegExp(name) });
      }
    }
    assert.throws(() => new Session({ flush: 1 as never }), { code: 'ERR_PEAL_OPTION', message: /flush/ });
  });

  it('shows no secret to inspect or JSON', () => {
    const session = new Session({ ca });
    const gateway = session.getConnection('api_sandbox', credential);
    const canary = key.split('\n')[1]!.slice(0, 20);
    for (const held of [session, gateway, new APNs(gateway), { gateway }]) {
      for (const shown of [inspect(held, { depth: 20, showHidden: true }), JSON.stringify(held)]) {
        assert.ok(!shown.includes(canary) && !shown.includes('PRIVATE KEY'), shown);
      }
    }
    assert.match(inspect(gateway), /api\.sandbox\.push\.apple\.com.*ABCDEFGHIJ/s);
  });

  it('tells what it is doing, and can be shut down, before anything was sent', async () => {
    await using session = new Session({ threads: 2 });
    const { threads, connections, shards } = await session.stats();
    assert.deepEqual([threads, connections, shards], [2, 0, []]);
    await session.outdate(0);
    await session.shutdown();
  });
});

describe('APNs', () => {
  const session = new Session();

  it('refuses what is no gateway and what is no message', async () => {
    assert.throws(() => new APNs({} as never), { code: 'ERR_PEAL_OPTION' });
    const apns = new APNs(session.getConnection('api_sandbox', null));
    await assert.rejects(apns.send({} as never), { code: 'ERR_PEAL_OPTION' });
  });

  it('refuses what the kind of gateway cannot do, before anything is opened', async () => {
    const one = new Message('ab'.repeat(32), { alert: 'hi' });
    const large = one.withTokens([]).withTokens('ab'.repeat(32));
    const binary = new APNs(session.getConnection('push_sandbox', null));
    const feedback = new APNs(session.getConnection('feedback_sandbox', null));
    await assert.rejects(feedback.send(large), { code: 'ERR_PEAL_ADDRESS', message: /feedback\(\)/ });
    assert.throws(() => binary.feedback(), { code: 'ERR_PEAL_ADDRESS', message: /feedback_sandbox/ });
    const tooLarge = new Message('ab'.repeat(32), { alert: 'x'.repeat(2100) });
    await assert.rejects(binary.send(tooLarge), { code: 'ERR_PEAL_PAYLOAD', message: /2048/ });
    await assert.rejects(binary.send([one, tooLarge]), { code: 'ERR_PEAL_PAYLOAD' });
    await assert.rejects(binary.send([one, {} as Message]), { code: 'ERR_PEAL_OPTION' });
    await assert.rejects(binary.send([one, one], { recipients: [] }), {
      code: 'ERR_PEAL_OPTION',
      message: /recipients/,
    });
    assert.equal((await binary.send([])).recipients, 0);
    assert.deepEqual((await session.stats()).shards, []);
  });

  it('refuses a message without a topic where the key does not imply one', async () => {
    const apns = new APNs(session.getConnection('api_sandbox', credential));
    const message = new Message('ab'.repeat(32), { alert: 'hi' });
    await assert.rejects(apns.send(message), { code: 'ERR_PEAL_HEADER', message: /topic/ });
  });

  it('sends to nobody without starting anything', async () => {
    const apns = new APNs(session.getConnection('api_sandbox', null));
    const result = await apns.send(new Message([], { alert: 'hi' }));
    assert.equal(result.recipients, 0);
    assert.deepEqual((await session.stats()).shards, []);
  });
});
