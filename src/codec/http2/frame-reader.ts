/**
 * Splits a byte stream into frames (RFC 9113 §4.1). A frame that lies whole in what was read is handed on where it
 * lies; only one that straddles two reads is gathered in the carry buffer first, which is as large as one frame may be.
 * Owned by one connection (or one of the simulator's), on its thread.
 */
import { readU24, readU31 } from '../octets.js';
import { protocolFault } from './connection-fault.js';
import { FLAG_ACK, FRAME_HEADER_BYTES, FRAME_SIZE_ERROR, SETTINGS } from './frames.js';

export interface FrameSink {
  /**
   * One frame; its payload is `bytes[start … end)`, valid during the call only.
   * What this throws ends the reading and leaves `read()`.
   */
  onFrame(type: number, flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  #carry: Uint8Array | null = null;
  /** Octets in the carry buffer: the beginning of one frame. */
  #held = 0;
  #isFirst = true;

  /** `maxFrameBytes`: the SETTINGS_MAX_FRAME_SIZE that we announce. */
  constructor(sink: FrameSink, maxFrameBytes: number) {
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next `length` octets of the stream from the start of `bytes`.
   * @throws ConnectionFault when a frame is too large or the first is no SETTINGS, as soon as its header is known
   */
  read(bytes: Uint8Array, length: number): void {
    let at = this.#held === 0 ? 0 : this.#completeHeld(bytes, length);
    while (length - at >= FRAME_HEADER_BYTES) {
      const end = at + this.#frameBytes(bytes, at);
      if (end > length) break;
      const start = at + FRAME_HEADER_BYTES;
      this.#sink.onFrame(bytes[at + 3]!, bytes[at + 4]!, readU31(bytes, at + 5), bytes, start, end);
      at = end;
    }
    if (at < length) this.#hold(bytes, at, length);
  }

  /** Length of the frame at `at`, header included, once it is known to be allowed. */
  #frameBytes(bytes: Uint8Array, at: number): number {
    const payloadBytes = readU24(bytes, at);
    if (this.#isFirst) {
      if (bytes[at + 3] !== SETTINGS || (bytes[at + 4]! & FLAG_ACK) !== 0) {
        throw protocolFault('the first frame is not SETTINGS: the peer does not speak HTTP/2');
      }
      this.#isFirst = false;
    }
    if (payloadBytes > this.#maxFrameBytes) {
      throw protocolFault(`a frame of ${payloadBytes} bytes, above ${this.#maxFrameBytes}`, FRAME_SIZE_ERROR);
    }
    return FRAME_HEADER_BYTES + payloadBytes;
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    this.#carry ??= new Uint8Array(FRAME_HEADER_BYTES + this.#maxFrameBytes);
    this.#carry.set(bytes.subarray(from, to), this.#held);
    this.#held += to - from;
  }

  /** Fills the carry buffer up to the end of its frame, and hands that on. Returns how many octets it took. */
  #completeHeld(bytes: Uint8Array, length: number): number {
    const carry = this.#carry!;
    let at = Math.min(length, Math.max(0, FRAME_HEADER_BYTES - this.#held));
    if (at > 0) this.#hold(bytes, 0, at);
    if (this.#held < FRAME_HEADER_BYTES) return at;
    const frameBytes = this.#frameBytes(carry, 0);
    const taken = Math.min(length - at, frameBytes - this.#held);
    if (taken > 0) this.#hold(bytes, at, at + taken);
    at += taken;
    if (this.#held < frameBytes) return at;
    this.#held = 0;
    this.#sink.onFrame(carry[3]!, carry[4]!, readU31(carry, 5), carry, FRAME_HEADER_BYTES, frameBytes);
    return at;
  }
}
