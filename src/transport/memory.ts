/**
 * Byte streams within one thread, in joined pairs: what one end writes, the other reads, cut into pieces and delayed
 * as the caller decides. Used by tests and by the seeded simulation of the whole sender; time and chance come in from
 * outside, so the same seed gives the same run.
 *
 *   end A ── write ──▶ queue of copies ── pieces, in order ──▶ onBytes of end B
 *   end B ── write ──▶ queue of copies ── pieces, in order ──▶ onBytes of end A
 *
 * Like a socket, an end takes a write at once while the queue to the other end is short, and calls back later, once
 * the other end has read, when it is long.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { callback, checkOptions, type OptionRules, optionError, unchecked } from '../base/options.js';
import type { Backend, BackendStream, ByteStreamListener, OpenOptions, StreamDetails } from './backend.js';

export interface MemoryOptions {
  /** `defer` and, with a delay, `setTimer` move everything. */
  readonly clock: Clock;
  /** Bytes of the next piece, when `waiting` bytes wait; clamped to 1 … waiting. Default: all. */
  readonly pieceBytes?: (waiting: number) => number;
  /** Milliseconds before the next piece arrives. Default: 0, the next turn. */
  readonly delayMs?: () => number;
  /** Bytes that may be under way before a writer has to wait. Default 256 KiB. */
  readonly bufferBytes?: number;
}

/** Answers a connection: the listener of the gateway's end, or why it is refused. */
export type MemoryAccept = (stream: MemoryStream, options: OpenOptions) => ByteStreamListener | PealError;

/** What each option may be. */
const rules: OptionRules = { clock: unchecked, pieceBytes: callback, delayMs: callback, bufferBytes: unchecked };

/**
 * A back-end whose connections lead to `accept`.
 *
 * @throws PealError ERR_PEAL_OPTION
 */
export function createMemoryBackend(accept: MemoryAccept, options: MemoryOptions): Backend {
  checkOptions({ name: 'The back-end memory' }, options, rules);
  return {
    open(openOptions: OpenOptions, listener: ByteStreamListener): BackendStream {
      const [client, server] = joined(options);
      const answer = accept(server, openOptions);
      client.attach(listener);
      if (answer instanceof PealError) {
        client.fail(answer);
      } else {
        server.attach(answer);
        server.begin();
        client.begin();
      }
      return client;
    },
  };
}

/**
 * Two ends, joined. Each needs `attach(listener)` and then `begin()`.
 *
 * @throws PealError ERR_PEAL_OPTION
 */
export function createMemoryPair(options: MemoryOptions): [MemoryStream, MemoryStream] {
  checkOptions({ name: 'A pair of memory streams' }, options, rules);
  return joined(options);
}

function joined(options: MemoryOptions): [MemoryStream, MemoryStream] {
  const a = new MemoryStream(options);
  const b = new MemoryStream(options);
  a.join(b);
  b.join(a);
  return [a, b];
}

/** One end of a pair. */
export class MemoryStream implements BackendStream {
  readonly #options: MemoryOptions;
  readonly #bufferBytes: number;
  #peer: MemoryStream | null = null;
  #listener: ByteStreamListener | null = null;
  #state: 'new' | 'open' | 'closed' = 'new';
  #isPaused = false;
  /** What the peer wrote and this end has not read yet. */
  #incoming: Uint8Array[] = [];
  #incomingBytes = 0;
  #hasPeerEnded = false;
  #hasEnded = false;
  #isDeliveryPending = false;
  #onWritten: (() => void) | null = null;

  /** @internal Use `createMemoryPair`. */
  constructor(options: MemoryOptions) {
    this.#options = options;
    this.#bufferBytes = options.bufferBytes ?? 256 * 1024;
  }

