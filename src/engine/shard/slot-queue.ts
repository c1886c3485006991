/**
 * The order in which the batches of a route are sent: a double-ended queue of slots, because what comes back unsent
 * goes first. Owned by one shard route, on the shard's thread.
 */
import type { BatchSlot } from './batch-slot.js';

/**
 *   #ring  [ . . a b c . . . ]     capacity is a power of two and at least the number of slots, and a slot is queued
 *              ▲     ▲             at most once, so the ring never overflows
 *            #first  #first + #length
 */
export class SlotQueue {
  readonly #ring: (BatchSlot | null)[];
  readonly #mask: number;
  #first = 0;
  #length = 0;

  constructor(slots: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(2, slots)));
    this.#ring = new Array<BatchSlot | null>(capacity).fill(null);
    this.#mask = capacity - 1;
  }

  get length(): number {
    return this.#length;
  }

  first(): BatchSlot | null {
    return this.#length === 0 ? null : this.#ring[this.#first]!;
  }

  append(slot: BatchSlot): void {
    if (slot.isQueued) return;
    slot.isQueued = true;
    this.#ring[(this.#first + this.#length) & this.#mask] = slot;
    this.#length += 1;
  }

  prepend(slot: BatchSlot): void {
    if (slot.isQueued) return;
    slot.isQueued = true;
    this.#first = (this.#first - 1) & this.#mask;
    this.#ring[this.#first] = slot;
    this.#length += 1;
  }

  /** Takes a slot out, wherever it is: at once for the first one, which is the usual case. */
  remove(slot: BatchSlot): void {
    if (!slot.isQueued) return;
    let at = this.#first;
    while (this.#ring[at] !== slot) at = (at + 1) & this.#mask;
    for (; at !== this.#first; at = (at - 1) & this.#mask) this.#ring[at] = this.#ring[(at - 1) & this.#mask]!;
    this.#ring[this.#first] = null;
    this.#first = (this.#first + 1) & this.#mask;
    this.#length -= 1;
    slot.isQueued = false;
  }
}
