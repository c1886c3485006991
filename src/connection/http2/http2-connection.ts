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
 * The decisions are made beside it: vital-signs and idleness (time), answer-monitor (answers), send-gate (pool).
 */
import type { PealError } from '../../base/errors.js';
import { closeTimeoutMs, drainTimeoutMs, keepaliveTickMs, requestTimeoutMs } from '../../base/limits.js';
import { PatientTimer } from '../../base/timers.js';
import { NO_ERROR, SETTINGS_TIMEOUT } from '../../codec/http2/frames.js';
import { ClientConnection } from '../../codec/requests/client-connection.js';
import type { ResponseListener } from '../../codec/requests/response-listener.js';
import { authority } from '../../push/address.js';
import type { AnswerFields } from '../../push/answer.js';
import type { Http2PushProtocol } from '../../push/push-protocol.js';
import { http2PushProtocolOf } from '../../push-services/push-protocols.js';
import type { ByteStream, ByteStreamListener } from '../../transport/backend.js';
import * as errors from '../connection-errors.js';
import { ConnectionLife } from '../connection-life.js';
import type { Http2ConnectionOptions } from '../connection-options.js';
import type { ConnectionState, GatewayConnection } from '../gateway-connection.js';
import { RequestCounts } from '../request-counts.js';
import { isTooFew, nextPayloadBytes, refuseRun } from '../request-flow.js';
import type { RequestRun, RequestSource } from '../request-source.js';
import { personalKinds, TemplateCache } from '../template-cache.js';
import { AnswerMonitor } from './answer-monitor.js';
import { Idleness } from './idleness.js';
import { PingWaits } from './ping-waits.js';
import { ReadCoalescer } from './read-coalescer.js';
import { RefusalPause } from './refusal-pause.js';
import { TokenInUse } from './token-in-use.js';
import { VitalSigns, type VitalVerdict } from './vital-signs.js';

