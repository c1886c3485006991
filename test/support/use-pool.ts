/**
 * The one place where tests make pools: a hook for each kind, called in a `describe`. It makes a pool with a
 * book-keeping source and gateways that do as the test's scripts say, keeps what it made, and closes it after each
 * test; nothing may be left then. `usePool` and `useBinaryPool` work over memory streams on a virtual clock,
 * `useTlsPool` over real sockets.
 */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/base/clock.js';
import { PealError } from '../../src/base/errors.js';
import { silentLogger } from '../../src/base/log.js';
import type { LinkOptions } from '../../src/connection/link-options.js';
import { ConnectionPool } from '../../src/connection/pool/pool.js';
import type { PoolOptions } from '../../src/connection/pool/pool-options.js';
import type { Backend, ByteStreamListener } from '../../src/transport/backend.js';
import type { MemoryOptions, MemoryStream } from '../../src/transport/memory.js';
import { createTlsBackend } from '../../src/transport/tls.js';
import { type BinaryGateway, type BinaryScript, openBinaryGateway } from './binary-gateway.js';
import { type BookOptions, BookSource } from './book-source.js';
import { Gateways, type OpenGateway } from './gateways.js';
import { linkWith } from './link-options.js';
import { type GatewayScript, openScriptedGateway, type ScriptedGateway } from './scripted-gateway.js';
import { VirtualClock } from './virtual-clock.js';

type GivenOptions = Partial<PoolOptions & LinkOptions>;

export interface HarnessOptions<Script> extends Partial<BookOptions> {
  /** The script of connection number `n` (from 0), or why it cannot be opened. */
  readonly script?: (n: number) => Script | PealError;
  readonly pool?: GivenOptions;
  readonly memory?: Partial<MemoryOptions>;
  /** Default: a clock of its own. */
  readonly clock?: VirtualClock;
}

/** What differs between the protocols. */
interface Kind<Gateway, Script> {
  readonly address: PoolOptions['address'];
  /** What tests do not say again and again. */
  readonly defaults: { readonly resends?: number; readonly maxConnections?: number };
  /** In this time a pool has to be closed. */
  readonly closesWithinMs: number;
  readonly open: OpenGateway<Gateway, Script>;
  /** The recipients whose notifications the gateway took. */
  readonly taken: (gateway: Gateway) => readonly number[];
}

const http2: Kind<ScriptedGateway, GatewayScript> = {
  address: { protocol: 'http2', host: 'gateway.example', port: 443 },
  defaults: { maxConnections: 4 },
  closesWithinMs: 20_000,
  open: openScriptedGateway,
  taken: ({ requests }) => requests,
};

const binary: Kind<BinaryGateway, BinaryScript> = {
  address: { protocol: 'binary', host: 'gateway.example', port: 2195 },
  defaults: { resends: 100 },
  closesWithinMs: 60_000,
  open: openBinaryGateway,
  taken: ({ delivered }) => delivered,
};

/** One pool and all that it works with. */
export class Harness<Gateway extends ByteStreamListener = ScriptedGateway, Script = GatewayScript> {
  readonly clock: VirtualClock;
  readonly source: BookSource;
  readonly pool: ConnectionPool;
  readonly gateways: readonly Gateway[];
  /** Our ends, in the order of opening. */
  readonly streams: MemoryStream[] = [];
  /** When each attempt to connect began. */
  readonly attemptsAtMs: readonly number[];
  load = 0;
  readonly #kind: Kind<Gateway, Script>;

  constructor(kind: Kind<Gateway, Script>, options: HarnessOptions<Script>) {
    const { resends, maxConnections } = kind.defaults;
    this.#kind = kind;
    this.clock = options.clock ?? new VirtualClock();
    this.source = new BookSource({ recipients: 100, ...(resends !== undefined && { resends }), ...options });
    const memory = { ...options.memory, clock: this.clock };
    const { all, attemptsAtMs, backend } = new Gateways(
      kind.open,
      (n) => options.script?.(n) ?? ({} as Script),
      memory,
    );
    this.gateways = all;
    this.attemptsAtMs = attemptsAtMs;
    const open: Backend['open'] = (openOptions, listener) => {
      const stream = backend.open(openOptions, listener) as MemoryStream;
      this.streams.push(stream);
      return stream;
    };
    this.pool = makePool({
      address: kind.address,
      link: linkWith({ ...(maxConnections !== undefined && { maxConnections }), ...options.pool }),
      backend: { ...backend, open },
      source: this.source,
      clock: this.clock,
      random: () => 0.5,
      loadProbe: () => this.load,
      ...options.pool,
    });
  }

