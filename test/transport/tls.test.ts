import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { PealError } from '../../src/base/errors.js';
import type { CertificateCredential } from '../../src/push/credentials/credential.js';
import { type CertificatePair, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { ByteStream, ByteStreamListener, OpenOptions } from '../../src/transport/backend.js';
import { createTlsBackend } from '../../src/transport/tls.js';
import { quietPort } from '../support/quiet-port.js';

/** Collects what a stream reports, and lets a test wait for it. */
class Recorder implements ByteStreamListener {
  readonly events: string[] = [];
  received = Buffer.alloc(0);
  error: PealError | null = null;
  buffers = new Set<ArrayBufferLike>();
  readonly opened: Promise<void>;
  readonly closed: Promise<PealError | null>;
  onBytesCalled: () => void = () => {};
  #open!: () => void;
  #close!: (error: PealError | null) => void;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.#open = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  onOpen(): void {
    this.events.push('open');
    this.#open();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    this.buffers.add(buffer.buffer);
    this.received = Buffer.concat([this.received, buffer.subarray(0, length)]);
    this.onBytesCalled();
  }

  onClosed(error: PealError | null): void {
    this.events.push('closed');
    this.error = error;
    this.#close(error);
  }

  async until(bytes: number): Promise<void> {
    if (this.received.length >= bytes) return;
    await new Promise<void>((resolve) => {
      this.onBytesCalled = () => {
        if (this.received.length >= bytes) resolve();
      };
    });
  }
}

/** Where `openssl s_server` listens, as it says on its first line; null where the command is missing. */
function portOf(server: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    let said = '';
    server.once('error', () => resolve(null));
    server.once('exit', () => resolve(null));
    server.stdout!.on('data', (bytes: Buffer) => {
      said += bytes.toString();
      const match = /^ACCEPT .*:(\d+)$/m.exec(said);
      if (match !== null) resolve(Number(match[1]));
    });
  });
}

