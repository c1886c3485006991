/**
 * Sends that really go through back-ends: an HTTP proxy that asks for a password, and the SOCKS5 back-end of
 * examples/, in this thread and in two of its own; and what the log says of it.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import Socks5Backend from '../../examples/socks5-backend.js';
import {
  APNs,
  type Logger,
  Message,
  type Result,
  Session,
  type SessionOptions,
  type Simulator,
  scriptedBinaryToken,
  scriptedToken,
  startSimulator,
} from '../../src/index.js';
import { ConnectProxy } from '../support/connect-proxy.js';
import { Socks5Server } from '../support/socks5-server.js';

const canary = 'PEAL-CANARY-SECRET';
const socks5Module = new URL('../../examples/socks5-backend.js', import.meta.url).href;
const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const credential = { key: signer.privateKey, keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST' };
const providerKeys = [{ keyId: 'ABCDEFGHIJ', teamId: 'KLMNOPQRST', publicKey: signer.publicKey }];
const plainToken = (): string => `00${randomBytes(31).toString('hex')}`;

/** Keeps every line as a whole program could see it. */
class Lines {
  readonly lines: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  readonly logger: Logger;

  constructor() {
    const method =
      (level: string) =>
      (fields: object, message: string): void =>
        void this.lines.push({ level, fields, message });
    const [trace, debug, info, warn, error] = ['trace', 'debug', 'info', 'warn', 'error'].map(method);
    this.logger = { trace: trace!, debug: debug!, info: info!, warn: warn!, error: error! };
  }

  get text(): string {
    return this.lines.map((line) => `${inspect(line, { depth: 9 })} ${JSON.stringify(line)}`).join('\n');
  }

  of(level: string, message: RegExp): object[] {
    return this.lines.filter((line) => line.level === level && message.test(line.message)).map(({ fields }) => fields);
  }
}

