/**
 * Cuts a byte stream into frames for readers in tests, wherever its chunks begin and end. Knows nothing of what the
 * frames mean. Independent of the frame reader in src, which is among the things that are judged.
 */

/** One frame; its payload is `bytes[start … end)`, valid during the call only. */
export type OnFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void;

const headerBytes = 9;

export class FrameCutter {
  /** A larger frame ends the reading. */
  maxFrameBytes = 16_384;
  readonly #onFrame: OnFrame;
  #preface: string;
  /** The beginning of a frame, `#heldBytes` long; or of the preface. */
  #held = new Uint8Array(64);
  #heldBytes = 0;
  #isBroken = false;

  /** @param preface What has to stand in front of the first frame. */
  constructor(onFrame: OnFrame, preface = '') {
    this.#onFrame = onFrame;
    this.#preface = preface;
  }

  /** A frame was too large, or the preface was missing: the rest is not looked at. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Nothing of a frame that is not complete is held. */
  get isAtBoundary(): boolean {
    return this.#heldBytes === 0;
  }

  /** Takes the next `length` octets; returns what is wrong with the stream, once, or null. */
  push(bytes: Uint8Array, length = bytes.length): string | null {
    if (this.#isBroken) return null;
    if (this.#heldBytes === 0) {
      const at = this.#cut(bytes, length);
      if (at < length) this.#hold(bytes, at, length);
    } else {
      this.#hold(bytes, 0, length);
      const at = this.#cut(this.#held, this.#heldBytes);
      if (at > 0) this.#held.copyWithin(0, at, this.#heldBytes);
      this.#heldBytes -= at;
    }
    return this.#isBroken ? 'the preface is missing, or a frame is too large' : null;
  }

  /** Hands on what is whole in `bytes[0 … size)`; returns where the rest begins. */
  #cut(bytes: Uint8Array, size: number): number {
    let at = this.#preface === '' ? 0 : this.#cutPreface(bytes, size);
    while (this.#preface === '' && !this.#isBroken && size - at >= headerBytes) {
      const payloadBytes = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
      this.#isBroken = payloadBytes > this.maxFrameBytes;
      const start = at + headerBytes;
      const end = start + payloadBytes;
      if (this.#isBroken || end > size) break;
      const streamId =
        ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
      this.#onFrame(bytes[at + 3]!, bytes[at + 4]!, streamId, bytes, start, end);
      at = end;
    }
    return at;
  }

  #cutPreface(bytes: Uint8Array, size: number): number {
    const length = this.#preface.length;
    if (size < length) return 0;
    for (let i = 0; i < length; i++) if (bytes[i] !== this.#preface.charCodeAt(i)) this.#isBroken = true;
    this.#preface = '';
    return length;
  }

  #hold(bytes: Uint8Array, from: number, to: number): void {
    const needed = this.#heldBytes + to - from;
    if (needed > this.#held.length) {
      const grown = new Uint8Array(2 * needed);
      grown.set(this.#held.subarray(0, this.#heldBytes));
      this.#held = grown;
    }
    for (let at = from; at < to; at++) this.#held[this.#heldBytes++] = bytes[at]!;
  }
}
