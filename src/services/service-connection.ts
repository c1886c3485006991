/**
 * One HTTP/2 connection for requests that are few: channel management, and broadcasts. Node's own HTTP/2 over the byte
 * stream of a back-end; pushes have a codec of their own (connection/http2). Made by ServiceClient; main thread.
 *
 *   opening ── SETTINGS ──▶ ready ── drain() or GOAWAY ──▶ draining ── nothing in flight ──▶ closed
 *      │                      │                               │                                ▲
 *      └──────────────────────┴── failure, silence ───────────┴────────────────────────────────┘
 *
 * Each request ends as answered, unsent or unknown. Unsent is what was certainly not processed: the back-end was handed
 * nothing since the request began, its stream lies above the last one of a GOAWAY, or it was refused with
 * REFUSED_STREAM (RFC 9113 §6.8, §8.7). Everything else without an answer is unknown.
 */
import { Buffer } from 'node:buffer';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  sensitiveHeaders,
} from 'node:http2';
import { answerOf } from '../apns/answer.js';
import { apnsHttp2 } from '../apns/protocols.js';
import type { Clock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import {
  closeTimeoutMs,
  maxReasonCharacters,
  maxServiceAnswerBytes,
  maxServiceStreams,
  pingAfterSilenceMs,
  pingTimeoutMs,
  streamEndTimeoutMs,
} from '../base/limits.js';
import type { Logger } from '../base/log.js';
import { stripUnprintable } from '../base/text.js';
import { PatientTimer } from '../base/timers.js';
import {
  closedByUsError,
  endedError,
  goawayError,
  openTimeoutError,
  verdictError,
} from '../connection/connection-errors.js';
import { type ConnectionTarget, openOptions } from '../connection/connection-options.js';
import { publishClose, publishFailure, publishOpen, type WatchedConnection } from '../engine/dispatcher/diagnostics.js';
import { addressUrl, authority } from '../push/address.js';
import type { Answer } from '../push/answer.js';
import type { Backend } from '../transport/backend.js';
import { withLog } from '../transport/logged.js';
import { hostAndPort } from '../transport/tls-errors.js';
import { DuplexStream } from './duplex-stream.js';

/** A request without what belongs to the connection: authority, scheme and provider token. */
export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Checked field names and values. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** An answer, whatever its status. */
export interface ServiceAnswer extends Answer {
  /** The value of a header field; null where the answer has no such field. */
  field(name: string): string | null;
  readonly body: Uint8Array;
}

export type ServiceOutcome =
  | { readonly kind: 'answered'; readonly answer: ServiceAnswer; readonly error: null }
  | {
      /** Certainly not processed; or written, and not answered. */
      readonly kind: 'unsent' | 'unknown';
      readonly answer: null;
      readonly error: PealError;
      /**
       * Why it may be sent again: its connection ended without it (nothing of it was written, or a GOAWAY excludes it),
       * or the gateway refused it alone (REFUSED_STREAM). `service`: it was given up with all others that waited. Null
       * otherwise.
       */
      readonly ground: Ground | null;
    };

type Ground = 'connection' | 'refused' | 'service';

/** @param ground see there; only with `unsent` */
export function unanswered(kind: 'unsent' | 'unknown', error: PealError, ground: Ground | null = null): ServiceOutcome {
  return { kind, answer: null, error, ground };
}

/** A request that was begun on a connection. */
export interface BegunRequest {
  /** Gives it up: it becomes unknown, or unsent where nothing of it was written. */
  abandon(error: PealError): void;
}

interface ConnectionOwner {
  /** The connection may carry requests, or more of them than before. */
  onReady(connection: ServiceConnection): void;
  /** The connection takes no more requests. */
  onDraining(connection: ServiceConnection): void;
  /** Over, and every request has its outcome. `error`: why; null after an orderly end. */
  onClosed(connection: ServiceConnection, error: PealError | null): void;
}

interface ServiceConnectionOptions extends ConnectionTarget {
  /** Names the connection in logs. */
  readonly id: number;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly log: Logger;
  /** The first request goes alone until it is answered: with provider tokens (facts of APNs). */
  readonly provesFirst: boolean;
  readonly owner: ConnectionOwner;
}

export class ServiceConnection {
  readonly where: string;
  answers = 0;
  readonly #options: ServiceConnectionOptions;
  readonly #duplex: DuplexStream;
  readonly #exchanges = new Set<Exchange>();
  readonly #openTimer: PatientTimer;
  readonly #silenceTimer: PatientTimer;
  readonly #closeTimer: PatientTimer;
  #session: ClientHttp2Session | null = null;
  #state: 'opening' | 'ready' | 'draining' | 'closed' = 'opening';
  /** An answer other than a refusal of the credential has come. */
  #isProven: boolean;
  #peerMaxStreams = 0;
  #wasReady = false;
  readonly #watched: WatchedConnection;
  /** The lowest last stream id of the GOAWAYs that came. */
  #lastStreamId = Number.POSITIVE_INFINITY;
  #goaway: PealError | null = null;
  /** It ends because we want it to. */
  #isWanted = false;
  /** Why we end it before its time. */
  #endCause: PealError | null = null;
  /** It was sent a PING, and has said nothing since. */
  #isAsked = false;
  #heardBytes = 0;
  /** By either clock: the monotonic one stands still while a machine sleeps. */
  #usedAtMs = 0;
  #usedAtWallMs = 0;

  constructor(options: ServiceConnectionOptions) {
    const { backend, clock, log, id, address, link } = options;
    this.#options = options;
    this.#isProven = !options.provesFirst;
    this.where = hostAndPort(address);
    this.#watched = Object.freeze({ gateway: addressUrl(address), shardId: null, number: id });
    const heard = (): number => this.#duplex.bytesReceived;
    this.#openTimer = new PatientTimer(clock, heard, () =>
      this.destroy(openTimeoutError(address, link.connectTimeoutMs, this.#session !== null)),
    );
    this.#silenceTimer = new PatientTimer(clock, heard, () => this.#onSilence());
    this.#closeTimer = new PatientTimer(clock, heard, () => this.#onCloseDeadline());
    log.debug({ connection: id, gateway: this.where }, 'service connection opening');
    const logged = withLog(backend, log, { connection: id, gateway: this.where });
    this.#duplex = new DuplexStream(logged, openOptions(options, 'h2'), clock, {
      onOpened: () => this.#onOpened(),
      // Node 20 stops reading after bytes that break the protocol, and tells nobody.
      onEnded: () => this.#closeTimer.setNoLaterThan(streamEndTimeoutMs),
    });
    this.#duplex.once('close', () => this.#onStreamClosed());
    this.#openTimer.set(link.connectTimeoutMs);
  }

  get id(): number {
    return this.#options.id;
  }

  get inFlight(): number {
    return this.#exchanges.size;
  }

  /** How many more requests it takes now. */
  get room(): number {
    if (this.#state !== 'ready' || this.#session!.closed || this.#session!.destroyed) return 0;
    const limit = this.#isProven
      ? Math.min(this.#peerMaxStreams, maxServiceStreams)
      : Math.min(this.#peerMaxStreams, 1);
    return Math.max(0, limit - this.#exchanges.size);
  }

  /** Whether it may carry requests, now or once others are answered. */
  get isUsable(): boolean {
    return this.#state === 'opening' || this.#state === 'ready';
  }

  /** For how long nothing has been in flight. */
  get idleMs(): number {
    if (this.#exchanges.size > 0) return 0;
    const { clock } = this.#options;
    return Math.max(clock.now() - this.#usedAtMs, clock.wallMs() - this.#usedAtWallMs);
  }

  /** Begins a request. There is room for it. `done` is called once, never from within this call. */
  begin(request: ServiceRequest, token: string | null, done: (outcome: ServiceOutcome) => void): BegunRequest {
    const exchange: Exchange = new Exchange(
      this.#options.clock,
      this.#duplex.writes,
      () => this.#verdictOf(exchange),
      (outcome) => {
        this.#exchanges.delete(exchange);
        this.#noteUse();
        if (outcome.kind === 'answered') this.#onAnswer(outcome.answer);
        done(outcome);
        this.#afterOutcome();
      },
    );
    this.#exchanges.add(exchange);
    exchange.start(this.#session!, this.#headersOf(request, token), request.body);
    if (!this.#silenceTimer.isSet) this.#watch();
    return exchange;
  }

  /**
   * Asks for a sign of life. The owner hears of it as of a connection that is ready; without one the connection ends.
   */
  ping(): void {
    if (this.#isAsked || this.#session!.destroyed) return;
    this.#isAsked = true;
    this.#heardBytes = this.#duplex.bytesReceived;
    this.#silenceTimer.set(pingTimeoutMs);
    this.#session!.ping((error) => {
      if (error === null) this.#onSign();
    });
  }

  /** Takes no more requests, and closes once those in flight are answered. */
  drain(): void {
    this.#isWanted = true;
    if (this.#state === 'opening') this.destroy(null);
    if (this.#state !== 'ready') return;
    this.#state = 'draining';
    this.#options.owner.onDraining(this);
    this.#afterOutcome();
  }

  /** The same; what is in flight has `closeTimeoutMs` to be answered. */
  close(): void {
    this.drain();
    if (this.#state !== 'closed') this.#closeTimer.setNoLaterThan(closeTimeoutMs);
  }

  /** Ends it now. */
  destroy(cause: PealError | null): void {
    if (this.#state === 'closed') return;
    this.#isWanted ||= cause === null;
    this.#endCause ??= cause;
    if (this.#session !== null) this.#session.destroy();
    this.#duplex.destroy();
  }

  /** What became of a request whose stream was closed before its answer had come whole. */
  #verdictOf(exchange: Exchange): ServiceOutcome {
    const { streamId, hasBegun, resetCode } = exchange;
    const cause = this.#endCause ?? this.#goaway ?? this.#duplex.endCause;
    const ended = cause ?? endedError(this.where);
    if (!hasBegun) {
      // Nothing more is written once the stream is over.
      const isUnwritten = this.#duplex.destroyed && exchange.writesBefore === this.#duplex.writes;
      if (isUnwritten) return unanswered('unsent', ended, 'connection');
      if (streamId > this.#lastStreamId) return unanswered('unsent', this.#goaway ?? ended, 'connection');
      const isRefused = resetCode === constants.NGHTTP2_REFUSED_STREAM;
      if (isRefused) return unanswered('unsent', refusedError(this.where), 'refused');
    }
    const isReset = this.#session?.destroyed === false && resetCode !== constants.NGHTTP2_NO_ERROR;
    return unanswered('unknown', isReset ? resetError(this.where, resetCode) : ended);
  }

  #onCloseDeadline(): void {
    if (this.#exchanges.size === 0) this.destroy(null);
    else this.destroy(this.#isWanted ? closedByUsError(this.where) : endedError(this.where));
  }

  // --- the stream ---

  #onOpened(): void {
    const { address } = this.#options;
    const session = connect(addressUrl(address), {
      createConnection: () => this.#duplex,
      settings: { enablePush: false },
    });
    this.#session = session;
    session.on('error', () => {});
    session.on('remoteSettings', ({ maxConcurrentStreams }) => this.#onSettings(maxConcurrentStreams));
    session.on('goaway', (code, lastStreamId, debug?: Uint8Array) =>
      this.#onGoaway(code, lastStreamId, debug ?? new Uint8Array()),
    );
    session.on('close', () => this.#duplex.destroy());
  }

  #onSettings(maxStreams: number | undefined): void {
    this.#peerMaxStreams = maxStreams ?? maxServiceStreams;
    if (this.#state === 'opening') {
      this.#state = 'ready';
      this.#wasReady = true;
      this.#openTimer.clear();
      this.#noteUse();
      publishOpen(this.#watched);
      const { id, log } = this.#options;
      log.debug(
        { connection: id, gateway: this.where, peerMaxStreams: maxStreams ?? null },
        'service connection ready',
      );
    }
    if (this.#state === 'ready') this.#options.owner.onReady(this);
  }

  #onGoaway(code: number, lastStreamId: number, debug: Uint8Array): void {
    this.#lastStreamId = Math.min(this.#lastStreamId, lastStreamId);
    const cause = goawayError(this.where, code, apnsHttp2.reasonOfGoaway(debug), 'http2');
    if (this.#goaway === null || code !== constants.NGHTTP2_NO_ERROR || debug.length > 0) this.#goaway = cause;
    const { id, log } = this.#options;
    log.info({ connection: id, gateway: this.where, lastStreamId, errorCode: code }, cause.message);
    // With nothing to wait for, its end comes before another one is opened, and counts where it brought nothing.
    if (this.#exchanges.size === 0) this.destroy(this.#goaway);
    else this.drain();
  }

  #onStreamClosed(): void {
    // Node tells of a GOAWAY and of the ends of streams in the same turn, in an order of its own.
    this.#options.clock.defer(() => this.#onOver());
  }

  #onOver(): void {
    if (this.#state === 'closed') return;
    this.#session?.destroy();
    this.#state = 'closed';
    for (const timer of [this.#openTimer, this.#silenceTimer, this.#closeTimer]) timer.clear();
    for (const exchange of [...this.#exchanges]) exchange.settle();
    const known = this.#endCause ?? this.#goaway ?? this.#duplex.endCause;
    const error = known ?? (this.#isWanted ? null : endedError(this.where));
    const { id, log, owner } = this.#options;
    if (this.#wasReady) publishClose(this.#watched, this.answers, error);
    else if (error !== null) publishFailure(this.#watched, error);
    log.debug({ connection: id, gateway: this.where }, error === null ? 'service connection closed' : error.message);
    owner.onClosed(this, error);
  }

  #onAnswer({ status }: ServiceAnswer): void {
    this.answers += 1;
    if (status !== 403) this.#isProven = true;
  }

  // --- is it alive? ---

  #watch(): void {
    this.#heardBytes = this.#duplex.bytesReceived;
    this.#silenceTimer.set(pingAfterSilenceMs);
  }

  #onSilence(): void {
    const isAlive = this.#duplex.bytesReceived !== this.#heardBytes;
    if (this.#isAsked) {
      if (isAlive) this.#onSign();
      else this.destroy(verdictError(this.where, 'silent'));
      return;
    }
    if (this.#exchanges.size === 0) return;
    if (isAlive) this.#watch();
    else this.ping();
  }

  #onSign(): void {
    if (!this.#isAsked) return;
    this.#isAsked = false;
    this.#silenceTimer.clear();
    if (this.#exchanges.size > 0) this.#watch();
    this.#noteUse();
    if (this.#state === 'ready') this.#options.owner.onReady(this);
  }

  // --- requests ---

  #headersOf({ method, path, headers }: ServiceRequest, token: string | null): OutgoingHttpHeaders {
    const { address, link } = this.#options;
    const fields: OutgoingHttpHeaders = {
      ':method': method,
      ':scheme': 'https',
      ':authority': authority(address),
      ':path': path,
      ...headers,
    };
    if (token === null) return fields;
    return {
      ...fields,
      authorization: `bearer ${token}`,
      ...(!link.indexAuthorization && { [sensitiveHeaders]: ['authorization'] }),
    };
  }

  #afterOutcome(): void {
    if (this.#exchanges.size > 0) return;
    if (!this.#isAsked) this.#silenceTimer.clear();
    if (this.#state !== 'draining') return;
    // It sends a GOAWAY, and ends the stream.
    const session = this.#session!;
    if (session.destroyed) return;
    session.close();
    this.#closeTimer.setNoLaterThan(streamEndTimeoutMs);
  }

  #noteUse(): void {
    this.#usedAtMs = this.#options.clock.now();
    this.#usedAtWallMs = this.#options.clock.wallMs();
  }
}

/** One request and its answer. */
class Exchange implements BegunRequest {
  readonly writesBefore: number;
  readonly #clock: Clock;
  readonly #verdict: () => ServiceOutcome;
  readonly #done: (outcome: ServiceOutcome) => void;
  #stream: ClientHttp2Stream | null = null;
  #headers: IncomingHttpHeaders | null = null;
  #status = 0;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  /** The end of the answer has come. */
  #isWhole = false;
  #isDone = false;

  /**
   * @param writesBefore what the back-end had been handed before
   * @param verdict what becomes of it without a whole answer
   */
  constructor(
    clock: Clock,
    writesBefore: number,
    verdict: () => ServiceOutcome,
    done: (outcome: ServiceOutcome) => void,
  ) {
    this.#clock = clock;
    this.writesBefore = writesBefore;
    this.#verdict = verdict;
    this.#done = done;
  }

  /** Infinite while it has none. */
  get streamId(): number {
    return this.#stream?.id ?? Number.POSITIVE_INFINITY;
  }

  /** Whether the answer has begun. */
  get hasBegun(): boolean {
    return this.#headers !== null;
  }

  get resetCode(): number {
    return this.#stream?.rstCode ?? constants.NGHTTP2_NO_ERROR;
  }

  start(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body: Uint8Array | null): void {
    const stream = session.request(headers, { endStream: body === null });
    this.#stream = stream;
    stream.on('response', (fields) => {
      this.#headers = fields;
      this.#status = Number(fields[':status'] ?? 0);
    });
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    // What ends its connection later does not change a whole answer.
    stream.on('end', () => {
      if (this.resetCode === constants.NGHTTP2_NO_ERROR) this.#isWhole = true;
    });
    stream.on('error', () => {});
    // Whether a GOAWAY is why it was closed is told in the same turn, before or after.
    stream.on('close', () => {
      if (this.#isAnswered) this.settle();
      else this.#clock.defer(() => this.settle());
    });
    if (body !== null) stream.end(body);
  }

  /** What was begun may still be written, so it is unknown. */
  abandon(error: PealError): void {
    this.#end(unanswered('unknown', error));
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  /** Its stream is closed, or will not bring anything more. */
  settle(): void {
    if (this.#isDone) return;
    this.#end(this.#isAnswered ? { kind: 'answered', answer: this.#answer(), error: null } : this.#verdict());
  }

  get #isAnswered(): boolean {
    return this.#status !== 0 && this.#isWhole;
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= maxServiceAnswerBytes) this.#chunks.push(chunk);
    else this.abandon(tooLongError());
  }

  #answer(): ServiceAnswer {
    const headers = this.#headers!;
    const body = Buffer.concat(this.#chunks);
    const field = (name: string): string | null => {
      const value = headers[name];
      return typeof value === 'string' ? stripUnprintable(value, maxReasonCharacters) : null;
    };
    const names = { apnsId: field('apns-id'), retryAfter: field('retry-after'), uniqueId: field('apns-unique-id') };
    const explained = this.#status < 300 ? new Uint8Array() : body;
    return { ...answerOf(this.#status, explained, names, this.#clock), field, body };
  }

  #end(outcome: ServiceOutcome): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#done(outcome);
  }
}

function refusedError(where: string): PealError {
  const message = `${where} refused the request (RST_STREAM REFUSED_STREAM).`;
  return new PealError('ERR_PEAL_REFUSED', message, { origin: 'gateway', retryable: true });
}

function resetError(where: string, code: number): PealError {
  const message = `${where} reset the request (RST_STREAM, error code ${code}) before its answer was whole.`;
  return new PealError('ERR_PEAL_RESET', message, { origin: 'gateway', retryable: true });
}

function tooLongError(): PealError {
  const message = `The answer is longer than ${maxServiceAnswerBytes} bytes: check that the address is the service's.`;
  return new PealError('ERR_PEAL_LIMIT', message, { origin: 'gateway' });
}