describe('sending through back-ends', () => {
  let simulator: Simulator;
  let proxy: ConnectProxy | null = null;
  let socks: Socks5Server | null = null;

  beforeEach(async () => {
    simulator = await startSimulator({ auth: 'token', providerKeys, controlPort: null });
  });

  afterEach(async () => {
    await proxy?.close();
    await socks?.close();
    await simulator.close();
    proxy = null;
    socks = null;
  });

  async function send(options: SessionOptions, tokens: readonly string[]): Promise<Result> {
    await using session = new Session({ ca: simulator.caCertificate!, ...options });
    const apns = new APNs(session.getConnection(simulator.url, credential));
    return await apns.send(new Message([...tokens], { alert: 'Hello', topic: 'com.example.app' }));
  }

  function assertAllCame(result: Result, tokens: readonly string[]): void {
    assert.equal(result.accepted, tokens.length, inspect(result));
    const { requests, duplicates } = simulator.ledger.summary();
    assert.deepEqual([requests, duplicates], [tokens.length, 0]);
  }

  const tokens = Array.from({ length: 3_000 }, plainToken);

  for (const threads of [0, 2]) {
    it(`goes through a proxy with user and password, threads: ${threads}`, async () => {
      proxy = await ConnectProxy.open({ login: `me:${canary}` });
      const backendOptions = { url: proxy.url(`me:${canary}`) };
      assertAllCame(await send({ threads, backend: 'proxy', backendOptions }, tokens), tokens);
      assert.ok(proxy.requests.length >= 1 && proxy.tunnelledBytes > 100_000);
    });

    it(`stops at once when the proxy refuses the password, threads: ${threads}`, async () => {
      proxy = await ConnectProxy.open({ login: 'me:right' });
      const backendOptions = { url: proxy.url(`me:${canary}`) };
      const result = await send({ threads, backend: 'proxy', backendOptions }, tokens);
      assert.deepEqual([result.stopped?.code, result.counts.unsent], ['ERR_PEAL_PROXY', tokens.length]);
      assert.match(result.stopped!.message, /refuses its user or password \(407\)/);
      assert.ok(!`${inspect(result, { depth: 9 })}${JSON.stringify(result)}`.includes(canary));
      assert.ok(proxy.requests.length <= Math.max(1, threads), 'it was tried again in vain');
    });

    it(`goes through the SOCKS5 back-end of the examples, threads: ${threads}`, async () => {
      socks = await Socks5Server.open(`me:${canary}`);
      const backendOptions = { host: '127.0.0.1', port: socks.port, user: 'me', password: canary };
      assertAllCame(await send({ threads, backend: socks5Module, backendOptions }, tokens), tokens);
      const { host, port } = new URL(simulator.url);
      assert.ok(socks.opened.length >= 1 && socks.opened.every((way) => way === host || way.endsWith(`:${port}`)));
      assert.ok(socks.tunnelledBytes > 100_000);
    });

    it(`says what a SOCKS5 server refuses, without the password, threads: ${threads}`, async () => {
      socks = await Socks5Server.open('me:right');
      const backendOptions = { host: '127.0.0.1', port: socks.port, user: 'me', password: canary };
      const result = await send({ threads, backend: socks5Module, backendOptions }, tokens);
      assert.deepEqual([result.stopped?.code, result.counts.unsent], ['ERR_PEAL_PROXY', tokens.length]);
      assert.match(result.stopped!.message, /^The SOCKS5 proxy 127\.0\.0\.1:\d+ gives no way to \S+: .*[Aa]uth/);
      assert.ok(!`${inspect(result, { depth: 9 })}${JSON.stringify(result)}`.includes(canary));
    });
  }

  it('takes a class and an object in this thread', async () => {
    socks = await Socks5Server.open();
    const options = { host: '127.0.0.1', port: socks.port };
    const few = tokens.slice(0, 5);
    assert.equal((await send({ backend: Socks5Backend, backendOptions: options }, few)).accepted, 5);
    assert.equal((await send({ backend: new Socks5Backend(options) }, few)).accepted, 5);
    assert.equal(socks.opened.length, 2);
  });

  for (const threads of [0, 2]) {
    it(`logs the life of each connection, nothing for a single notification, and no secret, threads: ${threads}`, async () => {
      proxy = await ConnectProxy.open({ login: `me:${canary}` });
      const log = new Lines();
      const unregistered = scriptedToken('Unregistered');
      const backendOptions = { url: proxy.url(`me:${canary}`) };
      const all = [...tokens, unregistered];
      const result = await send({ threads, backend: 'proxy', backendOptions, logger: log.logger }, all);
      assert.deepEqual([result.accepted, result.gone.size], [tokens.length, 1]);

      const opened = log.of('debug', /^stream open$/);
      assert.ok(opened.length >= 1);
      for (const fields of opened) {
        const { protocol, cipher, alpnProtocol, gateway, connection } = fields as Record<string, unknown>;
        assert.deepEqual([protocol, cipher, alpnProtocol], ['TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'h2']);
        assert.equal(gateway, new URL(simulator.url).host);
        assert.equal(typeof connection, 'number');
        assert.equal('shardId' in fields, threads > 0);
      }
      // On a busy machine a pool may begin to open one more, which is not open at the end.
      const namesOf = (lines: readonly object[]): string[] =>
        lines
          .map((fields) => JSON.stringify([Reflect.get(fields, 'shardId'), Reflect.get(fields, 'connection')]))
          .sort();
      const opening = namesOf(log.of('debug', /^connection opening$/));
      for (const name of namesOf(opened)) assert.ok(opening.includes(name), `${name} was not opening`);
      assert.deepEqual(namesOf(log.of('debug', /^stream closed$/)), opening);
      const written = log.of('trace', /^write$/) as { bytes: number }[];
      assert.ok(written.reduce((sum, { bytes }) => sum + bytes, 0) > tokens.length * 64);
      assert.ok(written.length < tokens.length / 10, `${written.length} writes were logged`);
      const coarse = log.lines.filter(({ level }) => !['trace', 'debug'].includes(level));
      assert.ok(coarse.length < 10, `${coarse.length} lines at info or above`);

      const key = signer.privateKey.export({ format: 'jwk' }).d!;
      const { text } = log;
      for (const secret of [canary, key, 'PRIVATE KEY', 'eyJ', 'bearer', unregistered, ...tokens]) {
        assert.ok(!text.includes(secret), 'a secret or a whole device token was logged');
      }
    });
  }

  it('carries the binary protocol and its feedback, and logs statuses without tokens', async () => {
    proxy = await ConnectProxy.open({ login: `me:${canary}` });
    await simulator.close();
    simulator = await startSimulator({ auth: 'any', controlPort: null, binaryPort: 0, feedbackPort: 0 });
    const log = new Lines();
    const backendOptions = { url: proxy.url(`me:${canary}`) };
    const { logger } = log;
    await using session = new Session({ ca: simulator.caCertificate!, backend: 'proxy', backendOptions, logger });
    const few = tokens.slice(0, 100);
    const bad = scriptedBinaryToken(8);
    const recipients = [...few.slice(0, 50), bad, ...few.slice(50)];
    const apns = new APNs(session.getConnection(simulator.binaryUrl!, null));
    let result = await apns.send(new Message(recipients, { alert: 'Hello' }));
    const failed = [...result.failed.keys()];
    let { accepted } = result.counts;
    for (let retry = result.retry(); retry !== null; retry = result.retry()) {
      result = await apns.send(retry);
      accepted += result.counts.accepted;
    }
    assert.deepEqual([accepted, failed], [100, [bad]]);
    const feedback: string[] = [];
    const reader = new APNs(session.getConnection(simulator.feedbackUrl!, null));
    for await (const { token } of reader.feedback()) feedback.push(token);
    assert.ok(feedback.every((token) => token === bad));
    const hosts = proxy.requests.map((head) => /^CONNECT (\S+) /.exec(head)![1]);
    assert.equal(hosts.at(-1), new URL(simulator.feedbackUrl!).host);
    assert.ok(log.of('debug', /^status received$/).length >= 1);
    assert.ok(log.of('debug', /^stream open$/).length === hosts.length);
    const { text } = log;
    for (const secret of [canary, ...recipients]) assert.ok(!text.includes(secret));
  });

  it('asks a logger that can be asked, as pino, and then does not carry between threads what it does not want', async () => {
    const log = new Lines();
    const wanted = ['info', 'warn', 'error'];
    const logger = { ...log.logger, isLevelEnabled: (level: string) => wanted.includes(level) };
    assert.equal((await send({ threads: 1, logger }, tokens)).accepted, tokens.length);
    assert.deepEqual(
      log.lines.filter(({ level }) => !wanted.includes(level)),
      [],
    );
  });
});
