/** The pool over real TLS against node:http2 servers in this process: two independent books, compared. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2Session,
  constants as h2,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { type CertificatePair, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';
import { type BookOptions, BookSource, indexOfPath } from '../../support/book-source.js';
import { type TlsSend, useTlsPool } from '../../support/use-pool.js';

interface Scenario extends Omit<BookOptions, 'recipients'> {
  readonly recipients: number;
  readonly settings?: Settings;
  readonly pool?: TlsSend['pool'];
  /** What the server does with a request; `seen` counts all requests so far. Default: 200. */
  readonly onRequest?: (stream: ServerHttp2Stream, index: number, seen: number) => void;
}

describe('connection/pool over TLS', () => {
  const authority = new ThrowAwayAuthority();
  const pair: CertificatePair = authority.issueServer();
  let server: Http2SecureServer;
  let sockets: Set<Socket>;
  let sessions: Set<Http2Session>;
  /** The server's book: how often each recipient's request arrived whole. */
  let received: Map<number, number>;
  let source: BookSource;
  const send = useTlsPool();

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function run(scenario: Scenario): Promise<void> {
    received = new Map();
    sockets = new Set();
    sessions = new Set();
    server = createSecureServer({ ...pair, settings: scenario.settings ?? {} });
    server.on('secureConnection', (socket) => sockets.add(socket));
    server.on('session', (session) => {
      sessions.add(session);
      session.on('error', () => {});
    });
    let seen = 0;
    server.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      let bodyBytes = 0;
      stream.on('data', (bytes: Buffer) => {
        bodyBytes += bytes.length;
      });
      stream.on('end', () => {
        const index = indexOfPath(String(headers[':path']));
        assert.equal(bodyBytes, scenario.payloadBytes ?? 120);
        received.set(index, (received.get(index) ?? 0) + 1);
        seen++;
        if (scenario.onRequest === undefined) accept(stream);
        else scenario.onRequest(stream, index, seen);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    source = new BookSource(scenario);
    const link = { ca: authority.certificate, maxConnections: 2, connectTimeoutMs: 60_000 };
    await send({ protocol: 'http2', port, source, pool: { ...link, ...scenario.pool } });
  }

  function accept(stream: ServerHttp2Stream): void {
    if (!stream.destroyed && !stream.closed) stream.respond({ ':status': 200 }, { endStream: true });
  }

  /** Both books agree: what was accepted was received, what is unsent was not, and nothing arrived twice. */
  function compareBooks(): void {
    assert.ok(source.isDone);
    for (const [index, times] of received) assert.equal(times, 1, `recipient ${index} was received ${times} times`);
    for (const index of source.indicesOf('accepted')) assert.ok(received.has(index), `accepted ${index} never arrived`);
    for (const index of source.indicesOf('unsent')) assert.ok(!received.has(index), `unsent ${index} arrived`);
    const accounted = new Set([
      ...source.indicesOf('accepted'),
      ...source.indicesOf('rejected'),
      ...source.indicesOf('unknown'),
    ]);
    for (const index of received.keys()) assert.ok(accounted.has(index), `${index} arrived and is not accounted for`);
  }

  it('delivers 20,000 requests, each exactly once', async () => {
    await run({ recipients: 20_000 });
    compareBooks();
    assert.equal(source.count('accepted'), 20_000);
    assert.equal(received.size, 20_000);
  });

  for (const maxConcurrentStreams of [1, 100, 1000]) {
    it(`keeps to ${maxConcurrentStreams} streams`, async () => {
      let open = 0;
      let most = 0;
      await run({
        recipients: maxConcurrentStreams === 1 ? 200 : 3000,
        settings: { maxConcurrentStreams },
        pool: { maxConnections: 1 },
        onRequest: (stream) => {
          most = Math.max(most, ++open);
          setImmediate(() => {
            open--;
            accept(stream);
          });
        },
      });
      compareBooks();
      assert.equal(received.size, source.outcomes.length);
      assert.ok(most <= maxConcurrentStreams);
    });
  }

  it('delivers payloads larger than the stream window', async () => {
    await run({ recipients: 300, payloadBytes: 4000, settings: { initialWindowSize: 1000 } });
    compareBooks();
    assert.equal(source.count('accepted'), 300);
  });

  it('delivers what fills the connection window many times over', async () => {
    await run({ recipients: 2000, payloadBytes: 4096 });
    compareBooks();
    assert.equal(source.count('accepted'), 2000);
  });

  it('reports rejections with their reason', async () => {
    await run({
      recipients: 2000,
      onRequest: (stream, index) => {
        if (index % 10 !== 0) return accept(stream);
        stream.respond({ ':status': 400, 'apns-id': `id-${index}` });
        stream.end('{"reason":"BadDeviceToken"}');
      },
    });
    compareBooks();
    assert.equal(source.count('rejected'), 200);
    for (const { index, rejection } of source.rejections) {
      assert.deepEqual([rejection.status, rejection.reason], [400, 'BadDeviceToken']);
      assert.equal(rejection.apnsId, `id-${index}`);
    }
  });

  it('goes on over a new connection when the server sends it away', async () => {
    await run({
      recipients: 6000,
      resends: 5,
      onRequest: (stream, _index, seen) => {
        accept(stream);
        if (seen % 2000 === 0) stream.session?.close();
      },
    });
    compareBooks();
    assert.equal(source.count('accepted') + source.count('unknown'), 6000);
    assert.ok(sessions.size >= 3);
  });

  it('is exact about what a dying connection took with it', async () => {
    await run({
      recipients: 6000,
      resends: 5,
      onRequest: (stream, _index, seen) => {
        accept(stream);
        if (seen === 1500 || seen === 3000) for (const socket of sockets) socket.destroy();
      },
    });
    compareBooks();
    assert.ok(source.count('unknown') > 0);
    assert.equal(source.count('accepted') + source.count('unknown'), 6000);
  });

  it('counts a server’s refusals of streams as unsent and sends them again', async () => {
    const refused = new Set<number>();
    await run({
      recipients: 1000,
      resends: 3,
      onRequest: (stream, index) => {
        if (index % 7 === 0 && !refused.has(index)) {
          refused.add(index);
          received.delete(index);
          stream.close(h2.NGHTTP2_REFUSED_STREAM);
        } else {
          accept(stream);
        }
      },
    });
    compareBooks();
    assert.equal(source.count('accepted'), 1000);
  });
});
