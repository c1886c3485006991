/**
 * The parcels that wait for a shard with credit: first those that came back from a shard, then the others in the order
 * in which they were dispatched. Bounded by its callers, because each waits for its `dispatch`. Owned by the
 * dispatcher.
 */
import { assert } from '../../base/assert.js';
import type { Job } from './job.js';
import type { Parcel } from './parcel.js';

export class WaitingLine {
  readonly #returned = new Set<Parcel>();
  readonly #dispatched = new Set<Parcel>();

  get size(): number {
    return this.#returned.size + this.#dispatched.size;
  }

  has(parcel: Parcel): boolean {
    return this.#dispatched.has(parcel) || this.#returned.has(parcel);
  }

  add(parcel: Parcel): void {
    this.#dispatched.add(parcel);
  }

  addReturned(parcel: Parcel): void {
    this.#returned.add(parcel);
  }

  remove(parcel: Parcel): void {
    const wasWaiting = this.#dispatched.delete(parcel) || this.#returned.delete(parcel);
    assert(wasWaiting, 'a parcel that leaves the line has waited in it');
  }

  /** Removes and returns all parcels of one job. */
  removeJob(job: Job): Parcel[] {
    const parcels = [...this].filter((parcel) => parcel.job === job);
    for (const parcel of parcels) this.remove(parcel);
    return parcels;
  }

  /** Parcels may be removed while this runs. */
  *[Symbol.iterator](): Generator<Parcel> {
    yield* this.#returned;
    yield* this.#dispatched;
  }
}
