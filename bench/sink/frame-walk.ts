/**
 * Walks over the frames that a client sends, in pieces of any length, and reads no more of them than a sink needs: the
 * headers, and the payloads of control frames. Owned by one connection of the sink.
 */
import { CONNECTION_PREFACE, FRAME_HEADER_BYTES } from '../../src/codec/http2/frames.js';

/** Longest payload of a frame that is not DATA or HEADERS: a sink that is told more is not spoken to by a sender. */
const maxControlBytes = 16_384;
const longestUnread = 1;

export interface FrameListener {
  /** DATA or HEADERS. Its payload is skipped. */
  onRequestFrame(type: number, flags: number, streamId: number, payloadBytes: number): void;
  /** Any other frame. `payload` is valid during the call. */
  onControlFrame(type: number, flags: number, streamId: number, payload: Uint8Array): void;
}

export class FrameWalk {
  readonly #listener: FrameListener;
  /** Bytes that go past before the next header. */
  #skip = CONNECTION_PREFACE.length;
  /** A header, or a control frame, that is not complete yet. */
  #begun: Buffer | null = null;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  receive(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#begun !== null) {
      bytes = Buffer.concat([this.#begun, chunk]);
      this.#begun = null;
    }
    let at = Math.min(this.#skip, bytes.length);
    this.#skip -= at;
    while (at < bytes.length) {
      if (at + FRAME_HEADER_BYTES > bytes.length) break;
      const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      const type = bytes[at + 3]!;
      const flags = bytes[at + 4]!;
      const streamId =
        ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
      const end = at + FRAME_HEADER_BYTES + length;
      if (type <= longestUnread) {
        this.#listener.onRequestFrame(type, flags, streamId, length);
        this.#skip = Math.max(0, end - bytes.length);
      } else {
        if (length > maxControlBytes) throw new Error(`a control frame of ${length} bytes`);
        if (end > bytes.length) break;
        this.#listener.onControlFrame(type, flags, streamId, bytes.subarray(at + FRAME_HEADER_BYTES, end));
      }
      at = Math.min(end, bytes.length);
    }
    // A copy, because the chunk may be reused once this call returns.
    if (at < bytes.length) this.#begun = Buffer.from(bytes.subarray(at));
  }
}
