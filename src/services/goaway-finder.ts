/**
 * Finds GOAWAY frames in the bytes of a gateway, by the lengths of all frames (RFC 9113 §4.1). Node's session that is
 * told of a GOAWAY with an error code drops its streams at once, also those whose whole answers came in the same read.
 * So DuplexStream hands on what lies before a GOAWAY first. Owned by one DuplexStream; main thread.
 */
import { FRAME_HEADER_BYTES, GOAWAY } from '../codec/http2/frames.js';
import { readU24 } from '../codec/octets.js';

export class GoawayFinder {
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  /** Octets of the next header that have come. */
  #held = 0;
  /** Octets of the payload that are still to come. */
  #left = 0;

  /**
   * Takes the next bytes. Returns where the first GOAWAY in them begins: it and what follows is to be given once more,
   * with `isDue`. Without one it returns their length. A GOAWAY whose header began in an earlier call is not found.
   *
   * @param isDue whether a GOAWAY at the very beginning is taken
   */
  take(bytes: Uint8Array, isDue: boolean): number {
    const { length } = bytes;
    let at = 0;
    for (;;) {
      const passed = Math.min(this.#left, length - at);
      this.#left -= passed;
      at += passed;
      while (this.#held < FRAME_HEADER_BYTES && at < length) this.#header[this.#held++] = bytes[at++]!;
      if (this.#held < FRAME_HEADER_BYTES) return length;
      this.#held = 0;
      const start = at - FRAME_HEADER_BYTES;
      if (this.#header[3] === GOAWAY && (isDue ? start > 0 : start >= 0)) return start;
      this.#left = readU24(this.#header, 0);
    }
  }
}
