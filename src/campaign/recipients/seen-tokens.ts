/**
 * The device tokens that a list has had so far, so that one that stands twice is sent to once. Used by whoever reads
 * lists, on his thread; the same set serves several lists.
 *
 * Of each token 103 bits of a keyed hash decide: 8 choose one of 256 tables, 95 are kept in it. So a token costs 12
 * bytes, spread over tables that are 54 to 75 per cent full: 16 to 22.4 bytes. Tables grow one at a time, so that growing
 * needs room for one of them, not for all. Among 100 million different tokens two are taken for the same once in 10^15
 * runs; tokens themselves have 256 bits and would not fit.
 *
 *   token ─▶ hash, 128 bits: [ 8: table │ … ] [ 32: slot, kept ] [ 32: kept ] [ 32: kept ]
 */
import { randomBytes } from 'node:crypto';
import { TokenBlock } from '../../apns/token-block.js';
import { maxBatchRecipients } from '../../base/limits.js';

const tableCount = 256;
const wordsPerEntry = 3;
const firstCapacity = 16;
/** A table that is fuller than `maxLoad` becomes `growth` times as large. */
const maxLoad = 0.75;
const growth = 1.4;

export class SeenTokens {
  /** By table: its entries, three words each; three zeros are no entry. */
  readonly #tables: Int32Array[] = [];
  /** By table: how many entries it may hold before it grows, and how many it holds. */
  readonly #room = new Uint32Array(tableCount);
  readonly #held = new Uint32Array(tableCount);
  readonly #key: Int32Array;
  /** The hashes of the block at hand, four words each. */
  readonly #hashes = new Int32Array(maxBatchRecipients * 4);
  /** Nothing but a reason to read the places that `#touch` reads. */
  #touched = 0;
  #size = 0;
  #duplicates = 0;

  /** `key`: 16 bytes drawn by chance, so that nobody can make tokens that share a slot. */
  constructor(key: Uint8Array = randomBytes(16)) {
    this.#key = new Int32Array(Uint8Array.from(key).buffer, 0, 4);
    for (let table = 0; table < tableCount; table++) {
      this.#tables.push(new Int32Array(firstCapacity * wordsPerEntry));
      this.#room[table] = firstCapacity * maxLoad;
    }
  }

  /** Different tokens so far. */
  get size(): number {
    return this.#size;
  }

  /** Tokens that were there already when they came. */
  get duplicates(): number {
    return this.#duplicates;
  }

  /** Bytes that the tables take. */
  get memoryBytes(): number {
    return this.#tables.reduce((sum, table) => sum + table.byteLength, 0);
  }

  /**
   * The block without tokens that were there already; the same block where it has none of them. May be empty. Takes
   * blocks of at most 1,024 tokens.
   *
   * All hashes come first, then a read at each place, then the search. The reads do not wait for one another, so the
   * processor fetches many places at a time, where the search alone would wait for memory once a token.
   */
  unique(block: TokenBlock): TokenBlock {
    const { bytes, tokenBytes, count } = block;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let index = 0; index < count; index++) this.#digest(view, index * tokenBytes, tokenBytes, index * 4);
    this.#touch(count);
    let kept = 0;
    for (let index = 0; index < count; index++) {
      if (!this.#insert(index * 4)) continue;
      const start = index * tokenBytes;
      if (kept < index) bytes.copyWithin(kept * tokenBytes, start, start + tokenBytes);
      kept++;
    }
    this.#size += kept;
    this.#duplicates += count - kept;
    return kept === count ? block : new TokenBlock(bytes.slice(0, kept * tokenBytes), tokenBytes, kept);
  }

