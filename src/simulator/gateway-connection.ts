/**
 * Drives one server connection over a byte stream: hands on what is read, gathers what one turn of the loop has
 * answered into one write, lets it wait out the round-trip time, and ends in good order. On the simulator's thread.
 *
 *     onBytes ─▶ ServerConnection ─▶ output ─(end of the turn)─▶ line, due after roundTripMs ─▶ write, one at a time
 *
 * The delay holds for everything that is sent, also SETTINGS, WINDOW_UPDATE and PING: a client that has to wait for a
 * window waits as long as it would for a distant gateway.
 */

import type { TimerHandle } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import { closeTimeoutMs, pauseReadingAboveBytes, resumeReadingBelowBytes } from '../base/limits.js';
import type { ByteStream, ByteStreamListener } from '../transport/backend.js';
import type { Gateway } from './gateway.js';
import type { Chunk } from './output-chunks.js';
import type { ClientIdentity } from './request-rules.js';
import { ServerConnection } from './server-connection.js';

/** How a connection ends: announced, then told the last stream, then ended once its answers are out. */
type Ending = 'no' | 'announced' | 'told' | 'ended';

export class GatewayConnection implements ByteStreamListener {
  readonly #gateway: Gateway;
  readonly #stream: ByteStream;
  readonly #server: ServerConnection;
  readonly #whenClosed: () => void;
  /** Reason to turn the client away at once, as JSON; null to serve it. */
  readonly #turnAway: string | null;
  /** Chunks that wait to be due or to be written, in order. */
  readonly #line: Chunk[] = [];
  #lineBytes = 0;
  #written: Chunk | null = null;
  #timer: TimerHandle | null = null;
  #isFlushPending = false;
  #isPaused = false;
  #isClosed = false;
  #ending: Ending = 'no';
  #deadline: TimerHandle | null = null;

  /**
   * @param turnAway Apple's reason for turning the client away with a GOAWAY, or null.
   * @param whenClosed Called once, when the stream is over.
   */
  constructor(
    gateway: Gateway,
    stream: ByteStream,
    client: ClientIdentity,
    turnAway: string | null,
    whenClosed: () => void,
  ) {
    this.#gateway = gateway;
    this.#stream = stream;
    this.#turnAway = turnAway;
    this.#whenClosed = whenClosed;
    this.#server = new ServerConnection(gateway, client);
  }

  onOpen(): void {
    this.#gateway.ledger.recordConnection();
    this.#server.start();
    if (this.#turnAway !== null) {
      this.#server.close(JSON.stringify({ reason: this.#turnAway }));
      this.#ending = 'told';
      this.#setDeadline();
    }
    this.#scheduleFlush();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    this.#server.receive(buffer, length, this.#gateway.settings.clock.wallMs());
    this.#scheduleFlush();
  }

  onClosed(error: PealError | null): void {
    this.#isClosed = true;
    const { clock, logger } = this.#gateway.settings;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    if (this.#deadline !== null) clock.clearTimer(this.#deadline);
    const reason = this.#server.fault ?? error?.message ?? null;
    if (reason !== null) logger.warn({ reason }, 'simulator: a connection ended early');
    this.#whenClosed();
  }

  /** Ends in good order: the streams under way are answered. Resolved by `whenClosed`, at the latest after 5 seconds. */
  close(): void {
    if (this.#isClosed || this.#ending !== 'no') return;
    this.#ending = 'announced';
    this.#server.announceClose();
    this.#setDeadline();
    this.#scheduleFlush();
  }

  /** Drops the connection at once. */
  destroy(): void {
    if (!this.#isClosed) this.#stream.destroy();
  }

  #setDeadline(): void {
    this.#deadline = this.#gateway.settings.clock.setTimer(() => this.destroy(), closeTimeoutMs);
  }

  #scheduleFlush(): void {
    if (this.#isFlushPending || this.#isClosed) return;
    this.#isFlushPending = true;
    this.#gateway.settings.clock.defer(this.#flush);
  }

  /** End of the turn: what it has produced joins the line. */
  readonly #flush = (): void => {
    this.#isFlushPending = false;
    if (this.#isClosed) return;
    if (this.#ending === 'announced' && this.#server.isCloseNoticed) {
      this.#ending = 'told';
      this.#server.close('');
    }
    if (!this.#server.output.isEmpty) this.#enterLine(this.#server.output.takeAll());
    this.#pump();
  };

  #enterLine(chunks: readonly Chunk[]): void {
    const { clock, roundTripMs } = this.#gateway.settings;
    const dueMs = roundTripMs > 0 ? clock.now() + roundTripMs : 0;
    for (const chunk of chunks) {
      chunk.dueMs = dueMs;
      this.#lineBytes += chunk.length;
      this.#line.push(chunk);
    }
    if (this.#lineBytes > pauseReadingAboveBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#stream.pauseReading();
    }
  }

  /** Writes the head of the line, if it is due and nothing is being written. */
  #pump(): void {
    if (this.#written !== null || this.#isClosed) return;
    const head = this.#line[0];
    if (head === undefined) {
      this.#endIfDone();
      return;
    }
    if (head.dueMs > 0 && !this.#isDue(head)) return;
    this.#line.shift();
    this.#lineBytes -= head.length;
    this.#written = head;
    this.#server.released(head);
    this.#stream.write(head.bytes.subarray(0, head.length), this.#onWritten);
    if (this.#isPaused && this.#lineBytes < resumeReadingBelowBytes) {
      this.#isPaused = false;
      this.#stream.resumeReading();
    }
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
    this.#pump();
  };

  readonly #onWritten = (): void => {
    if (this.#written !== null) this.#gateway.chunks.giveBack(this.#written);
    this.#written = null;
    this.#pump();
  };

  /** Everything is out: the stream ends after a fault, or when it was to close and no request is under way. */
  #endIfDone(): void {
    if (this.#ending === 'ended') return;
    const isDone = this.#server.fault !== null || (this.#ending === 'told' && this.#server.activeStreams === 0);
    if (!isDone) return;
    this.#ending = 'ended';
    this.#stream.end();
    if (this.#deadline === null) this.#setDeadline();
  }
}
