/**
 * One connection in memory: two pipes and the two ends that the sender and the gateway hold. The sender's end is what a
 * back-end hands out; the gateway's end is given to whatever serves the gateway. Neither is ever called from within a
 * call that it makes.
 *
 *     sender ── client end ──▶ up ──▶ server end ── gateway
 *            ◀── down ◀──
 */
import { PealError } from '../../src/base/errors.js';
import { STATUS_BYTES } from '../../src/codec/binary/status.js';
import type { BackendStream, ByteStream, ByteStreamListener, StreamDetails } from '../../src/transport/backend.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import { type LineSettings, Pipe } from './pipe.js';
import type { ThreadClock } from './thread-clock.js';

/** What is told of a link to those who judge it. */
export interface LinkWatcher {
  onClientBytes(bytes: Uint8Array): void;
  /** Right before the sender gets them. */
  onServerBytes(bytes: Uint8Array, length: number): void;
  /** From now on nothing passes, in one direction at least. */
  onHole(): void;
  /** The sender gave the link up, or was told that it is over. */
  onClientClosed(): void;
}

/** A gateway's end. One that hears of the other's end ends in its own time; any other ends with it. */
export interface ServerListener extends ByteStreamListener {
  onPeerEnd?(): void;
}

export interface LinkOptions {
  readonly id: number;
  readonly world: VirtualClock;
  readonly thread: ThreadClock;
  readonly random: () => number;
  readonly line: LineSettings;
  readonly listener: ByteStreamListener;
}

export class Link implements BackendStream {
  readonly id: number;
  readonly #options: LinkOptions;
  readonly #up: Pipe;
  readonly #down: Pipe;
  /** Octets that the gateway itself has written. */
  #said = 0;
  readonly server: ByteStream;
  watcher: LinkWatcher | null = null;
  /** Octets that lay ready to be read when the sender gave the connection up. */
  unreadAtEnd = 0;
  #serverListener: ServerListener | null = null;
  #hasPeerEnded = false;
  #client: 'new' | 'open' | 'ended' | 'closed' = 'new';
  #server: 'new' | 'open' | 'ended' | 'closed' = 'new';

