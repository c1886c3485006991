/**
 * The life of one connection, whichever protocol it speaks: its stream, its state, why and by when it ends, and what it
 * is in the middle of. Owned by Http2Connection and BinaryConnection, which know what their protocol does at each step;
 * on their thread.
 *
 *   opening ── becomeReady() ──▶ ready ── drain() ──▶ draining ── beginClosing() ──▶ closing ── closed() ──▶ closed
 *      │                          │                      │                              ▲
 *      └───────── abandon() ──────┴──────────────────────┴──────────────────────────────┘
 */
import { assert } from '../base/assert.js';
import type { PealError } from '../base/errors.js';
import { streamEndTimeoutMs } from '../base/limits.js';
import { PatientTimer } from '../base/timers.js';
import type { ByteStream, ByteStreamListener } from '../transport/backend.js';
import { hostAndPort } from '../transport/tls-errors.js';
import { closedByUsError, endedError } from './connection-errors.js';
import { type ConnectionOptions, type ConnectionOwner, openOptions } from './connection-options.js';
import type { ConnectionState, GatewayConnection } from './gateway-connection.js';

export class ConnectionLife {
  state: ConnectionState = 'opening';
  /** Why the connection ends, where that is known before its stream is over. Null while it ends in good order. */
  endCause: PealError | null = null;
  /** A write was handed to the stream, which has not taken it yet. */
  isWriting = false;
  /** The codec reads what has come, and tells what it finds. */
  isReceiving = false;
  /** Recipients are taken from the source. */
  isPumping = false;
  /** Host and port, for messages. */
  readonly where: string;
  /** For the connection to be ready; later, for it to end. */
  readonly deadline: PatientTimer;
  readonly #connection: GatewayConnection;
  readonly #options: ConnectionOptions;
  readonly #openedAtMs: number;
  #stream: ByteStream | null = null;
  #hasOpened = false;
  /** The stream has not called back for the latest write. */
  #owesCallback = false;
  #hasIgnored = false;
  /** The connection ended because its owner wanted it to, and in good order. */
  #isWanted = false;

  /** `onDeadline`: time is up, and what has come by then has been read. */
  constructor(connection: GatewayConnection, options: ConnectionOptions, onDeadline: () => void) {
    const { address, link, clock } = options;
    this.#connection = connection;
    this.#options = options;
    this.#openedAtMs = clock.now();
    this.where = hostAndPort(address);
    this.deadline = new PatientTimer(clock, () => connection.counts.bytesReceived, onDeadline);
    this.deadline.set(link.connectTimeoutMs);
  }

  /** Opens the stream, which tells `listener`. */
  open(listener: ByteStreamListener, alpnProtocol: string | null): ByteStream {
    assert(this.#stream === null, 'the stream of a connection is opened once');
    this.#stream = this.#options.backend.open(openOptions(this.#options, alpnProtocol), listener);
    return this.#stream;
  }

  /** The stream is connected. Returns false where that comes too late, or again. */
  opened(): boolean {
    if (this.#hasOpened) this.#ignore('onOpen again');
    const isFirst = !this.#hasOpened;
    this.#hasOpened = true;
    return isFirst && this.state === 'opening';
  }

  /** A write is handed to the stream. */
  beginWrite(): void {
    assert(!this.isWriting, 'a stream has one write at a time');
    this.isWriting = true;
    this.#owesCallback = true;
  }

  /** The stream has called back for a write. Returns false where there is none that it has not called back for. */
  tookWrite(): boolean {
    const wasOwed = this.#owesCallback;
    this.#owesCallback = false;
    if (!wasOwed && this.state !== 'closed') this.#ignore('onWritten without a write');
    return wasOwed;
  }

  get ageMs(): number {
    return this.#options.clock.now() - this.#openedAtMs;
  }

  /** Whether it is in the middle of a write, a read or a pump: nothing else may be written now. */
  get isBusy(): boolean {
    return this.isWriting || this.isReceiving || this.isPumping;
  }

  /** The pool, to be told something: it may ask the connection to write at once. */
  get owner(): ConnectionOwner {
    assert(!this.isReceiving && !this.isPumping, 'an owner is told of a connection that neither reads nor pumps');
    return this.#options.owner;
  }

  /** `details`: for the log. */
  becomeReady(details: object = {}): void {
    assert(this.state === 'opening', 'a connection becomes ready once, and first');
    this.state = 'ready';
    this.deadline.clear();
    this.#options.log.debug({ connection: this.#connection.id, ...details }, 'connection ready');
    this.owner.onConnectionReady(this.#connection);
  }

  /** Returns whether the connection drains now. One that is not open yet is abandoned; one that ends goes on ending. */
  drain(deadlineMs: number, cause: PealError | null): boolean {
    if (this.state === 'closing' || this.state === 'closed') return false;
    if (this.state === 'opening') {
      this.abandon(cause);
      return false;
    }
    this.endCause ??= cause;
    this.deadline.setNoLaterThan(deadlineMs);
    if (this.state === 'ready') {
      this.state = 'draining';
      this.tellDraining();
    }
    return true;
  }

  /** The owner learns that the connection takes no more work. */
  tellDraining(): void {
    this.owner.onConnectionDraining(this.#connection, this.endCause);
  }

  /** Whether it drains, and nothing is left to wait for. */
  get isDone(): boolean {
    return this.state === 'draining' && this.#connection.inFlight === 0 && !this.isReceiving;
  }

  /** The stream is to end soon. */
  beginClosing(): void {
    assert(this.state !== 'closed', 'a connection that is closed does not close again');
    this.state = 'closing';
    this.deadline.setNoLaterThan(streamEndTimeoutMs);
  }

  /** Ends the stream now; it tells when it is over. */
  abandon(cause: PealError | null): void {
    if (this.state === 'closed') return;
    this.endCause ??= cause;
    this.state = 'closing';
    this.#stream?.destroy();
  }

  /**
   * The stream is over, because of `error` where it failed. Returns what requests without an outcome are told; null for
   * the second time.
   */
  closed(error: PealError | null): PealError | null {
    if (this.state === 'closed') {
      this.#ignore('onClosed again');
      return null;
    }
    this.#owesCallback = false;
    this.#isWanted = this.state === 'closing' && this.endCause === null;
    this.state = 'closed';
    this.deadline.clear();
    return this.endCause ?? error ?? (this.#isWanted ? closedByUsError : endedError)(this.where);
  }

  /** The owner learns that the connection is over. */
  tellClosed(cause: PealError): void {
    assert(this.#connection.inFlight === 0, 'every request has its outcome before its connection is over');
    this.owner.onConnectionClosed(this.#connection, this.#isWanted ? null : cause);
  }

  /**
   * A back-end may be the program's own, so a call that its contract forbids is no fault of this code. Logs the first.
   */
  #ignore(call: string): void {
    if (this.#hasIgnored) return;
    this.#hasIgnored = true;
    const message = `the back-end called ${call}, which its contract (docs/backends.md) forbids: the call is ignored`;
    this.#options.log.warn({ connection: this.#connection.id }, message);
  }
}
