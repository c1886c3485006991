/**
 * What a journal is kept in: keys and values of bytes, in order of the keys, changed by transactions. Implemented by
 * lmdb-store, and by a store in memory that tests crash. Main thread.
 */

export interface Change {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export type Entry = readonly [key: Uint8Array, value: Uint8Array];

/** What a reader needs of a store. */
export interface ReadableStore {
  /** Null where there is no such key. The caller's to keep. */
  get(key: Uint8Array): Uint8Array | null;
  /**
   * In the order of the keys as bytes, from `start` to before `end`, as of now. Values are valid until the next step.
   */
  range(start: Uint8Array, end: Uint8Array): Iterable<Entry>;
  close(): Promise<void>;
}

export interface Store extends ReadableStore {
  /**
   * Makes all of the changes, or none: resolves once they are durable, so that neither a crash of the process nor one
   * of the machine takes them back. The values must stay as they are until then. One call at a time.
   *
   * @throws PealError ERR_PEAL_INPUT (as a rejection) when they could not be made; the same changes may be tried again
   */
  commit(changes: readonly Change[]): Promise<void>;
}
