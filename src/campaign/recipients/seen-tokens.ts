/**
 * The device tokens read so far, so that a token that is listed twice is sent to once. Used by readers of lists, on
 * their thread; the same set serves several lists.
 *
 * A token is represented by 103 bits of a digest: 8 choose one of 256 tables, 95 are kept in it. So a token costs 12
 * bytes, spread over tables that are 39 to 78 per cent full: about 22 bytes. With 100 million different tokens, two are
 * confused once in 10^15 runs. The tokens themselves have 256 bits and would not fit.
 *
 *   token ─▶ digest, 128 bits: [ 8: table │ … ] [ 32: place, kept ] [ 32: kept ] [ 31: kept ]
 *
 * A table is a row of pages. It grows by further pages, and its entries move within it, so that no old table waits for
 * the garbage collector. Each table has sizes of its own, so that the tables grow one after another.
 */
import { maxBatchRecipients } from '../../base/limits.js';
import { TokenBlock } from '../../push/token-block.js';
import { storedDigestBytes } from './digest-store.js';
import { TokenDigests } from './token-digests.js';

const tableCount = 256;
/** A table that is fuller than `maxLoad` becomes `growth` times as large. */
const maxLoad = 0.78;
const growth = 2;

const entryWords = 3;
const pageShift = 7;
const pageEntries = 1 << pageShift;
const pageWords = pageEntries * entryWords;
/** Pages are allocated in segments of 4 MB. The system provides only the memory that is written to. */
const segmentShift = 20;
const segmentWords = 1 << segmentShift;

/** Digests that are taken out at a time, at least. */
const drainedDigests = 1 << 16;

/** A set of device tokens that tells which tokens of a block are new. */
export class SeenTokens {
  /**
   * The pages of all tables, in the order in which they were needed. A place is a number of words from the beginning of
   * the first segment. An entry is three words; three zeros mark a free place.
   */
  readonly #segments: Int32Array[] = [];
  #nextPage = 0;
  /** By table: the places of its pages, with room for `#maxPages` of each. */
  #pagePlaces = new Int32Array(tableCount);
  #maxPages = 1;
  /** By table: how many pages it has, how many entries it may hold before it grows, and how many it holds. */
  readonly #pages = new Uint32Array(tableCount);
  readonly #room = new Uint32Array(tableCount);
  readonly #held = new Uint32Array(tableCount);
  /** By table: how many tokens of the present block go to it. */
  readonly #coming = new Uint32Array(tableCount);
  /** The entries of a table while it grows. */
  #moved = new Int32Array(0);
  readonly #digests = new TokenDigests();
  /** For each token of the present block: where its search begins. */
  #places = new Int32Array(maxBatchRecipients);
  /** Which tokens of the block at hand are new. */
  #fresh = new Uint16Array(maxBatchRecipients);
  /** Keeps the reads of `#touch` from being optimised away. */
  #touched = 0;
  #size = 0;
  #duplicates = 0;

  /** Number of different tokens so far. */
  get size(): number {
    return this.#size;
  }

  /** Number of tokens that had been there already. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Bytes of memory of the tables. */
  get memoryBytes(): number {
    return this.#nextPage * 4 + this.#pagePlaces.byteLength + this.#moved.byteLength;
  }

  /**
   * Returns the block without the tokens that were there already; the same block if all are new. It may be empty. Takes
   * the block over: its bytes may change.
   *
   * All digests come first, then a read at each place, then the search. The reads do not depend on each other, so the
   * processor fetches many places at a time, where the search alone would wait for memory once for each token.
   */
  unique(block: TokenBlock): TokenBlock {
    const { bytes, tokenBytes, count, encoding } = block;
    const fresh = this.fresh(block);
    if (fresh === null) return block;
    for (let kept = 0; kept < fresh.length; kept++) {
      const start = fresh[kept]! * tokenBytes;
      if (kept * tokenBytes < start) bytes.copyWithin(kept * tokenBytes, start, start + tokenBytes);
    }
    return fresh.length === count
      ? block
      : new TokenBlock(bytes.slice(0, fresh.length * tokenBytes), tokenBytes, fresh.length, encoding);
  }

