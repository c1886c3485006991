/**
 * One HTTP/2 connection to a gateway: the codec's state machine, a byte stream and a clock put together. Owned by
 * ConnectionPool; everything happens on the thread that made it, in the callbacks of the stream and of timers.
 *
 *   opening ── first SETTINGS ──▶ ready ── GOAWAY, overdue request, drain() ──▶ draining ── last answer ──▶ closing
 *      │                            │                                             │                           │
 *      └──── stream over, connection error, silence, deadline: every request gets its outcome ────────────▶ closed
 *
 * The connection pulls: pump() takes from the request source as many recipients as the peer's limits, the windows and
 * the output buffer allow, marks them taken, and only then hands the bytes to the stream. One write is outstanding at
 * a time; while it is, nothing is taken, so that what is marked as written has really been handed on. Answers are
 * read and new requests written in the same read callback, so that no wake-up of the thread is spent twice.
 */
import { parseAnswerBody } from '../apns/answer.js';
import type { Clock } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import { closeTimeoutMs, keepaliveTickMs, requestTimeoutMs } from '../base/limits.js';
import { ClientConnection, type ResponseFields, type ResponseListener } from '../codec/http2/index.js';
import { type ByteStream, type ByteStreamListener, hostAndPort } from '../transport/index.js';
import * as errors from './connection-errors.js';
import type { Http2ConnectionOptions } from './connection-options.js';
import type { ConnectionState, GatewayConnection } from './gateway-connection.js';
import { Keepalive } from './keepalive.js';
import { ReadCoalescer } from './read-coalescer.js';
import { RefusalPause } from './refusal-pause.js';
import { isTooFew, nextPayloadBytes, retryAfterSeconds } from './request-flow.js';
import type { RequestRun, RequestSource } from './request-source.js';
import { TemplateCache } from './template-cache.js';
import { Timer } from './timer.js';

/** HTTP/2's NO_ERROR (RFC 9113 §7). */
const noError = 0;

