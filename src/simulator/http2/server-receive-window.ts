/**
 * The window of one connection for DATA from the client (RFC 9113 §6.9): reduced as it comes, given back by halves
 * after reading. Owned by one server connection.
 */
import { DEFAULT_WINDOW_BYTES, FLOW_CONTROL_ERROR } from '../../codec/http2/frames.js';
import type { AnswerWriter } from './answer-writer.js';
import { clientFault } from './client-fault.js';

export class ServerReceiveWindow {
  readonly #writer: AnswerWriter;
  readonly #windowBytes: number;
  /** What the client may still send, as far as the client can know. */
  #open = DEFAULT_WINDOW_BYTES;
  /** Bytes received since the last WINDOW_UPDATE. */
  #received = 0;
  /** While true, nothing is given back. */
  isWithheld = false;

  constructor(writer: AnswerWriter, windowBytes: number) {
    this.#writer = writer;
    this.#windowBytes = windowBytes;
  }

  /** Opens the window beyond the protocol's initial size. */
  announce(): void {
    const more = this.#windowBytes - DEFAULT_WINDOW_BYTES;
    if (more > 0) this.#writer.windowUpdate(0, more, true);
  }

  /** @param length Octets of a DATA frame, padding included. */
  take(length: number): void {
    this.#received += length;
    this.#open -= length;
    if (this.#open < 0) throw clientFault('the connection window is overrun', FLOW_CONTROL_ERROR);
  }

  /** A WINDOW_UPDATE is sent now. */
  released(bytes: number): void {
    this.#open += bytes;
  }

  /** Gives back the bytes that were read, if there are enough for a frame. */
  giveBack(): void {
    if (this.#received * 2 < this.#windowBytes || this.isWithheld) return;
    this.#writer.windowUpdate(0, this.#received, true);
    this.#received = 0;
  }
}
