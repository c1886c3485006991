/**
 * The output of one connection: two buffers, one that fills while the other is being written. Requests are put into
 * the filling one by request-writer, control frames by control-frames. Owned by one connection, on its thread.
 */
import {
  maxControlTailBytes,
  maxOutputBufferBytes,
  outputBufferBytes,
  requestsPerOutputBuffer,
} from '../../base/limits.js';
import { limitFault } from './connection-fault.js';
import { BODY_START, OutputBuffer } from './output-buffer.js';

export class Output {
  /** The buffer that fills. Another object after every take(). */
  filling = new OutputBuffer();
  #other: OutputBuffer | null = null;
  #isTaken = false;

  /** Whether a view is out that outputWritten() has not come back for. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Bytes that still fit when slots have `slotBytes`: large ones let the buffer grow. */
  roomFor(slotBytes: number): number {
    return bodyBytesFor(slotBytes) - (this.filling.length - BODY_START);
  }

  /** Makes sure that `count` slots fit; the caller has asked roomFor(). */
  reserve(count: number, slotBytes: number): void {
    const buffer = this.filling;
    const needed = buffer.length - BODY_START + count * slotBytes;
    if (BODY_START + needed > buffer.bytes.length) {
      buffer.growBody(Math.min(bodyBytesFor(slotBytes), Math.max(needed, 2 * (buffer.bytes.length - BODY_START))));
    }
  }

  /**
   * Claims room for a control frame and returns its offset in `filling.bytes`.
   * Frames that are `inOrder` never pass what waits already: a SETTINGS ACK behind requests made under the old
   * settings, an RST_STREAM behind the stream's DATA. Others go ahead of it.
   */
  claimControl(bytes: number, inOrder: boolean): number {
    const buffer = this.filling;
    const isAhead = !inOrder || buffer.length === BODY_START;
    if (isAhead && buffer.headLength + bytes <= BODY_START) {
      const at = buffer.headLength;
      buffer.headLength += bytes;
      return at;
    }
    if (buffer.length - BODY_START + bytes > maxOutputBufferBytes + maxControlTailBytes) {
      throw limitFault('too many frames that ask for an answer');
    }
    return buffer.append(bytes);
  }

  /** All that waits as one view, which stays untouched until written(); null when nothing waits or a view is out. */
  take(): Uint8Array | null {
    const buffer = this.filling;
    if (this.#isTaken || buffer.isEmpty) return null;
    this.filling = this.#other ?? new OutputBuffer();
    this.#other = buffer;
    this.#isTaken = true;
    return buffer.take();
  }

  written(): void {
    this.#isTaken = false;
    this.#other?.reset();
  }
}

/** Capacity of a buffer's body for slots of this size. */
function bodyBytesFor(slotBytes: number): number {
  const wanted = slotBytes * requestsPerOutputBuffer;
  return Math.min(maxOutputBufferBytes, Math.max(outputBufferBytes, wanted));
}
