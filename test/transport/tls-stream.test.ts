import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { PealError } from '../../src/base/errors.js';
import type { CertificateCredential } from '../../src/push/credentials/credential.js';
import { type CertificatePair, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { BackendStream, OpenOptions } from '../../src/transport/backend.js';
import { createTlsBackend } from '../../src/transport/tls.js';
import { type CredentialFor, TlsCredential } from '../../src/transport/tls-credential.js';
import type { Dial } from '../../src/transport/tls-stream.js';
import { StreamRecorder } from '../support/stream-recorder.js';

describe('transport/tls-stream over a way that is dialled', () => {
  let authority: ThrowAwayAuthority;
  let pair: CertificatePair;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  before(() => {
    authority = new ThrowAwayAuthority();
    pair = authority.issueServer();
  });

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    sockets.clear();
  });

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  function tlsServer(onConnection: (socket: TLSSocket) => void, options: TlsOptions = {}): Promise<number> {
    const server = createTlsServer({ ...pair, ALPNProtocols: ['h2'], ...options }, (socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    });
    return listen(server);
  }

  function openOver(dial: Dial, more: Partial<OpenOptions> = {}): { stream: BackendStream; recorder: StreamRecorder } {
    const recorder = new StreamRecorder();
    const options: OpenOptions = {
      address: { protocol: 'http2', host: 'localhost', port: 443 },
      certificate: null,
      ca: authority.certificate,
      alpnProtocol: 'h2',
      connectTimeoutMs: 60_000,
      ...more,
    };
    return { stream: createTlsBackend({ dial }).open(options, recorder), recorder };
  }

  it('runs TLS inside it, verifies the gateway by its own name, and leaves nothing open', async () => {
    const port = await tlsServer((socket) => socket.pipe(socket));
    let way: Socket | null = null;
    const { stream, recorder } = openOver(async ({ address }) => {
      assert.equal(address.port, 443);
      way = connectTcp(port, '127.0.0.1');
      return way;
    });
    assert.deepEqual([stream.isClosed, stream.reset?.(), stream.details()], [false, false, {}]);
    await recorder.opened;
    const { protocol, alpnProtocol } = stream.details();
    assert.deepEqual([protocol, alpnProtocol], ['TLSv1.3', 'h2']);
    assert.equal(stream.reset?.(), true);
    stream.write(Buffer.from('hello'), () => {});
    assert.equal(stream.reset?.(), false);
    await recorder.until(5);
    assert.equal(recorder.received.toString(), 'hello');
    stream.destroy();
    assert.equal(await recorder.closed, null);
    assert.equal(way!.destroyed, true);
  });

  it('reports what a dial throws or rejects with: a PealError as it is, its message otherwise', async () => {
    const own = new PealError('ERR_PEAL_PROXY', 'The way is closed.', { origin: 'connect' });
    const system = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const failures: [unknown, string, RegExp][] = [
      [own, 'ERR_PEAL_PROXY', /^The way is closed\.$/],
      [new Error('no \u0000tunnel'), 'ERR_PEAL_CONNECT', /^No way to localhost:443: no tunnel\.$/],
      [system, 'ERR_PEAL_CONNECT', /^localhost:443 refused the connection/],
      [undefined, 'ERR_PEAL_CONNECT', /^No way to localhost:443: undefined\.$/],
      [new DOMException('too late', 'TimeoutError'), 'ERR_PEAL_CONNECT', /too late/],
    ];
    for (const [reason, code, message] of failures) {
      const throwing: Dial = () => {
        throw reason;
      };
      for (const dial of [() => Promise.reject(reason), throwing]) {
        const { recorder } = openOver(dial);
        const error = await recorder.closed;
        assert.equal(error?.code, code);
        assert.match(error.message, message);
        assert.deepEqual(recorder.events, ['closed']);
      }
    }
  });

  it('aborts a dial that takes too long or is not wanted any more, and closes a way that comes too late', async () => {
    const port = await listen(createTcpServer(() => {}));
    for (const isTimeout of [true, false]) {
      let finish: () => void = () => {};
      let aborted = false;
      const ready = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const way = connectTcp(port, '127.0.0.1');
      const { stream, recorder } = openOver(
        async (_options, signal) => {
          signal.addEventListener('abort', () => {
            aborted = true;
          });
          await ready;
          return way;
        },
        { connectTimeoutMs: isTimeout ? 30 : 5_000 },
      );
      if (!isTimeout) setImmediate(() => stream.destroy());
      const error = await recorder.closed;
      assert.equal(error?.code, isTimeout ? 'ERR_PEAL_CONNECT_TIMEOUT' : undefined);
      assert.deepEqual([aborted, recorder.events], [true, ['closed']]);
      finish();
      if (!way.closed) await once(way, 'close');
      assert.equal(stream.isClosed, true);
    }
  });

  it('says that the way broke off, before TLS and after', async () => {
    const ways: Socket[] = [];
    const mute = await listen(createTcpServer(() => ways[0]!.destroy()));
    const gateway = await tlsServer((socket) => socket.write('hello'));
    let near: Socket | null = null;
    const relay = await listen(
      createTcpServer((socket) => {
        near = socket;
        const far = connectTcp(gateway, '127.0.0.1');
        sockets.add(far);
        socket.pipe(far).pipe(socket);
      }),
    );
    const dialTo =
      (to: number): Dial =>
      async () => {
        const way = connectTcp(to, '127.0.0.1');
        ways.push(way);
        return way;
      };
    const early = openOver(dialTo(mute));
    assert.equal((await early.recorder.closed)?.code, 'ERR_PEAL_CONNECT');
    const late = openOver(dialTo(relay));
    await late.recorder.until(5);
    (near as Socket | null)?.resetAndDestroy();
    assert.equal((await late.recorder.closed)?.code, 'ERR_PEAL_CLOSED');
  });

  it('holds client certificates as it is told, and shares contexts by their digest', async () => {
    const client = authority.issueServer();
    const seen: string[] = [];
    const port = await tlsServer(
      (socket) => {
        seen.push(socket.getPeerCertificate().fingerprint256);
        socket.write('!');
      },
      {
        requestCert: true,
        rejectUnauthorized: false,
      },
    );
    let loads = 0;
    const elsewhere: CredentialFor = () => ({
      digest: 'ab'.repeat(32),
      load: () => {
        loads += 1;
        return { cert: client.cert, key: client.key };
      },
      dump: () => client.cert,
    });
    const backend = createTlsBackend({ credentialFor: elsewhere });
    const known = { ...credential(pair), cert: null, key: null };
    for (let time = 0; time < 2; time++) {
      const recorder = new StreamRecorder();
      const address = { protocol: 'http2', host: 'localhost', port } as const;
      const rest = { ca: authority.certificate, alpnProtocol: 'h2', connectTimeoutMs: 60_000 };
      const stream = backend.open({ address, certificate: known, ...rest }, recorder);
      await recorder.until(1);
      stream.destroy();
      await recorder.closed;
    }
    const expected = new X509Certificate(client.cert).fingerprint256;
    assert.deepEqual([seen, loads], [[expected, expected], 1]);
    assert.equal(new TlsCredential(credential(pair)).dump(), pair.cert);
  });

  function credential(pem: CertificatePair): CertificateCredential {
    const fingerprint = new X509Certificate(pem.cert).fingerprint256.replaceAll(':', '').toLowerCase();
    return { kind: 'certificate', fingerprint, cert: pem.cert, key: pem.key, pfx: null, passphrase: null };
  }
});
