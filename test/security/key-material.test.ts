/**
 * Key material and token privacy, in-process: canaries planted in every secret that the library is given, sends that
 * succeed and that fail in every way, and a search of all that can be seen.
 */

import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect } from 'node:util';
import { MessagePort } from 'node:worker_threads';
import {
  APNs,
  type CredentialOptions,
  Message,
  type PealError,
  Session,
  type SessionOptions,
} from '../../src/index.js';
import { scriptedToken } from '../../src/simulator/books/token-script.js';
import {
  createThrowAwayProviderKey,
  ThrowAwayAuthority,
  type ThrowAwayProviderKey,
} from '../../src/simulator/listen/certificate.js';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { CONTINUATION, END_HEADERS, frame, goaway, HEADERS, uint32 } from '../support/frames.js';
import { Http2Gateway } from '../support/http2-gateway.js';

import { Canaries, hurried, LogRecord, shown } from './canaries.js';
import { type Hostility, hostileBackend } from './hostile-gateway.js';

const passphrase = 'CANARY-passphrase-5f1c';
const proxyPassword = 'CANARY-proxy-9a3e';
const topic = 'com.example.app';
const tokenOf = (index: number): string => `00${index.toString(16).padStart(62, 'c')}`;
const message = new Message(
  [...Array.from({ length: 20 }, (_, index) => tokenOf(index)), scriptedToken('Unregistered'), 'no token'],
  { alert: 'Hello', topic },
);

