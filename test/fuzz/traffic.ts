/**
 * What went both ways in one conversation, as far as the outcome of each request depends on it: a second opinion on
 * what was certainly not processed. Told of all octets, in order, as the judge is.
 */
import * as frames from '../../src/codec/http2/frames.js';
import { FrameCutter } from '../support/frame-cutter.js';

export class Traffic {
  /** Streams in the order in which they were opened: that of the tags. */
  readonly #opened: number[] = [];
  /** Streams whose request went out to its end. */
  readonly #whole = new Set<number>();
  /** Streams on which the server has sent HEADERS or DATA; streams that it has refused. */
  readonly #answered = new Set<number>();
  readonly #refused = new Set<number>();
  #lastStreamId = Number.POSITIVE_INFINITY;
  readonly #fromClient = new FrameCutter((type, flags, streamId) => {
    if (type === frames.HEADERS) this.#opened.push(streamId);
    if (type !== frames.HEADERS && type !== frames.DATA) return;
    if ((flags & frames.FLAG_END_STREAM) !== 0) this.#whole.add(streamId);
  }, frames.CONNECTION_PREFACE);
  readonly #fromServer = new FrameCutter((type, _flags, streamId, bytes, start, end) => {
    if (type === frames.HEADERS || type === frames.DATA) this.#answered.add(streamId);
    if (type === frames.RST_STREAM && end - start === 4 && frames.readUint32(bytes, start) === frames.REFUSED_STREAM) {
      this.#refused.add(streamId);
    }
    if (type === frames.GOAWAY && end - start >= 8) {
      this.#lastStreamId = Math.min(this.#lastStreamId, frames.readUint31(bytes, start));
    }
  });

  constructor() {
    this.#fromClient.maxFrameBytes = frames.MAX_MAX_FRAME_BYTES;
  }

  onClientBytes(bytes: Uint8Array): void {
    this.#fromClient.push(bytes);
  }

  onServerBytes(bytes: Uint8Array, length: number): void {
    this.#fromServer.push(bytes, length);
  }

  /** Whether the server may have processed the request with that tag, or has said nothing against it. */
  mayBeUnanswered(tag: number): boolean {
    const streamId = this.#opened[tag];
    return streamId !== undefined && (this.#whole.has(streamId) || this.#answered.has(streamId));
  }

  /** Whether the request was certainly not processed. */
  mayBeUnprocessed(tag: number): boolean {
    const streamId = this.#opened[tag];
    if (streamId === undefined || !this.#whole.has(streamId)) return true;
    return this.#refused.has(streamId) || streamId > this.#lastStreamId;
  }

  mayBeAnswered(tag: number): boolean {
    const streamId = this.#opened[tag];
    return streamId !== undefined && this.#answered.has(streamId);
  }
}
