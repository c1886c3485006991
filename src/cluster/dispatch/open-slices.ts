/**
 * The slices of a campaign that are out, and where to find the recipients of a block in them. Owned by the
 * ClusterSender; main thread.
 */
import type { Rows } from '../../session/recipients/rows.js';
import type { BatchPlace } from '../slices/slice.js';
import { AwaitedBatch, OpenSlice } from './open-slice.js';

export class OpenSlices {
  readonly #slices = new Map<number, OpenSlice>();
  /** Batches of an earlier run by the block of their recipients, until it is read again. */
  readonly #unadopted = new Map<number, AwaitedBatch[]>();
  #next = 0;

  get size(): number {
    return this.#slices.size;
  }

  /** The number of the next slice: no slice of the campaign has had it. */
  takeNumber(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  get(number: number): OpenSlice | null {
    return this.#slices.get(number) ?? null;
  }

  [Symbol.iterator](): IterableIterator<OpenSlice> {
    return this.#slices.values();
  }

  add(slice: OpenSlice): void {
    this.#slices.set(slice.number, slice);
  }

  remove(numbers: Iterable<number>): void {
    for (const number of numbers) this.#slices.delete(number);
  }

  /** A slice of an earlier run. */
  find(number: number, places: readonly BatchPlace[]): void {
    this.#next = Math.max(this.#next, number + 1);
    const batches = places.map((place) => new AwaitedBatch(place, null));
    this.add(new OpenSlice(number, batches));
    for (const batch of batches) {
      const { block } = batch.place;
      const known = this.#unadopted.get(block);
      if (known === undefined) this.#unadopted.set(block, [batch]);
      else known.push(batch);
    }
  }

  /**
   * The block was read again.
   *
   * @returns which of the noted recipients no slice has
   */
  adopt(rows: Rows, block: number, noted: Uint16Array): Uint16Array {
    const isNoted = new Uint8Array(rows.count);
    for (const index of noted) isNoted[index] = 1;
    for (const batch of this.#unadopted.get(block) ?? []) batch.adopt(rows, isNoted);
    this.#unadopted.delete(block);
    return noted.filter((index) => isNoted[index] === 1);
  }
}
