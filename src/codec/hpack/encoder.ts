/**
 * Fields to header blocks (RFC 7541 §6), each indexed as its caller says. One encoder belongs to one direction of one
 * connection. Called by request templates and by the simulator, but not for each notification, so it is written with
 * strings and a plain list.
 */
import { headerTableBytes } from '../../base/limits.js';
import type { ByteWriter } from '../byte-writer.js';
import { EncoderTable } from './encoder-table.js';
import type { StringForm } from './representation.js';
import { writeIndexed, writeLiteral, writeSizeUpdate } from './representation.js';
import { staticEntries, staticFieldIndex, staticNameIndex } from './static-table.js';

/**
 * How a field uses the peer's dynamic table:
 * - `shared`: by its index; entered first when it is not there and fits.
 * - `first`: by its index when it is there; entered when not even the name is there; else a literal with the name's
 *   index. For a name that comes with other values each time.
 * - `none`: a literal that is not entered.
 * - `never`: a literal that no intermediary may enter either (RFC 7541 §7.1.3).
 */
export type Indexing = 'shared' | 'first' | 'none' | 'never';

export interface EncodedField {
  /** Lower case, at least one character, checked before. */
  readonly name: string;
  /** Characters up to U+00FF without NUL, CR and LF, checked before. */
  readonly value: string;
  readonly indexing: Indexing;
}

export class HpackEncoder {
  readonly #table: EncoderTable;
  readonly #ownMaxBytes: number;
  /** Smallest and last size of the table that the peer was not yet told of; null when it knows. */
  #sizesDue: { smallest: number; last: number } | null = null;

  /** @param maxTableBytes The most that is used of the peer's table, in bytes; at most 4,096, where peers start. */
  constructor(maxTableBytes = headerTableBytes) {
    this.#ownMaxBytes = Math.min(maxTableBytes, headerTableBytes);
    this.#table = new EncoderTable(headerTableBytes);
    if (this.#ownMaxBytes < headerTableBytes) this.#resize(this.#ownMaxBytes);
  }

  /** Changes whenever an index that was given out may mean something else: insertion, eviction, change of size. */
  get revision(): number {
    return this.#table.revision;
  }

  /** Entries that the peer's dynamic table has once it has read what was encoded. */
  get tableEntries(): number {
    return this.#table.count;
  }

  /** Size of those entries, as RFC 7541 §4.1 counts. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /**
   * The peer's SETTINGS_HEADER_TABLE_SIZE; call it when the SETTINGS are acknowledged. The next block opens with a
   * size update if it changes what is used: to the smallest size since the last block, then to the present one
   * (RFC 9113 §4.3.1, RFC 7541 §4.2).
   */
  setPeerTableBytes(peerTableBytes: number): void {
    const size = Math.min(this.#ownMaxBytes, peerTableBytes);
    if (size !== this.#table.maxBytes) this.#resize(size);
  }

  /** Index of the field in static or dynamic table; 0 when neither has it. Good while `revision` stays. */
  indexOf(name: string, value: string): number {
    return staticFieldIndex(name, value) || dynamicIndex(this.#table.ageOf(name, value));
  }

  /** Index of an entry with that name, of any value; 0 when neither table has one. Good while `revision` stays. */
  nameIndexOf(name: string): number {
    return staticNameIndex(name) || dynamicIndex(this.#table.ageOfName(name));
  }

  /** Whether `encode` would give the same octets for these fields now and every time while `revision` stays. */
  canEncodeWithoutInsertion(fields: readonly EncodedField[]): boolean {
    return this.#sizesDue === null && fields.every((field) => !this.#isInserting(field));
  }

  /**
   * Appends a whole block to `out`. What it enters into the table counts from now on, so the block has to be sent,
   * before any other that is encoded later.
   * @param strings How names and values are written.
   * @throws PealError `ERR_PEAL_HEADER` for a character above U+00FF; the block and the table are of no use then.
   */
  encode(fields: readonly EncodedField[], out: ByteWriter, strings: StringForm = 'compact'): void {
    this.#writeSizesDue(out);
    for (const field of fields) this.#encodeField(field, out, strings);
  }

  #encodeField(field: EncodedField, out: ByteWriter, strings: StringForm): void {
    const { name, value, indexing } = field;
    if (indexing === 'shared' || indexing === 'first') {
      const index = this.indexOf(name, value);
      if (index !== 0) {
        writeIndexed(out, index);
        return;
      }
    }
    const nameIndex = this.nameIndexOf(name);
    if (this.#isInserting(field)) {
      writeLiteral(out, 'indexing', nameIndex, name, value, strings);
      this.#table.insert(name, value);
    } else {
      writeLiteral(out, indexing === 'never' ? 'never-indexed' : 'without-indexing', nameIndex, name, value, strings);
    }
  }

  #isInserting({ name, value, indexing }: EncodedField): boolean {
    if (indexing === 'none' || indexing === 'never' || this.indexOf(name, value) !== 0) return false;
    if (indexing === 'first' && this.nameIndexOf(name) !== 0) return false;
    return this.#table.isWorthInserting(name, value);
  }

  #resize(size: number): void {
    this.#table.resize(size);
    this.#sizesDue = { smallest: Math.min(size, this.#sizesDue?.smallest ?? size), last: size };
  }

  #writeSizesDue(out: ByteWriter): void {
    if (this.#sizesDue === null) return;
    const { smallest, last } = this.#sizesDue;
    if (smallest < last) writeSizeUpdate(out, smallest);
    writeSizeUpdate(out, last);
    this.#sizesDue = null;
  }
}

function dynamicIndex(age: number): number {
  return age < 0 ? 0 : staticEntries + 1 + age;
}
