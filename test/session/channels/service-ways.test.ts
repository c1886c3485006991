/** Channels and broadcasts go the way of pushes: credentials, trust, pins, proxies, back-ends, logs. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { joinToken, signingInput } from '../../../src/apns/credentials/jwt.js';
import { type Backend, createTlsBackend } from '../../../src/backend.js';
import { PealError } from '../../../src/base/errors.js';
import {
  AnswerError,
  APNs,
  Channels,
  type CredentialOptions,
  type Logger,
  NoAnswerError,
  Session,
  type SessionOptions,
} from '../../../src/index.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/index.js';
import { ConnectProxy } from '../../support/connect-proxy.js';
import { ServiceGateway, type ServiceGatewayOptions, type ServiceReply } from '../../support/service-gateway.js';

const bundleId = 'com.example.app';
const update = { event: 'update', timestamp: new Date(1_700_000_000_000), contentState: { score: 1 } } as const;
const { p8, keyId, teamId } = createThrowAwayProviderKey();
const providerKey = { key: p8, keyId, teamId };
const idOf = (number: number): string => Buffer.from(`channel ${number}`).toString('base64');

describe('session/channels: the way there', () => {
  let gateway: ServiceGateway;
  let session: Session;

  async function open(
    options: ServiceGatewayOptions,
    sessionOptions: SessionOptions = {},
    credential: CredentialOptions | null = null,
  ): Promise<Channels> {
    gateway = await ServiceGateway.open(options);
    for (let number = 0; number < 100; number++) gateway.channels.set(idOf(number), 0);
    session = new Session({ ca: gateway.ca, ...sessionOptions });
    return new Channels(session.getConnection(gateway.url, credential), { bundleId, address: gateway.url });
  }

  afterEach(async () => {
    await session.close();
    await gateway[Symbol.asyncDispose]();
  });

  const apns = (credential: CredentialOptions | null = null): APNs =>
    new APNs(session.getConnection(gateway.url, credential));
  const hundred = Array.from({ length: 100 }, (_, number) => idOf(number));

  it('sends one request alone until the first valid provider token is answered', async () => {
    let mostAtFirst = 0;
    await open({
      reply: async (_seen, count): Promise<ServiceReply> => {
        if (count === 1) await new Promise((resolve) => setTimeout(resolve, 50));
        if (count === 1) mostAtFirst = gateway.mostInFlight;
        return 'usual';
      },
    });
    const { accepted } = await apns(providerKey).broadcast(update, hundred, { bundleId });
    assert.equal(accepted, 100);
    assert.equal(mostAtFirst, 1);
    assert.ok(gateway.mostInFlight > 1);
  });

  it('replaces a provider token that is called expired, and its connection with it', async () => {
    let minted = 0;
    const tokens: string[] = [];
    const providerToken = (): string => {
      minted += 1;
      const token = joinToken(signingInput({ keyId, teamId }, Date.now()), new Uint8Array(64).fill(minted));
      tokens.push(token);
      return token;
    };
    let expired: string | undefined;
    await open({
      reply: ({ headers }, count) => {
        if (count === 50) expired = headers.authorization;
        return headers.authorization === expired ? { status: 403, reason: 'ExpiredProviderToken' } : 'usual';
      },
    });
    const result = await apns({ providerToken }).broadcast(update, hundred, {
      bundleId,
    });
    assert.equal(result.accepted, 100, inspect(result.channels.values().next()));
    assert.deepEqual(new Set(gateway.broadcasts.values()), new Set([1]));
    const over = new Map(gateway.seen.map(({ connection, headers }) => [connection, headers.authorization]));
    assert.equal(over.size, 2);
    assert.notEqual(over.get(0), over.get(1));
  });

  it('says that the clock is wrong where no newer provider token can be had', async () => {
    const channels = await open({ reply: () => ({ status: 403, reason: 'ExpiredProviderToken' }) }, {}, providerKey);
    const result = await apns(providerKey).broadcast(update, hundred.slice(0, 3), { bundleId });
    const { outcome, error } = result.channels.get(idOf(0))!;
    assert.equal(outcome, 'rejected');
    assert.match(error!.message, /check the clock of this machine/);
    await assert.rejects(channels.list(), /check the clock of this machine/);
    const text = inspect([result, error], { depth: 9 }) + JSON.stringify([...result.channels]);
    for (const { headers } of gateway.seen) assert.ok(!text.includes(headers.authorization!.slice(10)));
  });

  it('proves itself with a client certificate', async () => {
    gateway = await ServiceGateway.open({ requestCert: true });
    const { cert, key } = gateway.authority.issueClient(bundleId);
    session = new Session({ ca: gateway.ca });
    const of = (credential: CredentialOptions | null): Channels =>
      new Channels(session.getConnection(gateway.url, credential), { bundleId, address: gateway.url });
    assert.equal((await of({ cert, key }).create()).storagePolicy, 'none');
    await assert.rejects(
      of(null).create(),
      (error: PealError) => error.code === 'ERR_PEAL_TLS' || error.code === 'ERR_PEAL_CLOSED',
    );
  });

  it('refuses a gateway that is not trusted, or whose key is not pinned, with the sentence of pushes', async () => {
    const channels = await open({}, { ca: new ThrowAwayAuthority().certificate });
    await assert.rejects(channels.list(), /The certificate of localhost:\d+ is not trusted .*: it is not signed by/);
    const pushed = await apns().push({ alert: 'x', topic: bundleId }, 'ab'.repeat(32));
    const broadcast = await apns().broadcast(update, idOf(0), { bundleId });
    assert.equal(broadcast.channels.get(idOf(0))!.error!.message, pushed.error!.message);
    const pins = [`sha256/${Buffer.alloc(32).toString('base64')}`];
    await using pinned = new Session({ ca: gateway.ca, pins });
    const others = new Channels(pinned.getConnection(gateway.url, null), { bundleId, address: gateway.url });
    await assert.rejects(others.list(), /None of the pinned keys is in the certificate chain of localhost/);
    assert.equal(gateway.seen.length, 0);
  });

  it('goes through an HTTP proxy', async () => {
    await using proxy = await ConnectProxy.open({ login: 'me:secret' });
    const channels = await open({}, { proxy: proxy.url('me:secret') });
    assert.equal((await channels.list()).length, 100);
    assert.match(proxy.requests[0]!, /^CONNECT localhost:\d+ HTTP/);
    await using wrong = new Session({ ca: gateway.ca, proxy: proxy.url('me:wrong') });
    const others = new Channels(wrong.getConnection(gateway.url, null), { bundleId, address: gateway.url });
    await assert.rejects(others.list(), (error: PealError) => {
      assert.equal(error.code, 'ERR_PEAL_PROXY');
      assert.ok(!error.message.includes('wrong'));
      return true;
    });
  });

  it('goes over a back-end of one’s own, which is made once', async () => {
    let opened = 0;
    const tls = createTlsBackend();
    const backend: Backend = {
      open: (options, listener) => {
        opened += 1;
        return tls.open(options, listener);
      },
    };
    const channels = await open({}, { backend });
    await channels.list();
    await channels.list();
    assert.equal(opened, 1);
  });

  it('logs its connections, and neither tokens nor bodies', async () => {
    const lines: string[] = [];
    const note = (fields: object, text: string): void => void lines.push(`${text} ${JSON.stringify(fields)}`);
    const logger: Logger = { trace: note, debug: note, info: note, warn: note, error: note };
    const channels = await open({}, { logger }, providerKey);
    await channels.create();
    await session.close();
    const said = lines.map((line) => line.split(' {')[0]);
    for (const text of [
      'service connection opening',
      'stream open',
      'service connection ready',
      'service connection closed',
    ]) {
      assert.ok(said.includes(text), `${text} is not in ${said.join(', ')}`);
    }
    const token = gateway.seen[0]!.headers.authorization!.slice('bearer '.length);
    for (const line of lines) assert.ok(!line.includes(token) && !line.includes('storage-policy'), line);
  });

  it('tells what the service answered as status and reason', async () => {
    const channels = await open({ reply: () => ({ status: 400, reason: 'BadChannelId' }) });
    await assert.rejects(channels.read(idOf(0)), (error: AnswerError) => {
      assert.ok(error instanceof AnswerError && error instanceof PealError);
      const { code, status, reason, origin, retryable } = error;
      assert.deepEqual(
        { code, status, reason, origin, retryable },
        {
          ...{ code: 'ERR_PEAL_ANSWER', status: 400, reason: 'BadChannelId', origin: 'gateway', retryable: false },
        },
      );
      assert.match(error.message, /^localhost:\d+ answered the request to read a channel with "400 BadChannelId"\. /);
      assert.deepEqual(JSON.parse(JSON.stringify(error)).status, 400);
      return true;
    });
  });

  it('creates no channel twice on a guess', async () => {
    const replies: (number | 'reset' | 'refused')[] = [];
    const channels = await open({
      reply: ({ stream }) => {
        const next = replies.shift();
        if (next === undefined) return 'usual';
        if (typeof next === 'number') return { status: next, reason: next === 429 ? 'TooManyRequests' : '' };
        stream.close(next === 'reset' ? 2 : 7);
        return 'nothing';
      },
    });
    replies.push('reset');
    const mayBe = /The channel may have been created all the same\.$/;
    await assert.rejects(channels.create(), { code: 'ERR_PEAL_RESET', outcome: 'unknown', message: mayBe });
    replies.push(503);
    await assert.rejects(channels.create(), { code: 'ERR_PEAL_ANSWER', message: mayBe });
    assert.equal(gateway.seen.length, 2);
    replies.push('refused', 'refused');
    await channels.create();
    assert.equal(gateway.seen.length, 5);
    replies.push(403);
    await assert.rejects(channels.create(), (error: AnswerError) => !mayBe.test(error.message));
  });

  it('repeats requests that change nothing twice, and takes a channel that is gone by then as removed', async () => {
    let isLost = false;
    const channels = await open({
      reply: ({ stream, headers }, count) => {
        if (headers[':method'] === 'GET') return count % 2 === 1 ? { status: 503, reason: '' } : 'usual';
        if (isLost) return 'usual';
        isLost = true;
        // Carried out, and its answer is lost.
        gateway.channels.delete(String(headers['apns-channel-id']));
        stream.close(2);
        return 'nothing';
      },
    });
    assert.equal((await channels.list()).length, 100);
    assert.equal((await channels.read(idOf(1))).channelId, idOf(1));
    await channels.remove(idOf(1));
    await assert.rejects(channels.remove(idOf(1)), { reason: 'ChannelNotRegistered' });
  });

  it('is over in time, and when its signal aborts', async () => {
    const channels = await open({ reply: () => 'nothing' });
    await assert.rejects(channels.list({ timeoutMs: 50 }), {
      ...{ code: 'ERR_PEAL_TIMEOUT', message: 'The request to list the channels was not over within 50 ms.' },
    });
    await assert.rejects(channels.list({ signal: AbortSignal.abort() }), (error: NoAnswerError) => {
      assert.ok(error instanceof NoAnswerError && error instanceof PealError);
      assert.deepEqual([error.code, error.outcome, error.toJSON().outcome], ['ERR_PEAL_ABORTED', 'unsent', 'unsent']);
      return true;
    });
  });

  it('refuses answers that are too long, or not those of a channel service', async () => {
    let body = '{"channels":["';
    const channels = await open({
      reply: ({ stream }) => {
        stream.respond({ ':status': 200 });
        stream.end(body);
        return 'nothing';
      },
    });
    const none = /with success, but without a message-storage-policy/;
    for (const strange of ['', 'null', '{"channels":[1]}', '<html>', '{"message-storage-policy":7}']) {
      body = strange;
      await assert.rejects(channels.list(), /with success, but without a list of channel ids: check that it is/);
      const policy = strange.includes('7')
        ? /, but with the message-storage-policy 7, which is neither 0 nor 1: /
        : none;
      await assert.rejects(channels.read(idOf(0)), policy);
      await assert.rejects(channels.create(), /with success, but without an apns-channel-id/);
    }
    for (const policy of ['null', '""', '"1"', 'true', '[]', '[0]', '-1', '0.5', '{}', '"none"']) {
      body = `{"message-storage-policy":${policy}}`;
      await assert.rejects(channels.read(idOf(0)), /with the message-storage-policy .+, which is neither 0 nor 1/);
    }
    body = '{"message-storage-policy":1}';
    assert.equal((await channels.read(idOf(0))).storagePolicy, 'most-recent');
    body = 'x'.repeat(5 * 1024 * 1024);
    await assert.rejects(channels.list(), { code: 'ERR_PEAL_LIMIT' });
  });
});
