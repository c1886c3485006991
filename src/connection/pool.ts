/**
 * The connections of one thread to one gateway under one credential. Owned by a shard's route; called on its thread.
 *
 * Lazy: the first work opens the first connection. Connections pull from the request source, the least loaded first.
 * When work waits and all of them are full, another one opens: one every connectStaggerMs, at most maxConnections,
 * and only while the event loop has time to spare. One that the gateway sends away takes no more work, and its
 * successor opens at once. Connections that come to nothing make the pool wait (connect-backoff) and, several times in
 * a row or for a reason that no repetition mends, give up: the source is told, and the next work begins anew.
 */
import type { Address } from '../apns/address.js';
import type { CredentialData } from '../apns/credential.js';
import type { Clock } from '../base/clock.js';
import type { PealError, PealErrorCode } from '../base/errors.js';
import {
  answersOfUsefulConnection,
  closeTimeoutMs,
  connectStaggerMs,
  idleBeforeTrimMs,
  maxConnectBackoffMs,
  maxLoadForNewConnection,
  outputBufferBytes,
  readTailTimeoutMs,
  readTimeoutMs,
  writeTimeoutMs,
} from '../base/limits.js';
import type { Logger } from '../base/log.js';
import { type Backend, hostAndPort } from '../transport/index.js';
import { withLog } from '../transport/logged.js';
import { BinaryConnection } from './binary-connection.js';
import { ConnectBackoff } from './connect-backoff.js';
import type { BinarySettings, ConnectionOptions, ConnectionOwner } from './connection-options.js';
import type { GatewayConnection } from './gateway-connection.js';
import { Http2Connection } from './http2-connection.js';
import { createLoadProbe } from './load-probe.js';
import type { RequestSource } from './request-source.js';
import { Timer } from './timer.js';

/** The parts of BinarySettings that are missing have the defaults of base/limits; flushing is on. */
export interface PoolOptions extends Partial<BinarySettings> {
  readonly address: Address;
  readonly credential: CredentialData;
  /** PEM certificates trusted instead of the system's, or null. */
  readonly ca: string | null;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** 1 to maxConnectionsPerPool. */
  readonly maxConnections: number;
  /** For TCP, TLS and, over HTTP/2, the first SETTINGS of one connection together. */
  readonly connectTimeoutMs: number;
  /** Connections that are kept though they have been idle for `idleBeforeTrimMs`. Default: all. */
  readonly poolSize?: number;
  /** What one read brings at most, in bytes. Default: the back-end's. */
  readonly readBufferBytes?: number | undefined;
  /** Whether the provider token may enter the peer's header table. */
  readonly indexAuthorization: boolean;
  /** For jitter; as Math.random, which is the default. */
  readonly random?: () => number;
  /** Busy share (0 to 1) of the event loop since the last call. Default: this thread's. */
  readonly loadProbe?: () => number;
}

/** Connections by state, and totals over all connections the pool ever had. */
export interface PoolStats {
  readonly opening: number;
  readonly ready: number;
  readonly draining: number;
  /** Attempts to connect. */
  readonly opened: number;
  /** Requests without an outcome. */
  readonly inFlight: number;
  readonly answers: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Errors before a connection is open that only a change of configuration mends. */
const hopelessCodes: ReadonlySet<PealErrorCode> = new Set<PealErrorCode>([
  'ERR_PEAL_ALPN',
  'ERR_PEAL_TLS',
  'ERR_PEAL_CREDENTIAL',
  'ERR_PEAL_OPTION',
  'ERR_PEAL_PROXY',
]);

export class ConnectionPool implements ConnectionOwner {
  readonly #options: PoolOptions;
  readonly #source: RequestSource;
  readonly #clock: Clock;
  readonly #backoff: ConnectBackoff;
  readonly #loadProbe: () => number;
  readonly #connectTimer: Timer;
  readonly #growthTimer: Timer;
  readonly #trimTimer: Timer;
  readonly #connections: GatewayConnection[] = [];
  /** Connections whose end is known and has been judged, though they may still drain. */
  readonly #judged = new Set<GatewayConnection>();
  #providerToken: string | null = null;
  #isClosed = false;
  /** The source was told so; nothing begins by itself until it announces work again. */
  #hasGivenUp = false;
  #onAllClosed: (() => void) | null = null;
  #closing: Promise<void> | null = null;
  #opened = 0;
  // Of connections that are gone.
  #answers = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#clock = options.clock;
    this.#backoff = new ConnectBackoff(options.random ?? Math.random);
    this.#loadProbe = options.loadProbe ?? createLoadProbe();
    this.#connectTimer = new Timer(options.clock, () => this.#work());
    this.#growthTimer = new Timer(options.clock, () => this.#grow());
    this.#trimTimer = new Timer(options.clock, () => this.#trim());
  }

