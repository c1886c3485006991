/**
 * Where digests of device tokens are kept that memory has no room for. Implemented by the store of a journal, as a
 * scratch table of one run: digests are made under keys drawn by chance, so they mean nothing to another run. Used by
 * seen-tokens, on the main thread.
 */

/** Bytes of a digest in a store. */
export const storedDigestBytes = 13;

/** A set of digests on disk. Empty when it is opened for a run. */
export interface DigestStore {
  /**
   * Says which of these digests it holds: a byte for each, 1 or 0.
   *
   * @param digests `count` of 13 bytes each, ascending as bytes compare, each once; valid during the call only
   */
  has(digests: Uint8Array, count: number): Uint8Array | Promise<Uint8Array>;
  /**
   * Adds digests, some of which it may hold. No other call is made before this one is done.
   *
   * @param digests as with `has`; many (tens of thousands to millions), valid until the call is done
   */
  add(digests: Uint8Array, count: number): void | Promise<void>;
  close(): void | Promise<void>;
}
