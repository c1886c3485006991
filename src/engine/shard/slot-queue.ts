/**
 * The order in which the batches of a route are sent: a double-ended queue of slots, because what comes back unsent
 * goes first. Owned by one shard route, on the shard's thread.
 */
import { assert } from '../../base/assert.js';
import type { BatchSlot } from './batch-slot.js';

const leastCapacity = 16;

/**
 *   #ring  [ . . a b c . . . ]     capacity is a power of two and doubles when it is full; a slot is queued at most
 *              ▲     ▲             once, so it is never more than a shard has slots
 *            #first  #first + #length
 */
export class SlotQueue {
  #ring: (BatchSlot | null)[] = new Array<BatchSlot | null>(leastCapacity).fill(null);
  #mask = leastCapacity - 1;
  #first = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  first(): BatchSlot | null {
    return this.#length === 0 ? null : this.#ring[this.#first]!;
  }

  append(slot: BatchSlot): void {
    assert(!slot.isQueued, 'a batch is put at the end of the line when it comes, and when it was taken out');
    slot.isQueued = true;
    if (this.#length === this.#ring.length) this.#grow();
    this.#ring[(this.#first + this.#length) & this.#mask] = slot;
    this.#length += 1;
  }

  /** Does nothing for a slot that is queued already, because recipients come back one by one. */
  prepend(slot: BatchSlot): void {
    if (slot.isQueued) return;
    slot.isQueued = true;
    if (this.#length === this.#ring.length) this.#grow();
    this.#first = (this.#first - 1) & this.#mask;
    this.#ring[this.#first] = slot;
    this.#length += 1;
  }

  /** Removes a slot from any place: at once if it is the first, which is the usual case. */
  remove(slot: BatchSlot): void {
    if (!slot.isQueued) return;
    assert(this.#length > 0, 'a slot that is queued is in the queue');
    let at = this.#first;
    while (this.#ring[at] !== slot) at = (at + 1) & this.#mask;
    for (; at !== this.#first; at = (at - 1) & this.#mask) this.#ring[at] = this.#ring[(at - 1) & this.#mask]!;
    this.#ring[this.#first] = null;
    this.#first = (this.#first + 1) & this.#mask;
    this.#length -= 1;
    slot.isQueued = false;
  }

  #grow(): void {
    const { length } = this.#ring;
    const inOrder = [...this.#ring.slice(this.#first), ...this.#ring.slice(0, this.#first)];
    this.#ring = [...inOrder, ...new Array<null>(length).fill(null)];
    this.#mask = length * 2 - 1;
    this.#first = 0;
  }
}
