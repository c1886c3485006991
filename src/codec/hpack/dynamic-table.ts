/**
 * The decoder's dynamic table (RFC 7541 §2.3.2, §4). No strings and no objects: entries stand in a ring of
 * words, and their values, as they came, in a circular arena. Owned by one decoder.
 *
 *   ring    … | oldest | … | newest |      index 62 is the newest, 62 + count - 1 the oldest
 *                                   ▲ #next
 *   arena   | … values of the newer entries | free | values of the older ones … | unused tail |
 *
 * A value stands in one piece: where the arena's tail is too short, it starts again at 0. As a value is kept coded
 * only where that is not longer, all values together never exceed the table's size. An arena of three times that size
 * always has room in one piece for one more value, before any entry is evicted: so a value is copied while it is
 * checked, and becomes an entry after that.
 */

/** What an entry costs besides its name and value (RFC 7541 §4.1). */
export const entryOverheadBytes = 32;

// The words of an entry in the ring:
const NAME_ID = 0;
const START = 1; // of the value, in the arena
const LENGTH = 2; // of the value, in the arena
const VALUE_BYTES = 3; // of the value when it is decoded
const ENTRY_BYTES = 4; // as RFC 7541 §4.1 counts
const FLAGS = 5;
const ENTRY_WORDS = 8;

// Flags of an entry:
/** The value is kept Huffman coded. */
export const HUFFMAN_VALUE = 1;
/** The value holds NUL, CR or LF, or begins or ends with a blank. */
export const FORBIDDEN_VALUE = 2;

/** Told of the names that entries hold (field-names). */
interface NameUses {
  retain(id: number): void;
  release(id: number): void;
}

export class DynamicTable {
  readonly #names: NameUses;
  readonly #mask: number;
  readonly #entries: Int32Array;
  #next = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes: number;
  #arenaNext = 0;
  /** What `place` gave last. */
  #place = 0;
  /** Where the values stand. */
  readonly arena: Uint8Array;
  /** The largest `maxBytes` that fits this table. */
  readonly capacityBytes: number;

  constructor(capacityBytes: number, names: NameUses) {
    this.#names = names;
    this.capacityBytes = capacityBytes;
    this.#maxBytes = capacityBytes;
    let slots = 1;
    while (slots * entryOverheadBytes < capacityBytes) slots *= 2;
    this.#mask = slots - 1;
    this.#entries = new Int32Array(slots * ENTRY_WORDS);
    this.arena = new Uint8Array(3 * capacityBytes);
  }

  get count(): number {
    return this.#count;
  }

  /** Size of all entries, as RFC 7541 §4.1 counts. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The slot of an entry, by how many are newer; -1 when there is none of that age. */
  slotOf(age: number): number {
    return age < this.#count ? ((this.#next - 1 - age) & this.#mask) * ENTRY_WORDS : -1;
  }

  nameId(slot: number): number {
    return this.#entries[slot + NAME_ID]!;
  }

  valueStart(slot: number): number {
    return this.#entries[slot + START]!;
  }

  /** Bytes of the value in the arena. */
  valueLength(slot: number): number {
    return this.#entries[slot + LENGTH]!;
  }

  /** Bytes of the value when it is decoded. */
  valueBytes(slot: number): number {
    return this.#entries[slot + VALUE_BYTES]!;
  }

  isHuffman(slot: number): boolean {
    return (this.#entries[slot + FLAGS]! & HUFFMAN_VALUE) !== 0;
  }

  hasForbiddenOctets(slot: number): boolean {
    return (this.#entries[slot + FLAGS]! & FORBIDDEN_VALUE) !== 0;
  }

  /** Sets the size that entries may have together, up to `capacityBytes`, and drops the oldest that no longer fit. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  /**
   * Where in the arena a value of that length can be put; -1 for one that no entry can have. The place is not used
   * by any entry, and is offered again unless `insert` takes it.
   */
  place(length: number): number {
    if (length > this.capacityBytes) return -1;
    this.#place = this.#arenaNext + length > this.arena.length ? 0 : this.#arenaNext;
    return this.#place;
  }

  /**
   * Adds an entry; the oldest make room for it. One that is larger than the table empties it (RFC 7541 §4.4).
   * The value was put where `place` said last.
   * @param length Bytes of the value in the arena, at most `valueBytes`.
   * @param valueBytes Bytes of the value when it is decoded.
   * @param flags HUFFMAN_VALUE and FORBIDDEN_VALUE.
   */
  insert(nameId: number, nameBytes: number, length: number, valueBytes: number, flags: number): void {
    const entryBytes = nameBytes + valueBytes + entryOverheadBytes;
    if (entryBytes > this.#maxBytes) {
      this.#evictTo(0);
      return;
    }
    this.#names.retain(nameId);
    this.#evictTo(this.#maxBytes - entryBytes);
    const entries = this.#entries;
    const slot = this.#next * ENTRY_WORDS;
    const place = this.#place;
    entries[slot + NAME_ID] = nameId;
    entries[slot + START] = place;
    entries[slot + LENGTH] = length;
    entries[slot + VALUE_BYTES] = valueBytes;
    entries[slot + ENTRY_BYTES] = entryBytes;
    entries[slot + FLAGS] = flags;
    this.#arenaNext = place + length;
    this.#next = (this.#next + 1) & this.#mask;
    this.#count++;
    this.#bytes += entryBytes;
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes) {
      const slot = ((this.#next - this.#count) & this.#mask) * ENTRY_WORDS;
      this.#bytes -= this.#entries[slot + ENTRY_BYTES]!;
      this.#names.release(this.#entries[slot + NAME_ID]!);
      this.#count--;
    }
  }
}
