/**
 * One HTTP/2 connection to a gateway: the codec's state machine, a byte stream and a clock put together. Owned by
 * ConnectionPool; everything happens on the thread that made it, in the callbacks of the stream and of timers.
 *
 *   opening ── first SETTINGS ──▶ ready ── GOAWAY, wedged, overdue, drain() ──▶ draining ── last answer ──▶ closing
 *      │                            │                                             │                           │
 *      └──── stream over, connection error, silence, deadline: every request gets its outcome ────────────▶ closed
 *
 * The connection pulls: pump() takes from the request source as many recipients as the peer's limits, the windows and
 * the output buffer allow, marks them taken, and only then hands the bytes to the stream. One write is outstanding at a
 * time; meanwhile nothing is taken, so that what is marked as written was handed on. A read and its write share a turn.
 *
 * What decides stands beside it: vital-signs, idleness (time), connection-health, error-pace (answers), send-gate (pool).
 */
import { authority } from '../../apns/address.js';
import { answerOf } from '../../apns/answer.js';
import type { Clock } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import {
  closeTimeoutMs,
  drainTimeoutMs,
  farewellTimeoutMs,
  keepaliveTickMs,
  requestTimeoutMs,
} from '../../base/limits.js';
import { Timer } from '../../base/timers.js';
import { ClientConnection } from '../../codec/http2/client-connection.js';
import { NO_ERROR, SETTINGS_TIMEOUT } from '../../codec/http2/frames.js';
import type { ResponseFields, ResponseListener } from '../../codec/http2/response-listener.js';
import type { ByteStream, ByteStreamListener } from '../../transport/backend.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import * as errors from '../connection-errors.js';
import { type Http2ConnectionOptions, openOptions } from '../connection-options.js';
import type { ConnectionState, GatewayConnection } from '../gateway-connection.js';
import { RequestCounts } from '../request-counts.js';
import { isTooFew, nextPayloadBytes, refuseRun } from '../request-flow.js';
import type { RequestRun, RequestSource } from '../request-source.js';
import { personalKinds, TemplateCache } from '../template-cache.js';
import { AnswerWatch } from './answer-watch.js';
import { Idleness } from './idleness.js';
import { ReadCoalescer } from './read-coalescer.js';
import { RefusalPause } from './refusal-pause.js';
import { TokenInUse } from './token-in-use.js';
import { VitalSigns, type VitalVerdict } from './vital-signs.js';