describe('security: key material and device tokens are seen nowhere', () => {
  let canaries: Canaries;
  let providerKey: ThrowAwayProviderKey;
  let authority: ThrowAwayAuthority;
  let token: CredentialOptions;
  let certificate: CredentialOptions;
  let simulator: Simulator;
  let record: LogRecord;

  before(() => {
    providerKey = createThrowAwayProviderKey();
    authority = new ThrowAwayAuthority();
    const client = authority.issueClient(topic);
    const exported = createPrivateKey(client.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase,
    });
    token = { key: providerKey.p8, keyId: providerKey.keyId, teamId: providerKey.teamId };
    certificate = { cert: client.cert, key: exported as string, passphrase };
    canaries = new Canaries()
      .privateKey('the provider key', providerKey.p8)
      .privateKey('the key of the certificate', client.key)
      .privateKey('the encrypted key of the certificate', exported as string, passphrase)
      .text('the passphrase', passphrase)
      .text('the password of the proxy', proxyPassword);
  });

  beforeEach(async () => {
    record = new LogRecord();
    const { keyId, teamId, publicKey } = providerKey;
    const providerKeys = [{ keyId, teamId, publicKey }];
    simulator = await startSimulator({
      auth: 'either',
      clientCa: authority.certificate,
      providerKeys,
      controlPort: null,
    });
  });

  afterEach(async () => {
    await simulator.close();
  });

  /** Sends once, and searches everything that a program can see of it. Resolves with the code of what stopped it. */
  async function searched(
    where: string,
    { credential, url, options }: { credential: CredentialOptions; url?: string; options?: SessionOptions },
  ): Promise<string | null> {
    const defaults = { ca: simulator.caCertificate!, logger: record.logger };
    const inHurry = options?.threads === undefined ? hurried : {};
    const session = new Session({ ...defaults, ...inHurry, ...options });
    const seen: unknown[] = [session, message, await session.stats()];
    let code: string | null = null;
    try {
      const gateway = session.getConnection(url ?? simulator.url, credential);
      const apns = new APNs(gateway);
      seen.push(gateway, gateway.credential, apns);
      const result = await apns.send(message, { retry: false } as object);
      code = result.stopped?.code ?? null;
      // The whole result holds device tokens by design: it is shown as inspect does, and its parts without tokens.
      seen.push(result.stopped, result.errors, Object.fromEntries(result.reasons), result.counts);
      seen.push([...result.failed.values()], await session.stats());
      canaries.assertNone(inspectOf(result), `inspect of the result of ${where}`);
      canaries.assertNoSecret(JSON.stringify(result), `JSON of the result of ${where}`);
    } catch (error) {
      seen.push(error);
      code = (error as PealError).code;
    } finally {
      await session.shutdown();
    }
    // The message and JSON of it hold device tokens by design; everything else is searched for them, too.
    canaries.assertNoSecret(JSON.stringify(message), 'JSON of the message');
    for (const value of seen) if (value !== message) canaries.assertNone(shown(value), `what ${where} showed`);
    canaries.assertNone(inspectOf(message), 'inspect of the message');
    canaries.assertNone(record.text, `the log of ${where}`);
    return code;
  }

  it('key material: a send that succeeds, with a provider key and with a certificate, at log level trace', async () => {
    for (const [name, credential] of Object.entries({ token, certificate })) {
      assert.equal(await searched(`a send with a ${name}`, { credential }), null);
    }
    assert.equal(simulator.ledger.summary().requests, 42);
    assert.ok(
      record.lines.some((line) => line.startsWith('trace')),
      'the log is at its finest',
    );
  });

  it('key material: a credential that cannot be used', async () => {
    const { p8, keyId, teamId } = providerKey;
    const damaged = p8.replace(/\n(.{20})/, '\n!!$1');
    const wrong: [string, CredentialOptions][] = [
      ['a wrong passphrase', { ...certificate, passphrase: `${passphrase}-not` } as CredentialOptions],
      ['no passphrase', { ...certificate, passphrase: undefined } as never],
      ['a damaged key', { key: damaged, keyId, teamId }],
      ['a key that was cut off', { key: p8.slice(0, -40), keyId, teamId }],
      ['a key in place of its id', { key: p8, keyId: p8, teamId: p8 }],
      ['a key in place of the certificate', { cert: p8 }],
      ['a key in place of PKCS#12', { pfx: Buffer.from(p8), passphrase }],
    ];
    for (const [name, credential] of wrong) {
      assert.equal(await searched(name, { credential }), 'ERR_PEAL_CREDENTIAL', name);
    }
  });

  it('key material: PEM text in place of the path of a file is not quoted', async () => {
    const { p8, keyId, teamId } = providerKey;
    const base64 = p8.split('\n').slice(1, -2).join('');
    for (const file of [p8, base64, p8.replaceAll('\n', '\\n')]) {
      assert.equal(
        await searched('PEM as a path', { credential: { key: { file }, keyId, teamId } }),
        'ERR_PEAL_CREDENTIAL',
      );
    }
    assert.equal(await searched('PEM as a path', { credential: { cert: { file: p8 } } }), 'ERR_PEAL_CREDENTIAL');
    assert.equal(await searched('PEM as a path', { credential: { certFile: p8 } }), 'ERR_PEAL_CREDENTIAL');
  });

  it('key material: a gateway that is not trusted, and one that is not there', async () => {
    for (const credential of [token, certificate]) {
      const options = { ca: authority.certificate };
      assert.equal(await searched('an untrusted gateway', { credential, options }), 'ERR_PEAL_TLS');
      const code = await searched('no gateway', { credential, url: 'https://localhost:1' });
      assert.match(code!, /^ERR_PEAL_CONNECT/);
    }
  });

  it('key material: a client certificate that the gateway does not know', async () => {
    const { cert, key } = new ThrowAwayAuthority().issueClient(topic);
    const strange = new Canaries().privateKey('the key', key);
    assert.notEqual(await searched('a foreign certificate', { credential: { cert, key } }), null);
    strange.assertNone(record.text, 'the log');
  });

  it('key material: answers 403, 400 and 5xx, and a gateway that repeats what it was sent', async () => {
    const echo = await Http2Gateway.open({
      answer: (hex) => ({
        status: 400,
        body: JSON.stringify({ reason: `Bad ${hex} ${[...echo.authorizations].join()}` }),
      }),
    });
    const forbidden = await Http2Gateway.open({
      answer: () => ({ status: 403, body: '{"reason":"InvalidProviderToken"}' }),
    });
    const broken = await Http2Gateway.open({
      answer: () => ({ status: 500, body: '{"reason":"InternalServerError"}' }),
    });
    try {
      for (const gateway of [echo, forbidden, broken]) {
        const options = { ca: gateway.ca };
        await searched('a refusal', { credential: token, url: `https://127.0.0.1:${gateway.address.port}`, options });
        assert.ok(gateway.requests > 0);
      }
    } finally {
      for (const gateway of [echo, forbidden, broken]) await gateway.close();
    }
  });

  it('key material: a GOAWAY that refuses the certificate, a connection that breaks, and one that breaks the protocol', async () => {
    const scripts: NonNullable<Hostility['onRequest']>[] = [
      (gateway) => gateway.write(goaway(0, 0, '{"reason":"BadCertificate"}')),
      (gateway) => gateway.destroy(),
      (gateway) => gateway.write(frame(CONTINUATION, 0, 1, Buffer.from('CONTINUATION without HEADERS'))),
      (gateway, streamId) => gateway.write(frame(HEADERS, END_HEADERS, streamId, uint32(0xffffffff))),
    ];
    for (const onRequest of scripts) {
      const backend = hostileBackend({ onRequest });
      for (const credential of [token, certificate]) {
        await searched('a connection that ends badly', { credential, options: { backend } });
      }
    }
    assert.ok(record.lines.some((line) => line.includes('BadCertificate')));
  });

  it('key material: a thread that crashes', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-test-'));
    const backend = path.join(folder, 'crash.mjs');
    writeFileSync(
      backend,
      'export default class { open(options) { setTimeout(() => { throw new Error(JSON.stringify(options).slice(0, 40)); }); return { details: () => ({}) }; } }',
    );
    try {
      const options = { backend, threads: 1, backendOptions: { password: passphrase } };
      const code = await searched('a crash', { credential: certificate, options });
      assert.ok(
        record.lines.some((line) => line.includes('ERR_PEAL_SHARD')),
        `the crash is in the log, ${code}`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('key material: a proxy that asks for its password, refuses it, or is none', async () => {
    const proxies = [
      await ConnectProxy.open({ login: `me:${proxyPassword}` }),
      await ConnectProxy.open({ login: 'me:other' }),
      await ConnectProxy.open({ answer: 'HTTP/1.1 502 Bad Gateway\r\n\r\n' }),
      await ConnectProxy.open({ answer: 'nonsense\r\n\r\n' }),
    ];
    try {
      for (const proxy of proxies) {
        const backendOptions = { url: proxy.url(`me:${proxyPassword}`) };
        await searched('a proxy', { credential: token, options: { backend: 'proxy', backendOptions } });
      }
      for (const url of [`socks5://me:${proxyPassword}@localhost`, `http://me:${proxyPassword}@:1`, proxyPassword]) {
        const code = await searched('a URL that is none', {
          credential: token,
          options: { backend: 'proxy', backendOptions: { url } },
        });
        assert.equal(code, 'ERR_PEAL_OPTION');
      }
    } finally {
      for (const proxy of proxies) await proxy.close();
    }
  });

  it('key material: an address with a password in it', async () => {
    for (const url of [`https://me:${proxyPassword}@localhost`, `ftp://me:${proxyPassword}@localhost`]) {
      assert.equal(await searched('an address', { credential: token, url }), 'ERR_PEAL_ADDRESS');
    }
  });

  it('workers: a provider key never crosses to a thread, and nothing that comes back holds a secret', async () => {
    const posted: string[] = [];
    const original = MessagePort.prototype.postMessage;
    MessagePort.prototype.postMessage = function (this: MessagePort, ...args: unknown[]): void {
      posted.push(shown(args[0]));
      (original as (...rest: unknown[]) => void).apply(this, args);
    } as typeof original;
    try {
      assert.equal(await searched('a send on a thread', { credential: token, options: { threads: 1 } }), null);
    } finally {
      MessagePort.prototype.postMessage = original;
    }
    assert.ok(posted.length > 3, 'messages were seen');
    // The provider token has to cross: whoever holds it can push for an hour, but not sign. Device tokens do as well.
    const text = posted.join('\n').replace(/eyJ[\w.-]+/g, '…');
    canaries.assertNoSecret(text, 'a message to a thread');
    assert.ok(
      record.lines.some((line) => line.startsWith('trace')),
      'lines came from the thread',
    );
  });
});

/** As console.log shows it, hidden properties and all. */
function inspectOf(value: unknown): string {
  return inspect(value, { depth: 20, showHidden: true, getters: true });
}
