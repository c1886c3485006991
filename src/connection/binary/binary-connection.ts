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
 * the loop reads before the next write: if a gateway answers and closes at once, the next write fails, and the unread
 * status would be lost with it.
 */
import { binaryReasonOf } from '../../apns/reason.js';
import { assert } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { closeTimeoutMs, flushIntervalMs, flushLingerMs, maxUnprovenNotifications } from '../../base/limits.js';
import { PatientTimer, Timer } from '../../base/timers.js';
import { FrameOutput } from '../../codec/binary/frame-output.js';
import { FrameTemplate } from '../../codec/binary/frame-template.js';
import { StatusDecoder, type StatusListener } from '../../codec/binary/status.js';
import { STATUS_MISSING_TOKEN, STATUS_NO_ERROR, STATUS_SHUTDOWN } from '../../codec/binary/wire.js';
import { bareAnswer } from '../../push/answer.js';
import type { ByteStream, ByteStreamListener } from '../../transport/backend.js';
import * as errors from '../connection-errors.js';
import { ConnectionLife } from '../connection-life.js';
import type { ConnectionOptions } from '../connection-options.js';
import type { ConnectionState, GatewayConnection } from '../gateway-connection.js';
import { RequestCounts } from '../request-counts.js';
import { refuseRun } from '../request-flow.js';
import type { RequestRun, RequestSource } from '../request-source.js';
import { personalKinds, TemplateCache } from '../template-cache.js';
import { DeliveryWindow } from './delivery-window.js';

export class BinaryConnection implements GatewayConnection, ByteStreamListener, StatusListener {
  readonly counts = new RequestCounts();
  readonly #options: ConnectionOptions;
  readonly #life: ConnectionLife;
  readonly #source: RequestSource;
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
  #isFlushDue = false;
  /** The identifier of the flush that was written; 0 before. */
  #flushIdentifier = 0;
  /** The gateway has given its last status: it discards everything that was sent after what that names. */
  #isAnswered = false;
  /** The last status is no reason for the next connection to wait. */
  #hasServed = false;
  #idleSinceMs: number;

