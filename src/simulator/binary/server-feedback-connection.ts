/**
 * One reader of the feedback service: gets the whole list at once, then the end. Reading clears the list, whether or
 * not the reader stays to the end, as at Apple. On the simulator's thread.
 */
import { Buffer } from 'node:buffer';
import type { TimerHandle } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import { closeTimeoutMs, outputBufferBytes } from '../../base/limits.js';
import { feedbackTupleBytes, writeFeedbackTuple } from '../../codec/binary/feedback.js';
import type { ByteStream } from '../../transport/backend.js';
import type { FeedbackRecord } from '../books/feedback-list.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';
import type { ServedConnection } from '../listen/tls-listener.js';

export class ServerFeedbackConnection implements ServedConnection {
  readonly #gateway: SimulatedGateway;
  readonly #stream: ByteStream;
  readonly #isTurnedAway: boolean;
  readonly #whenClosed: () => void;
  readonly #buffer = new Uint8Array(outputBufferBytes);
  #records: readonly FeedbackRecord[] = [];
  #next = 0;
  #deadline: TimerHandle | null = null;
  #isClosed = false;

  /** Parameters as for ServerBinaryConnection. */
  constructor(gateway: SimulatedGateway, stream: ByteStream, isTurnedAway: boolean, whenClosed: () => void) {
    this.#gateway = gateway;
    this.#stream = stream;
    this.#isTurnedAway = isTurnedAway;
    this.#whenClosed = whenClosed;
  }

  onOpen(): void {
    if (this.#isTurnedAway) {
      this.destroy();
      return;
    }
    this.#records = this.#gateway.feedback.take();
    this.#write();
  }

  /** Readers send nothing that matters. */
  onBytes(): void {}

  onClosed(error: PealError | null): void {
    this.#isClosed = true;
    const { clock, logger } = this.#gateway.settings;
    if (this.#deadline !== null) clock.clearTimer(this.#deadline);
    if (error !== null) logger.warn({ reason: error.message }, 'simulator: a feedback connection ended early');
    this.#whenClosed();
  }

  /** Finishes the list, within five seconds. */
  close(): void {
    this.#setDeadline();
  }

  destroy(): void {
    if (!this.#isClosed) this.#stream.destroy();
  }

  /** Writes as many tuples as the buffer holds, then the next ones, then the end. */
  readonly #write = (): void => {
    if (this.#isClosed) return;
    if (this.#next >= this.#records.length) {
      this.#setDeadline();
      this.#stream.end();
      return;
    }
    let length = 0;
    for (; this.#next < this.#records.length; this.#next++) {
      const { token, timestamp } = this.#records[this.#next]!;
      const bytes = Buffer.from(token, 'hex');
      if (length + feedbackTupleBytes(bytes.length) > this.#buffer.length) break;
      length = writeFeedbackTuple(this.#buffer, length, timestamp, bytes);
    }
    this.#stream.write(this.#buffer.subarray(0, length), this.#write);
  };

  #setDeadline(): void {
    this.#deadline ??= this.#gateway.settings.clock.setTimer(() => this.destroy(), closeTimeoutMs);
  }
}
