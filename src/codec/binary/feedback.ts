/**
 * Feedback tuples: which device tokens are no longer valid, and since when. The decoder belongs to a feedback reader,
 * the encoder to the simulator; both pure.
 */

import { PealError } from '../../base/errors.js';
import { maxTokenBytes } from '../../base/limits.js';
import { readU16, readU32, writeU16, writeU32 } from '../octets.js';
import { Carry } from './carry.js';

/** Seconds and token length in front of the token. */
const headerBytes = 6;

export interface FeedbackListener {
  /** Called from within receive(). The token is `bytes[start … end)`, valid during this call only. */
  onFeedback(seconds: number, bytes: Uint8Array, start: number, end: number): void;
}

/** Decodes feedback tuples from any chunking. */
export class FeedbackDecoder {
  readonly #listener: FeedbackListener;
  readonly #carry = new Carry(headerBytes + maxTokenBytes);
  #failure: PealError | null = null;

  constructor(listener: FeedbackListener) {
    this.#listener = listener;
  }

  /** ERR_PEAL_LIMIT after a tuple whose token is longer than any can be; nothing is decoded after it. */
  get failure(): PealError | null {
    return this.#failure;
  }

  /** Whether a tuple has begun and not ended: at the end of the stream, something was cut off. */
  get isPartial(): boolean {
    return this.#carry.length > 0;
  }

  /** Takes `length` bytes at the start of `bytes`. */
  receive(bytes: Uint8Array, length: number): void {
    let at = this.#carry.length === 0 ? 0 : this.#complete(bytes, length);
    while (at < length && this.#failure === null) {
      const tupleBytes = this.#tupleBytes(bytes, at, length - at);
      if (tupleBytes > length - at) {
        this.#carry.append(bytes, at, length - at);
        return;
      }
      this.#report(bytes, at);
      at += tupleBytes;
    }
  }

  /** Adds to the carried tuple until it is whole; returns where the next one starts. */
  #complete(bytes: Uint8Array, length: number): number {
    const carry = this.#carry;
    let at = 0;
    while (at < length && this.#failure === null) {
      const missing = this.#tupleBytes(carry.bytes, 0, carry.length) - carry.length;
      const count = Math.min(missing, length - at);
      carry.append(bytes, at, count);
      at += count;
      if (this.#tupleBytes(carry.bytes, 0, carry.length) > carry.length) continue;
      if (this.#failure !== null) return at;
      carry.length = 0;
      this.#report(carry.bytes, 0);
      break;
    }
    return at;
  }

  /** Length of the tuple at `at`, as far as the `available` bytes of it tell: more than those while it is not whole. */
  #tupleBytes(bytes: Uint8Array, at: number, available: number): number {
    if (available < headerBytes) return headerBytes;
    const tokenBytes = readU16(bytes, at + 4);
    if (tokenBytes > maxTokenBytes) this.#failure ??= tokenError(tokenBytes);
    return headerBytes + tokenBytes;
  }

  #report(bytes: Uint8Array, at: number): void {
    if (this.#failure !== null) return;
    const start = at + headerBytes;
    this.#listener.onFeedback(readU32(bytes, at), bytes, start, start + readU16(bytes, at + 4));
  }
}

export function feedbackTupleBytes(tokenBytes: number): number {
  return headerBytes + tokenBytes;
}

/** Writes a tuple at `at`; returns where it ends. `seconds` since the Unix epoch, `token` as binary. */
export function writeFeedbackTuple(target: Uint8Array, at: number, seconds: number, token: Uint8Array): number {
  writeU32(target, at, seconds);
  writeU16(target, at + 4, token.length);
  target.set(token, at + headerBytes);
  return at + headerBytes + token.length;
}

function tokenError(tokenBytes: number): PealError {
  const message = `The feedback service sent a device token of ${tokenBytes} bytes, more than ${maxTokenBytes}.`;
  return new PealError('ERR_PEAL_LIMIT', message, { origin: 'protocol' });
}
