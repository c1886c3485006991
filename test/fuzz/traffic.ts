/**
 * What went both ways in one conversation, as far as the outcome of each request depends on it: a second opinion on
 * what was certainly not processed. Told of all octets, in order, as the judge is.
 */

import * as frames from '../../src/codec/http2/frames.js';
import { readU31, readU32 } from '../../src/codec/octets.js';
import { FrameCutter } from '../support/frame-cutter.js';

/** Told of DATA that the client sends for the request with that tag. */
export type OnRequestData = (tag: number, bytes: Uint8Array, start: number, end: number, isLast: boolean) => void;

export class Traffic {
  /** Streams in the order in which they were opened: that of the tags. */
  readonly streamIds: number[] = [];
  readonly #onData: OnRequestData;
  readonly #tags = new Map<number, number>();
  /** Streams whose request went out to its end. */
  readonly #whole = new Set<number>();
  /** Streams on which the server has sent HEADERS or DATA, and with which call of onServerBytes(). */
  readonly #answered = new Map<number, number>();
  readonly #refused = new Set<number>();
  #lastStreamId = Number.POSITIVE_INFINITY;
  #pieces = 0;
  /** The stream whose field block is not complete; 0 for none. */
  #blockOf = 0;
  readonly #fromClient = new FrameCutter((type, flags, streamId, bytes, start, end) => {
    if (type !== frames.HEADERS && type !== frames.DATA) return;
    const isLast = (flags & frames.FLAG_END_STREAM) !== 0;
    if (type === frames.HEADERS) this.#tags.set(streamId, this.streamIds.push(streamId) - 1);
    else this.#onData(this.#tags.get(streamId)!, bytes, start, end, isLast);
    if (isLast) this.#whole.add(streamId);
  }, frames.CONNECTION_PREFACE);
  readonly #fromServer = new FrameCutter((...each) => this.#onServerFrame(...each));

  constructor(onData: OnRequestData) {
    this.#onData = onData;
    this.#fromClient.maxFrameBytes = frames.MAX_MAX_FRAME_BYTES;
  }

  /** The tag of the request on that stream. */
  tagOf(streamId: number): number {
    return this.#tags.get(streamId)!;
  }

  onClientBytes(bytes: Uint8Array): void {
    this.#fromClient.push(bytes);
  }

  onServerBytes(bytes: Uint8Array, length: number): void {
    this.#pieces++;
    this.#fromServer.push(bytes, length);
  }

  #onServerFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === frames.HEADERS || type === frames.CONTINUATION) {
      if (type === frames.HEADERS) this.#blockOf = streamId;
      if ((flags & frames.FLAG_END_HEADERS) !== 0) this.#answers(this.#blockOf);
    } else if (type === frames.DATA) {
      this.#answers(streamId);
    } else if (type === frames.RST_STREAM && end - start === 4) {
      if (readU32(bytes, start) === frames.REFUSED_STREAM) this.#refused.add(streamId);
    } else if (type === frames.GOAWAY && end - start >= 8) {
      this.#lastStreamId = Math.min(this.#lastStreamId, readU31(bytes, start));
    }
  }

  #answers(streamId: number): void {
    if (!this.#answered.has(streamId)) this.#answered.set(streamId, this.#pieces);
  }

  /** Whether the server may have processed the request with that tag, or has said nothing against it. */
  mayBeUnknown(tag: number): boolean {
    const streamId = this.streamIds[tag];
    return streamId !== undefined && (this.#whole.has(streamId) || this.#answered.has(streamId));
  }

  /** Whether the request was certainly not processed. */
  mayBeUnsent(tag: number): boolean {
    const streamId = this.streamIds[tag];
    if (streamId === undefined || !this.#whole.has(streamId)) return true;
    return this.#refused.has(streamId) || streamId > this.#lastStreamId;
  }

  mayBeAnswered(tag: number): boolean {
    const streamId = this.streamIds[tag];
    return streamId !== undefined && this.#answered.has(streamId);
  }

  /** Whether the answer to that request had begun before the newest piece of what the server sends. */
  hadBegun(tag: number): boolean {
    const streamId = this.streamIds[tag];
    return streamId !== undefined && (this.#answered.get(streamId) ?? this.#pieces) < this.#pieces;
  }
}
