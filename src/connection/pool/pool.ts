/**
 * The connections of one thread to one gateway under one credential. Owned by a shard's route; called on its thread.
 *
 * Lazy: the first work opens the first connection. Connections pull from the request source, the least loaded first.
 * When work waits and all of them are full, another one opens where that has proved to help (growth): staggered, at
 * most maxConnections, and only while the event loop has time to spare. One that the gateway sends away, or that no
 * longer serves, takes no more work, and its successor opens at once. Connections that come to nothing make the pool
 * wait (connect-backoff) and, several times in a row or for a reason that no repetition mends, give up: the source is
 * told, and the next work begins anew. Whether anything is sent at all is decided for all connections by send-gate.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import {
  answersOfUsefulConnection,
  closeTimeoutMs,
  connectGapMs,
  connectStaggerMs,
  idleBeforeTrimMs,
  maxConnectBackoffMs,
} from '../../base/limits.js';
import { Timer } from '../../base/timers.js';
import { http2PushProtocolOf } from '../../push-services/push-protocols.js';
import { withLog } from '../../transport/logged.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import { BinaryConnection } from '../binary/binary-connection.js';
import { unavailableError } from '../connection-errors.js';
import type { ConnectionOptions, ConnectionOwner } from '../connection-options.js';
import type { GatewayConnection } from '../gateway-connection.js';
import { Http2Connection } from '../http2/http2-connection.js';
import type { RequestSource } from '../request-source.js';
import { SendGate, type SendGateEvents, type Trouble } from '../send-gate.js';
import { StartLimits } from '../start-limit.js';
import { StreamLimits } from '../stream-limits.js';
import { sharedAddressBackoff } from './address-backoff.js';
import { ConnectBackoff } from './connect-backoff.js';
import { ConnectPace } from './connect-pace.js';
import { type ConnectionSample, Growth, type GrowthSample } from './growth.js';
import { LoadWatch } from './load-watch.js';
import { ClosedConnectionTotals, isHopeless, type PoolOptions, type PoolStats, statsOf } from './pool-options.js';
import { ProviderTokenState } from './provider-token-state.js';

export class ConnectionPool implements ConnectionOwner, SendGateEvents {
  readonly #options: PoolOptions;
  readonly #where: string;
  readonly #source: RequestSource;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #backoff: ConnectBackoff;
  readonly #pace = new ConnectPace();
  readonly #growth: Growth;
  readonly #streamLimits = new StreamLimits();
  readonly #gate: SendGate;
  readonly #token = new ProviderTokenState();
  readonly #startLimits = new StartLimits();
  readonly #load: LoadWatch;
  readonly #connectTimer: Timer;
  readonly #growthTimer: Timer;
  readonly #stepTimer: Timer;
  readonly #trimTimer: Timer;
  readonly #connections: GatewayConnection[] = [];
  /** Connections that are ending. 'waited': a back-off was begun, the verdict is open. 'judged': it is in. */
  readonly #ending = new Map<GatewayConnection, 'waited' | 'judged'>();
  readonly #gone = new ClosedConnectionTotals();
  #isClosed = false;
  /** The source was told so. No connection is opened until the source announces work again. */
  #hasGivenUp = false;
  #onAllClosed: (() => void) | null = null;
  #closing: Promise<void> | null = null;
  #opened = 0;
  #openedAtMs = Number.NEGATIVE_INFINITY;
  /** What is left of a step of growth. */
  #toOpen = 0;

  constructor(options: PoolOptions) {
    const { address, credential, clock, random = Math.random } = options;
    this.#options = options;
    this.#where = hostAndPort(address);
    this.#source = options.source;
    this.#clock = clock;
    this.#random = random;
    this.#backoff = new ConnectBackoff(random, sharedAddressBackoff(clock, this.#where));
    this.#growth = new Growth(address.protocol !== 'binary');
    this.#gate = new SendGate(clock, this);
    if (credential.kind === 'token') this.#gate.hold();
    this.#load = new LoadWatch(options.loadProbe);
    this.#connectTimer = new Timer(clock, () => this.#work());
    this.#growthTimer = new Timer(clock, () => this.#grow());
    this.#stepTimer = new Timer(clock, () => this.#openStep());
    this.#trimTimer = new Timer(clock, () => this.#trim());
  }

  /**
   * The source has recipients that wait. Connections take what they can now, and the rest as answers come.
   * With token authentication nothing happens before the first setProviderToken().
   */
  workAvailable(): void {
    if (this.#hasGivenUp) this.#gate.forgive();
    this.#hasGivenUp = false;
    this.#work();
  }

  /**
   * The provider token (a JWT, without "bearer ") for all requests from now on, also on open connections. One that was
   * reported as expired is not taken.
   */
  setProviderToken(token: string): void {
    if (!this.#token.set(token)) return;
    for (const connection of this.#connections) connection.setProviderToken(token);
    this.#gate.release();
    this.#work();
  }

  /** Closes connections that have had nothing in flight for at least `idleMs` milliseconds. */
  outdate(idleMs: number): void {
    for (const connection of [...this.#connections]) {
      const isIdle = connection.state === 'ready' && connection.inFlight === 0 && connection.idleMs >= idleMs;
      if (isIdle) connection.drain(closeTimeoutMs, null);
    }
  }

  /** Asks each ready connection for a sign of life. Resolves to whether it came, for each. */
  ping(): Promise<boolean[]> {
    const ready = this.#connections.filter(({ state }) => state === 'ready');
    return Promise.all(ready.flatMap((connection) => connection.ping?.() ?? []));
  }

  /**
   * Takes no more work, waits for the answers to what is in flight (closeTimeoutMs at most), closes all connections.
   * What is not answered by then is unknown. Resolves once all are closed; the source is not called afterwards.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#isClosed = true;
      this.#stopWaiting();
      this.#growthTimer.clear();
      this.#stepTimer.clear();
      this.#trimTimer.clear();
      this.#gate.stop();
      this.#onAllClosed = resolve;
      for (const connection of [...this.#connections]) connection.drain(closeTimeoutMs, null);
      this.#resolveIfAllClosed();
    });
    return this.#closing;
  }

  stats(): PoolStats {
    return statsOf(this.#connections, this.#opened, this.#gone);
  }

  // --- what connections and the gate tell ---

  onConnectionReady(connection: GatewayConnection): void {
    this.#backoff.onReached();
    this.#source.onConnectionOpen?.(connection.id);
  }

  onConnectionAnswered(): void {
    this.#backoff.onAnswer();
    // Later: the connection takes more work after this read, and that is what the answers are measured by.
    if (this.#growth.isWaitingForAnswer && this.#growthTimer.isSet) this.#clock.defer(() => this.#watchGrowthAnew());
  }

  onConnectionServed(): void {
    this.#backoff.onUsefulConnection();
  }

  onConnectionDraining(connection: GatewayConnection, error: PealError | null): void {
    // Judged now and not when it is over, so that the successor of a connection that served well need not wait.
    if (error !== null) this.#startLimits.onSentAway(connection.counts.answers + connection.inFlight);
    this.#judge(connection, error);
    if (error !== null) this.#replace();
    this.#work();
  }

  onConnectionClosed(connection: GatewayConnection, error: PealError | null): void {
    const at = this.#connections.indexOf(connection);
    assert(at !== -1, 'a connection of a pool is over once');
    this.#connections.splice(at, 1);
    this.#gone.add(connection);
    const fields = { connection: connection.id, answers: connection.counts.answers };
    this.#options.log.debug(fields, error === null ? 'connection closed' : error.message);
    this.#source.onConnectionClosed?.(connection.id, connection.counts.answers, error);
    this.#noteLosses(connection);
    this.#judge(connection, error);
    this.#ending.delete(connection);
    this.#work();
    this.#resolveIfAllClosed();
  }

  onTokenExpired(_connection: GatewayConnection, token: string): void {
    if (!this.#token.expire(token)) return;
    this.#gate.hold();
    this.#options.log.warn({ gateway: this.#where }, 'the provider token has expired; waiting for a new one');
    // Later: the source may bring a new token at once, and the connection that told begins to drain after this call.
    this.#clock.defer(() => {
      if (!this.#isClosed) this.#source.onProviderTokenExpired(token);
    });
  }

  onGateOpen(): void {
    if (this.#gate.isTroubled) this.#source.skip(this.#random());
    this.#work();
  }

  onRefusals(): void {
    this.#source.skip(this.#random());
  }

  onUnavailable(trouble: Trouble): void {
    this.#tellFailure(unavailableError(this.#where, trouble));
  }

  // --- work ---

  #work(): void {
    if (this.#isClosed || this.#hasGivenUp || !this.#gate.isOpen) return;
    for (const connection of this.#readyByLoad()) {
      if (this.#source.current() === null) return;
      connection.pump();
    }
    if (this.#source.current() === null) return;
    if (this.#usable().length === 0) this.#openWhenAllowed();
    this.#watchGrowth();
  }

  /** Notes the requests that were lost with a connection: the next one begins with less, and the gate may pause. */
  #noteLosses({ counts }: GatewayConnection): void {
    if (this.#isClosed || this.#options.address.protocol === 'binary') return;
    if (counts.readUnanswered > 0) {
      this.#startLimits.onDied(counts.answers);
      this.#gate.afterDeath(counts.readUnanswered);
    }
  }

  /** Judges, once for each connection, what its end says about the next one. While it drains answers may come. */
  #judge(connection: GatewayConnection, error: PealError | null): void {
    const earlier = this.#ending.get(connection);
    if (this.#isClosed || error === null || earlier === 'judged') return;
    const mayAnswer = connection.state === 'draining' && connection.inFlight > 0;
    if (connection.counts.answers === 0 && mayAnswer && !isHopeless(error)) {
      if (earlier === undefined) this.#backoff.onShortLife(this.#clock.now(), 0);
      this.#ending.set(connection, 'waited');
      return;
    }
    this.#ending.set(connection, 'judged');
    if (this.#isLast(connection, error, earlier === 'waited')) this.#giveUp(error);
  }

  /** Tells the back-off how a connection ended. Returns whether the pool has to give up. */
  #isLast(connection: GatewayConnection, error: PealError, hasWaited: boolean): boolean {
    const { ageMs } = connection;
    const { answers, progress, bytesSent } = connection.counts;
    const now = this.#clock.now();
    if (answers === 0) {
      // A fault of the credential does not make other pools wait.
      const isReached = bytesSent > 0 || isHopeless(error);
      return this.#backoff.onFailure(now, now - ageMs, isReached, hasWaited) || this.#isHopeless(error);
    }
    if (progress >= answersOfUsefulConnection || (progress > 0 && ageMs >= maxConnectBackoffMs)) {
      this.#backoff.onUsefulConnection();
    } else if (!hasWaited) {
      this.#backoff.onShortLife(now, progress, connection.state === 'draining');
    } else if (progress > 0) {
      // The wait was begun as for a connection without answers: its GOAWAY came before them.
      this.#backoff.onAnsweredLate(now, progress, connection.counts.readUnanswered === 0);
      this.#stopWaiting();
    }
    return false;
  }

  /** Whether no other attempt can succeed. TLS that fails after the gateway has answered may: it was right before. */
  #isHopeless(error: PealError): boolean {
    return isHopeless(error) && (error.origin === 'credential' || !this.#backoff.hasAnswered);
  }

  /** Gives up, unless other connections work or are being opened, or nothing waits. */
  #giveUp(error: PealError): void {
    if (this.#usable().length > 0) return;
    const { failures } = this.#backoff;
    this.#backoff.onGivenUp();
    this.#tellFailure(failures > 1 ? error.withSentence(`${failures} attempts in a row came to nothing.`) : error);
  }

  #tellFailure(error: PealError): void {
    assert(!this.#isClosed, 'a pool that closes gives nothing up');
    if (this.#source.isEmpty ?? this.#source.current() === null) return;
    this.#hasGivenUp = true;
    this.#options.log.warn({ gateway: this.#where }, `given up: ${error.message}`);
    this.#source.onFailed(error);
  }

  // --- opening ---

  #openWhenAllowed(): void {
    if (this.#connectTimer.isSet) return;
    const waitMs = this.#backoff.waitMs(this.#clock.now());
    if (waitMs === 0) {
      this.#open();
      return;
    }
    this.#connectTimer.set(waitMs);
    this.#backoff.onWaiting(this.#tryNow);
  }

  /** Another pool has connected to the same address. */
  readonly #tryNow = (): void => {
    this.#connectTimer.clear();
    this.#work();
  };

  #stopWaiting(): void {
    this.#connectTimer.clear();
    this.#backoff.stopWaiting(this.#tryNow);
  }

  #open(): void {
    const { address, credential, link, backend, log } = this.#options;
    assert(!this.#isClosed, 'a pool that closes opens no connection');
    assert(this.#usable().length < link.maxConnections, 'a pool has no more connections than it may');
    const id = ++this.#opened;
    this.#stopWaiting();
    this.#openedAtMs = this.#clock.now();
    this.#pace.onOpened(this.#openedAtMs);
    this.#backoff.onAttempt(this.#openedAtMs);
    const connection = this.#connect({
      id,
      address,
      certificate: credential.kind === 'certificate' ? credential : null,
      link,
      backend: withLog(backend, log, { connection: id, gateway: this.#where }),
      source: this.#source,
      owner: this,
      clock: this.#clock,
      log,
    });
    this.#connections.push(connection);
    this.#growth.onOpened(this.#usable().length);
    log.debug({ connection: id, gateway: this.#where }, 'connection opening');
    this.#watchIdle();
  }

  #connect(options: ConnectionOptions): GatewayConnection {
    if (options.address.protocol === 'binary') return new BinaryConnection(options);
    const { address, credential } = this.#options;
    const provesToken = credential.kind === 'token' && http2PushProtocolOf(address.protocol).probesFirst;
    const probeFirst = provesToken || this.#backoff.isHalfOpen;
    const startLimit = this.#startLimits.next;
    const shared = { gate: this.#gate, streamLimits: this.#streamLimits };
    const more = { probeFirst, providerToken: this.#token.usable, startLimit, ...shared };
    return new Http2Connection({ ...options, ...more });
  }

  // --- more or fewer connections ---

  #watchGrowth(): void {
    if (this.#growthTimer.isSet || this.#usable().length >= this.#options.link.maxConnections) return;
    this.#load.begin(this.#clock.now());
    this.#growthTimer.set(this.#growth.begin(this.#growthSample()));
  }

  /** The first answers came, and say how often to look. */
  #watchGrowthAnew(): void {
    if (this.#isClosed || !this.#growthTimer.isSet) return;
    this.#growthTimer.clear();
    this.#watchGrowth();
  }

  /** Opens more connections if those that there are cannot do the work and this thread could do more of it. */
  #grow(): void {
    if (this.#source.current() === null || this.#usable().length === 0) return;
    const sample = this.#growthSample();
    const hasTime = this.#load.hasTime(sample.nowMs);
    const step = this.#growth.step(sample);
    // In place of what is left of the last step, which the new one has counted in.
    this.#toOpen = hasTime ? step : 0;
    if (!this.#stepTimer.isSet) this.#openStep();
    const { maxConnections } = this.#options.link;
    if (this.#usable().length < maxConnections) this.#growthTimer.set(this.#growth.next(sample));
  }

  /** Opens the next connection of a step, and the others one after the other; none if the pool may not. */
  #openStep(): void {
    const isWanted = this.#toOpen > 0 && this.#gate.isOpen && this.#source.current() !== null;
    if (!isWanted || !this.#mayAddTo(this.#usable())) {
      this.#toOpen = 0;
      return;
    }
    this.#toOpen--;
    this.#open();
    this.#stepTimer.set(connectGapMs);
  }

  #growthSample(): GrowthSample {
    const run = this.#source.current();
    const usable = this.#usable();
    const connections = usable.map((connection): ConnectionSample => {
      const { id, state, inFlight, counts } = connection;
      const isFull = state === 'ready' && run !== null && connection.isFullFor(run);
      const isStarting = state === 'opening' || connection.isStarting;
      return { id, answers: counts.answers, inFlight, isFull, isStarting, workingSinceMs: counts.workingSinceMs };
    });
    const roundTripMs = Math.min(...usable.map(({ counts }) => counts.roundTripMs));
    return { nowMs: this.#clock.now(), answers: this.stats().answers, roundTripMs, connections };
  }

  /** The gateway has sent a connection away. Its work is not left to the others if the pool had come to need it. */
  #replace(): void {
    const usable = this.#usable();
    const isNeeded = usable.length > 0 && usable.length < this.#growth.target;
    if (!isNeeded || this.#isClosed || !this.#gate.isOpen || this.#source.current() === null) return;
    const isStaggered = this.#clock.now() - this.#openedAtMs >= connectStaggerMs;
    if (isStaggered && this.#mayAddTo(usable)) this.#open();
  }

  /** After failures in a row there is one connection at a time that has not answered yet. */
  #mayAddTo(usable: readonly GatewayConnection[]): boolean {
    const now = this.#clock.now();
    if (usable.length >= this.#options.link.maxConnections || this.#backoff.waitMs(now) > 0) return false;
    if (!this.#pace.allows(now)) return false;
    return !this.#backoff.isHalfOpen || usable.every((connection) => connection.counts.answers > 0);
  }

  #watchIdle(): void {
    const { poolSize } = this.#options.link;
    if (!this.#trimTimer.isSet && this.#connections.length > poolSize) this.#trimTimer.set(idleBeforeTrimMs);
  }

  /** Closes idle connections above poolSize, those first that have been idle for the longest. */
  #trim(): void {
    const { poolSize } = this.#options.link;
    const excess = this.#usable().length - poolSize;
    const idle = this.#connections.filter(({ state, inFlight, idleMs }) => {
      return state === 'ready' && inFlight === 0 && idleMs >= idleBeforeTrimMs;
    });
    idle.sort((a, b) => b.idleMs - a.idleMs);
    for (const connection of idle.slice(0, Math.max(0, excess))) connection.drain(closeTimeoutMs, null);
    this.#growth.onTrimmed(this.#usable().length);
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

  #resolveIfAllClosed(): void {
    if (this.#isClosed && this.#connections.length === 0) this.#onAllClosed?.();
  }
}
