/**
 * Finds device tokens that came before, in bounded memory: digests that memory has no room for go to a store on disk,
 * and the answer stays exact. Called by input/, on the main thread.
 *
 * Memory holds the digests that came last. Once it is full, all of them go to the store in one sorted run, and memory
 * begins anew. From then on the tokens of a block that memory does not know are looked up in the store, sorted, a block
 * at a time: those of them that a filter in memory does not know to be new.
 */
import { dedupeMemoryBytes } from '../../base/limits.js';
import type { TokenBlock } from '../../push/token-block.js';
import { DigestFilter } from './digest-filter.js';
import { type DigestStore, storedDigestBytes } from './digest-store.js';
import { SeenTokens } from './seen-tokens.js';

interface DuplicateFilterOptions {
  /** Default 256 MiB, about 11 million tokens. Less than 1 MiB counts as that. Without a store memory has no bound. */
  readonly memoryBytes?: number;
  /** Opens the store, once memory is full; empty then. Default: there is none. */
  readonly openStore?: (() => DigestStore | Promise<DigestStore>) | undefined;
}

const minMemoryBytes = 1 << 20;
/** The share of memory that the filter of what is stored takes. */
const filterShare = 0.25;

/** The indexes of the tokens of a block that are new; null where all are. */
type Fresh = Uint16Array | null;

export class DuplicateFilter {
  readonly #seen = new SeenTokens();
  readonly #memoryBytes: number;
  readonly #openStore: (() => DigestStore | Promise<DigestStore>) | undefined;
  #store: DigestStore | null = null;
  #stored: DigestFilter | null = null;
  /** Tokens that memory did not know, and the store did. */
  #storedDuplicates = 0;

  constructor({ memoryBytes = dedupeMemoryBytes, openStore }: DuplicateFilterOptions = {}) {
    this.#memoryBytes = Math.max(memoryBytes, minMemoryBytes);
    this.#openStore = openStore;
  }

  /** Different tokens so far. */
  get size(): number {
    return this.#seen.size - this.#storedDuplicates;
  }

  /** Tokens that had come before. */
  get duplicates(): number {
    return this.#seen.duplicates + this.#storedDuplicates;
  }

  /** Bytes of memory that digests take. */
  get memoryBytes(): number {
    return this.#seen.memoryBytes + (this.#stored?.memoryBytes ?? 0);
  }

  /** Notes the tokens of a block. The next block waits for the answer. */
  fresh(block: TokenBlock): Fresh | Promise<Fresh> {
    const fresh = this.#seen.fresh(block);
    const isFull = this.#openStore !== undefined && this.#seen.memoryBytes > this.#memoryBytes * (1 - filterShare);
    if (this.#store === null && !isFull) return fresh === null ? null : fresh.slice();
    return this.#ask(fresh?.slice() ?? Uint16Array.from({ length: block.count }, (_, index) => index), block, isFull);
  }

  /** Closes the store. Called once, when no block follows. */
  async close(): Promise<void> {
    await this.#store?.close();
  }

  async #ask(fresh: Uint16Array, { count }: TokenBlock, isFull: boolean): Promise<Fresh> {
    const kept = this.#store === null ? fresh : await this.#unknown(this.#store, fresh);
    if (isFull) {
      this.#store ??= await this.#openStore!();
      this.#stored ??= new DigestFilter(this.#memoryBytes * filterShare);
      for (const { digests, count: drained } of this.#seen.drain()) {
        this.#stored.add(digests, drained);
        await this.#store.add(digests, drained);
      }
    }
    return kept.length === count ? null : kept;
  }

  /** Those that the store does not hold. */
  async #unknown(store: DigestStore, fresh: Uint16Array): Promise<Uint16Array> {
    const all = new Uint8Array(fresh.length * storedDigestBytes);
    this.#seen.writeDigests(fresh, all);
    const view = new DataView(all.buffer);
    const asked = sorted(
      Array.from(fresh.keys()).filter((place) => this.#stored!.mayHold(view, place)),
      all,
    );
    if (asked.length === 0) return fresh;
    const digests = new Uint8Array(asked.length * storedDigestBytes);
    asked.forEach((place, to) => {
      digests.set(all.subarray(place * storedDigestBytes, (place + 1) * storedDigestBytes), to * storedDigestBytes);
    });
    const held = await store.has(digests, asked.length);
    const isHeld = new Uint8Array(fresh.length);
    asked.forEach((place, at) => {
      isHeld[place] = held[at]!;
    });
    const kept = fresh.filter((_, place) => isHeld[place] === 0);
    this.#storedDuplicates += fresh.length - kept.length;
    return kept;
  }
}

/** The places of digests in the order in which these ascend. Their first six bytes are the same only by chance. */
function sorted(places: readonly number[], digests: Uint8Array): readonly number[] {
  const view = new DataView(digests.buffer);
  const firsts = new Float64Array(digests.length / storedDigestBytes);
  for (const place of places) {
    const at = place * storedDigestBytes;
    firsts[place] = view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
  }
  return places.toSorted((a, b) => firsts[a]! - firsts[b]! || compareDigests(digests, a, b));
}

function compareDigests(digests: Uint8Array, a: number, b: number): number {
  for (let byte = 0; byte < storedDigestBytes; byte++) {
    const difference = digests[a * storedDigestBytes + byte]! - digests[b * storedDigestBytes + byte]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
