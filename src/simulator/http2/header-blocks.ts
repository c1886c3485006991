/**
 * Header blocks that are not alone in one HEADERS frame: with padding or priority around them, or continued in
 * CONTINUATION frames (RFC 9113 §6.2, §6.10). Owned by one server connection.
 */
import { maxContinuationFrames } from '../../base/limits.js';
import { ENHANCE_YOUR_CALM, FLAG_END_HEADERS, FLAG_PADDED, FLAG_PRIORITY } from '../../codec/http2/frames.js';
import { clientFault } from './client-fault.js';

const priorityBytes = 5;

export class HeaderBlocks {
  #streamId = 0;
  #frames = 0;
  /** The block so far. It is whole once `begin` or `continue` returns true. */
  bytes = new Uint8Array(0);
  /** Flags of its HEADERS frame. */
  flags = 0;

  /** Whether only CONTINUATION may follow. */
  get isPending(): boolean {
    return this.#streamId !== 0;
  }

  /** A HEADERS frame. @returns whether the block is whole. */
  begin(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    let to = end;
    if ((flags & FLAG_PADDED) !== 0) {
      to -= end > start ? bytes[start]! : 0;
      from += 1;
    }
    if ((flags & FLAG_PRIORITY) !== 0) from += priorityBytes;
    if (from > to) throw clientFault('HEADERS shorter than its padding and priority');
    this.flags = flags;
    this.bytes = bytes.slice(from, to);
    if ((flags & FLAG_END_HEADERS) !== 0) return true;
    this.#streamId = streamId;
    this.#frames = 0;
    return false;
  }

  /** A CONTINUATION frame. @returns whether the block is whole. */
  continue(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (streamId === 0 || streamId !== this.#streamId) throw clientFault('CONTINUATION without a header block');
    if (++this.#frames > maxContinuationFrames) throw clientFault('too many CONTINUATION', ENHANCE_YOUR_CALM);
    const longer = new Uint8Array(this.bytes.length + end - start);
    longer.set(this.bytes);
    longer.set(bytes.subarray(start, end), this.bytes.length);
    this.bytes = longer;
    if ((flags & FLAG_END_HEADERS) === 0) return false;
    this.#streamId = 0;
    return true;
  }
}