export class Http2Connection implements GatewayConnection, ByteStreamListener, ResponseListener {
  readonly #options: Http2ConnectionOptions;
  readonly #where: string;
  readonly #source: RequestSource;
  readonly #clock: Clock;
  readonly #codec: ClientConnection;
  readonly #stream: ByteStream;
  readonly #templates: TemplateCache;
  readonly #keepalive = new Keepalive();
  readonly #coalescer: ReadCoalescer;
  readonly #refusalPause: RefusalPause;
  readonly #openTimer: Timer;
  readonly #tickTimer: Timer;
  readonly #deadline: Timer;
  readonly #openedAtMs: number;
  #state: ConnectionState = 'opening';
  #isWriting = false;
  #isReceiving = false;
  #isPumping = false;
  #isPumpDeferred = false;
  /** The stream is open: what the gateway still owes are its SETTINGS. */
  #hasOpened = false;
  #hasEndedStream = false;
  /** Why the connection ends, where that is known before the stream is over. */
  #endCause: PealError | null = null;
  #idleSinceMs: number;
  #pings = 0;
  #submitted = 0;
  #answers = 0;
  #unprocessed = 0;
  #unanswered = 0;
  #answersAtRead = 0;
  #unprocessedAtRead = 0;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: Http2ConnectionOptions) {
    const { address, certificate, ca, connectTimeoutMs, readBufferBytes, clock } = options;
    this.#options = options;
    this.#where = hostAndPort(address);
    this.#source = options.source;
    this.#clock = clock;
    this.#openedAtMs = clock.now();
    this.#idleSinceMs = this.#openedAtMs;
    this.#codec = new ClientConnection({
      listener: this,
      authority: address.port === 443 ? this.#where.slice(0, -':443'.length) : this.#where,
      indexAuthorization: options.indexAuthorization,
      probeFirst: options.probeFirst,
    });
    this.#templates = new TemplateCache(this.#codec);
    this.#templates.setProviderToken(options.providerToken);
    this.#refusalPause = new RefusalPause(clock, () => this.pump());
    this.#openTimer = new Timer(clock, () =>
      this.abandon(errors.openTimeoutError(address, connectTimeoutMs, this.#hasOpened)),
    );
    this.#tickTimer = new Timer(clock, () => this.#onTick());
    this.#deadline = new Timer(clock, () => this.abandon(null));
    this.#openTimer.set(connectTimeoutMs);
    const open = { address, certificate, ca, alpnProtocol: 'h2', connectTimeoutMs, readBufferBytes };
    this.#stream = options.backend.open(open, this);
    this.#coalescer = new ReadCoalescer(clock, this.#stream);
  }

  get id(): number {
    return this.#options.id;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Requests without an outcome. */
  get inFlight(): number {
    return this.#submitted - this.#settled;
  }

  /** Answers of any status. */
  get answers(): number {
    return this.#answers;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** Milliseconds since the attempt to connect began. */
  get ageMs(): number {
    return this.#clock.now() - this.#openedAtMs;
  }

  /** Milliseconds since the last request had its outcome; 0 while requests are in flight. */
  get idleMs(): number {
    return this.inFlight > 0 ? 0 : this.#clock.now() - this.#idleSinceMs;
  }

  /**
   * Whether `run` has to wait here because the peer's limits or windows are used up, or as good as. Not so where the
   * gateway refuses requests: it would refuse them on other connections too.
   */
  isFullFor(run: RequestRun): boolean {
    if (this.#state !== 'ready' || this.#refusalPause.isActive) return false;
    return isTooFew(this.#codec.credit(nextPayloadBytes(run)), this.inFlight);
  }

  setProviderToken(token: string | null): void {
    this.#templates.setProviderToken(token);
  }

  /** Takes what waits, as far as credit goes, and writes it. Cheap when nothing can be done. */
  pump(): void {
    if (this.#isWriting || this.#isReceiving || this.#isPumping) return;
    this.#isPumping = true;
    if (this.#state === 'ready' && !this.#refusalPause.isActive) this.#takeWork();
    this.#isPumping = false;
    this.#flush();
  }

  /**
   * Takes no more work, waits for the answers to what is in flight, `deadlineMs` at most, then closes in good order.
   * `cause` is what requests without an answer are told, and the owner; null: the owner wants no more of it.
   */
  drain(deadlineMs: number, cause: PealError | null): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    if (this.#state === 'opening') {
      this.abandon(cause);
      return;
    }
    this.#endCause ??= cause;
    this.#deadline.setNoLaterThan(deadlineMs);
    if (this.#state === 'ready') {
      this.#state = 'draining';
      this.#options.owner.onConnectionDraining(this, this.#endCause);
    }
    this.#closeIfDone();
  }

  /** Ends the connection now: what is in flight becomes unknown, the stream is dropped. */
  abandon(cause: PealError | null): void {
    if (this.#state === 'closed') return;
    this.#endCause ??= cause;
    this.#state = 'closing';
    this.#stream.destroy();
  }

  // --- what the stream tells ---

  onOpen(): void {
    if (this.#state !== 'opening') return;
    this.#hasOpened = true;
    this.#codec.start();
    this.#flush();
    this.#tickTimer.set(keepaliveTickMs);
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#state === 'closed') return;
    this.#bytesReceived += length;
    this.#keepalive.heard();
    this.#isReceiving = true;
    this.#codec.receive(buffer, length);
    this.#isReceiving = false;
    this.#afterRead();
    if (this.#coalescer.afterRead(length, this.inFlight)) this.#pumpAfterBurst();
    else this.pump();
  }

  onClosed(error: PealError | null): void {
    const isWanted = this.#state === 'closing' && this.#endCause === null;
    this.#state = 'closed';
    this.#stopTimers();
    const cause = this.#endCause ?? error ?? (isWanted ? errors.closedByUsError : errors.endedError)(this.#where);
    this.#codec.abandon(cause);
    this.#options.owner.onConnectionClosed(this, isWanted ? null : cause);
  }

  // --- what the codec tells, from within receive() and abandon() ---

  onAccepted(tag: number): void {
    this.#answers++;
    this.#source.onAccepted(tag);
  }

  onRejected(tag: number, status: number, body: Uint8Array, fields: ResponseFields): void {
    this.#answers++;
    const { reason, timestampMs } = parseAnswerBody(body);
    const { apnsId, retryAfter } = fields;
    const rejection = { status, reason, timestampMs, apnsId, retryAfterSeconds: retryAfterSeconds(retryAfter) };
    this.#source.onRejected(tag, rejection);
  }

  onUnprocessed(tag: number, cause: PealError): void {
    this.#unprocessed++;
    this.#source.onUnsent(tag, cause);
  }

  onUnanswered(tag: number, cause: PealError): void {
    this.#unanswered++;
    this.#source.onUnknown(tag, cause);
  }

  onGoaway(lastStreamId: number, errorCode: number, debug: Uint8Array): void {
    this.#endCause ??= errors.goawayError(this.#where, errorCode, debug);
    const fields = { connection: this.id, lastStreamId, errorCode };
    this.#options.log.info(fields, this.#endCause.message);
  }

  // --- requests ---

  get #settled(): number {
    return this.#answers + this.#unprocessed + this.#unanswered;
  }

  #takeWork(): void {
    for (let run = this.#source.current(); run !== null; run = this.#source.current()) {
      const { tokens, personal, order, head, tagBase } = run;
      const waiting = order.length - head;
      const credit = this.#codec.credit(nextPayloadBytes(run));
      if (credit < waiting && isTooFew(credit, this.inFlight)) return;
      const template = this.#templates.templateFor(run);
      const count = Math.min(credit, waiting);
      const submitted = this.#codec.submit(template, tokens, personal, order, head, count, tagBase);
      if (submitted > 0) {
        this.#submitted += submitted;
        this.#source.taken(run, submitted);
      } else if (template.refusal !== null) {
        this.#refuse(run, template.refusal);
      } else {
        return;
      }
    }
  }

  /** The peer cannot be sent this notification at all (its header list is too large): no recipient gets it. */
  #refuse(run: RequestRun, cause: PealError): void {
    const { order, head, tagBase } = run;
    const refused = order.slice(head);
    this.#source.taken(run, refused.length);
    for (const index of refused) this.#source.onUnsent((tagBase + index) >>> 0, cause);
  }

  /** Pumps after all that the kernel has handed over was read, so that requests leave in one large write. */
  #pumpAfterBurst(): void {
    if (this.#isPumpDeferred) return;
    this.#isPumpDeferred = true;
    this.#clock.defer(this.#onBurstEnd);
  }

  readonly #onBurstEnd = (): void => {
    this.#isPumpDeferred = false;
    if (this.#state === 'closed') return;
    this.pump();
    this.#coalescer.afterBurst(this.inFlight);
  };

  #flush(): void {
    if (this.#isWriting || this.#hasEndedStream) return;
    const output = this.#codec.takeOutput();
    if (output !== null) {
      this.#isWriting = true;
      this.#bytesSent += output.length;
      this.#stream.write(output, this.#onWritten);
    } else if (this.#state === 'closing') {
      this.#hasEndedStream = true;
      this.#stream.end();
    }
  }

  readonly #onWritten = (): void => {
    this.#isWriting = false;
    this.#codec.outputWritten();
    this.pump();
  };

  // --- what follows a read ---

  #afterRead(): void {
    const { failure, goaway, isReady, isExhausted } = this.#codec;
    if (failure !== null) {
      this.#fail(failure);
      return;
    }
    if (this.#state === 'opening' && isReady) this.#becomeReady();
    this.#afterAnswers();
    if (goaway !== null || isExhausted) this.drain(requestTimeoutMs, this.#endCause);
    if (this.#state === 'draining') this.#closeIfDone();
  }

  #becomeReady(): void {
    this.#state = 'ready';
    this.#openTimer.clear();
    this.#options.log.debug({ connection: this.id, peerMaxStreams: this.#codec.peerMaxStreams }, 'connection ready');
  }

  #afterAnswers(): void {
    const answers = this.#answers - this.#answersAtRead;
    const refusals = this.#unprocessed - this.#unprocessedAtRead;
    if (answers === 0 && refusals === 0) return;
    const isFirst = this.#answersAtRead === 0 && answers > 0;
    this.#answersAtRead = this.#answers;
    this.#unprocessedAtRead = this.#unprocessed;
    if (this.inFlight === 0) this.#idleSinceMs = this.#clock.now();
    if (this.#state === 'ready') this.#refusalPause.afterRead(refusals, answers);
    if (isFirst) this.#options.owner.onConnectionAnswered(this);
  }

  // --- the end ---

  /** The gateway broke the protocol: a GOAWAY says so, then the stream ends (RFC 9113 §5.4.1). */
  #fail(failure: PealError): void {
    if (this.#state === 'closing') return;
    this.#endCause ??= failure;
    this.#state = 'closing';
    this.#deadline.setNoLaterThan(closeTimeoutMs);
    this.#codec.abandon(failure);
  }

  #closeIfDone(): void {
    if (this.#state !== 'draining' || this.inFlight > 0 || this.#isReceiving) return;
    this.#state = 'closing';
    this.#deadline.setNoLaterThan(closeTimeoutMs);
    this.#codec.close(noError);
    this.#flush();
  }

  #onTick(): void {
    this.#tickTimer.set(keepaliveTickMs);
    switch (this.#keepalive.tick(this.inFlight, this.#submitted, this.#settled, this.#isStarved())) {
      case 'ping':
        this.#codec.ping(++this.#pings);
        this.#flush();
        return;
      case 'silent':
        this.abandon(errors.silentError(this.#where));
        return;
      case 'overdue':
        this.drain(closeTimeoutMs, errors.overdueError(this.#where));
        return;
      case 'starved':
        this.drain(closeTimeoutMs, errors.starvedError(this.#where));
        return;
      case 'fine':
    }
  }

  /** Work waits, nothing is under way, and still the gateway allows no request. */
  #isStarved(): boolean {
    if (this.#state !== 'ready' || this.inFlight > 0 || this.#isWriting || this.#refusalPause.isActive) return false;
    const run = this.#source.current();
    return run !== null && this.#codec.credit(nextPayloadBytes(run)) <= 0;
  }

  #stopTimers(): void {
    this.#openTimer.clear();
    this.#tickTimer.clear();
    this.#deadline.clear();
    this.#coalescer.stop();
    this.#refusalPause.stop();
  }
}
