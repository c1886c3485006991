/**
 * The encoder's picture of the peer's dynamic table (RFC 7541 §2.3.2, §4). A few entries that change seldom, so a
 * plain list searched from the newest. Owned by one encoder.
 */
import { entryOverheadBytes } from './dynamic-table.js';

interface Entry {
  readonly name: string;
  readonly value: string;
}

export class EncoderTable {
  /** The newest last. */
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #maxBytes: number;
  #revision = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Changes with every insertion, eviction and change of size. */
  get revision(): number {
    return this.#revision;
  }

  /** How many entries are newer than the newest with that name and value; -1 when there is none. */
  ageOf(name: string, value: string): number {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i]!;
      if (entry.value === value && entry.name === name) return this.#entries.length - 1 - i;
    }
    return -1;
  }

  /** How many entries are newer than the newest with that name; -1 when there is none. */
  ageOfName(name: string): number {
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      if (this.#entries[i]!.name === name) return this.#entries.length - 1 - i;
    }
    return -1;
  }

  /** Whether the field fits, and does not push others out although it is larger than half the table. */
  isWorthInserting(name: string, value: string): boolean {
    const size = entryBytes(name, value);
    if (size > this.#maxBytes) return false;
    return size <= this.#maxBytes / 2 || this.#bytes + size <= this.#maxBytes;
  }

  /** Adds an entry that fits; the oldest make room for it. */
  insert(name: string, value: string): void {
    const size = entryBytes(name, value);
    this.#evictTo(this.#maxBytes - size);
    this.#entries.push({ name, value });
    this.#bytes += size;
    this.#revision++;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
    this.#revision++;
  }

  #evictTo(bytes: number): void {
    while (this.#bytes > bytes) {
      const oldest = this.#entries.shift()!;
      this.#bytes -= entryBytes(oldest.name, oldest.value);
    }
  }
}

function entryBytes(name: string, value: string): number {
  return name.length + value.length + entryOverheadBytes;
}
