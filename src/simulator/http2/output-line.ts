/**
 * Delays the output of one connection: chunks wait for the round-trip time, then they are written, one write at a time.
 * Faults can stop the line, cut its output into pieces, or end it. Owned by one ConnectionDriver.
 *
 *     enter ─▶ line, due after roundTripMs ─▶ write ─▶ back to the pool
 *
 * The delay holds for everything that is sent, also SETTINGS, WINDOW_UPDATE and PING: a client that has to wait for a
 * window waits as long as it would for a distant gateway.
 */
import type { TimerHandle } from '../../base/clock.js';
import type { ByteStream } from '../../transport/backend.js';
import type { Chunk } from '../faults/output-chunks.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';

/** Events of a line for its owner. */
export interface LineOwner {
  /** The chunk is sent now. */
  onReleased(chunk: Chunk): void;
  /** Nothing waits and nothing is being written. */
  onDrained(): void;
  /** Bytes of one write; Infinity for all available bytes. */
  pieceBytes(): number;
}

export class OutputLine {
  readonly #gateway: SimulatedGateway;
  readonly #stream: ByteStream;
  readonly #owner: LineOwner;
  /** Chunks that wait to be due or to be written, in order. */
  readonly #line: Chunk[] = [];
  /** Bytes that wait. */
  waitingBytes = 0;
  #written: Chunk | null = null;
  /** Bytes of `#written` that were given to the stream. */
  #writtenBytes = 0;
  #isWriting = false;
  #timer: TimerHandle | null = null;
  #isHeld = false;
  #isClosed = false;

  constructor(gateway: SimulatedGateway, stream: ByteStream, owner: LineOwner) {
    this.#gateway = gateway;
    this.#stream = stream;
    this.#owner = owner;
  }

  enter(chunks: readonly Chunk[]): void {
    const { clock, roundTripMs } = this.#gateway.settings;
    const dueMs = roundTripMs > 0 ? clock.now() + roundTripMs : 0;
    for (const chunk of chunks) {
      chunk.dueMs = dueMs;
      this.waitingBytes += chunk.length;
      this.#line.push(chunk);
    }
  }

  /** Writes the head of the line if it is due and no write is under way. */
  pump(): void {
    if (this.#written !== null || this.#isHeld || this.#isClosed) return;
    const head = this.#line[0];
    if (head === undefined) {
      this.#owner.onDrained();
      return;
    }
    if (head.dueMs > 0 && !this.#isDue(head)) return;
    this.#line.shift();
    this.waitingBytes -= head.length;
    this.#written = head;
    this.#writtenBytes = 0;
    this.#owner.onReleased(head);
    this.#write(head);
  }

  /** Writes nothing until `release`. A write under way is not cancelled. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    if (this.#isClosed || this.#isWriting) return;
    if (this.#written === null) this.pump();
    else this.#write(this.#written);
  }

  /** The stream is over, or nothing is to be written any more. */
  close(): void {
    this.#isClosed = true;
    this.#line.length = 0;
    this.waitingBytes = 0;
    if (this.#timer !== null) this.#gateway.settings.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #write(chunk: Chunk): void {
    const start = this.#writtenBytes;
    const bytes = Math.min(chunk.length - start, this.#owner.pieceBytes());
    this.#writtenBytes = start + bytes;
    this.#isWriting = true;
    this.#stream.write(chunk.bytes.subarray(start, start + bytes), this.#onWritten);
  }

  #isDue(chunk: Chunk): boolean {
    const { clock } = this.#gateway.settings;
    const waitMs = chunk.dueMs - clock.now();
    if (waitMs <= 0) return true;
    this.#timer ??= clock.setTimer(this.#onTimer, waitMs);
    return false;
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.pump();
  };

  readonly #onWritten = (): void => {
    const written = this.#written;
    this.#isWriting = false;
    if (written === null || this.#isClosed) return;
    if (this.#writtenBytes < written.length) {
      if (!this.#isHeld) this.#write(written);
      return;
    }
    this.#gateway.chunks.giveBack(written);
    this.#written = null;
    this.pump();
  };
}
