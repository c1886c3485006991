/**
 * A store in memory whose process can be killed at any of its transactions, or that fails as a disk does. What was
 * committed outlives the store, as a file does.
 */
import { Buffer } from 'node:buffer';
import { PealError } from '../../../src/base/errors.js';
import type { Change, Entry, Store } from '../../../src/campaign/journal/store.js';

/** Where a transaction is when the process ends: after `untold` it is on the disk, and nobody was told. */
export type CrashPoint = 'before' | 'middle' | 'untold';

export interface Crash {
  /** The number of a transaction, or whether it is the one that writes these changes. */
  readonly commit: number | ((changes: readonly Change[]) => boolean);
  readonly point: CrashPoint;
}

export class MemoryDisk {
  readonly entries = new Map<string, Uint8Array>();
  /** Transactions so far, over all runs. */
  commits = 0;
  bytesWritten = 0;
}

export class MemoryStore implements Store {
  readonly disk: MemoryDisk;
  /** The transaction at which the process ends; it and all later ones never come back. */
  crashAt: Crash | null = null;
  /** Transactions are refused as long as it is set. */
  isFull = false;
  hasCrashed = false;
  isClosed = false;
  /** Resolves when the process has ended. */
  readonly crashed: Promise<void>;
  #onCrash!: () => void;
  /** What a transaction waits for; by default a turn. */
  latency: () => Promise<void> = () => new Promise((resolve) => setImmediate(resolve));

  constructor(disk = new MemoryDisk()) {
    this.disk = disk;
    this.crashed = new Promise((resolve) => {
      this.#onCrash = resolve;
    });
  }

  get(key: Uint8Array): Uint8Array | null {
    const value = this.disk.entries.get(Buffer.from(key).toString('latin1'));
    return value === undefined ? null : new Uint8Array(value);
  }

  *range(start: Uint8Array, end: Uint8Array): Iterable<Entry> {
    const keys = [...this.disk.entries.keys()].map((key) => Buffer.from(key, 'latin1')).sort(Buffer.compare);
    for (const key of keys) {
      if (Buffer.compare(key, start) >= 0 && Buffer.compare(key, end) < 0) yield [key, this.get(key)!];
    }
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const crash = this.#isCrashed(changes) ? this.crashAt!.point : null;
    this.disk.commits += 1;
    await this.latency();
    if (this.isFull) throw new PealError('ERR_PEAL_INPUT', 'The disk is full.', { origin: 'input' });
    if (crash === 'before' || crash === 'middle' || this.hasCrashed) return this.#end();
    for (const { key, value } of changes) {
      this.disk.entries.set(Buffer.from(key).toString('latin1'), new Uint8Array(value));
      this.disk.bytesWritten += key.length + value.length;
    }
    if (crash === 'untold') return this.#end();
  }

  #isCrashed(changes: readonly Change[]): boolean {
    const commit = this.crashAt?.commit;
    return typeof commit === 'function' ? commit(changes) : commit === this.disk.commits;
  }

  #end(): Promise<never> {
    this.hasCrashed = true;
    this.#onCrash();
    return new Promise(() => {});
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
