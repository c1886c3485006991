/**
 * What the journal of a slice is kept in: the records of a claim in memory, and changes that become part of the store
 * of the cluster together with the outcomes that belong to them. Made by slice-run; main thread.
 *
 * After a commit that failed nothing more is written: another worker may have the slice, or the store may have taken
 * what it did not confirm. Whoever claims the slice next goes by what the store has.
 */
import { Buffer } from 'node:buffer';
import { PealError } from '../../base/errors.js';
import type { Change, Entry, Store } from '../../campaign/journal/store.js';
import type { ClusterStore, SliceClaim, SteeringNow } from '../store/cluster-store.js';

interface SliceStoreOptions {
  readonly store: ClusterStore;
  readonly claim: SliceClaim;
  /** Told with each commit. */
  readonly onSteering: (steering: SteeringNow) => void;
  /** Told once, when a commit failed. */
  readonly onFailure: (error: PealError) => void;
}

/** What goes with the next commit. */
interface Staged {
  readonly outcomes: readonly Uint8Array[];
  readonly hasEnded: boolean;
}

const nothing: Staged = { outcomes: [], hasEnded: false };

export class SliceStore implements Store {
  readonly #options: SliceStoreOptions;
  /** By key as hex, whose order is that of the bytes. */
  readonly #values = new Map<string, Uint8Array>();
  #staged = nothing;
  #failure: PealError | null = null;

  constructor(options: SliceStoreOptions) {
    this.#options = options;
    for (const [key, value] of options.claim.records) this.#values.set(nameOf(key), value);
  }

  /** Why nothing more is written; null while it is. */
  get failure(): PealError | null {
    return this.#failure;
  }

  /**
   * These outcomes, and whether the slice has ended with them, become part of the commit that the journal makes next.
   */
  stage(outcomes: readonly Uint8Array[], hasEnded: boolean): void {
    this.#staged = { outcomes: [...this.#staged.outcomes, ...outcomes], hasEnded };
  }

  get(key: Uint8Array): Uint8Array | null {
    return this.#values.get(nameOf(key)) ?? null;
  }

  *range(start: Uint8Array, end: Uint8Array): Iterable<Entry> {
    const [from, to] = [nameOf(start), nameOf(end)];
    const names = [...this.#values.keys()].filter((name) => name >= from && name < to).sort();
    for (const name of names) yield [Buffer.from(name, 'hex'), this.#values.get(name)!];
  }

  async commit(changes: readonly Change[]): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const { store, claim, onSteering, onFailure } = this.#options;
    const { outcomes, hasEnded } = this.#staged;
    this.#staged = nothing;
    try {
      const steering = await store.commit(claim, { changes, outcomes, hasEnded });
      for (const { key, value } of changes) this.#values.set(nameOf(key), value);
      onSteering(steering);
    } catch (error) {
      this.#failure = error instanceof PealError ? error : lostError(error);
      onFailure(this.#failure);
      throw this.#failure;
    }
  }

  async close(): Promise<void> {}
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('hex');
}

function lostError(cause: unknown): PealError {
  const message = 'The store of the cluster failed while the outcomes of a slice were written.';
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true, cause });
}
