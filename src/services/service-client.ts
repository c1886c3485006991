/**
 * Requests to one service under one credential: waits for a connection and for room on it, and has one connection at a
 * time. Made by ServiceClients; main thread.
 *
 *   request ──▶ waiting ── room, provider token ──▶ begun ──▶ answered, unsent or unknown
 *                 │ time is up, aborted, no way to the service, closed
 *                 └──────────────────────────────▶ unsent
 *
 * A provider token that is called expired is replaced, and its connection with it: APNs goes on refusing it there.
 */

import type { Clock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import {
  connectBackoffMs,
  maxConnectAttempts,
  minConnectWaitMs,
  reuseCheckAfterMs,
  serviceIdleMs,
  stopAfterRefusals,
} from '../base/limits.js';
import type { Logger } from '../base/log.js';
import { Timer } from '../base/timers.js';
import type { ConnectionTarget } from '../connection/connection-options.js';
import { closedError, expiredTokenError, refusedError } from '../engine/dispatcher/errors.js';
import type { ProviderTokenSource } from '../engine/dispatcher/route.js';
import { retryKindOf } from '../push-services/reasons.js';
import type { Backend } from '../transport/backend.js';
import {
  type BegunRequest,
  ServiceConnection,
  type ServiceOutcome,
  type ServiceRequest,
  unanswered,
} from './service-connection.js';

export interface ServiceClientOptions extends ConnectionTarget {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Null where the credential makes no provider tokens. */
  readonly tokens: ProviderTokenSource | null;
  readonly openBackend: () => Promise<Backend>;
}

/** What a request tells its caller, and asks. */
interface ServiceCaller {
  /** It leaves the line. */
  onTurn(): void;
  /** Whether it goes back into the line where its connection ended without it. */
  mayReturn(): boolean;
}

/** One request that waits, or was begun. */
interface Pending {
  readonly request: ServiceRequest;
  readonly caller: ServiceCaller;
  readonly done: (outcome: ServiceOutcome) => void;
  begun: BegunRequest | null;
  isOver: boolean;
}

/** A request as its caller holds it. */
export interface ServiceCall {
  readonly isBegun: boolean;
  /** It becomes unsent while it waits, and unknown once it was begun. */
  abandon(error: PealError): void;
}

export class ServiceClient {
  readonly clock: Clock;
  readonly random: () => number;
  readonly #options: ServiceClientOptions;
  #line: Pending[] = [];
  #head = 0;
  /** Those that go to the head of the line, in order: their connection ended without them. */
  #returned: Pending[] = [];
  #underWay = 0;
  #connection: ServiceConnection | null = null;
  /** All that are not over, those that drain included. */
  readonly #connections = new Set<ServiceConnection>();
  #backend: Promise<Backend> | null = null;
  #ids = 0;
  /** Connections in a row on which nothing was answered but that they are not good. */
  readonly #refusedOn = new Set<number>();
  /** Connections in a row that were not made, or ended without an answer. */
  #failures = 0;
  readonly #waitTimer: Timer;
  readonly #idleTimer: Timer;
  #token: string | null = null;
  #expired: string | null = null;
  #isFetching = false;
  /** `#token` was just fetched, and nothing has been sent with it. */
  #isFetched = false;
  #onAllClosed: (() => void)[] = [];
  /** When something was last answered, on the monotonic clock. */
  answeredAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ServiceClientOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.random = options.random;
    this.#waitTimer = new Timer(options.clock, () => this.#pump());
    this.#idleTimer = new Timer(options.clock, () => this.closeIdle(serviceIdleMs));
  }

  /** Connections that are not over. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Requests that wait or were begun. */
  get pending(): number {
    return this.#line.length - this.#head + this.#returned.length + this.#underWay;
  }

  /** Hands in a request. `done` is called once, not from within this call. */
  request(request: ServiceRequest, caller: ServiceCaller, done: (outcome: ServiceOutcome) => void): ServiceCall {
    const pending: Pending = { request, caller, done, begun: null, isOver: false };
    this.#line.push(pending);
    this.#pumpSoon();
    return {
      get isBegun() {
        return pending.begun !== null;
      },
      abandon: (error) => {
        if (pending.begun !== null) pending.begun.abandon(error);
        else this.#endWaiting(pending, unanswered('unsent', error));
      },
    };
  }

  /** Closes a connection that has been idle for so long. */
  closeIdle(idleMs: number): void {
    const connection = this.#connection;
    if (connection === null || this.pending > 0) return;
    if (connection.idleMs >= idleMs) connection.close();
    else this.#idleTimer.set(serviceIdleMs - connection.idleMs);
  }

  /**
   * What waits becomes unsent; what was begun has a few seconds to be answered. Resolves when all connections are over.
   * The next request opens another.
   */
  async close(): Promise<void> {
    this.#failWaiting(closedError());
    this.#failures = 0;
    this.#waitTimer.clear();
    this.#idleTimer.clear();
    for (const connection of [...this.#connections]) connection.close();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => this.#onAllClosed.push(resolve));
  }

  // --- what connections tell ---

  onReady(): void {
    this.#pump();
  }

  onDraining(connection: ServiceConnection): void {
    if (this.#connection === connection) this.#connection = null;
    this.#pumpSoon();
  }

  onClosed(connection: ServiceConnection, error: PealError | null): void {
    this.#connections.delete(connection);
    if (this.#connection === connection) this.#connection = null;
    if (connection.answers === 0 && error !== null) this.#onFailed(error);
    if (this.#connections.size === 0) for (const resolve of this.#onAllClosed.splice(0)) resolve();
    this.#pump();
  }

  #onFailed(error: PealError): void {
    this.#failures += 1;
    if (!error.retryable || this.#failures >= maxConnectAttempts) {
      this.#failures = 0;
      this.#failWaiting(error);
      return;
    }
    const rangeMs = connectBackoffMs * 2 ** (this.#failures - 1);
    this.#waitTimer.set(minConnectWaitMs + this.random() * rangeMs);
  }

  // --- the line ---

  /** What is handed in within one turn is looked at together. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }
  #isPumpDue = false;

  #pump(): void {
    this.#skipOver();
    if (this.#head === this.#line.length) {
      if (this.#connection !== null && this.#underWay === 0) this.#idleTimer.set(serviceIdleMs);
      return;
    }
    this.#idleTimer.clear();
    if (this.#waitTimer.isSet || this.#isFetching) return;
    const connection = this.#connection;
    if (connection === null || !connection.isUsable) {
      if (!this.#isEndingWithoutAnswers()) this.#open();
      return;
    }
    if (connection.room === 0) return;
    if (connection.inFlight === 0 && connection.idleMs >= reuseCheckAfterMs) {
      connection.ping();
      return;
    }
    if (!this.#takeToken()) return;
    while (connection.room > 0 && this.#head < this.#line.length) {
      this.#begin(this.#line[this.#head++]!, connection);
      this.#skipOver();
    }
    if (this.#head === this.#line.length) this.#clearLine();
  }

  /** Its end may be the last of the row, and what it returns goes on as it then stands. An answer, too, pumps again. */
  #isEndingWithoutAnswers(): boolean {
    for (const connection of this.#connections) if (connection.answers === 0 && !connection.isUsable) return true;
    return false;
  }

  #begin(pending: Pending, connection: ServiceConnection): void {
    const token = this.#token;
    this.#underWay += 1;
    pending.caller.onTurn();
    pending.begun = connection.begin(pending.request, token, (outcome) => {
      this.#underWay -= 1;
      pending.begun = null;
      if (outcome.kind === 'unsent' && outcome.ground === 'connection' && pending.caller.mayReturn()) {
        this.#returned.push(pending);
        this.#pumpSoon();
        return;
      }
      pending.isOver = true;
      if (outcome.kind === 'answered') this.#afterAnswer(connection, token, outcome.answer);
      pending.done(outcome);
      this.#pumpSoon();
    });
  }

  #afterAnswer(connection: ServiceConnection, token: string | null, answer: { status: number; reason: string }): void {
    this.answeredAtMs = this.clock.now();
    this.#failures = 0;
    const kind = retryKindOf(answer.status, answer.reason);
    if (kind === 'connection') this.#onRefused(connection, answer);
    else this.#refusedOn.clear();
    if (kind === 'expired') {
      if (token === this.#token) this.#expired = token;
      connection.drain();
    } else if (kind === 'connection' || answer.reason === 'Shutdown') {
      connection.drain();
    }
  }

  /** A fault of connections that each of them has is one of the gateway: what waits would open as many. */
  #onRefused(connection: ServiceConnection, answer: { status: number; reason: string }): void {
    this.#refusedOn.add(connection.id);
    if (this.#refusedOn.size < stopAfterRefusals) return;
    this.#refusedOn.clear();
    this.#failWaiting(refusedError(answer, 'http2'));
  }

  /** The head of the line becomes a request that waits, or its end. */
  #skipOver(): void {
    if (this.#returned.length > 0) {
      this.#line = [...this.#returned, ...this.#line.slice(this.#head)];
      this.#head = 0;
      this.#returned = [];
    }
    while (this.#head < this.#line.length && this.#line[this.#head]!.isOver) this.#head += 1;
  }

  #clearLine(): void {
    this.#line = [];
    this.#head = 0;
  }

  #endWaiting(pending: Pending, outcome: ServiceOutcome): void {
    if (pending.isOver) return;
    pending.isOver = true;
    this.clock.defer(() => pending.done(outcome));
  }

  #failWaiting(error: PealError): void {
    this.#skipOver();
    const waiting = this.#line.slice(this.#head);
    this.#clearLine();
    const outcome = unanswered('unsent', error, 'service');
    for (const pending of waiting) this.#endWaiting(pending, outcome);
  }

  // --- the connection ---

  #open(): void {
    const { clock, log, tokens } = this.#options;
    this.#isFetching = true;
    this.#backend ??= this.#options.openBackend();
    this.#backend.then(
      (backend) => {
        this.#isFetching = false;
        this.#skipOver();
        if (this.#head === this.#line.length) return;
        const { address, certificate, link } = this.#options;
        const target = { address, certificate, link };
        const id = this.#ids++;
        const options = { ...target, id, backend, clock, log, provesFirst: tokens !== null, owner: this };
        this.#connection = new ServiceConnection(options);
        this.#connections.add(this.#connection);
      },
      (error: unknown) => {
        this.#isFetching = false;
        this.#backend = null;
        this.#failWaiting(error instanceof PealError ? error : noBackendError(error));
      },
    );
  }

  // --- the provider token ---

  /** Returns whether there is a token to send with now, or none is needed; otherwise pumps again once there is. */
  #takeToken(): boolean {
    const source = this.#options.tokens;
    if (source === null) return true;
    if (this.#isFetched) {
      this.#isFetched = false;
      return true;
    }
    try {
      const current = source.providerToken();
      if (typeof current === 'string') return this.#use(source, current);
      this.#await(current.then((token) => this.#renewed(source, token)));
    } catch (error) {
      this.#failWaiting(tokenError(error));
    }
    return false;
  }

  #use(source: ProviderTokenSource, token: string): boolean {
    const renewed = this.#renewed(source, token);
    if (typeof renewed !== 'string') {
      this.#await(renewed);
      return false;
    }
    this.#token = renewed;
    return true;
  }

  /** Another token than the one that was called expired. */
  #renewed(source: ProviderTokenSource, token: string): string | Promise<string> {
    if (token !== this.#expired) return token;
    const refreshed = source.refreshProviderToken?.(token) ?? token;
    const checked = (next: string): string => {
      if (next === this.#expired) throw expiredTokenError('http2');
      return next;
    };
    return typeof refreshed === 'string' ? checked(refreshed) : refreshed.then(checked);
  }

  #await(fetching: Promise<string>): void {
    this.#isFetching = true;
    fetching.then(
      (token) => {
        this.#isFetching = false;
        this.#isFetched = true;
        this.#token = token;
        this.#pump();
      },
      (error: unknown) => {
        this.#isFetching = false;
        this.#failWaiting(tokenError(error));
      },
    );
  }
}

function noBackendError(error: unknown): PealError {
  return new PealError('ERR_PEAL_CONNECT', 'The back-end could not be loaded: see the cause.', {
    origin: 'usage',
    cause: error,
  });
}

function tokenError(error: unknown): PealError {
  if (error instanceof PealError) return error;
  const kind = error instanceof Error ? error.name : typeof error;
  const message = `No provider token is available: its source failed (${kind}).`;
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}
