/**
 * Finds device tokens that came before, in bounded memory: digests that memory has no room for go to a store on disk, and
 * the answer stays exact. Called by input/, on the main thread.
 *
 * Memory holds the digests that came last. Once it is full, all of them go to the store in one sorted run, and memory begins
 * anew. From then on the tokens of a block that memory does not know are looked up in the store, sorted, a block at a time.
 */
import type { TokenBlock } from '../../apns/token-block.js';
import { dedupeMemoryBytes } from '../../base/limits.js';
import { type DigestStore, storedDigestBytes } from './digest-store.js';
import { SeenTokens } from './seen-tokens.js';

interface DuplicateFilterOptions {
  /** Default 256 MiB, about 11 million tokens. Less than 1 MiB counts as that. Without a store memory has no bound. */
  readonly memoryBytes?: number;
  /** Opens the store, once memory is full; empty then. Default: there is none. */
  readonly openStore?: (() => DigestStore | Promise<DigestStore>) | undefined;
}

const minMemoryBytes = 1 << 20;

/** The indexes of the tokens of a block that are new; null where all are. */
type Fresh = Uint16Array | null;

export class DuplicateFilter {
  readonly #seen = new SeenTokens();
  readonly #memoryBytes: number;
  readonly #openStore: (() => DigestStore | Promise<DigestStore>) | undefined;
  #store: DigestStore | null = null;
  /** Tokens that memory did not know, and the store did. */
  #stored = 0;

  constructor({ memoryBytes = dedupeMemoryBytes, openStore }: DuplicateFilterOptions = {}) {
    this.#memoryBytes = Math.max(memoryBytes, minMemoryBytes);
    this.#openStore = openStore;
  }

  /** Different tokens so far. */
  get size(): number {
    return this.#seen.size - this.#stored;
  }

  /** Tokens that had come before. */
  get duplicates(): number {
    return this.#seen.duplicates + this.#stored;
  }

  /** Bytes of memory that digests take. */
  get memoryBytes(): number {
    return this.#seen.memoryBytes;
  }

  /** Notes the tokens of a block. The next block waits for the answer. */
  fresh(block: TokenBlock): Fresh | Promise<Fresh> {
    const fresh = this.#seen.fresh(block);
    const isFull = this.#openStore !== undefined && this.#seen.memoryBytes > this.#memoryBytes;
    if (this.#store === null && !isFull) return fresh === null ? null : fresh.slice();
    return this.#ask(fresh?.slice() ?? Uint16Array.from({ length: block.count }, (_, index) => index), block, isFull);
  }

  async #ask(fresh: Uint16Array, { count }: TokenBlock, isFull: boolean): Promise<Fresh> {
    const kept = this.#store === null ? fresh : await this.#unknown(this.#store, fresh);
    if (isFull) {
      this.#store ??= await this.#openStore!();
      for (const { digests, count: drained } of this.#seen.drain()) await this.#store.add(digests, drained);
    }
    return kept.length === count ? null : kept;
  }

  /** Those that the store does not hold. */
  async #unknown(store: DigestStore, fresh: Uint16Array): Promise<Uint16Array> {
    const unsorted = new Uint8Array(fresh.length * storedDigestBytes);
    this.#seen.writeDigests(fresh, unsorted);
    const order = sortedOrder(unsorted, fresh.length);
    const digests = new Uint8Array(unsorted.length);
    order.forEach((from, place) => {
      const start = from * storedDigestBytes;
      digests.set(unsorted.subarray(start, start + storedDigestBytes), place * storedDigestBytes);
    });
    const held = await store.has(digests, fresh.length);
    const isHeld = new Uint8Array(fresh.length);
    order.forEach((from, place) => {
      isHeld[from] = held[place]!;
    });
    const kept = fresh.filter((_, index) => isHeld[index] === 0);
    this.#stored += fresh.length - kept.length;
    return kept;
  }
}

/** The order in which digests ascend: by their first six bytes, which are never the same for two of a block but by chance. */
function sortedOrder(digests: Uint8Array, count: number): Uint32Array {
  const view = new DataView(digests.buffer, digests.byteOffset);
  const firsts = Float64Array.from({ length: count }, (_, index) => {
    const at = index * storedDigestBytes;
    return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
  });
  return Uint32Array.from({ length: count }, (_, index) => index).sort(
    (a, b) => firsts[a]! - firsts[b]! || compareDigests(digests, a, b),
  );
}

function compareDigests(digests: Uint8Array, a: number, b: number): number {
  for (let byte = 0; byte < storedDigestBytes; byte++) {
    const difference = digests[a * storedDigestBytes + byte]! - digests[b * storedDigestBytes + byte]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
