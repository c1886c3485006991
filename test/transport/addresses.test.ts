import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import type { PealError } from '../../src/base/errors.js';
import { addressAttemptTimeoutMs, silentAddressShare } from '../../src/base/limits.js';
import { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { ByteStream } from '../../src/transport/backend.js';
import { createRotatingLookup } from '../../src/transport/lookup.js';
import { createTlsBackend } from '../../src/transport/tls.js';

const connectTimeoutMs = 60_000;

/** Listens and never accepts: once its queue is full, whoever connects hears nothing. Stops itself. */
const sleeper = `
const server = require('node:net').createServer();
server.listen({ host: '127.0.0.9', port: Number(process.argv[1]), backlog: 1 }, () => {
  process.stdout.write('listening\\n', () => process.kill(process.pid, 'SIGSTOP'));
});`;

/** A gateway on 127.0.0.1 whose name has other addresses, too. Nothing else on loopback listens on its port. */
describe('transport and a gateway with several addresses', () => {
  let server: Server;
  let port: number;
  let ca: string;
  const sockets = new Set<Socket>();
  const streams: ByteStream[] = [];
  let child: ChildProcess | null = null;

  before(async () => {
    const authority = new ThrowAwayAuthority();
    ca = authority.certificate;
    server = createServer({ ...authority.issueServer(), ALPNProtocols: ['h2'] });
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  afterEach(() => {
    for (const stream of streams.splice(0)) stream.destroy();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    child?.kill('SIGKILL');
    child = null;
  });

  after(() => {
    server.close();
  });

  const v4 = (address: string): LookupAddress => ({ address, family: 4 });

  /** Opens one stream to `localhost`, which has those addresses: where it ended up, or why it did not. */
  function open(addresses: readonly LookupAddress[], lookup = lookupOf(addresses)): Promise<string | PealError | null> {
    return new Promise((resolve) => {
      const stream = createTlsBackend({ lookup }).open(
        {
          address: { protocol: 'http2', host: 'localhost', port },
          certificate: null,
          ca,
          alpnProtocol: 'h2',
          connectTimeoutMs,
        },
        {
          onOpen: () => resolve(String(stream.details().remoteAddress)),
          onBytes: () => {},
          onClosed: resolve,
        },
      );
      streams.push(stream);
    });
  }

  const lookupOf = (addresses: readonly LookupAddress[]) =>
    createRotatingLookup((_host, _options, callback) => callback(null, [...addresses]), 0);

  it('gets through although all but the last refuse', async () => {
    const dead = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6', '127.0.0.7'];
    assert.equal(await open([...dead, '127.0.0.1'].map(v4)), '127.0.0.1');
  });

  it('gets through although the family that stands first leads nowhere', async () => {
    const v6: LookupAddress = { address: '::1', family: 6 };
    assert.equal(await open([v6, v4('127.0.0.2'), v4('127.0.0.1')]), '127.0.0.1');
  });

  it('looks up anew for each connection and begins each at another address', async () => {
    let asked = 0;
    const lookup = createRotatingLookup((_host, _options, callback) => {
      asked += 1;
      callback(null, ['127.0.0.1', '127.0.0.2'].map(v4));
    });
    for (let i = 0; i < 4; i++) assert.equal(await open([], lookup), '127.0.0.1');
    assert.equal(asked, 4);
  });

  it('says so when none can be reached', async () => {
    const error = await open(['127.0.0.2', '127.0.0.3'].map(v4));
    assert.ok(error !== null && typeof error !== 'string');
    assert.equal(error.code, 'ERR_PEAL_CONNECT');
    assert.equal(error.retryable, true);
  });

  it('gives one that says nothing a short time only', async function () {
    child = spawn(process.execPath, ['-e', sleeper, String(port)], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout!, 'data');
    if (!(await fillQueue())) this.skip(); // a kernel that takes connections in all the same
    const beganMs = performance.now();
    assert.equal(await open(['127.0.0.9', '127.0.0.1'].map(v4)), '127.0.0.1');
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs >= 0.9 * addressAttemptTimeoutMs, `${tookMs} ms: the first was not tried`);
    // Less than what TLS with one address may take, and than what a connection may take in all.
    assert.ok(tookMs < silentAddressShare * connectTimeoutMs, `${tookMs} ms`);
  });

  /** Connects to the sleeper until a connection is not taken in for a while. */
  async function fillQueue(): Promise<boolean> {
    for (let i = 0; i < 8; i++) {
      const socket = connect({ host: '127.0.0.9', port });
      sockets.add(socket);
      socket.on('error', () => {});
      const giveUp = AbortSignal.timeout(300);
      const isTaken = await once(socket, 'connect', { signal: giveUp }).then(
        () => true,
        () => false,
      );
      if (!isTaken) return true;
    }
    return false;
  }
});