  /** @internal The indexes of the tokens that were not there; null where none was. Valid until the next call. */
  fresh({ bytes, tokenBytes, count }: TokenBlock): Uint16Array | null {
    this.#digests.digest(bytes, tokenBytes, count);
    if (count > this.#places.length) {
      this.#places = new Int32Array(count);
      this.#fresh = new Uint16Array(count);
    }
    this.#makeRoom(count);
    this.#findPlaces(count);
    this.#touch(count);
    const fresh = this.#fresh;
    let kept = 0;
    for (let index = 0; index < count; index++) if (this.#insert(index)) fresh[kept++] = index;
    this.#size += kept;
    this.#duplicates += count - kept;
    return kept === count ? null : fresh.subarray(0, kept);
  }

  /**
   * Writes the digests of tokens of the block that came last to `target`, as a store keeps them.
   *
   * @param indexes of the tokens, in the block
   * @internal for duplicate-filter
   */
  writeDigests(indexes: ArrayLike<number>, target: Uint8Array): void {
    const { words } = this.#digests;
    const view = new DataView(target.buffer, target.byteOffset);
    for (let place = 0; place < indexes.length; place++) {
      const at = indexes[place]! * 4;
      const to = place * storedDigestBytes;
      target[to] = words[at]! >>> 24;
      view.setInt32(to + 1, words[at + 1]!);
      view.setInt32(to + 5, words[at + 2]!);
      view.setInt32(to + 9, words[at + 3]!);
    }
  }

  /**
   * Takes all digests out, in ascending order as bytes compare, some tables at a time. Nothing is left then but the
   * counts and the keys.
   *
   * @internal for duplicate-filter
   */
  *drain(): Generator<{ readonly digests: Uint8Array; readonly count: number }> {
    let digests = new Uint8Array(0);
    let count = 0;
    for (let table = 0; table < tableCount; table++) {
      const length = this.#takeOut(table, this.#pages[table]!);
      const entries = length / entryWords;
      const needed = (count + entries) * storedDigestBytes;
      if (needed > digests.length) {
        const larger = new Uint8Array(needed * 2);
        larger.set(digests.subarray(0, count * storedDigestBytes));
        digests = larger;
      }
      this.#writeSorted(table, entries, digests, count);
      count += entries;
      if (count < drainedDigests && table < tableCount - 1) continue;
      yield { digests: digests.subarray(0, count * storedDigestBytes), count };
      count = 0;
    }
    this.#segments.length = 0;
    this.#nextPage = 0;
    this.#maxPages = 1;
    this.#pagePlaces = new Int32Array(tableCount);
    this.#moved = new Int32Array(0);
    for (const numbers of [this.#pages, this.#room, this.#held]) numbers.fill(0);
  }

  /** Writes the entries in `#moved`, which are those of a table, behind `count` digests. */
  #writeSorted(table: number, entries: number, digests: Uint8Array, count: number): void {
    const moved = this.#moved;
    const order = new Float64Array(entries);
    // The first word and the place fit into a double: numbers are sorted fast.
    for (let entry = 0; entry < entries; entry++) order[entry] = (moved[entry * entryWords]! >>> 0) * 2 ** 21 + entry;
    order.sort();
    const view = new DataView(digests.buffer);
    for (let place = 0; place < entries; place++) {
      const at = (order[place]! % 2 ** 21) * entryWords;
      const to = (count + place) * storedDigestBytes;
      digests[to] = table;
      view.setInt32(to + 1, moved[at]!);
      view.setInt32(to + 5, moved[at + 1]!);
      view.setInt32(to + 9, moved[at + 2]!);
      // Few have the same first word: each goes before those that are greater.
      for (
        let before = to - storedDigestBytes;
        place > 0 && before >= count * storedDigestBytes;
        before -= storedDigestBytes
      ) {
        if (comparePair(digests, before) <= 0) break;
        swapPair(digests, before);
      }
    }
  }

  /** Grows the tables that the present tokens would fill, so that no place changes while they are inserted. */
  #makeRoom(count: number): void {
    const words = this.#digests.words;
    const coming = this.#coming.fill(0);
    for (let index = 0; index < count; index++) coming[words[index * 4]! >>> 24]!++;
    for (let table = 0; table < tableCount; table++) {
      while (this.#held[table]! + coming[table]! > this.#room[table]!) this.#grow(table);
    }
  }

  #findPlaces(count: number): void {
    const words = this.#digests.words;
    for (let index = 0; index < count; index++) {
      const at = index * 4;
      this.#places[index] = this.#placeOf(words[at]! >>> 24, words[at + 1]!);
    }
  }

  #touch(count: number): void {
    const places = this.#places;
    const segments = this.#segments;
    let touched = 0;
    for (let index = 0; index < count; index++) {
      const place = places[index]!;
      touched ^= segments[place >>> segmentShift]![place & (segmentWords - 1)]!;
    }
    this.#touched ^= touched;
  }

  /** Inserts the digest of the token at `index` into its table. Returns false if it is there already. */
  #insert(index: number): boolean {
    const words = this.#digests.words;
    const at = index * 4;
    const table = words[at]! >>> 24;
    if (!this.#put(table, this.#places[index]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)) return false;
    this.#held[table]!++;
    return true;
  }

