/**
 * One connection to a gateway of the binary protocol. Owned by ConnectionPool; everything happens on the thread that
 * made it, in the callbacks of the stream and of timers.
 *
 * The gateway is silent about what it accepts. It answers the first notification that it refuses, with its identifier,
 * discards whatever was sent after it, and closes. So a notification is known to be accepted when a later one is
 * answered, and a connection ends by asking for such an answer: a *flush*, a known-bad notification.
 *
 *   opening ─ open ─▶ ready ─ window full, nothing left to write, drain() ─▶ draining ─ flush answered ─▶ closing
 *      │                │                                                       │                            │
 *      │                └─ status: before it accepted, it rejected, after it discarded ─────────────────────▶│
 *      └──── stream over: what is unproven is unknown ────────────────────────────────────────────────▶ closed
 *
 * One write is outstanding at a time, and recipients are marked before their bytes are handed over. After each write
 * the loop gets to read before the next one: a gateway that answers and closes at once would otherwise not be heard,
 * because the next write fails and takes the unread status with it.
 */
import { bareAnswer } from '../../apns/answer.js';
import { binaryReasonOf } from '../../apns/reason.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  closeTimeoutMs,
  farewellTimeoutMs,
  flushIntervalMs,
  flushLingerMs,
  maxUnprovenNotifications,
} from '../../base/limits.js';
import { PatientTimer, Timer } from '../../base/timers.js';
import { FrameOutput } from '../../codec/binary/frame-output.js';
import { FrameTemplate } from '../../codec/binary/frame-template.js';
import { StatusDecoder, type StatusListener } from '../../codec/binary/status.js';
import { STATUS_MISSING_TOKEN, STATUS_NO_ERROR, STATUS_SHUTDOWN } from '../../codec/binary/wire.js';
import type { ByteStream, ByteStreamListener } from '../../transport/backend.js';
import { hostAndPort } from '../../transport/tls-errors.js';
import * as errors from '../connection-errors.js';
import { type ConnectionOptions, openOptions } from '../connection-options.js';
import type { ConnectionState, GatewayConnection } from '../gateway-connection.js';
import { RequestCounts } from '../request-counts.js';
import { refuseRun } from '../request-flow.js';
import type { RequestRun, RequestSource } from '../request-source.js';
import { personalKinds, TemplateCache } from '../template-cache.js';
import { DeliveryWindow } from './delivery-window.js';

export class BinaryConnection implements GatewayConnection, ByteStreamListener, StatusListener {
  readonly counts = new RequestCounts();
  readonly #options: ConnectionOptions;
  readonly #where: string;
  readonly #source: RequestSource;
  readonly #clock: Clock;
  readonly #stream: ByteStream;
  readonly #flushes: boolean;
  readonly #output: FrameOutput;
  readonly #templates = new TemplateCache(frameTemplate);
  readonly #window = new DeliveryWindow(maxUnprovenNotifications);
  readonly #statuses = new StatusDecoder(this);
  /** Nothing was written for a while. */
  readonly #quietTimer: PatientTimer;
  /** Something has been unproven for long. */
  readonly #provingTimer: Timer;
  readonly #writeTimer: PatientTimer;
  readonly #deadline: PatientTimer;
  readonly #openedAtMs: number;
  #state: ConnectionState = 'opening';
  #isWriting = false;
  #isReceiving = false;
  #isPumping = false;
  #isFlushDue = false;
  /** The identifier of the flush that was written; 0 before. */
  #flushIdentifier = 0;
  /** The gateway has had its word: it discards everything else. */
  #isAnswered = false;
  /** It has said what the next connection need not wait for. */
  #hasServed = false;
  /** What the end of the connection says of the gateway; null while it is as the protocol wants it. */
  #endCause: PealError | null = null;
  #idleSinceMs: number;