  constructor(options: ConnectionOptions) {
    const { link, clock } = options;
    this.#options = options;
    this.#source = options.source;
    this.#life = new ConnectionLife(this, options, () => this.#onDeadline());
    this.#idleSinceMs = clock.now();
    this.#flushes = link.flush || link.readTailTimeoutMs <= 0;
    this.#output = new FrameOutput(link.writeBufferSize);
    const heard = (): number => this.counts.bytesReceived;
    const onWriteTimeout = (): void => this.abandon(errors.writeTimeoutError(this.#life.where, link.writeTimeoutMs));
    this.#quietTimer = new PatientTimer(clock, heard, () => this.#onQuiet());
    this.#provingTimer = new Timer(clock, () => this.#flushSoon());
    this.#writeTimer = new PatientTimer(clock, heard, onWriteTimeout);
    this.#stream = this.#life.open(this, null);
  }

  get id(): number {
    return this.#options.id;
  }

  get state(): ConnectionState {
    return this.#life.state;
  }

  get streamLimit(): null {
    return null;
  }

  get inFlight(): number {
    return this.#window.size;
  }

  get ageMs(): number {
    return this.#life.ageMs;
  }

  get idleMs(): number {
    return this.inFlight > 0 ? 0 : this.#options.clock.now() - this.#idleSinceMs;
  }

  /** A new connection takes as much as any other. */
  get isStarting(): boolean {
    return false;
  }

  /** Whether a write is outstanding, or the window is full until what was written is proven. */
  isFullFor(_run: RequestRun): boolean {
    return this.#life.state === 'ready' && (this.#life.isWriting || this.#window.room === 0);
  }

  /** The binary protocol knows certificates only. */
  setProviderToken(_token: string | null): void {}

  pump(): void {
    const life = this.#life;
    if (life.isBusy) return;
    const wasReady = life.state === 'ready';
    life.isPumping = true;
    if (wasReady) this.#takeWork();
    if (this.#isFlushWanted()) this.#appendFlush();
    life.isPumping = false;
    this.#write();
    if (wasReady && life.state === 'draining') life.tellDraining();
    this.#watchQuiet();
  }

  drain(deadlineMs: number, cause: PealError | null): void {
    if (!this.#life.drain(deadlineMs, cause)) return;
    this.pump();
    this.#closeIfDone();
  }

  abandon(cause: PealError | null): void {
    this.#life.abandon(cause);
  }

  // --- what the stream tells ---

  onOpen(): void {
    if (!this.#life.opened()) return;
    this.#life.becomeReady();
    this.pump();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    this.counts.bytesReceived += length;
    if (this.#life.state === 'closing' || this.#life.state === 'closed') return;
    const answersBefore = this.counts.answers;
    this.#life.isReceiving = true;
    this.#statuses.receive(buffer, length);
    this.#life.isReceiving = false;
    this.#tellProgress(answersBefore);
    if (this.#statuses.failure !== null) this.abandon(this.#statuses.failure);
    else if (this.#isAnswered) this.#endAnswered();
  }

  onClosed(error: PealError | null): void {
    const cause = this.#life.closed(error);
    if (cause === null) return;
    this.#stopTimers();
    // With TLS 1.3 a gateway refuses a certificate after the connection is open: nothing written was processed then.
    if (error !== null && error.origin === 'credential' && this.counts.answers === 0) this.#returnUnproven(error);
    while (this.#window.size > 0) this.#source.onUnknown(this.#window.shift(), cause);
    this.#life.tellClosed(cause);
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
      this.#life.endCause ??= errors.statusError(this.#life.where, status);
    } else if (status !== STATUS_SHUTDOWN && window.holds(identifier)) {
      this.#accept(identifier - window.first);
      this.#reject(status);
    } else {
      this.#life.endCause ??= errors.strayStatusError(this.#life.where, status, identifier);
      while (window.size > 0) this.#source.onUnknown(window.shift(), this.#life.endCause);
      return;
    }
    this.#returnUnproven(errors.discardedError(this.#life.where, status));
  }

  #reject(status: number): void {
    const known = binaryReasonOf(status);
    this.counts.answers++;
    this.#source.onRejected(this.#window.shift(), bareAnswer(status, known?.reason ?? ''));
    if (known !== null && known.class !== 'transient') this.#hasServed = true;
    else this.#life.endCause ??= errors.statusError(this.#life.where, status);
  }

  #accept(count: number): void {
    assert(count <= this.#window.size, 'no more notifications are accepted than are unproven');
    this.counts.answers += count;
    for (let i = 0; i < count; i++) this.#source.onAccepted(this.#window.shift());
    if (this.#window.size > 0) return;
    this.#idleSinceMs = this.#options.clock.now();
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
    if (this.#output.isEmpty || this.#life.isWriting) return;
    const bytes = this.#output.take();
    this.#life.beginWrite();
    this.counts.bytesSent += bytes.length;
    this.#quietTimer.clear();
    this.#writeTimer.set(this.#options.link.writeTimeoutMs);
    if (this.#flushes && !this.#provingTimer.isSet) this.#provingTimer.set(flushIntervalMs);
    const fields = { connection: this.id, bytes: bytes.length, unproven: this.#window.size };
    this.#options.log.trace(fields, this.#flushIdentifier === 0 ? 'writing' : 'writing up to a flush');
    this.#stream.write(bytes, this.#onWritten);
  }

  readonly #onWritten = (): void => {
    if (!this.#life.tookWrite()) return;
    this.#writeTimer.clear();
    // In a later turn: a status may have come, and the loop has to read it before anything else is written.
    this.#options.clock.defer(this.#afterWrite);
  };

  readonly #afterWrite = (): void => {
    this.#life.isWriting = false;
    this.#output.reset();
    if (this.#life.state === 'closing') this.#stream.end();
    else if (this.#life.state !== 'closed') this.pump();
  };

  // --- proving what was written ---

  #isFlushWanted(): boolean {
    const { size, room } = this.#window;
    if (!this.#flushes || this.#flushIdentifier !== 0 || size === 0) return false;
    return this.#life.state === 'draining' || (this.#life.state === 'ready' && (this.#isFlushDue || room === 0));
  }

  /** Goes out in the same write as what it proves. No work follows it. */
  #appendFlush(): void {
    assert(this.#flushIdentifier === 0, 'a connection flushes once');
    this.#flushIdentifier = this.#window.next;
    this.#output.appendFlush(this.#flushIdentifier);
    this.#life.state = 'draining';
    this.#life.deadline.setNoLaterThan(this.#options.link.readTimeoutMs);
  }

  #flushSoon(): void {
    this.#isFlushDue = true;
    this.pump();
  }

  /** Waits for more to write before it flushes, or for silence to prove what was written. */
  #watchQuiet(): void {
    if (this.#life.isWriting || this.#quietTimer.isSet || this.#window.size === 0 || this.#flushIdentifier !== 0)
      return;
    this.#quietTimer.set(this.#flushes ? flushLingerMs : this.#options.link.readTailTimeoutMs);
  }

  #onQuiet(): void {
    if (this.#flushes) {
      this.#flushSoon();
      return;
    }
    if (this.#life.state === 'closing') return;
    // Half a status is not silence: the rest of it decides, or the end of the stream.
    if (this.#statuses.isPartial) {
      this.#life.deadline.setNoLaterThan(this.#options.link.readTimeoutMs);
      return;
    }
    const answersBefore = this.counts.answers;
    this.#accept(this.#window.size);
    this.#hasServed = true;
    this.#tellProgress(answersBefore);
    if (this.#life.state === 'ready' && this.#window.isExhausted) this.drain(closeTimeoutMs, null);
    this.pump();
    this.#closeIfDone();
  }

  #tellProgress(answersBefore: number): void {
    const { owner } = this.#life;
    if (answersBefore === 0 && this.counts.answers > 0) owner.onConnectionAnswered(this);
    if (this.#hasServed) owner.onConnectionServed(this);
    this.#hasServed = false;
  }

  // --- the end ---

  /** The gateway closes now, and so do we. The owner is told at once, so that its next connection need not wait. */
  #endAnswered(): void {
    const life = this.#life;
    const wasReady = life.state === 'ready';
    this.#stopTimers();
    life.deadline.clear();
    life.beginClosing();
    if (life.isWriting) this.#stream.destroy();
    else this.#stream.end();
    if (wasReady) life.tellDraining();
  }

  #closeIfDone(): void {
    if (!this.#life.isDone) return;
    this.#life.beginClosing();
    if (!this.#life.isWriting) this.#stream.end();
  }

  #onDeadline(): void {
    this.abandon(this.#lateness());
  }

  /** Returns what the gateway was too slow at; null where the connection was only to end in good order. */
  #lateness(): PealError | null {
    const { address, link } = this.#options;
    const { state, endCause, where } = this.#life;
    if (state === 'opening') return errors.openTimeoutError(address, link.connectTimeoutMs, false);
    if (this.#statuses.isPartial) return errors.halfStatusError(where);
    const isFlushing = state === 'draining' && this.#flushIdentifier !== 0;
    return isFlushing && endCause === null ? errors.unansweredFlushError(where) : null;
  }

  #stopTimers(): void {
    this.#quietTimer.clear();
    this.#provingTimer.clear();
    this.#writeTimer.clear();
  }
}

/** @throws PealError for a notification that the binary protocol cannot carry. */
function frameTemplate(run: RequestRun): FrameTemplate {
  const { hasPersonalPayloads, ownFields } = personalKinds(run);
  return new FrameTemplate(run.notification, { tokenBytes: run.tokens.tokenBytes, hasPersonalPayloads, ownFields });
}