  /**
   * The source has recipients that wait. Connections take what they can now, and the rest as answers come.
   * With token authentication nothing happens before the first setProviderToken().
   */
  workAvailable(): void {
    this.#hasGivenUp = false;
    this.#work();
  }

  #work(): void {
    if (this.#isClosed || this.#hasGivenUp || this.#isWithoutToken()) return;
    for (const connection of this.#readyByLoad()) {
      if (this.#source.current() === null) return;
      connection.pump();
    }
    if (this.#source.current() === null) return;
    if (this.#usable().length === 0) this.#openWhenAllowed();
    this.#watchGrowth();
  }

  /** The provider token (a JWT, without "bearer ") for all requests from now on, also on open connections. */
  setProviderToken(token: string): void {
    this.#providerToken = token;
    for (const connection of this.#connections) connection.setProviderToken(token);
    this.#work();
  }

  /** Closes connections that have had nothing in flight for at least `idleMs` milliseconds. */
  outdate(idleMs: number): void {
    for (const connection of [...this.#connections]) {
      const isIdle = connection.state === 'ready' && connection.inFlight === 0 && connection.idleMs >= idleMs;
      if (isIdle) connection.drain(closeTimeoutMs, null);
    }
  }

  /**
   * Takes no more work, waits for the answers to what is in flight (closeTimeoutMs at most), closes all connections.
   * What is not answered by then is unknown. Resolves once all are closed; the source is not called afterwards.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#isClosed = true;
      this.#connectTimer.clear();
      this.#growthTimer.clear();
      this.#trimTimer.clear();
      this.#onAllClosed = resolve;
      for (const connection of [...this.#connections]) connection.drain(closeTimeoutMs, null);
      this.#resolveIfAllClosed();
    });
    return this.#closing;
  }

  stats(): PoolStats {
    const sum = (figure: (connection: GatewayConnection) => number): number =>
      this.#connections.reduce((total, connection) => total + figure(connection), 0);
    const inState = (...states: string[]): number => sum(({ state }) => (states.includes(state) ? 1 : 0));
    return {
      opening: inState('opening'),
      ready: inState('ready'),
      draining: inState('draining', 'closing'),
      opened: this.#opened,
      inFlight: sum((connection) => connection.inFlight),
      answers: this.#answers + sum((connection) => connection.answers),
      bytesSent: this.#bytesSent + sum((connection) => connection.bytesSent),
      bytesReceived: this.#bytesReceived + sum((connection) => connection.bytesReceived),
    };
  }

  // --- what connections tell ---

  onConnectionAnswered(): void {
    this.#backoff.onAnswer();
  }

  onConnectionServed(): void {
    this.#backoff.onUsefulConnection();
  }

  onConnectionDraining(connection: GatewayConnection, error: PealError | null): void {
    // Judged now and not when it has drained, so that the successor of one that served well need not wait.
    this.#judge(connection, error);
    this.#work();
  }

  onConnectionClosed(connection: GatewayConnection, error: PealError | null): void {
    this.#connections.splice(this.#connections.indexOf(connection), 1);
    this.#answers += connection.answers;
    this.#bytesSent += connection.bytesSent;
    this.#bytesReceived += connection.bytesReceived;
    const fields = { connection: connection.id, answers: connection.answers };
    this.#options.log.debug(fields, error === null ? 'connection closed' : error.message);
    this.#judge(connection, error);
    this.#judged.delete(connection);
    this.#work();
    this.#resolveIfAllClosed();
  }

  /** What the end of a connection says about the next one, once for each connection. */
  #judge(connection: GatewayConnection, error: PealError | null): void {
    if (this.#isClosed || error === null || this.#judged.has(connection)) return;
    this.#judged.add(connection);
    const now = this.#clock.now();
    if (connection.answers === 0) {
      const isLast = this.#backoff.onFailure(now, connection.bytesSent > 0);
      if (isLast || isHopeless(error)) this.#giveUp(error);
    } else if (connection.answers >= answersOfUsefulConnection || connection.ageMs >= maxConnectBackoffMs) {
      this.#backoff.onUsefulConnection();
    } else {
      this.#backoff.onShortLife(now);
    }
  }

  /** Unless other connections work, or nothing waits. */
  #giveUp(error: PealError): void {
    if (this.#connections.some((connection) => connection.state === 'ready')) return;
    this.#backoff.onGivenUp();
    if (this.#source.current() === null) return;
    this.#hasGivenUp = true;
    this.#options.log.warn({ gateway: hostAndPort(this.#options.address) }, `given up: ${error.message}`);
    this.#source.onFailed(error);
  }

  // --- opening ---

  #openWhenAllowed(): void {
    if (this.#connectTimer.isSet) return;
    const waitMs = this.#backoff.waitMs(this.#clock.now());
    if (waitMs > 0) this.#connectTimer.set(waitMs);
    else this.#open();
  }

  #open(): void {
    const { address, credential, ca, backend, connectTimeoutMs, readBufferBytes, log } = this.#options;
    const id = ++this.#opened;
    const gateway = hostAndPort(address);
    const connection = this.#connect({
      id,
      address,
      certificate: credential.kind === 'certificate' ? credential : null,
      ca,
      backend: withLog(backend, log, { connection: id, gateway }),
      source: this.#source,
      owner: this,
      clock: this.#clock,
      log,
      connectTimeoutMs,
      readBufferBytes,
    });
    this.#connections.push(connection);
    log.debug({ connection: id, gateway }, 'connection opening');
    this.#watchIdle();
  }

  #connect(options: ConnectionOptions): GatewayConnection {
    const { credential, indexAuthorization } = this.#options;
    if (options.address.protocol === 'binary') return new BinaryConnection({ ...options, ...this.#binarySettings() });
    const probeFirst = credential.kind === 'token';
    return new Http2Connection({ ...options, indexAuthorization, probeFirst, providerToken: this.#providerToken });
  }

  #binarySettings(): BinarySettings {
    const options = this.#options;
    return {
      flush: options.flush ?? true,
      readTailTimeoutMs: options.readTailTimeoutMs ?? readTailTimeoutMs,
      readTimeoutMs: options.readTimeoutMs ?? readTimeoutMs,
      writeTimeoutMs: options.writeTimeoutMs ?? writeTimeoutMs,
      writeBufferBytes: options.writeBufferBytes ?? outputBufferBytes,
    };
  }

  #watchGrowth(): void {
    if (this.#growthTimer.isSet || this.#usable().length >= this.#options.maxConnections) return;
    this.#loadProbe();
    this.#growthTimer.set(connectStaggerMs);
  }

  /** Opens one more connection if those that there are cannot do the work and this thread could do more of it. */
  #grow(): void {
    const run = this.#source.current();
    const usable = this.#usable();
    if (run === null || usable.length === 0) return;
    const areAllFull = usable.every((connection) => connection.state === 'ready' && connection.isFullFor(run));
    const hasTime = this.#loadProbe() < maxLoadForNewConnection;
    const mayConnect = this.#backoff.waitMs(this.#clock.now()) === 0;
    if (areAllFull && hasTime && mayConnect && usable.length < this.#options.maxConnections) this.#open();
    this.#watchGrowth();
  }

  #watchIdle(): void {
    const { poolSize = Number.POSITIVE_INFINITY } = this.#options;
    if (!this.#trimTimer.isSet && this.#connections.length > poolSize) this.#trimTimer.set(idleBeforeTrimMs);
  }

  /** Closes idle connections above poolSize, those first that have been idle for the longest. */
  #trim(): void {
    const { poolSize = Number.POSITIVE_INFINITY } = this.#options;
    const excess = this.#usable().length - poolSize;
    const idle = this.#connections.filter(({ state, inFlight, idleMs }) => {
      return state === 'ready' && inFlight === 0 && idleMs >= idleBeforeTrimMs;
    });
    idle.sort((a, b) => b.idleMs - a.idleMs);
    for (const connection of idle.slice(0, Math.max(0, excess))) connection.drain(closeTimeoutMs, null);
    this.#watchIdle();
  }

  /** Connections that take work, now or once they are open. */
  #usable(): GatewayConnection[] {
    return this.#connections.filter(({ state }) => state === 'opening' || state === 'ready');
  }

  #readyByLoad(): GatewayConnection[] {
    const ready = this.#connections.filter((connection) => connection.state === 'ready');
    return ready.length < 2 ? ready : ready.sort((a, b) => a.inFlight - b.inFlight);
  }

  #isWithoutToken(): boolean {
    return this.#options.credential.kind === 'token' && this.#providerToken === null;
  }

  #resolveIfAllClosed(): void {
    if (this.#isClosed && this.#connections.length === 0) this.#onAllClosed?.();
  }
}

function isHopeless(error: PealError): boolean {
  return !error.retryable && (error.origin === 'credential' || hopelessCodes.has(error.code));
}
