/**
 * Digests of device tokens on disk, for what drops duplicates of an input and has no more memory for them: a set, kept
 * in a store of its own beside a journal. A scratch file: digests are made under keys of one run, so each run begins
 * with an empty one, and removes it at its end. Main thread.
 */
import { rm } from 'node:fs/promises';
import { assert } from '../../base/assert.js';
import { LmdbStore } from './lmdb-store.js';
import type { Store } from './store.js';

const present = Uint8Array.of(1);

/** Does what a `DigestStore` of campaign/recipients does. */
export class StoredDigests {
  readonly #store: Store;
  readonly #file: string;

  private constructor(store: Store, file: string) {
    this.#store = store;
    this.#file = file;
  }

  /**
   * Removes what a run before has left, and begins anew.
   *
   * @throws PealError ERR_PEAL_INPUT, as a rejection
   */
  static async open(file: string): Promise<StoredDigests> {
    await remove(file);
    return new StoredDigests(await LmdbStore.open(file), file);
  }

  /** A byte for each of `count` digests: 1 where it is there. */
  has(digests: Uint8Array, count: number): Uint8Array {
    const held = new Uint8Array(count);
    const width = widthOf(digests, count);
    for (let index = 0; index < count; index++) {
      if (this.#store.get(digests.subarray(index * width, (index + 1) * width)) !== null) held[index] = 1;
    }
    return held;
  }

  /** @throws PealError ERR_PEAL_INPUT, as a rejection, where the disk is full or fails */
  add(digests: Uint8Array, count: number): Promise<void> {
    const width = widthOf(digests, count);
    return this.#store.commit(
      Array.from({ length: count }, (_, index) => ({
        key: digests.subarray(index * width, (index + 1) * width),
        value: present,
      })),
    );
  }

  async close(): Promise<void> {
    await this.#store.close();
    await remove(this.#file);
  }
}

function widthOf(digests: Uint8Array, count: number): number {
  const width = digests.length / count;
  assert(count === 0 || Number.isInteger(width), 'digests have one length');
  return width;
}

async function remove(file: string): Promise<void> {
  for (const path of [file, `${file}-lock`]) await rm(path, { force: true });
}
