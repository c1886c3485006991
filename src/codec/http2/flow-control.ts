/**
 * The two windows of a connection (RFC 9113 §5.2, §6.9). Windows of single streams are kept by stream-table (sending)
 * and requests/pending-answer (receiving). Owned by one connection, on its thread.
 */
import { DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES } from './frames.js';

/** What we may still send on the whole connection. */
export class SendWindow {
  /** Bytes of DATA that may be sent now. */
  available = DEFAULT_WINDOW_BYTES;

  /** Applies a WINDOW_UPDATE; false when the window would go over 2^31-1 (§6.9.1). */
  open(increment: number): boolean {
    this.available += increment;
    return this.available <= MAX_WINDOW_BYTES;
  }
}

/**
 * What the peer may still send. All DATA is credited back, kept or discarded: bodies are bounded elsewhere. Credit is
 * given once half of the window is used up, so that few WINDOW_UPDATEs are needed. The peer may use new credit only
 * after its WINDOW_UPDATE has left: until that output is handed out (Output.handOuts), the credit counts as promised.
 */
export class ReceiveWindow {
  readonly #windowBytes: number;
  #used = 0;
  /** Credit that was given since hand-out number `#promisedAt`. */
  #promised = 0;
  #promisedAt = 0;

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes;
  }

  /** Takes `bytes` of DATA, padding included; false when the peer has overrun the window. */
  take(bytes: number, handOuts: number): boolean {
    this.#used += bytes;
    if (this.#promisedAt !== handOuts) this.#promised = 0;
    return this.#used + this.#promised <= this.#windowBytes;
  }

  /** The increment to send now; 0 while too little is used up to be worth a frame. */
  credit(handOuts: number): number {
    if (this.#used * 2 < this.#windowBytes) return 0;
    const increment = this.#used;
    this.#used = 0;
    if (this.#promisedAt !== handOuts) this.#promised = 0;
    this.#promisedAt = handOuts;
    this.#promised += increment;
    return increment;
  }

  reset(): void {
    this.#used = 0;
    this.#promised = 0;
  }
}
