/**
 * A byte stream of a back-end as a Duplex of Node, for libraries that want one: TLS checks, pins, proxies, client
 * certificates and the sentences of errors stay those of the back-end. Made by ServiceConnection; on the main thread.
 *
 * Counts what a sender has to know: how many writes the back-end was handed, and how many bytes came.
 */
import { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import type { Clock } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import type { Backend, BackendStream, ByteStreamListener, OpenOptions } from '../transport/backend.js';
import { GoawayFinder } from './goaway-finder.js';

/** Hears of the two turns in the life of a stream. */
interface DuplexOwner {
  /** It is open. One that cannot be opened is closed, with its `endCause`. */
  onOpened(): void;
  /** Its peer has ended it. It is closed once everything that came has been read. */
  onEnded(): void;
}

type Done = (error?: Error | null) => void;

export class DuplexStream extends Duplex implements ByteStreamListener {
  /** Writes that the back-end was handed. What was not handed to it has certainly not left this process. */
  writes = 0;
  bytesReceived = 0;
  /** Why the stream ended; null while it lasts, and after an orderly end. */
  endCause: PealError | null = null;
  readonly #stream: BackendStream;
  readonly #clock: Clock;
  readonly #owner: DuplexOwner;
  readonly #goaways = new GoawayFinder();
  /** What came from a GOAWAY on, until what lies before it was dealt with. */
  #held: Buffer[] = [];
  /** How the stream ended while something was held. */
  #end: { readonly error: PealError | null } | null = null;
  #isOpen = false;
  #isOver = false;
  #isPaused = false;

  constructor(backend: Backend, options: OpenOptions, clock: Clock, owner: DuplexOwner) {
    super();
    this.#clock = clock;
    this.#owner = owner;
    // Each end of the stream is told by what uses it.
    this.on('error', () => {});
    this.#stream = backend.open(options, this);
  }

  // --- what the back-end tells ---

  onOpen(): void {
    if (this.#isOpen || this.#isOver || this.destroyed) return;
    this.#isOpen = true;
    this.#owner.onOpened();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#isOver || this.destroyed) return;
    this.bytesReceived += length;
    // A copy, because the back-end reads into the same buffer again.
    const bytes = Buffer.from(buffer.subarray(0, length));
    if (this.#held.length > 0) this.#held.push(bytes);
    else this.#take(bytes, false);
  }

  #take(bytes: Buffer, isDue: boolean): void {
    const at = this.#goaways.take(bytes, isDue);
    if (at < bytes.length) {
      this.#held.push(bytes.subarray(at));
      this.#clock.defer(() => this.#takeHeld());
    }
    if (at === 0 || this.push(bytes.subarray(0, at)) || this.#isPaused) return;
    this.#isPaused = true;
    this.#stream.pauseReading();
  }

  #takeHeld(): void {
    const held = this.#held;
    this.#held = [];
    if (!this.destroyed) this.#take(Buffer.concat(held), true);
    const end = this.#end;
    if (end !== null && this.#held.length === 0) this.onClosed(end.error);
  }

  onClosed(error: PealError | null): void {
    if (this.#isOver) return;
    if (this.#held.length > 0) {
      this.#end ??= { error };
      return;
    }
    this.#isOver = true;
    this.endCause = error;
    if (!this.#isOpen) {
      this.destroy();
    } else if (error === null) {
      // What came before the end is still read.
      this.once('end', () => this.destroy());
      this.push(null);
      this.#owner.onEnded();
    } else {
      this.destroy(error);
    }
  }

  // --- what the library does ---

  override _read(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#stream.resumeReading();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    if (this.#isOver || this.#end !== null) return;
    this.writes += 1;
    this.#stream.write(chunk, () => done());
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'buffer' as BufferEncoding, done);
  }

  override _final(done: Done): void {
    if (!this.#isOver && this.#end === null) this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    if (!this.#isOver) this.#stream.destroy();
    done(error);
  }
}