  constructor(options: ConnectionOptions) {
    const { address, link, clock } = options;
    this.#options = options;
    this.#where = hostAndPort(address);
    this.#source = options.source;
    this.#clock = clock;
    this.#openedAtMs = clock.now();
    this.#idleSinceMs = this.#openedAtMs;
    this.#flushes = link.flush || link.readTailTimeoutMs <= 0;
    this.#output = new FrameOutput(link.writeBufferSize);
    const heard = (): number => this.counts.bytesReceived;
    const onWriteTimeout = (): void => this.abandon(errors.writeTimeoutError(this.#where, link.writeTimeoutMs));
    this.#quietTimer = new PatientTimer(clock, heard, () => this.#onQuiet());
    this.#provingTimer = new Timer(clock, () => this.#flushSoon());
    this.#writeTimer = new PatientTimer(clock, heard, onWriteTimeout);
    this.#deadline = new PatientTimer(clock, heard, () => this.#onDeadline());
    this.#deadline.set(link.connectTimeoutMs);
    this.#stream = options.backend.open(openOptions(options, null), this);
  }

  get id(): number {
    return this.#options.id;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get inFlight(): number {
    return this.#window.size;
  }

  get ageMs(): number {
    return this.#clock.now() - this.#openedAtMs;
  }

  get idleMs(): number {
    return this.inFlight > 0 ? 0 : this.#clock.now() - this.#idleSinceMs;
  }

  /** The line takes no more, or what is on it has to be proven first. */
  isFullFor(_run: RequestRun): boolean {
    return this.#state === 'ready' && (this.#isWriting || this.#window.room === 0);
  }

  /** The binary protocol knows certificates only. */
  setProviderToken(_token: string | null): void {}

  pump(): void {
    if (this.#isWriting || this.#isReceiving || this.#isPumping) return;
    const wasReady = this.#state === 'ready';
    this.#isPumping = true;
    if (wasReady) this.#takeWork();
    if (this.#isFlushWanted()) this.#appendFlush();
    this.#isPumping = false;
    this.#write();
    if (wasReady && this.#state === 'draining') this.#options.owner.onConnectionDraining(this, null);
    this.#watchQuiet();
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
    this.pump();
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
    this.#deadline.clear();
    this.#state = 'ready';
    this.#options.log.debug({ connection: this.id }, 'connection ready');
    this.#options.owner.onConnectionReady(this);
    this.pump();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    this.counts.bytesReceived += length;
    if (this.#state === 'closing' || this.#state === 'closed') return;
    const answersBefore = this.counts.answers;
    this.#isReceiving = true;
    this.#statuses.receive(buffer, length);
    this.#isReceiving = false;
    this.#tellProgress(answersBefore);
    if (this.#statuses.failure !== null) this.abandon(this.#statuses.failure);
    else if (this.#isAnswered) this.#endAnswered();
  }

  onClosed(error: PealError | null): void {
    const isWanted = this.#state === 'closing' && this.#endCause === null;
    this.#state = 'closed';
    this.#stopTimers();
    const cause = this.#endCause ?? error ?? (isWanted ? errors.closedByUsError : errors.endedError)(this.#where);
    // With TLS 1.3 a gateway refuses a certificate after the connection is open: nothing written was processed then.
    if (error !== null && error.origin === 'credential' && this.counts.answers === 0) this.#returnUnproven(error);
    while (this.#window.size > 0) this.#source.onUnknown(this.#window.shift(), cause);
    this.#options.owner.onConnectionClosed(this, isWanted ? null : cause);
  }

  // --- what the gateway says ---

  /** From within receive(). */
  onStatus(status: number, identifier: number): void {
    if (this.#isAnswered) return;
    const fields = { connection: this.id, status, identifier, unproven: this.#window.size };
    this.#options.log.debug(fields, 'status received');
    if (this.#isAnswerToFlush(status, identifier)) {
      this.#isAnswered = true;
      this.#accept(this.#window.size);
      this.#hasServed = true;
    } else if (status === STATUS_NO_ERROR && this.#window.holds(identifier)) {
      this.#accept(identifier - this.#window.first + 1);
    } else {
      this.#isAnswered = true;
      this.#fail(status, identifier);
    }
  }

  /** The identifier of a flush stands for it whatever the status; 0 only with the status that a flush asks for. */
  #isAnswerToFlush(status: number, identifier: number): boolean {
    if (this.#flushIdentifier === 0) return false;
    return identifier === this.#flushIdentifier || (identifier === 0 && status === STATUS_MISSING_TOKEN);
  }

  #fail(status: number, identifier: number): void {
    const window = this.#window;
    if (status === STATUS_SHUTDOWN && window.canEndAt(identifier)) {
      this.#accept(identifier - window.first + 1);
      this.#endCause ??= errors.statusError(this.#where, status);
    } else if (status !== STATUS_SHUTDOWN && window.holds(identifier)) {
      this.#accept(identifier - window.first);
      this.#reject(status);
    } else {
      this.#endCause ??= errors.strayStatusError(this.#where, status, identifier);
      while (window.size > 0) this.#source.onUnknown(window.shift(), this.#endCause);
      return;
    }
    this.#returnUnproven(errors.discardedError(this.#where, status));
  }

  #reject(status: number): void {
    const known = binaryReasonOf(status);
    this.counts.answers++;
    this.#source.onRejected(this.#window.shift(), bareAnswer(status, known?.reason ?? ''));
    if (known !== null && known.class !== 'transient') this.#hasServed = true;
    else this.#endCause ??= errors.statusError(this.#where, status);
  }

  #accept(count: number): void {
    this.counts.answers += count;
    for (let i = 0; i < count; i++) this.#source.onAccepted(this.#window.shift());
    if (this.#window.size > 0) return;
    this.#idleSinceMs = this.#clock.now();
    this.#provingTimer.clear();
  }

  /** Certainly not processed. From the last to the first, because what comes back goes to the head of its run. */
  #returnUnproven(cause: PealError): void {
    while (this.#window.size > 0) this.#source.onUnsent(this.#window.pop(), cause);
  }

  // --- notifications ---

  #takeWork(): void {
    for (let run = this.#source.current(); run !== null; run = this.#source.current()) {
      const count = Math.min(this.#window.room, run.order.length - run.head);
      if (count === 0) return;
      try {
        const template = this.#templates.templateFor(run);
        const appended = this.#output.append(template, run, count, this.#window.next);
        if (appended === 0) return;
        this.#window.push(run, appended);
        this.#source.taken(run, appended);
      } catch (error) {
        if (!(error instanceof PealError)) throw error;
        // The protocol cannot carry this notification at all.
        refuseRun(this.#source, run, error);
      }
    }
  }

  #write(): void {
    if (this.#output.isEmpty || this.#isWriting) return;
    const bytes = this.#output.take();
    this.#isWriting = true;
    this.counts.bytesSent += bytes.length;
    this.#quietTimer.clear();
    this.#writeTimer.set(this.#options.link.writeTimeoutMs);
    if (this.#flushes && !this.#provingTimer.isSet) this.#provingTimer.set(flushIntervalMs);
    const fields = { connection: this.id, bytes: bytes.length, unproven: this.#window.size };
    this.#options.log.trace(fields, this.#flushIdentifier === 0 ? 'writing' : 'writing up to a flush');
    this.#stream.write(bytes, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    this.#writeTimer.clear();
    // Later, and not at once: the loop has to look for a status first.
    this.#clock.defer(this.#afterWrite);
  };

  readonly #afterWrite = (): void => {
    this.#isWriting = false;
    this.#output.reset();
    if (this.#state === 'closing') this.#stream.end();
    else if (this.#state !== 'closed') this.pump();
  };

  // --- proving what was written ---

  #isFlushWanted(): boolean {
    const { size, room } = this.#window;
    if (!this.#flushes || this.#flushIdentifier !== 0 || size === 0) return false;
    return this.#state === 'draining' || (this.#state === 'ready' && (this.#isFlushDue || room === 0));
  }

  /** Goes out in the same write as what it proves. No work follows it. */
  #appendFlush(): void {
    this.#flushIdentifier = this.#window.next;
    this.#output.appendFlush(this.#flushIdentifier);
    this.#state = 'draining';
    this.#deadline.setNoLaterThan(this.#options.link.readTimeoutMs);
  }

  #flushSoon(): void {
    this.#isFlushDue = true;
    this.pump();
  }

  /** Waits for more to write before it flushes, or for silence to prove what was written. */
  #watchQuiet(): void {
    if (this.#isWriting || this.#quietTimer.isSet || this.#window.size === 0 || this.#flushIdentifier !== 0) return;
    this.#quietTimer.set(this.#flushes ? flushLingerMs : this.#options.link.readTailTimeoutMs);
  }

  #onQuiet(): void {
    if (this.#flushes) {
      this.#flushSoon();
      return;
    }
    if (this.#state === 'closing') return;
    // Half a status is no silence: the rest of it, or the end of the stream, will say what is what.
    if (this.#statuses.isPartial) {
      this.#deadline.setNoLaterThan(this.#options.link.readTimeoutMs);
      return;
    }
    const answersBefore = this.counts.answers;
    this.#accept(this.#window.size);
    this.#hasServed = true;
    this.#tellProgress(answersBefore);
    if (this.#state === 'ready' && this.#window.isExhausted) this.drain(closeTimeoutMs, null);
    this.pump();
    this.#closeIfDone();
  }

  #tellProgress(answersBefore: number): void {
    const { owner } = this.#options;
    if (answersBefore === 0 && this.counts.answers > 0) owner.onConnectionAnswered(this);
    if (this.#hasServed) owner.onConnectionServed(this);
    this.#hasServed = false;
  }

  // --- the end ---

  /** The gateway closes now, and so do we; whoever still waits for a connection need not wait for that. */
  #endAnswered(): void {
    const wasReady = this.#state === 'ready';
    this.#state = 'closing';
    this.#stopTimers();
    this.#deadline.set(farewellTimeoutMs);
    if (this.#isWriting) this.#stream.destroy();
    else this.#stream.end();
    if (wasReady) this.#options.owner.onConnectionDraining(this, this.#endCause);
  }

  #closeIfDone(): void {
    if (this.#state !== 'draining' || this.inFlight > 0 || this.#isReceiving) return;
    this.#state = 'closing';
    this.#deadline.setNoLaterThan(farewellTimeoutMs);
    if (!this.#isWriting) this.#stream.end();
  }

  #onDeadline(): void {
    const { address, link } = this.#options;
    if (this.#state === 'opening') this.abandon(errors.openTimeoutError(address, link.connectTimeoutMs, false));
    else if (this.#statuses.isPartial) this.abandon(errors.halfStatusError(this.#where));
    else if (this.#state === 'draining' && this.#flushIdentifier !== 0 && this.#endCause === null)
      this.abandon(errors.unansweredFlushError(this.#where));
    else this.abandon(null);
  }

  #stopTimers(): void {
    this.#quietTimer.clear();
    this.#provingTimer.clear();
    this.#writeTimer.clear();
    this.#deadline.clear();
  }
}

/** @throws PealError for a notification that the binary protocol cannot carry. */
function frameTemplate(run: RequestRun): FrameTemplate {
  const { hasPersonalPayloads, ownFields } = personalKinds(run);
  return new FrameTemplate(run.notification, { tokenBytes: run.tokens.tokenBytes, hasPersonalPayloads, ownFields });
}
