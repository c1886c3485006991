import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { inspect } from 'node:util';
import { PealError } from '../../src/base/errors.js';
import { maxProxyAnswerBytes } from '../../src/base/limits.js';
import { type CertificatePair, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { BackendStream, OpenOptions } from '../../src/transport/backend.js';
import { createProxyBackend, type ProxyOptions } from '../../src/transport/proxy.js';
import { ConnectProxy, type ConnectProxyOptions } from '../support/connect-proxy.js';
import { quietPort } from '../support/quiet-port.js';
import { StreamRecorder } from '../support/stream-recorder.js';

const canary = 'PEAL-CANARY-SECRET';

describe('transport/proxy', () => {
  let authority: ThrowAwayAuthority;
  let pair: CertificatePair;
  let gateway: Server;
  let proxy: ConnectProxy | null = null;
  const sockets = new Set<Socket>();

  before(async () => {
    authority = new ThrowAwayAuthority();
    pair = authority.issueServer();
    gateway = createTlsServer({ ...pair, ALPNProtocols: ['h2'] }, (socket) => socket.pipe(socket));
    keep(gateway);
    gateway.listen(0, '127.0.0.1');
    await once(gateway, 'listening');
  });

  after(() => gateway.close());

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await proxy?.close();
    proxy = null;
  });

  function keep(server: Server): void {
    server.on('tlsClientError', () => {});
    for (const event of ['connection', 'secureConnection']) {
      server.on(event, (socket: Socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
      });
    }
  }

  function open(
    options: ProxyOptions,
    more: Partial<OpenOptions> = {},
  ): { stream: BackendStream; recorder: StreamRecorder } {
    const recorder = new StreamRecorder();
    const { port } = gateway.address() as AddressInfo;
    const wanted: OpenOptions = {
      address: { protocol: 'http2', host: 'localhost', port },
      certificate: null,
      ca: authority.certificate,
      alpnProtocol: 'h2',
      connectTimeoutMs: 60_000,
      ...more,
    };
    return { stream: createProxyBackend(options).open(wanted, recorder), recorder };
  }

  async function failure(options: ProxyOptions, more: Partial<OpenOptions> = {}): Promise<PealError> {
    const { recorder } = open(options, more);
    const error = await recorder.closed;
    assert.deepEqual(recorder.events, ['closed']);
    assert.ok(error instanceof PealError);
    assert.ok(!`${inspect(error, { depth: 9 })} ${error.stack}`.includes(canary));
    return error;
  }

  async function answeredWith(answer: ConnectProxyOptions['answer'], login = ''): Promise<PealError> {
    proxy = await ConnectProxy.open({ answer: answer! });
    const error = await failure({ url: proxy.url(login) });
    await proxy.close();
    proxy = null;
    return error;
  }

  async function echo(options: ProxyOptions, text: string): Promise<BackendStream> {
    const { stream, recorder } = open(options);
    await Promise.race([recorder.opened, recorder.closed.then((error) => assert.fail(String(error?.message)))]);
    const bytes = Buffer.from(text);
    await new Promise<void>((resolve) => stream.write(bytes, resolve));
    await recorder.until(bytes.length);
    assert.equal(recorder.received.toString(), text);
    stream.end();
    assert.equal(await recorder.closed, null);
    return stream;
  }

  it('tunnels TLS, so that the proxy sees host and port of the gateway and no plain text', async () => {
    proxy = await ConnectProxy.open();
    const stream = await echo({ url: proxy.url() }, 'hello');
    const { port } = gateway.address() as AddressInfo;
    assert.deepEqual(proxy.requests, [`CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`]);
    assert.ok(proxy.tunnelledBytes > 200);
    assert.equal(stream.isClosed, true);
    assert.equal(stream.reset?.(), false);
  });

  it('carries large writes both ways', async () => {
    proxy = await ConnectProxy.open();
    await echo({ url: proxy.url() }, 'x'.repeat(1_000_000));
  });

  it('shows user and password, percent-decoded, to a proxy that asks for them', async () => {
    proxy = await ConnectProxy.open({ login: `jürgen:${canary}:p@ss %` });
    await echo({ url: proxy.url(`j%C3%BCrgen:${canary}:p%40ss%20%25`) }, 'hello');
  });

  it('speaks TLS to an https proxy, with TLS to the gateway inside', async () => {
    proxy = await ConnectProxy.open({ tls: pair, login: 'user:password' });
    await echo({ url: proxy.url('user:password'), ca: authority.certificate }, 'x'.repeat(300_000));
    assert.equal(proxy.requests.length, 1);
  });

  it('does not trust an https proxy without its certificate', async () => {
    proxy = await ConnectProxy.open({ tls: pair });
    const error = await failure({ url: proxy.url(`user:${canary}`) });
    assert.equal(error.code, 'ERR_PEAL_TLS');
    assert.match(error.message, /^TLS with the proxy failed\. The certificate of localhost:\d+ is not trusted/);
    assert.deepEqual(proxy.requests, []);
  });

  it('skips informational answers', async () => {
    proxy = await ConnectProxy.open({ before: 'HTTP/1.1 100 Continue\r\nx: y\r\n\r\n' });
    await echo({ url: proxy.url() }, 'hello');
  });

  it('gives up for good on a proxy that asks for user and password, or refuses them', async () => {
    proxy = await ConnectProxy.open({ login: 'user:right' });
    const none = await failure({ url: proxy.url() });
    assert.match(none.message, /^The proxy localhost:\d+ asks for user and password \(407\)/);
    const wrong = await failure({ url: proxy.url(`user:${canary}`) });
    assert.match(wrong.message, /^The proxy localhost:\d+ refuses its user or password \(407\)/);
    for (const { code, origin, retryable } of [none, wrong]) {
      assert.deepEqual([code, origin, retryable], ['ERR_PEAL_PROXY', 'credential', false]);
    }
  });

  const answers = [
    ['HTTP/1.1 403 Forbidden\r\n\r\n', /does not allow localhost:\d+ \(403\)/, false],
    ['HTTP/1.1 429 Too Many Requests\r\n\r\n', /has too much to do \(429\)/, true],
    ['HTTP/1.0 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nabc', /does not get through to localhost:\d+ \(502\)/, true],
    ['HTTP/1.1 504 Gateway Timeout\r\n\r\n', /does not get through .*\(504\)/, true],
    ['HTTP/1.1 405 Method Not Allowed\r\n\r\n', /answers CONNECT with 405: check that it is a proxy/, false],
    ['HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n', /answers CONNECT with 302/, false],
    ['HTTP/1.1 abc\r\n\r\n', /does not answer as an HTTP proxy does/, false],
    ['SSH-2.0-OpenSSH_9.2\r\n', /does not answer as an HTTP proxy does/, false],
    ['HTTP/1.1 200 OK\r\n\r\nhello', /does not answer as an HTTP proxy does/, false],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(maxProxyAnswerBytes)}`, /does not answer as an HTTP proxy does/, false],
    ['HTTP/1.1 2', /closed the connection before it had answered/, true],
    ['', /closed the connection before it had answered/, true],
  ] as const;

  for (const [answer, message, retryable] of answers) {
    it(`has one clear sentence for the answer ${JSON.stringify(answer.slice(0, 30))}`, async () => {
      const error = await answeredWith(answer, `user:${canary}`);
      assert.deepEqual([error.code, error.retryable], ['ERR_PEAL_PROXY', retryable]);
      assert.match(error.message, message);
    });
  }

  it('names a gateway that the proxy cannot reach', async () => {
    proxy = await ConnectProxy.open();
    const port = await quietPort();
    const error = await failure({ url: proxy.url() }, { address: { protocol: 'http2', host: 'localhost', port } });
    assert.match(error.message, new RegExp(`does not get through to localhost:${port} \\(502\\)`));
  });

  it('names a proxy that is not there', async () => {
    const error = await failure({ url: `http://user:${canary}@localhost:${await quietPort()}` });
    assert.equal(error.code, 'ERR_PEAL_CONNECT');
    assert.match(error.message, /^The proxy localhost:\d+ cannot be reached \(ECONNREFUSED\)/);
    const unknown = await failure({ url: 'http://no-such-host.invalid:3128' });
    assert.equal(unknown.code, 'ERR_PEAL_RESOLVE');
    assert.match(unknown.message, /^The proxy no-such-host\.invalid:3128 cannot be reached/);
  });

  it('gives up on a proxy that accepts and never answers, and can be destroyed while it waits', async () => {
    proxy = await ConnectProxy.open({ answer: null });
    const error = await failure({ url: proxy.url() }, { connectTimeoutMs: 60 });
    assert.equal(error.code, 'ERR_PEAL_CONNECT_TIMEOUT');
    const { stream, recorder } = open({ url: proxy.url() });
    assert.equal(stream.isClosed, false);
    stream.destroy();
    assert.equal(await recorder.closed, null);
    assert.deepEqual(recorder.events, ['closed']);
    assert.equal(stream.isClosed, true);
  });

  it('verifies the gateway inside the tunnel', async () => {
    proxy = await ConnectProxy.open();
    const error = await failure({ url: proxy.url() }, { ca: new ThrowAwayAuthority('another').certificate });
    assert.equal(error.code, 'ERR_PEAL_TLS');
    assert.match(error.message, /^The certificate of localhost:\d+ is not trusted/);
  });

  it('refuses a URL that is none, without quoting it', () => {
    const wrong = [
      `ftp://user:${canary}@host`,
      canary,
      `http://user:${canary}@host:1/path`,
      `http://user:${canary}%zz@host:1`,
      `http://a%3Ab:${canary}@host:1`,
      undefined,
    ];
    for (const url of wrong) {
      assert.throws(
        () => createProxyBackend({ url } as ProxyOptions),
        (error: PealError) => {
          assert.equal(error.code, 'ERR_PEAL_OPTION');
          assert.match(error.message, /^The URL of the proxy /);
          assert.ok(!error.message.includes(canary));
          return true;
        },
      );
    }
    assert.throws(() => createProxyBackend({ url: 'http://h', uri: 1 } as ProxyOptions), /has no option "uri"/);
  });
});