  /** Work is announced, and everything happens that takes no longer than pauses of reading do. */
  start(): void {
    this.run(100);
  }

  /** Work is announced, and `ms` pass. */
  run(ms = 60_000): void {
    this.pool.workAvailable();
    this.clock.advance(ms);
  }

  /** All recipients whose notifications gateways took, in order of connections. */
  received(): number[] {
    return this.gateways.flatMap((gateway) => this.#kind.taken(gateway));
  }

  async close(): Promise<void> {
    const closed = this.pool.close();
    this.clock.advance(this.#kind.closesWithinMs);
    await closed;
  }

  /** Once the pools on this clock are closed: neither timers nor requests are left. */
  assertNothingLeft(): void {
    assert.equal(this.clock.timerCount, 0, 'timers are left behind');
    assert.equal(this.pool.stats().inFlight, 0);
  }
}

export type BinaryHarness = Harness<BinaryGateway, BinaryScript>;

/** The pools of a `describe`. */
export class Pools<Gateway extends ByteStreamListener, Script> {
  #open: Harness<Gateway, Script>[] = [];

  constructor(private readonly kind: Kind<Gateway, Script>) {}

  make(options: HarnessOptions<Script> = {}): Harness<Gateway, Script> {
    const harness = new Harness(this.kind, options);
    this.#open.push(harness);
    return harness;
  }

  /** The harness that was made last, for scripts that stand before it. */
  get last(): Harness<Gateway, Script> {
    const last = this.#open.at(-1);
    assert.ok(last !== undefined, 'no pool was made yet');
    return last;
  }

  /** Closes what was made, for tests that make many; the hook does it after each test. */
  async close(): Promise<void> {
    const open = this.#open.splice(0);
    for (const harness of open) await harness.close();
    for (const harness of open) harness.assertNothingLeft();
  }
}

/** Pools of HTTP/2 connections to scripted gateways. */
export function usePool(): Pools<ScriptedGateway, GatewayScript> {
  return closedAfterEach(new Pools(http2));
}

/** Pools of connections of the binary protocol to scripted gateways. */
export function useBinaryPool(): Pools<BinaryGateway, BinaryScript> {
  return closedAfterEach(new Pools(binary));
}

export interface TlsSend {
  readonly protocol: 'http2' | 'binary';
  readonly port: number;
  readonly source: BookSource;
  readonly pool: GivenOptions;
}

/** Pools to servers on this machine: the function sends what a source holds, and returns once nothing of it is left. */
export function useTlsPool(): (send: TlsSend) => Promise<void> {
  const open: ConnectionPool[] = [];
  const close = async (): Promise<void> => {
    for (const pool of open.splice(0)) await pool.close();
  };
  afterEach(close);
  return async ({ protocol, port, source, pool: given }) => {
    const done = new Promise<void>((resolve) => {
      source.onDone = resolve;
    });
    const address = { protocol, host: 'localhost', port };
    const pool = makePool({ address, link: linkWith(given), backend: createTlsBackend(), source, ...given });
    open.push(pool);
    pool.workAvailable();
    await done;
    await close();
  };
}

export function connectError(code: PealError['code'] = 'ERR_PEAL_CONNECT', retryable = true): PealError {
  return new PealError(code, 'scripted.', { origin: 'connect', retryable });
}

function closedAfterEach<P extends { close(): Promise<void> }>(pools: P): P {
  afterEach(() => pools.close());
  return pools;
}

type NeededOptions = Pick<PoolOptions, 'address' | 'link' | 'backend' | 'source'>;

function makePool(options: NeededOptions & Partial<PoolOptions>): ConnectionPool {
  return new ConnectionPool({
    credential: { kind: 'none', fingerprint: 'none' },
    clock: systemClock,
    log: silentLogger,
    ...options,
  });
}
