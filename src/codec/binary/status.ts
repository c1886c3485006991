/**
 * Status responses: the six bytes with which a gateway says what it refused. The decoder belongs to a connection, the
 * encoder to the simulator; both pure.
 */

import { PealError } from '../../base/errors.js';
import { readU32, writeU32 } from '../octets.js';
import { Carry } from './carry.js';
import { STATUS } from './wire.js';

export const STATUS_BYTES = 6;

export interface StatusListener {
  /** Called from within receive(). `identifier` is 0 where the gateway could not say which notification it was. */
  onStatus(status: number, identifier: number): void;
}

/** Decodes status responses from any chunking. Usually there is one, and the gateway closes after it. */
export class StatusDecoder {
  readonly #listener: StatusListener;
  readonly #carry = new Carry(STATUS_BYTES);
  #failure: PealError | null = null;

  constructor(listener: StatusListener) {
    this.#listener = listener;
  }

  /** What the gateway sent that is no status response; nothing is decoded after it. */
  get failure(): PealError | null {
    return this.#failure;
  }

  /** Whether a response has begun and not ended. */
  get isPartial(): boolean {
    return this.#carry.length > 0;
  }

  /** Takes `length` bytes at the start of `bytes`. */
  receive(bytes: Uint8Array, length: number): void {
    let at = 0;
    while (at < length && this.#failure === null) {
      const command = this.#carry.length > 0 ? STATUS : bytes[at]!;
      if (command !== STATUS) {
        this.#failure = notStatusError();
        return;
      }
      const count = Math.min(STATUS_BYTES - this.#carry.length, length - at);
      this.#carry.append(bytes, at, count);
      at += count;
      if (this.#carry.length === STATUS_BYTES) this.#report();
    }
  }

  #report(): void {
    const { bytes } = this.#carry;
    this.#carry.length = 0;
    this.#listener.onStatus(bytes[1]!, readU32(bytes, 2));
  }
}

/** Writes a status response at `at`; returns where it ends. */
export function writeStatus(target: Uint8Array, at: number, status: number, identifier: number): number {
  target[at] = STATUS;
  target[at + 1] = status;
  writeU32(target, at + 2, identifier);
  return at + STATUS_BYTES;
}

function notStatusError(): PealError {
  const message =
    'The gateway sent something that is no status response of the binary protocol: check that it is a binary gateway.';
  return new PealError('ERR_PEAL_PROTOCOL', message, { origin: 'protocol', retryable: true });
}
