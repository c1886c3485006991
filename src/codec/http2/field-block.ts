/**
 * A field block that comes in several frames: HEADERS or PUSH_PROMISE, then CONTINUATION (RFC 9113 §4.3, §6.10).
 * Bounded in frames and octets. Owned by one connection, on its thread.
 */
import { assert } from '../../base/assert.js';
import { maxContinuationFrames, maxFieldBlockBytes } from '../../base/limits.js';
import { limitFault } from './connection-fault.js';

export class FieldBlock {
  /** The stream whose CONTINUATION has to come next; 0 while no block is open. */
  streamId = 0;
  endsStream = false;
  /** Of a PUSH_PROMISE; 0 for HEADERS. */
  promisedId = 0;
  bytes = new Uint8Array(0);
  length = 0;
  #continuations = 0;

  begin(streamId: number, endsStream: boolean, promisedId: number): void {
    assert(this.streamId === 0, 'one field block is open at a time');
    this.streamId = streamId;
    this.endsStream = endsStream;
    this.promisedId = promisedId;
    this.length = 0;
    this.#continuations = 0;
  }

  /** Counts one CONTINUATION. @throws ConnectionFault for a flood of them (VU#421644) */
  countContinuation(): void {
    if (++this.#continuations > maxContinuationFrames) throw limitFault('too many CONTINUATION frames');
  }

  /** Appends a fragment. @throws ConnectionFault when the block gets too large */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.length + end - start > maxFieldBlockBytes) throw limitFault('a field block that is too large');
    if (this.bytes.length === 0) this.bytes = new Uint8Array(maxFieldBlockBytes);
    this.bytes.set(bytes.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** The block is whole: other frames may come again. */
  finish(): void {
    this.streamId = 0;
  }
}