  /** @internal Called once, before either end begins. */
  join(peer: MemoryStream): void {
    assert(this.#peer === null, 'the ends of a pair are joined once');
    this.#peer = peer;
  }

  /**
   * Gives this end its listener, before `begin()`.
   *
   * @throws PealError ERR_PEAL_OPTION if it has one
   */
  attach(listener: ByteStreamListener): void {
    if (this.#listener !== null) throw optionError('This end of a pair of memory streams has a listener already.');
    this.#listener = listener;
  }

  /** Reports onOpen in a later turn. */
  begin(): void {
    this.#options.clock.defer(() => {
      if (this.#state !== 'new') return;
      this.#state = 'open';
      this.#listener?.onOpen();
      this.#scheduleDelivery();
    });
  }

  /** Closes this end with an error, and resets the other. */
  fail(error: PealError): void {
    this.#close(error);
    this.#peer?.breakOff();
  }

  /** @internal Called by the peer that is destroyed or fails: everything under way is lost. */
  breakOff(): void {
    this.#close(new PealError('ERR_PEAL_CLOSED', 'The connection broke off.', { origin: 'connect', retryable: true }));
  }

  /** @throws PealError ERR_PEAL_OPTION before the write before it has called back */
  write(bytes: Uint8Array, onWritten: () => void): void {
    if (this.#onWritten !== null) {
      throw optionError('A memory stream takes one write at a time: wait until onWritten is called.');
    }
    if (this.#state === 'closed' || this.#hasEnded) return;
    this.#onWritten = onWritten;
    this.#peer?.take(bytes.slice());
    this.#options.clock.defer(() => this.settleWrite());
  }

  pauseReading(): void {
    this.#isPaused = true;
  }

  resumeReading(): void {
    this.#isPaused = false;
    this.#scheduleDelivery();
  }

  end(): void {
    if (this.#state === 'closed' || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#peer?.takeEnd();
  }

  destroy(): void {
    if (this.#state === 'closed') return;
    this.#close(null);
    this.#peer?.breakOff();
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get hasUnread(): boolean {
    return this.#incomingBytes > 0;
  }

  reset(): boolean {
    const isEnding = this.#hasEnded || this.#hasPeerEnded;
    if (this.#state !== 'open' || isEnding || this.#onWritten !== null || this.hasUnread) return false;
    this.resumeReading();
    return true;
  }

  details(): StreamDetails {
    return { protocol: 'memory' };
  }

  /** @internal Bytes that this end has not read yet. */
  get waitingBytes(): number {
    return this.#incomingBytes;
  }

  /** @internal Called by the peer: bytes arrive. */
  take(bytes: Uint8Array): void {
    if (this.#state === 'closed' || bytes.length === 0) return;
    this.#incoming.push(bytes);
    this.#incomingBytes += bytes.length;
    this.#scheduleDelivery();
  }

  /** @internal Called by the peer: nothing follows. */
  takeEnd(): void {
    this.#hasPeerEnded = true;
    this.#scheduleDelivery();
  }

  /** @internal Tells this end's writer that the line took its bytes, unless too many are still under way. */
  settleWrite(): void {
    const onWritten = this.#onWritten;
    if (this.#state === 'closed' || onWritten === null) return;
    if ((this.#peer?.waitingBytes ?? 0) > this.#bufferBytes) return; // the peer's next read asks again
    this.#onWritten = null;
    onWritten();
  }

  #scheduleDelivery(): void {
    if (this.#isDeliveryPending || this.#state !== 'open' || this.#isPaused) return;
    if (this.#incomingBytes === 0 && !this.#hasPeerEnded) return;
    this.#isDeliveryPending = true;
    const delayMs = this.#options.delayMs?.() ?? 0;
    if (delayMs > 0) this.#options.clock.setTimer(this.#deliver, delayMs);
    else this.#options.clock.defer(this.#deliver);
  }

  readonly #deliver = (): void => {
    this.#isDeliveryPending = false;
    if (this.#state !== 'open' || this.#isPaused) return;
    if (this.#incomingBytes === 0) {
      if (this.#hasPeerEnded) this.#finish();
      return;
    }
    const piece = this.#nextPiece();
    this.#listener?.onBytes(piece, piece.length);
    this.#peer?.settleWrite();
    this.#scheduleDelivery();
  };

  #nextPiece(): Uint8Array {
    const head = this.#incoming[0]!;
    const wanted = this.#options.pieceBytes?.(this.#incomingBytes) ?? this.#incomingBytes;
    const length = Math.min(head.length, Math.max(1, wanted));
    if (length === head.length) this.#incoming.shift();
    else this.#incoming[0] = head.subarray(length);
    this.#incomingBytes -= length;
    return head.slice(0, length);
  }

  /** The peer has ended and everything is read: ours ends too, as with a socket that is not half-open. */
  #finish(): void {
    this.end();
    this.#close(null);
  }

  #close(error: PealError | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#incoming = [];
    this.#incomingBytes = 0;
    this.#onWritten = null;
    this.#options.clock.defer(() => this.#listener?.onClosed(error));
  }
}
