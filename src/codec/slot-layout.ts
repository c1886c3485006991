/**
 * Which part of an output buffer holds slots of one image side by side. The slots stay after the buffer was written:
 * where the same image comes to lie again, only what differs between recipients is patched. Images are known by
 * identity. Owned by one buffer of either protocol, on its thread.
 *
 *   | … | slot | slot | slot | slot | …
 *       ^ #start                    ^ #end
 */
import { assert } from '../base/assert.js';

export class SlotLayout {
  #image: object | null = null;
  #slotBytes = 1;
  #start = 0;
  #end = 0;

  /** Slots of `image` are put from `at` on. Returns the offset up to which they stand already; `at` if they do not. */
  standsUpTo(image: object, slotBytes: number, at: number): number {
    if (this.#image === image && at >= this.#start && at <= this.#end && (at - this.#start) % slotBytes === 0) {
      return this.#end;
    }
    this.#image = image;
    this.#slotBytes = slotBytes;
    this.#start = at;
    this.#end = at;
    return at;
  }

  /** Slots of the image that standsUpTo() was called with stand up to `end` now. */
  extendTo(end: number): void {
    assert(this.#image !== null, 'standsUpTo() comes before extendTo()');
    if (end > this.#end) this.#end = end;
  }

  /** Something else is written to `[from, to)`: of the slots that it touches, only whole ones before it remain. */
  cut(from: number, to: number): void {
    if (from >= this.#end || to <= this.#start) return;
    const slots = Math.max(0, Math.floor((from - this.#start) / this.#slotBytes));
    this.#end = this.#start + slots * this.#slotBytes;
  }

  /** Forgets all slots. */
  clear(): void {
    this.#end = this.#start;
    this.#image = null;
  }
}