  /** Inserts an entry into the first free place from `place` on. Returns false if it is there already. */
  #put(table: number, place: number, a: number, b: number, c: number): boolean {
    let at = place;
    for (;;) {
      const entries = this.#segments[at >>> segmentShift]!;
      let word = at & (segmentWords - 1);
      const end = word - (word % pageWords) + pageWords;
      for (; word < end; word += entryWords) {
        const x = entries[word]!;
        const y = entries[word + 1]!;
        const z = entries[word + 2]!;
        if (x === a && y === b && z === c) return false;
        if (x === 0 && y === 0 && z === 0) {
          entries[word] = a;
          entries[word + 1] = b;
          entries[word + 2] = c;
          return true;
        }
      }
      at = this.#pageBehind(table, at);
    }
  }

  /** The place where the search for an entry with the first word `first` begins. */
  #placeOf(table: number, first: number): number {
    const slot = Math.floor((first >>> 0) * (1 / 0x1_0000_0000) * (this.#pages[table]! * pageEntries));
    const page = this.#pagePlaces[table * this.#maxPages + (slot >>> pageShift)]!;
    return page + (slot & (pageEntries - 1)) * entryWords;
  }

  /** The page of a table after the one that contains `place`. The first page follows the last. */
  #pageBehind(table: number, place: number): number {
    const first = table * this.#maxPages;
    const pages = this.#pagePlaces.subarray(first, first + this.#pages[table]!);
    const at = pages.findIndex((page) => place >= page && place < page + pageWords);
    return pages[(at + 1) % pages.length]!;
  }

  #grow(table: number): void {
    const before = this.#pages[table]!;
    const length = this.#takeOut(table, before);
    const after = nextSize(table, before);
    while (after > this.#maxPages) this.#widen();
    for (let page = before; page < after; page++) this.#pagePlaces[table * this.#maxPages + page] = this.#newPage();
    this.#pages[table] = after;
    this.#room[table] = Math.floor(after * pageEntries * maxLoad);
    const moved = this.#moved;
    for (let at = 0; at < length; at += entryWords) {
      const place = this.#placeOf(table, moved[at]!);
      this.#put(table, place, moved[at]!, moved[at + 1]!, moved[at + 2]!);
    }
  }

  /** Moves the entries of a table to `#moved`. Returns their number of words. */
  #takeOut(table: number, pages: number): number {
    if (this.#moved.length < pages * pageWords) this.#moved = new Int32Array(pages * pageWords);
    const moved = this.#moved;
    let words = 0;
    for (let page = 0; page < pages; page++) {
      const place = this.#pagePlaces[table * this.#maxPages + page]!;
      const entries = this.#segments[place >>> segmentShift]!;
      const first = place & (segmentWords - 1);
      for (let at = first; at < first + pageWords; at += entryWords) {
        if (entries[at] === 0 && entries[at + 1] === 0 && entries[at + 2] === 0) continue;
        moved[words++] = entries[at]!;
        moved[words++] = entries[at + 1]!;
        moved[words++] = entries[at + 2]!;
      }
      entries.fill(0, first, first + pageWords);
    }
    return words;
  }

  /** The place of a new page. The rest of a segment that is too small for a page is not used. */
  #newPage(): number {
    const left = segmentWords - (this.#nextPage & (segmentWords - 1));
    if (left < pageWords) this.#nextPage += left;
    if ((this.#nextPage & (segmentWords - 1)) === 0) this.#segments.push(new Int32Array(segmentWords));
    const page = this.#nextPage;
    this.#nextPage += pageWords;
    return page;
  }

  /** Makes room for twice as many pages of each table. */
  #widen(): void {
    const before = this.#maxPages;
    const places = new Int32Array(tableCount * before * 2);
    for (let table = 0; table < tableCount; table++) {
      places.set(this.#pagePlaces.subarray(table * before, (table + 1) * before), table * before * 2);
    }
    this.#maxPages = before * 2;
    this.#pagePlaces = places;
  }
}

/** The size of a table in pages, after `pages`. Each table has slightly larger sizes than the table before it. */
function nextSize(table: number, pages: number): number {
  let size = growth ** (table / tableCount);
  while (Math.round(size) <= pages) size *= growth;
  return Math.round(size);
}

/** Compares the digest at `at` with the one behind it. */
function comparePair(digests: Uint8Array, at: number): number {
  for (let byte = at; byte < at + storedDigestBytes; byte++) {
    const difference = digests[byte]! - digests[byte + storedDigestBytes]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

function swapPair(digests: Uint8Array, at: number): void {
  for (let byte = at; byte < at + storedDigestBytes; byte++) {
    const other = digests[byte + storedDigestBytes]!;
    digests[byte + storedDigestBytes] = digests[byte]!;
    digests[byte] = other;
  }
}