export class Http2Connection implements GatewayConnection, ByteStreamListener, ResponseListener {
  readonly counts = new RequestCounts();
  readonly #options: Http2ConnectionOptions;
  readonly #service: Http2PushProtocol;
  readonly #life: ConnectionLife;
  readonly #source: RequestSource;
  readonly #codec: ClientConnection;
  readonly #stream: ByteStream;
  readonly #templates = new TemplateCache((run) => {
    const { tokenBytes } = run.tokens;
    const providerToken = this.#token.current;
    return this.#codec.template(run.notification, { tokenBytes, providerToken, ...personalKinds(run) });
  });
  readonly #token: TokenInUse;
  readonly #signs = new VitalSigns();
  readonly #answers: AnswerMonitor;
  readonly #coalescer: ReadCoalescer;
  readonly #refusalPause: RefusalPause;
  readonly #idleness: Idleness;
  readonly #tickTimer: PatientTimer;
  readonly #pingWaits: PingWaits;
  #keepsIds = false;
  /** The time is taken for each write and each read. */
  #isTimed = false;
  #readAtMs = 0;
  #hasEndedStream = false;
  /** The error code of the GOAWAY that we send. */
  #goawayCode = NO_ERROR;
  /** A GOAWAY in good order said that it will answer what came first: the connection serves. */
  #hasPromised = false;
  #pings = 0;

  constructor(options: Http2ConnectionOptions) {
    const { address, probeFirst, clock } = options;
    const { indexAuthorization } = options.link;
    const heard = (): number => this.counts.bytesReceived;
    this.#options = options;
    this.#source = options.source;
    this.#life = new ConnectionLife(this, options, () => this.#onDeadline());
    this.#service = http2PushProtocolOf(address.protocol);
    const { authorizationScheme } = this.#service;
    const requests = { authority: authority(address), path: this.#service.pathOf(address), authorizationScheme };
    const codecOptions = { listener: this, ...requests, indexAuthorization, probeFirst };
    this.#codec = new ClientConnection(codecOptions);
    this.#token = new TokenInUse(options.providerToken);
    this.#answers = new AnswerMonitor(clock, options.gate, this.counts, options.startLimit, this.#service);
    this.#refusalPause = new RefusalPause(clock, () => this.pump());
    this.#idleness = new Idleness(clock, heard, (verdict) => this.#act(verdict));
    this.#tickTimer = new PatientTimer(clock, heard, () => this.#onTick());
    this.#pingWaits = new PingWaits(clock);
    this.#stream = this.#life.open(this, 'h2');
    this.#coalescer = new ReadCoalescer(clock, this.#stream, () => {
      this.pump();
      return this.inFlight;
    });
  }

  get id(): number {
    return this.#options.id;
  }

  get state(): ConnectionState {
    return this.#life.state;
  }

  get streamLimit(): number | null {
    return this.#codec.peerMaxStreams;
  }

  get inFlight(): number {
    return this.counts.inFlight;
  }

  get ageMs(): number {
    return this.#life.ageMs;
  }

  get idleMs(): number {
    return this.inFlight > 0 ? 0 : this.#idleness.ms;
  }

  get isStarting(): boolean {
    return this.#maySend && this.inFlight > 0 && this.#answers.isStarting;
  }

  /**
   * Whether `run` has to wait here because the peer's limits or windows are used up, or nearly. Not so where the
   * gateway refuses requests or finds fault with them: it would do so on other connections too.
   */
  isFullFor(run: RequestRun): boolean {
    if (!this.#maySend || this.#answers.isSlowed) return false;
    return isTooFew(this.#codec.credit(nextPayloadBytes(run)), this.inFlight);
  }

  setProviderToken(token: string | null): void {
    const { oldestOpenStreamId, nextStreamId } = this.#codec;
    if (this.#token.set(token, oldestOpenStreamId, nextStreamId)) this.#templates.clear();
  }

  pump(): void {
    if (this.#life.isBusy) return;
    this.#life.isPumping = true;
    if (this.#maySend) this.#takeWork();
    this.#life.isPumping = false;
    this.#flush();
  }

  ping(): Promise<boolean> {
    const number = ++this.#pings;
    this.#codec.ping(number);
    const answered = this.#pingWaits.add(number);
    this.#flush();
    return answered;
  }

  drain(deadlineMs: number, cause: PealError | null): void {
    if (this.#life.drain(deadlineMs, cause)) this.#closeIfDone();
  }

  abandon(cause: PealError | null): void {
    this.#life.abandon(cause);
  }

  // --- what the stream tells ---

  onOpen(): void {
    if (!this.#life.opened()) return;
    this.#codec.start();
    this.#flush();
    this.#tickTimer.set(keepaliveTickMs);
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#life.state === 'closed') return;
    this.counts.bytesReceived += length;
    this.#signs.heard();
    this.#idleness.heard();
    if (this.#isTimed) this.#readAtMs = this.#options.clock.now();
    this.#life.isReceiving = true;
    this.#codec.receive(buffer, length);
    this.#life.isReceiving = false;
    this.#afterRead();
    if (!this.#coalescer.afterRead(length, this.inFlight)) this.pump();
  }

  onClosed(error: PealError | null): void {
    const cause = this.#life.closed(error);
    if (cause === null) return;
    this.#stopTimers();
    this.#codec.abandon(cause);
    this.#life.tellClosed(cause);
  }

  // --- what the codec tells, from within receive() and abandon() ---

  onAccepted(tag: number, fields: AnswerFields | null, body: Uint8Array): void {
    this.counts.answers++;
    if (this.#isTimed) this.#tellLatency(tag);
    if (this.#keepsIds && fields !== null) this.#tellIds(tag, fields, body);
    this.#source.onAccepted(tag);
  }

  onRejected(tag: number, status: number, body: Uint8Array, fields: AnswerFields): void {
    const answer = this.#service.answerOf(status, body, fields, this.#options.clock);
    this.counts.answers++;
    if (this.#isTimed) this.#tellLatency(tag);
    this.#answers.rejected(answer, this.#source.isRetry(tag));
    this.#source.onRejected(tag, answer);
  }

  onUnsent(tag: number, cause: PealError): void {
    this.counts.unprocessed++;
    // Of a GOAWAY the codec knows the error code only, and not the reason.
    const why = cause.code === 'ERR_PEAL_GOAWAY' ? (this.#life.endCause ?? cause) : cause;
    const isOfStream = cause.code === 'ERR_PEAL_REFUSED' || cause.code === 'ERR_PEAL_RESET';
    this.#source.onUnsent(tag, why, isOfStream || this.counts.progress > 0 || this.#hasPromised);
  }

  onUnknown(tag: number, cause: PealError): void {
    this.counts.unanswered++;
    this.#source.onUnknown(tag, cause);
  }

  onGoaway(lastStreamId: number, errorCode: number, debug: Uint8Array): void {
    this.#hasPromised = lastStreamId > 0 && errorCode === NO_ERROR;
    const life = this.#life;
    const { protocol } = this.#service;
    const cause = errors.goawayError(life.where, errorCode, this.#service.reasonOfGoaway(debug), protocol);
    // Of several GOAWAYs the one that says most: a graceful one is often followed by one with an error or a reason.
    if (life.endCause === null || errorCode !== NO_ERROR || debug.length > 0) life.endCause = cause;
    this.#options.log.info({ connection: this.id, lastStreamId, errorCode }, cause.message);
  }

  // --- requests ---

  get #maySend(): boolean {
    return this.#life.state === 'ready' && this.#options.gate.isOpen && !this.#refusalPause.isActive;
  }

  #takeWork(): void {
    if (this.inFlight === 0 && this.#source.current() !== null && this.#idleness.holdsWork()) return;
    for (let run = this.#source.current(); run !== null; run = this.#source.current()) {
      const waiting = run.order.length - run.head;
      this.#answers.sending();
      const credit = this.#answers.limit(this.#codec.credit(nextPayloadBytes(run)), this.inFlight);
      if (credit < waiting && isTooFew(credit, this.inFlight)) return;
      const wanted = Math.min(credit, waiting);
      const count = this.#source.allow?.(wanted) ?? wanted;
      if (count === 0) return;
      if (run.keepsIds === true) this.#keepIds();
      if (run.isTimed === true) this.#takeTimes();
      const template = this.#templates.templateFor(run);
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
    this.#codec.keepIds(this.#service.acceptedIdOf !== null);
  }

  /** From the first run on that asks for it. */
  #takeTimes(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#codec.keepMarks();
  }

  #tellIds(tag: number, fields: AnswerFields, body: Uint8Array): void {
    const { acceptedIdOf } = this.#service;
    this.#source.onIds?.(tag, acceptedIdOf === null ? fields.apnsId : acceptedIdOf(body), fields.uniqueId);
  }

  #tellLatency(tag: number): void {
    this.#source.onLatency?.(tag, this.#readAtMs - this.#codec.answerMark);
  }

  #flush(): void {
    if (this.#life.isWriting || this.#hasEndedStream) return;
    const output = this.#codec.takeOutput(this.#isTimed ? this.#options.clock.now() : 0);
    if (output !== null) {
      this.#life.beginWrite();
      this.counts.bytesSent += output.length;
      this.#stream.write(output, this.#onWritten);
    } else if (this.#life.state === 'closing') {
      this.#hasEndedStream = true;
      this.#stream.end();
    }
  }

  readonly #onWritten = (): void => {
    if (!this.#life.tookWrite()) return;
    this.#life.isWriting = false;
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
    this.#pingWaits.heard(this.#codec.lastPingAcked);
    if (this.#life.state === 'opening' && isReady) {
      this.#life.becomeReady({ peerMaxStreams: this.#codec.peerMaxStreams });
    }
    this.#afterAnswers();
    if (goaway !== null) this.drain(drainTimeoutMs, this.#life.endCause);
    else if (isExhausted) this.drain(requestTimeoutMs, null);
    this.#closeIfDone();
  }

  #afterAnswers(): void {
    const { readAnswers, readUnprocessed, readUnanswered } = this.counts;
    if (readAnswers + readUnprocessed + readUnanswered === 0) return;
    this.counts.endRead();
    if (this.inFlight === 0) this.#idleness.begin();
    if (this.#life.state === 'ready') this.#refusalPause.afterRead(readUnprocessed, readAnswers);
    if (readAnswers > 0) this.#judgeAnswers(readAnswers);
    else if (readUnprocessed > 0) this.#answers.refused(readUnprocessed);
    if (readUnanswered > 0) this.#answers.lost(readUnanswered);
  }

  /** What the answers of one read mean for this connection and its pool. */
  #judgeAnswers(answers: number): void {
    const monitor = this.#answers;
    const { owner } = this.#life;
    if (monitor.afterRead(answers)) owner.onConnectionAnswered(this);
    const token = monitor.isTokenExpired ? this.#token.suspect : null;
    if (token !== null) owner.onTokenExpired(this, token);
    const { wedge } = monitor;
    if (wedge === null || this.#life.state !== 'ready') return;
    this.drain(wedge === 'shutdown' ? drainTimeoutMs : requestTimeoutMs, errors.wedgedError(this.#life.where, wedge));
  }

  // --- the end ---

  /** The gateway broke the protocol: a GOAWAY says so, then the stream ends (RFC 9113 §5.4.1). */
  #fail(failure: PealError): void {
    const life = this.#life;
    if (life.state === 'closing') return;
    const wasReady = life.state === 'ready';
    const cause = errors.brokenError(life.where, failure);
    life.endCause ??= cause;
    life.beginClosing();
    this.#codec.abandon(cause);
    this.#flush();
    if (wasReady) life.tellDraining();
  }

  #closeIfDone(): void {
    if (!this.#life.isDone) return;
    this.#life.beginClosing();
    this.#codec.close(this.#goawayCode);
    this.#flush();
  }

  #onTick(): void {
    this.#tickTimer.set(keepaliveTickMs);
    const oldestOpenStreamId = this.#codec.oldestOpenStreamId;
    this.#token.review(oldestOpenStreamId);
    const verdict = this.#signs.tick({
      isInFlight: this.inFlight > 0,
      isWriting: this.#life.isWriting,
      settled: this.counts.settled,
      bytesSent: this.counts.bytesSent,
      oldestOpenStreamId,
      nextStreamId: this.#codec.nextStreamId,
      isSettingsAcked: this.#codec.isSettingsAcked,
      isStarved: this.#isStarved(),
      isLimitStuck:
        this.#options.streamLimits.isWorthReplacing(this.#codec.peerMaxStreams) &&
        this.#maySend &&
        this.#source.current() !== null,
    });
    this.#act(verdict);
  }

  #act(verdict: VitalVerdict): void {
    if (verdict === 'fine') return;
    if (verdict === 'ping') {
      this.#codec.ping(++this.#pings);
      this.#flush();
      return;
    }
    const isWindowless = verdict === 'overdue' && this.#codec.hasBlockedBodies;
    const cause = errors.verdictError(this.#life.where, isWindowless ? 'windowless' : verdict);
    if (verdict === 'unacked') this.#goawayCode = SETTINGS_TIMEOUT;
    if (verdict === 'stuck') this.#options.streamLimits.replaced();
    // A gateway that does not read, or is gone, gives no more answers; others may.
    if (verdict === 'silent' || verdict === 'stalled') this.abandon(cause);
    else if (verdict === 'overdue') this.drain(this.#signs.isEachOverdue ? closeTimeoutMs : drainTimeoutMs, cause);
    else this.drain(requestTimeoutMs, cause);
  }

  #onDeadline(): void {
    const { address, link } = this.#options;
    const isReached = this.counts.bytesSent > 0;
    const isLate = this.#life.state === 'opening';
    this.abandon(isLate ? errors.openTimeoutError(address, link.connectTimeoutMs, isReached) : null);
  }

  /** Work waits, nothing is under way, and still the gateway allows no request. */
  #isStarved(): boolean {
    if (!this.#maySend || this.inFlight > 0 || this.#life.isWriting) return false;
    const run = this.#source.current();
    return run !== null && this.#codec.credit(nextPayloadBytes(run)) <= 0;
  }

  #stopTimers(): void {
    this.#pingWaits.stop();
    this.#tickTimer.clear();
    this.#coalescer.stop();
    this.#refusalPause.stop();
    this.#idleness.stop();
  }
}