export class Http2Connection implements GatewayConnection, ByteStreamListener, ResponseListener {
  readonly counts = new RequestCounts();
  readonly #options: Http2ConnectionOptions;
  readonly #where: string;
  readonly #source: RequestSource;
  readonly #clock: Clock;
  readonly #codec: ClientConnection;
  readonly #stream: ByteStream;
  readonly #templates = new TemplateCache((run) => {
    const { tokenBytes } = run.tokens;
    const providerToken = this.#token.current;
    return this.#codec.template(run.notification, { tokenBytes, providerToken, ...personalKinds(run) });
  });
  readonly #token: TokenInUse;
  readonly #signs = new VitalSigns();
  readonly #watch: AnswerWatch;
  readonly #coalescer: ReadCoalescer;
  readonly #refusalPause: RefusalPause;
  readonly #idleness: Idleness;
  readonly #tickTimer: Timer;
  /** For the connection to be ready; later, for it to end. */
  readonly #deadline: Timer;
  readonly #openedAtMs: number;
  #state: ConnectionState = 'opening';
  #keepsIds = false;
  #isWriting = false;
  #isReceiving = false;
  #isPumping = false;
  #hasEndedStream = false;
  /** Why the connection ends, where that is known before the stream is over. */
  #endCause: PealError | null = null;
  /** The error code of the GOAWAY that we send. */
  #farewell = NO_ERROR;
  /** A GOAWAY in good order said that it will answer what came first: the connection serves. */
  #hasPromised = false;
  #pings = 0;

  constructor(options: Http2ConnectionOptions) {
    const { address, link, probeFirst, clock } = options;
    this.#options = options;
    this.#where = hostAndPort(address);
    this.#source = options.source;
    this.#clock = clock;
    this.#openedAtMs = clock.now();
    const { indexAuthorization } = link;
    const codecOptions = { listener: this, authority: authority(address), indexAuthorization, probeFirst };
    this.#codec = new ClientConnection(codecOptions);
    this.#token = new TokenInUse(options.providerToken);
    this.#watch = new AnswerWatch(clock, options.gate, this.counts, options.startLimit);
    this.#refusalPause = new RefusalPause(clock, () => this.pump());
    this.#idleness = new Idleness(clock, (verdict) => this.#act(verdict));
    // Whatever a thread that was busy finds to be late, what the kernel holds is read first: it may be the answer.
    this.#tickTimer = new Timer(clock, () => clock.defer(this.#onTick));
    this.#deadline = new Timer(clock, () => {
      const isOpening = this.#state === 'opening';
      clock.defer(() => this.#onDeadline(isOpening));
    });
    this.#deadline.set(link.connectTimeoutMs);
    this.#stream = options.backend.open(openOptions(options, 'h2'), this);
    this.#coalescer = new ReadCoalescer(clock, this.#stream, () => {
      this.pump();
      return this.inFlight;
    });
  }

  get id(): number {
    return this.#options.id;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get inFlight(): number {
    return this.counts.inFlight;
  }

  get ageMs(): number {
    return this.#clock.now() - this.#openedAtMs;
  }

  get idleMs(): number {
    return this.inFlight > 0 ? 0 : this.#idleness.ms;
  }

  /**
   * Whether `run` has to wait here because the peer's limits or windows are used up, or as good as. Not so where the
   * gateway refuses requests or finds fault with them: it would do so on other connections too.
   */
  isFullFor(run: RequestRun): boolean {
    if (!this.#maySend || this.#watch.isSlowed) return false;
    return isTooFew(this.#codec.credit(nextPayloadBytes(run)), this.inFlight);
  }

  setProviderToken(token: string | null): void {
    const { oldestOpenStreamId, nextStreamId } = this.#codec;
    if (this.#token.set(token, oldestOpenStreamId, nextStreamId)) this.#templates.clear();
  }

  pump(): void {
    if (this.#isWriting || this.#isReceiving || this.#isPumping) return;
    this.#isPumping = true;
    if (this.#maySend) this.#takeWork();
    this.#isPumping = false;
    this.#flush();
  }

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

  abandon(cause: PealError | null): void {
    if (this.#state === 'closed') return;
    this.#endCause ??= cause;
    this.#state = 'closing';
    this.#stream.destroy();
  }

  // --- what the stream tells ---

  onOpen(): void {
    if (this.#state !== 'opening') return;
    this.#codec.start();
    this.#flush();
    this.#tickTimer.set(keepaliveTickMs);
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#state === 'closed') return;
    this.counts.bytesReceived += length;
    this.#signs.heard();
    this.#idleness.heard();
    this.#isReceiving = true;
    this.#codec.receive(buffer, length);
    this.#isReceiving = false;
    this.#afterRead();
    if (!this.#coalescer.afterRead(length, this.inFlight)) this.pump();
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

  onAccepted(tag: number, fields: ResponseFields | null): void {
    this.counts.answers++;
    if (this.#keepsIds && fields !== null) this.#source.onIds?.(tag, fields.apnsId, fields.uniqueId);
    this.#source.onAccepted(tag);
  }

  onRejected(tag: number, status: number, body: Uint8Array, fields: ResponseFields): void {
    const answer = answerOf(status, body, fields, this.#clock);
    this.counts.answers++;
    this.#watch.rejected(answer, this.#source.isRetry(tag));
    this.#source.onRejected(tag, answer);
  }

  onUnsent(tag: number, cause: PealError): void {
    this.counts.unprocessed++;
    // Of a GOAWAY the codec knows the error code only, and not the reason.
    const why = cause.code === 'ERR_PEAL_GOAWAY' ? (this.#endCause ?? cause) : cause;
    const isOfStream = cause.code === 'ERR_PEAL_REFUSED' || cause.code === 'ERR_PEAL_RESET';
    this.#source.onUnsent(tag, why, isOfStream || this.counts.progress > 0 || this.#hasPromised);
  }

  onUnknown(tag: number, cause: PealError): void {
    this.counts.unanswered++;
    this.#source.onUnknown(tag, cause);
  }

  onGoaway(lastStreamId: number, errorCode: number, debug: Uint8Array): void {
    this.#hasPromised = lastStreamId > 0 && errorCode === NO_ERROR;
    const cause = errors.goawayError(this.#where, errorCode, debug);
    // Of several, the one that says most: a graceful one is often followed by one with an error or a reason.
    if (this.#endCause === null || errorCode !== NO_ERROR || debug.length > 0) this.#endCause = cause;
    this.#options.log.info({ connection: this.id, lastStreamId, errorCode }, cause.message);
  }

  // --- requests ---

  get #maySend(): boolean {
    return this.#state === 'ready' && this.#options.gate.isOpen && !this.#refusalPause.isActive;
  }

  #takeWork(): void {
    if (this.inFlight === 0 && this.#source.current() !== null && this.#idleness.holdsWork()) return;
    for (let run = this.#source.current(); run !== null; run = this.#source.current()) {
      const waiting = run.order.length - run.head;
      this.#watch.sending();
      const credit = this.#watch.limit(this.#codec.credit(nextPayloadBytes(run)), this.inFlight);
      if (credit < waiting && isTooFew(credit, this.inFlight)) return;
      if (run.keepsIds === true) this.#keepIds();
      const template = this.#templates.templateFor(run);
      const count = Math.min(credit, waiting);
      const submitted = this.#codec.submit(template, run, count);
      if (submitted > 0) {
        this.counts.submitted += submitted;
        this.#source.taken(run, submitted);
      } else if (template.refusal !== null) {
        refuseRun(this.#source, run, template.refusal);
      } else {
        return;
      }
    }
  }

  /** From the first run on that asks for ids. */
  #keepIds(): void {
    if (this.#keepsIds) return;
    this.#keepsIds = true;
    this.#codec.keepIds();
  }

  #flush(): void {
    if (this.#isWriting || this.#hasEndedStream) return;
    const output = this.#codec.takeOutput();
    if (output !== null) {
      this.#isWriting = true;
      this.counts.bytesSent += output.length;
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
    if (goaway !== null) this.drain(drainTimeoutMs, this.#endCause);
    else if (isExhausted) this.drain(requestTimeoutMs, null);
    if (this.#state === 'draining') this.#closeIfDone();
  }

  #becomeReady(): void {
    this.#state = 'ready';
    this.#deadline.clear();
    this.#options.log.debug({ connection: this.id, peerMaxStreams: this.#codec.peerMaxStreams }, 'connection ready');
    this.#options.owner.onConnectionReady(this);
  }

  #afterAnswers(): void {
    const { readAnswers, readUnprocessed, readUnanswered } = this.counts;
    if (readAnswers + readUnprocessed + readUnanswered === 0) return;
    this.counts.endRead();
    if (this.inFlight === 0) this.#idleness.begin();
    if (this.#state === 'ready') this.#refusalPause.afterRead(readUnprocessed, readAnswers);
    if (readAnswers > 0) this.#judgeAnswers(readAnswers);
    else if (readUnprocessed > 0) this.#watch.refused(readUnprocessed);
    if (readUnanswered > 0) this.#watch.lost(readUnanswered);
  }

  /** What the answers of one read mean for this connection and its pool. */
  #judgeAnswers(answers: number): void {
    const watch = this.#watch;
    const { owner } = this.#options;
    if (watch.afterRead(answers)) owner.onConnectionAnswered(this);
    const token = watch.isTokenExpired ? this.#token.suspect : null;
    if (token !== null) owner.onTokenExpired(this, token);
    const { wedge } = watch;
    if (wedge === null || this.#state !== 'ready') return;
    this.drain(wedge === 'shutdown' ? drainTimeoutMs : requestTimeoutMs, errors.wedgedError(this.#where, wedge));
  }

  // --- the end ---

  /** The gateway broke the protocol: a GOAWAY says so, then the stream ends (RFC 9113 §5.4.1). */
  #fail(failure: PealError): void {
    if (this.#state === 'closing') return;
    const wasReady = this.#state === 'ready';
    const cause = errors.brokenError(this.#where, failure);
    this.#endCause ??= cause;
    this.#state = 'closing';
    this.#deadline.setNoLaterThan(farewellTimeoutMs);
    this.#codec.abandon(cause);
    this.#flush();
    if (wasReady) this.#options.owner.onConnectionDraining(this, this.#endCause);
  }

  #closeIfDone(): void {
    if (this.#state !== 'draining' || this.inFlight > 0 || this.#isReceiving) return;
    this.#state = 'closing';
    this.#deadline.setNoLaterThan(farewellTimeoutMs);
    this.#codec.close(this.#farewell);
    this.#flush();
  }

  readonly #onTick = (): void => {
    if (this.#state === 'closed') return;
    this.#tickTimer.set(keepaliveTickMs);
    const oldestOpenStreamId = this.#codec.oldestOpenStreamId;
    this.#token.review(oldestOpenStreamId);
    const verdict = this.#signs.tick({
      isInFlight: this.inFlight > 0,
      isWriting: this.#isWriting,
      settled: this.counts.settled,
      bytesSent: this.counts.bytesSent,
      oldestOpenStreamId,
      nextStreamId: this.#codec.nextStreamId,
      isSettingsAcked: this.#codec.isSettingsAcked,
      isStarved: this.#isStarved(),
      isLimitStuck:
        this.#watch.isLimitOdd(this.#codec.peerMaxStreams) && this.#maySend && this.#source.current() !== null,
    });
    this.#act(verdict);
  };

  #act(verdict: VitalVerdict): void {
    if (verdict === 'fine') return;
    if (verdict === 'ping') {
      this.#codec.ping(++this.#pings);
      this.#flush();
      return;
    }
    const isWindowless = verdict === 'overdue' && this.#codec.hasBlockedBodies;
    const cause = errors.verdictError(this.#where, isWindowless ? 'windowless' : verdict);
    if (verdict === 'unacked') this.#farewell = SETTINGS_TIMEOUT;
    if (verdict === 'stuck') this.#options.gate.hasReplacedForLimit = true;
    // Who does not read or is gone has no more answers to give; from others they may still come.
    if (verdict === 'silent' || verdict === 'stalled') this.abandon(cause);
    else if (verdict === 'overdue') this.drain(this.#signs.isEachOverdue ? closeTimeoutMs : drainTimeoutMs, cause);
    else this.drain(requestTimeoutMs, cause);
  }

  #onDeadline(wasOpening: boolean): void {
    const { address, link } = this.#options;
    const isReached = this.counts.bytesSent > 0;
    if (!wasOpening) this.abandon(null);
    else if (this.#state === 'opening')
      this.abandon(errors.openTimeoutError(address, link.connectTimeoutMs, isReached));
  }

  /** Work waits, nothing is under way, and still the gateway allows no request. */
  #isStarved(): boolean {
    if (!this.#maySend || this.inFlight > 0 || this.#isWriting) return false;
    const run = this.#source.current();
    return run !== null && this.#codec.credit(nextPayloadBytes(run)) <= 0;
  }

  #stopTimers(): void {
    this.#tickTimer.clear();
    this.#deadline.clear();
    this.#coalescer.stop();
    this.#refusalPause.stop();
    this.#idleness.stop();
  }
}
