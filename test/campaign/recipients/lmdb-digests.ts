/**
 * A store of digests in a file of LMDB, as a journal may have one: a scratch file, which need not outlive the process.
 */
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { type DigestStore, storedDigestBytes } from '../../../src/campaign/recipients/digest-store.js';

const nothing = Buffer.alloc(0);

export class LmdbDigests implements DigestStore {
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;
  /** Digests added, and calls. */
  added = 0;
  calls = 0;

  constructor(directory: string) {
    this.#database = open(join(directory, 'digests'), {
      encoding: 'binary',
      keyEncoding: 'binary',
      noSubdir: true,
      noSync: true,
      noMemInit: true,
      useWritemap: true,
    });
  }

  has(digests: Uint8Array, count: number): Uint8Array {
    const held = new Uint8Array(count);
    const all = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength);
    for (let index = 0; index < count; index++) {
      const start = index * storedDigestBytes;
      if (this.#database.doesExist(all.subarray(start, start + storedDigestBytes))) held[index] = 1;
    }
    return held;
  }

  add(digests: Uint8Array, count: number): void {
    this.added += count;
    this.calls++;
    this.#database.transactionSync(() => {
      for (let index = 0; index < count; index++) {
        const start = index * storedDigestBytes;
        this.#database.put(Buffer.from(digests.subarray(start, start + storedDigestBytes)), nothing);
      }
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
