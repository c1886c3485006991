import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  isIP,
  type Server,
  type Socket,
} from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { PealError } from '../../src/base/errors.js';
import { type CertificatePair, ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';
import type { BackendStream, OpenOptions } from '../../src/transport/backend.js';
import { createRotatingLookup } from '../../src/transport/lookup.js';
import { createTlsBackend } from '../../src/transport/tls.js';
import { StreamRecorder } from '../support/stream-recorder.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** What happens at an address to whoever connects. */
type Conduct = (socket: Socket) => void;

const closes: Conduct = (socket) => socket.destroy();
const resets: Conduct = (socket) => socket.resetAndDestroy();
const closesAfterHello: Conduct = (socket) => socket.once('data', () => socket.end());
const resetsAfterHello: Conduct = (socket) => socket.once('data', () => socket.resetAndDestroy());
const isSilent: Conduct = (socket) => socket.resume();
/** Says nothing while the quarter of ten seconds passes that it has. */
const silentOn =
  (clock: VirtualClock): Conduct =>
  (socket) =>
    socket.once('data', () => clock.advance(2_500));

/** The process's own clock, with a count of the timers that are set. */
class CountingClock implements Clock {
  readonly timers = new Set<unknown>();
  readonly now = systemClock.now;
  readonly wallMs = systemClock.wallMs;
  readonly defer = systemClock.defer;

  setTimer(callback: () => void, delayMs: number): unknown {
    const timer = systemClock.setTimer(() => {
      this.timers.delete(timer);
      callback();
    }, delayMs);
    this.timers.add(timer);
    return timer;
  }

  clearTimer(timer: unknown): void {
    this.timers.delete(timer);
    systemClock.clearTimer(timer);
  }
}

/** The good gateway is 127.0.0.1; each test says what its other addresses do. All have one port. */
describe('transport/gateway-addresses', () => {
  let authority: ThrowAwayAuthority;
  let pair: CertificatePair;
  let port: number;
  /** Who was connected to, in order. */
  let visited: string[];
  let resolved: number;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const streams: BackendStream[] = [];

  before(() => {
    authority = new ThrowAwayAuthority();
    pair = authority.issueServer();
  });

  beforeEach(async () => {
    port = 0;
    visited = [];
    resolved = 0;
    port = await listen('127.0.0.1', tlsServer());
  });

  afterEach(() => {
    for (const stream of streams.splice(0)) stream.destroy();
    for (const socket of sockets) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    sockets.clear();
  });

  async function listen(host: string, server: Server): Promise<number> {
    servers.push(server);
    server.prependListener('connection', (socket: Socket) => {
      visited.push(host);
      sockets.add(socket);
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  const tlsServer = (options: TlsOptions = {}): Server =>
    createTlsServer({ ...pair, ALPNProtocols: ['h2'], ...options }, (socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });

  /** 127.0.0.2 and further ones, which do as they are told; null: nobody listens there. */
  async function addressesWith(...conducts: readonly (Conduct | null)[]): Promise<string[]> {
    const hosts = conducts.map((_conduct, i) => `127.0.0.${i + 2}`);
    for (const [i, conduct] of conducts.entries()) {
      if (conduct !== null) await listen(hosts[i]!, createTcpServer(conduct));
    }
    return hosts;
  }

  interface Opened {
    readonly stream: BackendStream;
    readonly recorder: StreamRecorder;
  }

  function open(addresses: readonly string[], options: Partial<OpenOptions> = {}, clock?: Clock): Opened {
    const recorder = new StreamRecorder();
    const answer = addresses.map((address): LookupAddress => ({ address, family: isIP(address) }));
    const lookup = createRotatingLookup((_host, _options, callback) => {
      resolved += 1;
      callback(null, answer);
    }, 0);
    const address = { protocol: 'http2', host: 'localhost', port } as const;
    const target = { address, certificate: null, ca: authority.certificate, alpnProtocol: 'h2' };
    const backend = createTlsBackend(clock === undefined ? { lookup } : { lookup, clock });
    const stream = backend.open({ ...target, connectTimeoutMs: 10_000, ...options }, recorder);
    streams.push(stream);
    return { stream, recorder };
  }

  /** Waits until it is open, and that it works. Returns the address that it is open to. */
  async function reached({ stream, recorder }: Opened): Promise<string> {
    await Promise.race([recorder.opened, recorder.closed]);
    assert.deepEqual(recorder.events, ['open']);
    stream.write(Buffer.from('hello'), () => {});
    await recorder.until(5);
    assert.equal(stream.reset?.(), true);
    return String(stream.details().remoteAddress);
  }

  async function failure({ recorder }: Opened): Promise<PealError> {
    const error = await recorder.closed;
    assert.deepEqual(recorder.events, ['closed']);
    assert.ok(error !== null);
    return error;
  }

  it('goes on to the next where one closes, resets, or hangs up in the handshake, with one look-up for all', async () => {
    const bad = await addressesWith(closes, resets, closesAfterHello, closes, resetsAfterHello);
    const clock = new CountingClock();
    assert.equal(await reached(open([...bad, '127.0.0.1'], {}, clock)), '127.0.0.1');
    assert.deepEqual([visited, resolved], [[...bad, '127.0.0.1'], 1]);
    assert.equal(clock.timers.size, 0);
  });

  it('goes on where the connection breaks in the middle of the handshake', async () => {
    const [half] = await addressesWith((socket) => {
      const far = connectTcp(port, '127.0.0.1');
      sockets.add(far);
      socket.pipe(far);
      far.once('data', (bytes) => socket.end(bytes.subarray(0, 100)));
    });
    assert.equal(await reached(open([half!, '127.0.0.1'])), '127.0.0.1');
  });

  it('gives one that says nothing a quarter of the time', async () => {
    const clock = new VirtualClock();
    const leftAtMs: number[] = [];
    const silent: Conduct = (socket) => {
      socket.once('data', () => {
        clock.advance(2_499);
        socket.once('close', () => leftAtMs.push(clock.now()));
        clock.advance(1);
      });
    };
    const bad = await addressesWith(silent, silent, silent);
    assert.equal(await reached(open([...bad, '127.0.0.1'], {}, clock)), '127.0.0.1');
    assert.deepEqual([visited, resolved], [[...bad, '127.0.0.1'], 1]);
    assert.deepEqual(leftAtMs, [2_500, 5_000, 7_500]);
    assert.equal(clock.timerCount, 0);
  });

  it('gets through a mix of them, and does not try again what Node has tried', async () => {
    const clock = new VirtualClock();
    const bad = await addressesWith(null, closes, silentOn(clock), null, resets);
    assert.equal(await reached(open([...bad, '127.0.0.1'], {}, clock)), '127.0.0.1');
    assert.equal(clock.now(), 2_500, 'the silent one had its time');
    assert.deepEqual([visited, resolved], [['127.0.0.3', '127.0.0.4', '127.0.0.6', '127.0.0.1'], 1]);
  });

  it('goes from one family to the other', async function () {
    try {
      await listen('::1', createTcpServer(closes));
    } catch {
      return this.skip(); // no IPv6 here
    }
    assert.equal(await reached(open(['::1', '127.0.0.1'])), '127.0.0.1');
    assert.deepEqual(visited, ['::1', '127.0.0.1']);
  });

  it('says what was wrong with how many where all are bad, and names a close before a silence', async () => {
    const clock = new VirtualClock();
    const bad = await addressesWith(silentOn(clock), closes, resetsAfterHello, null);
    const error = await failure(open(bad, {}, clock));
    assert.deepEqual([error.code, error.retryable], ['ERR_PEAL_CONNECT', true]);
    assert.equal(
      error.message,
      `localhost:${port} closed the connection before TLS was set up: check the port ` +
        '(of 4 addresses, 2 broke off before TLS was set up, 1 stayed silent, 1 was not reached).',
    );
    assert.equal(resolved, 1);
  });

  it('keeps the time for all of them together', async () => {
    const clock = new VirtualClock();
    const silent = silentOn(clock);
    const bad = await addressesWith(closes, silent, silent, silent, silent, silent);
    const error = await failure(open(bad, {}, clock));
    assert.deepEqual([error.code, error.retryable, clock.now()], ['ERR_PEAL_CONNECT_TIMEOUT', true, 10_000]);
    assert.match(
      error.message,
      /within 10000 ms: .*\(of 6 addresses, 1 broke off before TLS was set up, 4 stayed silent, 1 was not tried\)\.$/,
    );
    assert.deepEqual([visited, clock.timerCount], [bad.slice(0, 5), 0]);
  });

  it('leaves the last one, and an only one, all the time that there is', async () => {
    const clock = new VirtualClock();
    const [closing, silent] = await addressesWith(closes, (socket) => socket.once('data', () => clock.advance(9_999)));
    for (const addresses of [[closing!, silent!], [silent!]]) {
      const { stream, recorder } = open(addresses, {}, clock);
      while (visited.at(-1) !== silent) await setImmediate();
      for (let turn = 0; turn < 50; turn++) await setImmediate();
      assert.deepEqual([stream.isClosed, recorder.events], [false, []]);
      clock.advance(1);
      const { code, message } = await failure({ stream, recorder });
      assert.equal(code, 'ERR_PEAL_CONNECT_TIMEOUT');
      assert.equal(/addresses/.test(message), addresses.length > 1, message);
      visited = [];
    }
  });

  it('does not take one for silent whose answer waits to be read', async () => {
    const [slow] = await addressesWith((socket) => {
      const far = connectTcp(port, '127.0.0.1');
      sockets.add(far);
      socket.pipe(far);
      far.once('data', (bytes) => {
        socket.write(bytes, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_700));
        far.pipe(socket);
      });
    });
    assert.equal(await reached(open([slow!, '127.0.0.1'])), slow);
  });

  it('takes a refusal of the handshake for the last word', async () => {
    const stranger = new ThrowAwayAuthority('another authority');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const pins = [`sha256/${Buffer.alloc(32).toString('base64')}`];
    const refused: [Server, string, RegExp, Partial<OpenOptions>?][] = [
      [tlsServer(stranger.issueServer()), 'ERR_PEAL_TLS', /is not trusted/],
      [tlsServer(authority.issueServer(['elsewhere.example'])), 'ERR_PEAL_TLS', /not for localhost/],
      [tlsServer({ ALPNProtocols: ['http/1.1'] }), 'ERR_PEAL_ALPN', /does not speak h2/],
      [tlsServer(old), 'ERR_PEAL_TLS', /no TLS version/],
      [tlsServer(), 'ERR_PEAL_TLS', /pinned/, { pins }],
      [createTcpServer((socket) => socket.end('HTTP/1.1 400 \r\n\r\n')), 'ERR_PEAL_TLS', /does not speak TLS/],
    ];
    const [closing] = await addressesWith(closes);
    for (const [i, [server, code, message, options]] of refused.entries()) {
      const host = `127.0.0.${i + 10}`;
      await listen(host, server);
      for (const before of [[], [closing!]]) {
        visited = [];
        const error = await failure(open([...before, host, '127.0.0.1'], options));
        assert.deepEqual([error.code, error.retryable], [code, false]);
        assert.match(error.message, message);
        assert.deepEqual(visited, [...before, host]);
      }
    }
  });

  it('can be destroyed while an address has its turn, and tries no other', async () => {
    for (const conduct of [isSilent, closes]) {
      visited = [];
      const clock = new CountingClock();
      const bad = await addressesWith(closes, closes, isSilent, conduct);
      const { stream, recorder } = open([...bad, '127.0.0.1'], { connectTimeoutMs: 600_000 }, clock);
      while (visited.length < 3) await setImmediate();
      assert.equal(stream.isClosed, false);
      stream.destroy();
      assert.equal(stream.isClosed, true);
      assert.equal(await recorder.closed, null);
      for (let turn = 0; turn < 50; turn++) await setImmediate();
      assert.deepEqual([recorder.events, visited, clock.timers.size], [['closed'], bad.slice(0, 3), 0]);
      for (const server of servers.splice(1)) server.close();
    }
  });

  it('can be destroyed at any moment', async () => {
    const bad = await addressesWith(closes, null, resets, closesAfterHello);
    const clock = new CountingClock();
    for (let turns = 0; turns < 40; turns++) {
      const { stream, recorder } = open([...bad, '127.0.0.1'], {}, clock);
      for (let turn = 0; turn < turns; turn++) await setImmediate();
      stream.destroy();
      assert.equal(await recorder.closed, null);
      assert.equal(recorder.events.filter((event) => event === 'closed').length, 1);
      assert.equal(clock.timers.size, 0);
    }
  });

  it('leaves neither sockets nor their memory behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const clock = new VirtualClock();
    const bad = await addressesWith(closesAfterHello, silentOn(clock), resetsAfterHello);
    collect();
    const before = process.memoryUsage().arrayBuffers;
    const opened = open([...bad, '127.0.0.1'], { readBufferSize: 8 << 20 }, clock);
    await reached(opened);
    const heldBytes = (): number => process.memoryUsage().arrayBuffers - before;
    const others = (): Socket[] =>
      [...sockets].filter(({ localAddress, closed }) => localAddress !== '127.0.0.1' && !closed);
    for (let turn = 0; turn < 2_000 && (heldBytes() >= 12 << 20 || others().length > 0); turn++) {
      await setImmediate();
      collect();
    }
    assert.ok(heldBytes() < 12 << 20, `${heldBytes()} bytes for one buffer of 8 MiB`);
    assert.equal(others().length, 0);
  });

  it('tells that an open stream broke off, and opens no other', async () => {
    const [first] = await addressesWith((socket) => {
      const far = connectTcp(port, '127.0.0.1');
      sockets.add(far);
      socket.pipe(far).pipe(socket);
    });
    const opened = open([first!, '127.0.0.1']);
    assert.equal(await reached(opened), first);
    const before = visited.length;
    for (const socket of sockets) socket.resetAndDestroy();
    assert.equal((await opened.recorder.closed)?.code, 'ERR_PEAL_CLOSED');
    assert.deepEqual([opened.recorder.events, visited.length, resolved], [['open', 'closed'], before, 1]);
  });
});
