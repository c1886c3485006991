/**
 * The output of one connection: two buffers, one that fills while the other is being written. Requests are put into
 * the filling one by requests/request-writer, control frames by control-frames. Owned by one connection, on its thread.
 *
 * A buffer is one write's worth. Requests stand in the body, end to end; control frames that go out ahead of them
 * stand in the head and are moved up against the body when the buffer is taken, so that one view covers both.
 *
 *   0            headBytes = bodyStart                         length
 *   | control frames →|…| slot | slot | slot | slot | … | frame |…free…
 *                       ^ slots of one image (slot-layout)
 */
import { assert } from '../../base/assert.js';
import {
  controlHeadBytes,
  firstOutputBufferBytes,
  maxControlTailBytes,
  maxOutputBufferBytes,
  outputBufferBytes,
  requestsPerOutputBuffer,
} from '../../base/limits.js';
import { readU31 } from '../octets.js';
import { SlotLayout } from '../slot-layout.js';
import { limitFault } from './connection-fault.js';
import { DATA, FRAME_HEADER_BYTES } from './frames.js';

const BODY_START = controlHeadBytes;

export class Output {
  /** The buffer that fills. Another object after every take(). */
  filling = new OutputBuffer();
  /** How often output was handed out. */
  handOuts = 0;
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
    this.handOuts++;
    assert(this.filling.isEmpty, 'the buffer that fills next was written and reset');
    return buffer.take();
  }

  /** The view that take() gave was written. */
  written(): void {
    assert(this.#isTaken, 'only a view that is out was written');
    this.#isTaken = false;
    this.#other?.reset();
  }
}

/** Capacity of a buffer's body for slots of this size. */
function bodyBytesFor(slotBytes: number): number {
  const wanted = slotBytes * requestsPerOutputBuffer;
  return Math.min(maxOutputBufferBytes, Math.max(outputBufferBytes, wanted));
}

/** See the head of this file. */
class OutputBuffer {
  bytes = new Uint8Array(BODY_START + firstOutputBufferBytes);
  view = new DataView(this.bytes.buffer);
  /** End of the control frames in the head. */
  headLength = 0;
  /** End of the body. */
  length = BODY_START;
  readonly #layout = new SlotLayout();

  get isEmpty(): boolean {
    return this.headLength === 0 && this.length === BODY_START;
  }

  /** Makes the body's capacity at least `bytes`, keeping what it holds. */
  growBody(bytes: number): void {
    const capacity = BODY_START + bytes;
    if (capacity <= this.bytes.length) return;
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Claims `count` bytes at the end of the body, for anything but slots; returns where they start. */
  append(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.bytes.length) {
      const doubled = Math.min(2 * (this.bytes.length - BODY_START), maxOutputBufferBytes);
      this.growBody(Math.max(end - BODY_START, doubled));
    }
    this.length = end;
    this.#layout.cut(at, end);
    return at;
  }

  /** What is laid out already when slots of `image` are put at the end of the body: up to the returned offset. */
  laidOutFor(image: { readonly slotBytes: number }): number {
    return this.#layout.standsUpTo(image, image.slotBytes, this.length);
  }

  /** The body ends at `end` now, with slots of the image that laidOutFor() was called with. */
  slotsWritten(end: number): void {
    this.length = end;
    this.#layout.extendTo(end);
  }

  /** Everything that waits, as one view. */
  take(): Uint8Array {
    const start = BODY_START - this.headLength;
    if (this.headLength > 0) this.bytes.copyWithin(start, 0, this.headLength);
    return this.bytes.subarray(start, this.length);
  }

  /** Forgets what was written, and keeps the layout. */
  reset(): void {
    this.headLength = 0;
    this.length = BODY_START;
  }

  /** Forgets the body alone. */
  dropBody(): void {
    this.length = BODY_START;
  }

  /**
   * Takes the frames of our streams from `streamId` on out of the body; returns how many bytes of DATA they held. An
   * RST_STREAM that refuses a push, whose id is even, stays.
   */
  dropStreamsFrom(streamId: number): number {
    let dropped = 0;
    let kept = BODY_START;
    let end: number;
    for (let at = BODY_START; at < this.length; at = end) {
      const payloadBytes = this.view.getUint32(at) >>> 8;
      end = at + FRAME_HEADER_BYTES + payloadBytes;
      const id = readU31(this.bytes, at + 5);
      if (id >= streamId && (id & 1) === 1) {
        if (this.bytes[at + 3] === DATA) dropped += payloadBytes;
        continue;
      }
      this.bytes.copyWithin(kept, at, end);
      kept += end - at;
    }
    this.length = kept;
    this.#layout.clear();
    return dropped;
  }
}
