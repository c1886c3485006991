/**
 * Sends the bodies of rejections within the client's windows (RFC 9113 §5.2). They have about 60 bytes, so that the
 * windows are nearly always open. Owned by one server connection.
 */

import { SendWindow } from '../../codec/http2/flow-control.js';
import { DEFAULT_WINDOW_BYTES } from '../../codec/http2/frames.js';
import type { AnswerWriter } from './answer-writer.js';
import { FREE, type ServerStreams } from './server-streams.js';

/** Bytes of one DATA frame, which every client accepts. */
const maxDataBytes = 16_384;

interface WaitingBody {
  readonly streamId: number;
  readonly slot: number;
  readonly body: Uint8Array;
  sent: number;
}

export class RejectionQueue {
  readonly #writer: AnswerWriter;
  readonly #streams: ServerStreams;
  /** The send window of the whole connection. */
  readonly connectionWindow = new SendWindow();
  /** SETTINGS_INITIAL_WINDOW_SIZE of the client. */
  initialWindowBytes = DEFAULT_WINDOW_BYTES;
  #waiting: WaitingBody[] = [];

  constructor(writer: AnswerWriter, streams: ServerStreams) {
    this.#writer = writer;
    this.#streams = streams;
  }

  /** Sends the body of a rejection whose headers were written, now or once windows open. Then the stream is over. */
  send(streamId: number, slot: number, body: Uint8Array): void {
    const window = this.connectionWindow;
    const streamWindow = this.initialWindowBytes + this.#streams.windowDeltas[slot]!;
    const room = Math.min(window.available, streamWindow, maxDataBytes);
    if (this.#waiting.length === 0 && body.length <= room) {
      window.available -= body.length;
      this.#writer.data(streamId, body, 0, body.length);
      this.#streams.end(slot, FREE);
      return;
    }
    this.#waiting.push({ streamId, slot, body, sent: 0 });
    this.resume();
  }

  /** A window has opened: sends what fits now. A blocked stream does not hold up the others. */
  resume(): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter((waiting) => !this.#advance(waiting));
  }

  /** The stream was reset. */
  forget(streamId: number): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter((waiting) => waiting.streamId !== streamId);
  }

  /** Sends what the windows allow. Returns true if that was the end of the body. */
  #advance(waiting: WaitingBody): boolean {
    const { streamId, slot, body } = waiting;
    const deltas = this.#streams.windowDeltas;
    while (waiting.sent < body.length) {
      const streamWindow = this.initialWindowBytes + deltas[slot]!;
      const rest = body.length - waiting.sent;
      const length = Math.min(rest, this.connectionWindow.available, streamWindow, maxDataBytes);
      if (length <= 0) return false;
      this.#writer.data(streamId, body, waiting.sent, waiting.sent + length);
      this.connectionWindow.available -= length;
      deltas[slot]! -= length;
      waiting.sent += length;
    }
    this.#streams.end(slot, FREE);
    return true;
  }
}