describe('transport/tls', () => {
  let authority: ThrowAwayAuthority;
  let pair: CertificatePair;
  const servers: Server[] = [];
  const children: ChildProcess[] = [];
  const folders: string[] = [];
  const sockets = new Set<Socket>();

  before(async () => {
    authority = new ThrowAwayAuthority();
    pair = authority.issueServer();
  });

  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    sockets.clear();
    servers.length = 0;
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

  function open(
    port: number,
    options: Partial<OpenOptions> & { host?: string } = {},
  ): { stream: ByteStream; recorder: Recorder } {
    const { host = 'localhost', ...rest } = options;
    const recorder = new Recorder();
    const stream = createTlsBackend().open(
      {
        address: { protocol: 'http2', host, port },
        certificate: null,
        ca: authority.certificate,
        alpnProtocol: 'h2',
        connectTimeoutMs: 60_000,
        ...rest,
      },
      recorder,
    );
    return { stream, recorder };
  }

  async function failure(port: number, options: Partial<OpenOptions> & { host?: string } = {}): Promise<PealError> {
    const { recorder } = open(port, options);
    const error = await recorder.closed;
    assert.deepEqual(recorder.events, ['closed'], 'fails without having been open');
    assert.ok(error !== null);
    assert.match(error.message, /^[^\n]+\.$/, `one sentence on one line: ${error.message}`);
    return error;
  }

  it('moves bytes both ways through one read buffer and reports its end once', async () => {
    const port = await tlsServer((socket) => socket.pipe(socket));
    const { stream, recorder } = open(port);
    await recorder.opened;
    const sent = Buffer.alloc(300_000);
    for (let i = 0; i < sent.length; i++) sent[i] = (i * 7 + (i >> 8)) & 255;
    await new Promise<void>((resolve) => stream.write(sent, resolve));
    await recorder.until(sent.length);
    assert.ok(recorder.received.equals(sent));
    assert.equal(recorder.buffers.size, 1);
    stream.end();
    assert.equal(await recorder.closed, null);
    assert.deepEqual(recorder.events, ['open', 'closed']);
  });

  it('tells the system to send small writes at once (TCP_NODELAY), whatever way the addresses are tried', async () => {
    const port = await tlsServer((socket) => socket.pipe(socket));
    const other = connectTcp(port, '127.0.0.1');
    await once(other, 'connect');
    const { _handle: handle } = other as unknown as { readonly _handle: object };
    const handles = Object.getPrototypeOf(handle) as { setNoDelay(isOn: boolean): number };
    other.destroy();
    const { setNoDelay } = handles;
    const results: number[] = [];
    handles.setNoDelay = function (isOn: boolean): number {
      const result = setNoDelay.call(this, isOn);
      if (isOn) results.push(result);
      return result;
    };
    try {
      for (const host of ['localhost', '127.0.0.1']) {
        results.length = 0;
        const { stream, recorder } = open(port, { host });
        await recorder.opened;
        stream.destroy();
        await recorder.closed;
        assert.equal(results.at(-1), 0, `${host}: ${results.join(' ')}`);
      }
    } finally {
      handles.setNoDelay = setNoDelay;
    }
  });

  it('reads no more at once than it is asked to', async () => {
    const port = await tlsServer((socket) => socket.write(Buffer.alloc(5000)));
    const { stream, recorder } = open(port, { readBufferSize: 1000 });
    await recorder.until(5000);
    assert.deepEqual(
      [...recorder.buffers].map((buffer) => buffer.byteLength),
      [1000],
    );
    stream.destroy();
  });

  it('prefers AES-128-GCM and sends the host name, for addresses none', async () => {
    const seen: string[] = [];
    const port = await tlsServer(
      (socket) => {
        seen.push(`${socket.getCipher().standardName} ${String((socket as { servername?: string }).servername)}`);
        socket.end('.');
      },
      { honorCipherOrder: false },
    );
    await open(port).recorder.closed;
    await open(port, { host: '127.0.0.1' }).recorder.closed;
    assert.deepEqual(seen, ['TLS_AES_128_GCM_SHA256 localhost', 'TLS_AES_128_GCM_SHA256 false']);
  });

  it('delivers nothing further while reading is paused', async () => {
    const port = await tlsServer((socket) => {
      socket.write('one');
      socket.on('data', () => socket.write('two'));
    });
    const { stream, recorder } = open(port);
    await recorder.until(3);
    stream.pauseReading();
    await new Promise<void>((resolve) => stream.write(Buffer.from('x'), resolve));
    const peer = [...sockets][0]!;
    while (peer.bytesRead === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(recorder.received.toString(), 'one');
    stream.resumeReading();
    await recorder.until(6);
    assert.equal(recorder.received.toString(), 'onetwo');
    stream.destroy();
    assert.equal(await recorder.closed, null);
  });

  it('says that a working stream broke off', async () => {
    const gateway = await tlsServer((socket) => socket.write('hello'));
    let near: Socket | null = null;
    const port = await listen(
      createTcpServer((socket) => {
        near = socket;
        const far = connectTcp(gateway, '127.0.0.1');
        sockets.add(far);
        socket.pipe(far).pipe(socket);
      }),
    );
    const { recorder } = open(port);
    await recorder.until(5);
    (near as Socket | null)?.resetAndDestroy();
    const error = await recorder.closed;
    assert.equal(error?.code, 'ERR_PEAL_CLOSED');
    assert.equal(error?.retryable, true);
  });

  it('offers the client certificate', async () => {
    const client = authority.issueClient('com.example.app');
    let subject = '';
    const port = await tlsServer(
      (socket) => {
        subject = String(socket.getPeerCertificate().subject?.CN);
        socket.end('.');
      },
      { requestCert: true, ca: authority.certificate },
    );
    await open(port, { certificate: credential(client) }).recorder.closed;
    assert.equal(subject, 'Apple Push Services: com.example.app');
  });

  it('says so when the gateway refuses a client without a certificate', async function () {
    // Node's own server closes without an alert; OpenSSL's sends one, which TLS 1.3 delivers on an open stream.
    const folder = mkdtempSync(join(tmpdir(), 'peal-test-'));
    for (const [name, text] of Object.entries({
      'cert.pem': pair.cert,
      'key.pem': pair.key,
      'ca.pem': authority.certificate,
    })) {
      writeFileSync(join(folder, name), text);
    }
    const options =
      's_server -accept 127.0.0.1:0 -cert cert.pem -key key.pem -CAfile ca.pem -Verify 1 -verify_return_error -alpn h2 -www';
    const gateway = spawn('openssl', options.split(' '), { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(gateway);
    folders.push(folder);
    const port = await portOf(gateway);
    if (port === null) return this.skip();
    const error = await open(port).recorder.closed;
    assert.deepEqual([error?.code, error?.origin, error?.retryable], ['ERR_PEAL_TLS', 'credential', false]);
    assert.match(error!.message, /asks for a client certificate and none was given/);
  });

  it('names a gateway that refuses', async () => {
    const port = await quietPort();
    const error = await failure(port);
    assert.equal(error.code, 'ERR_PEAL_CONNECT');
    assert.equal(error.retryable, true);
    assert.match(error.message, new RegExp(`localhost:${port} refused the connection`));
  });

  it('names a host that does not resolve', async () => {
    const error = await failure(443, { host: 'no-such-host.invalid' });
    assert.equal(error.code, 'ERR_PEAL_RESOLVE');
    assert.match(error.message, /no-such-host\.invalid/);
  });

  it('gives up on a gateway that accepts and says nothing', async () => {
    const port = await listen(createTcpServer(() => {}));
    const error = await failure(port, { connectTimeoutMs: 60 });
    assert.equal(error.code, 'ERR_PEAL_CONNECT_TIMEOUT');
    assert.match(error.message, /within 60 ms/);
  });

  it('names a gateway that hangs up before TLS', async () => {
    const port = await listen(createTcpServer((socket) => socket.destroy()));
    const error = await failure(port);
    assert.equal(error.code, 'ERR_PEAL_CONNECT');
  });

  it('names a gateway that does not speak TLS', async () => {
    const port = await listen(createTcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const error = await failure(port);
    assert.equal(error.code, 'ERR_PEAL_TLS');
    assert.match(error.message, /does not speak TLS/);
  });

  it('refuses a certificate that is not trusted, and points to `ca`', async () => {
    const port = await tlsServer(() => {});
    const other = new ThrowAwayAuthority('another authority');
    const wrongCa = await failure(port, { ca: other.certificate });
    assert.equal(wrongCa.code, 'ERR_PEAL_TLS');
    assert.equal(wrongCa.retryable, false);
    assert.match(wrongCa.message, /not trusted .*in the option ca; check/);
    const noCa = await failure(port, { ca: null });
    assert.equal(noCa.code, 'ERR_PEAL_TLS');
    assert.match(noCa.message, /give the certificate of its authority as the option ca\./);
  });

  it('refuses a self-signed certificate even where NODE_TLS_REJECT_UNAUTHORIZED is 0', async () => {
    const port = await tlsServer(() => {});
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      assert.equal((await failure(port, { ca: null })).code, 'ERR_PEAL_TLS');
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  it('refuses a certificate for another host, and says for which it is', async () => {
    pair = authority.issueServer(['elsewhere.example']);
    const port = await tlsServer(() => {});
    pair = authority.issueServer();
    const error = await failure(port);
    assert.equal(error.code, 'ERR_PEAL_TLS');
    assert.match(error.message, /elsewhere\.example.* not for localhost/);
  });

  it('refuses an expired certificate and one of tomorrow', async () => {
    const dayMs = 24 * 3600 * 1000;
    const old = authority.issueServer(undefined, {
      from: new Date(Date.now() - dayMs),
      to: new Date(Date.now() - 1000),
    });
    const oldPort = await tlsServer(() => {}, old);
    assert.match((await failure(oldPort)).message, /has expired/);
    const early = authority.issueServer(undefined, { from: new Date(Date.now() + dayMs / 2) });
    const earlyPort = await tlsServer(() => {}, early);
    assert.match((await failure(earlyPort)).message, /is not valid yet/);
  });

  it('refuses a gateway without HTTP/2, whether it ignores ALPN or declines', async () => {
    const silent = await failure(await tlsServer(() => {}, { ALPNProtocols: undefined } as TlsOptions));
    assert.equal(silent.code, 'ERR_PEAL_ALPN');
    assert.equal(silent.retryable, false);
    const declined = await failure(await tlsServer(() => {}, { ALPNProtocols: ['http/1.1'] }));
    assert.equal(declined.code, 'ERR_PEAL_ALPN');
    assert.match(declined.message, /ALPN/);
  });

  it('refuses TLS 1.1', async () => {
    const port = await tlsServer(() => {}, {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const error = await failure(port);
    assert.equal(error.code, 'ERR_PEAL_TLS');
    assert.match(error.message, /TLS version/);
  });

  it('speaks TLS 1.2 where the gateway has nothing newer', async () => {
    const port = await tlsServer((socket) => socket.end('hello'), { maxVersion: 'TLSv1.2' });
    const { recorder } = open(port);
    assert.equal(await recorder.closed, null);
    assert.equal(recorder.received.toString(), 'hello');
  });

  it('names a credential and a `ca` that TLS cannot use, without quoting them', async () => {
    const secret = 'PEAL-CANARY-SECRET';
    const bad = await failure(1, { certificate: credential({ cert: secret, key: secret }) });
    assert.equal(bad.code, 'ERR_PEAL_CREDENTIAL');
    assert.equal(bad.origin, 'credential');
    const other = authority.issueServer();
    const mismatch = await failure(1, { certificate: credential({ cert: pair.cert, key: other.key }) });
    assert.equal(mismatch.code, 'ERR_PEAL_CREDENTIAL');
    const noCa = await failure(1, { ca: secret });
    assert.equal(noCa.code, 'ERR_PEAL_OPTION');
    for (const error of [bad, mismatch, noCa]) assert.ok(!error.message.includes(secret));
  });

  it('can be destroyed while it connects', async () => {
    const port = await listen(createTcpServer(() => {}));
    const { stream, recorder } = open(port);
    stream.destroy();
    assert.equal(await recorder.closed, null);
    assert.deepEqual(recorder.events, ['closed']);
  });

  function credential(pem: CertificatePair): CertificateCredential {
    return {
      kind: 'certificate',
      fingerprint: createHash('sha256').update(pem.cert).digest('hex'),
      cert: pem.cert,
      key: pem.key,
      pfx: null,
      passphrase: null,
    };
  }
});