  constructor(options: LinkOptions) {
    const { world, thread, random, line, listener } = options;
    this.id = options.id;
    this.#options = options;
    const atOnce = (callback: () => void): void => callback();
    const onThread = (callback: () => void): void => thread.io(callback);
    this.#up = new Pipe(world, random, line, {
      onReaderThread: atOnce,
      onWriterThread: onThread,
      onPiece: (buffer, length) => this.#serverListener?.onBytes(buffer, length),
      onEnd: () => this.#endServer(),
    });
    this.#down = new Pipe(world, random, line, {
      onReaderThread: onThread,
      onWriterThread: atOnce,
      onPiece: (buffer, length) => {
        if (this.#client === 'closed') return;
        this.watcher?.onServerBytes(buffer, length);
        listener.onBytes(buffer, length);
      },
      onEnd: () => {
        this.end();
        this.#closeClient(null);
      },
    });
    // Nothing is read before the sender was told that it is connected.
    this.#down.pause();
    this.server = {
      write: (bytes, onWritten) => {
        if (this.#server !== 'open') return;
        this.#said += bytes.length;
        this.#down.write(bytes, onWritten);
      },
      pauseReading: () => this.#up.pause(),
      resumeReading: () => this.#up.resume(),
      end: () => {
        if (this.#server !== 'open') return;
        this.#server = 'ended';
        this.#down.end();
        if (this.#hasPeerEnded) this.#closeServer();
      },
      destroy: () => this.breakOff(),
    };
  }

  /** The gateway answers: both ends are told, the sender half a round trip later. */
  accept(serve: (stream: ByteStream) => ServerListener): void {
    const { world, thread, line, listener } = this.#options;
    if (this.#client === 'closed') return;
    this.#server = 'open';
    this.#serverListener = serve(this.server);
    this.#serverListener.onOpen();
    world.setTimer(() => {
      thread.io(() => {
        if (this.#client !== 'new') return;
        this.#client = 'open';
        this.#down.resume();
        listener.onOpen();
      });
    }, line.latencyMs);
  }

  /** The gateway refuses, or cannot be reached. */
  refuse(error: PealError): void {
    this.#options.thread.io(() => this.#closeClient(error));
  }

  /** The thread of the sender's end. */
  get thread(): ThreadClock {
    return this.#options.thread;
  }

  // --- faults ---

  /** RST from somewhere: what is under way is lost, and both ends hear of it. */
  breakOff(): void {
    this.#up.cut();
    this.#closeServer();
    if (this.#client === 'closed' || this.#down.isSwallowing) return;
    this.#down.cut();
    const error = new PealError('ERR_PEAL_CLOSED', 'The connection was reset.', { origin: 'gateway', retryable: true });
    this.#options.world.setTimer(
      () => this.#options.thread.io(() => this.#closeClient(error)),
      this.#options.line.latencyMs,
    );
  }

  blackHole(direction: 'up' | 'down' | 'both'): void {
    if (direction !== 'down') this.#up.swallow();
    if (direction !== 'up') this.#down.swallow();
    this.watcher?.onHole();
  }

  /**
   * A binary gateway says something unasked; false where it cannot. Not within a status, which together
   * with that may name another notification: they could not be told apart.
   */
  babble(bytes: Uint8Array): boolean {
    if (this.#server !== 'open' || this.#down.isWriting || this.#said % STATUS_BYTES !== 0) return false;
    this.#down.write(bytes, () => {});
    return true;
  }

  hold(ms: number): void {
    this.#up.hold(ms);
    this.#down.hold(ms);
  }

  /** What the gateway still holds is dropped: the world ends. */
  forget(): void {
    this.#up.cut();
    this.#down.cut();
    this.#closeServer();
  }

  get isOpen(): boolean {
    return this.#client === 'open' && this.#server === 'open';
  }

  get isBlackHole(): boolean {
    return this.#up.isSwallowing || this.#down.isSwallowing;
  }

  // --- the sender's end ---

  write(bytes: Uint8Array, onWritten: () => void): void {
    if (this.#client !== 'open') return;
    this.watcher?.onClientBytes(bytes);
    this.#up.write(bytes, onWritten);
  }

  pauseReading(): void {
    this.#down.pause();
  }

  resumeReading(): void {
    this.#down.resume();
  }

  end(): void {
    if (this.#client !== 'open') return;
    this.#client = 'ended';
    this.#up.end();
  }

  destroy(): void {
    if (this.#client === 'closed') return;
    const { world, random, line } = this.#options;
    // What was handed over may get through before the reset does, or be lost with it.
    if (random() < 0.5) this.#up.cut();
    this.unreadAtEnd = this.unread;
    this.#down.cut();
    if (!this.#up.isSwallowing) world.setTimer(() => this.#closeServer(), line.latencyMs + line.jitterMs + 1);
    const wasNew = this.#client === 'new';
    this.#client = 'closed';
    this.watcher?.onClientClosed();
    if (wasNew) this.#server = this.#server === 'new' ? 'closed' : this.#server;
    world.defer(() => this.#options.thread.io(() => this.#options.listener.onClosed(null)));
  }

  get isClosed(): boolean {
    return this.#client === 'closed';
  }

  /** Octets that arrived a while ago, and that the sender has not read. */
  get unread(): number {
    return this.#down.unread;
  }

  get hasUnread(): boolean {
    return this.#down.underWay > 0;
  }

  reset(): boolean {
    return false;
  }

  details(): StreamDetails {
    return { protocol: 'simulated', link: this.id };
  }

  // --- ends ---

  /**
   * The sender has ended and everything is read: the gateway's end ends too, as with a socket that is not half-open.
   */
  #endServer(): void {
    this.#hasPeerEnded = true;
    if (this.#server === 'open' && this.#serverListener?.onPeerEnd !== undefined) {
      this.#serverListener.onPeerEnd();
      return;
    }
    this.server.end();
    this.#closeServer();
  }

  #closeServer(): void {
    if (this.#server === 'closed') return;
    this.#server = 'closed';
    this.#up.cut();
    const listener = this.#serverListener;
    if (listener !== null) this.#options.world.defer(() => listener.onClosed(null));
  }

  #closeClient(error: PealError | null): void {
    if (this.#client === 'closed') return;
    this.#client = 'closed';
    this.#down.cut();
    this.watcher?.onClientClosed();
    this.#options.listener.onClosed(error);
  }
}