  #touch(count: number): void {
    const hashes = this.#hashes;
    let touched = 0;
    for (let at = 0; at < count * 4; at += 4) {
      const entries = this.#tables[hashes[at]! >>> 24]!;
      touched ^= entries[slotOf(hashes[at + 1]!, entries.length)]!;
    }
    this.#touched ^= touched;
  }

  /** Puts the hash at `at` into its table; false: it is there. */
  #insert(from: number): boolean {
    const hashes = this.#hashes;
    const table = hashes[from]! >>> 24;
    const entries = this.#tables[table]!;
    const a = hashes[from + 1]!;
    const b = hashes[from + 2]!;
    const c = hashes[from + 3]!;
    const end = entries.length;
    for (let at = slotOf(a, end); ; at = at + wordsPerEntry === end ? 0 : at + wordsPerEntry) {
      const first = entries[at]!;
      const second = entries[at + 1]!;
      const third = entries[at + 2]!;
      if (first === a && second === b && third === c) return false;
      if (first === 0 && second === 0 && third === 0) {
        entries[at] = a;
        entries[at + 1] = b;
        entries[at + 2] = c;
        break;
      }
    }
    this.#held[table]!++;
    if (this.#held[table]! > this.#room[table]!) this.#grow(table);
    return true;
  }

  #grow(table: number): void {
    const before = this.#tables[table]!;
    const capacity = Math.ceil((before.length / wordsPerEntry) * growth);
    const entries = new Int32Array(capacity * wordsPerEntry);
    const end = entries.length;
    for (let from = 0; from < before.length; from += wordsPerEntry) {
      const a = before[from]!;
      const b = before[from + 1]!;
      const c = before[from + 2]!;
      if (a === 0 && b === 0 && c === 0) continue;
      let at = slotOf(a, end);
      while (entries[at] !== 0 || entries[at + 1] !== 0 || entries[at + 2] !== 0) {
        at = at + wordsPerEntry === end ? 0 : at + wordsPerEntry;
      }
      entries[at] = a;
      entries[at + 1] = b;
      entries[at + 2] = c;
    }
    this.#tables[table] = entries;
    this.#room[table] = Math.floor(capacity * maxLoad);
  }

  /** MurmurHash3 (x86, 128 bits), begun with the key in its four lanes; the end of a token is padded with zeros. */
  #digest(view: DataView, start: number, length: number, to: number): void {
    const key = this.#key;
    let h1 = key[0]!;
    let h2 = key[1]!;
    let h3 = key[2]!;
    let h4 = key[3]!;
    for (let at = 0; at < length; at += 16) {
      const isWhole = at + 16 <= length;
      const from = start + at;
      const k1 = isWhole ? view.getInt32(from, true) : wordAt(view, from, start + length);
      const k2 = isWhole ? view.getInt32(from + 4, true) : wordAt(view, from + 4, start + length);
      const k3 = isWhole ? view.getInt32(from + 8, true) : wordAt(view, from + 8, start + length);
      const k4 = isWhole ? view.getInt32(from + 12, true) : wordAt(view, from + 12, start + length);
      h1 ^= Math.imul(turn(Math.imul(k1, 0x239b961b), 15), 0xab0e9789);
      h1 = (Math.imul(turn(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
      h2 ^= Math.imul(turn(Math.imul(k2, 0xab0e9789), 16), 0x38b34ae5);
      h2 = (Math.imul(turn(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
      h3 ^= Math.imul(turn(Math.imul(k3, 0x38b34ae5), 17), 0xa1e38b93);
      h3 = (Math.imul(turn(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
      h4 ^= Math.imul(turn(Math.imul(k4, 0xa1e38b93), 18), 0x239b961b);
      h4 = (Math.imul(turn(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
    }
    h1 ^= length;
    h2 ^= length;
    h3 ^= length;
    h4 ^= length;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = mix((h2 + h1) | 0);
    h3 = mix((h3 + h1) | 0);
    h4 = mix((h4 + h1) | 0);
    h1 = mix(h1);
    const sum = (h1 + h2 + h3 + h4) | 0;
    const hashes = this.#hashes;
    hashes[to] = sum;
    hashes[to + 1] = h2 + sum;
    hashes[to + 2] = h3 + sum;
    // Three zeros would be no entry.
    hashes[to + 3] = (h4 + sum) | 1;
  }
}

/** Where in a table of `end` words the search for a hash begins. */
function slotOf(hash: number, end: number): number {
  return Math.floor((hash >>> 0) * (1 / 0x1_0000_0000) * (end / wordsPerEntry)) * wordsPerEntry;
}

function turn(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Up to four bytes from `at` as a little-endian word, zeros from `end` on. */
function wordAt(view: DataView, at: number, end: number): number {
  let word = 0;
  for (let i = 0; i < 4 && at + i < end; i++) word |= view.getUint8(at + i) << (8 * i);
  return word;
}
