/**
 * Header blocks to fields (RFC 7541 §3.2, §6), with every check that the RFC asks for. One decoder belongs to one
 * direction of one connection and sees all its blocks, in order, also those of streams that are gone: they
 * change the dynamic table all the same. Called by the response reader and by the simulator.
 *
 * `walk` is the hot path: it allocates nothing once the names of a peer have been seen, and hands out values as they
 * stand in the block or in the table, coded or not.
 */
import type { PealError } from '../../base/errors.js';
import { headerTableBytes, maxHeaderFields, maxHeaderListBytes } from '../../base/limits.js';
import { blockLimitError, decodingError } from './block-error.js';
import { DynamicTable, entryOverheadBytes, FORBIDDEN_VALUE, HUFFMAN_VALUE } from './dynamic-table.js';
import { FieldNames, type KnownNames } from './field-names.js';
import { decodeText } from './field-text.js';
import { copyHuffman, decodeHuffman, huffmanRoom, measureHuffman } from './huffman.js';
import { IntegerReader } from './integer.js';
import { copyRaw, measureRaw } from './raw-string.js';
import { staticEntries, staticNameIds, staticValueBytes, staticValueStarts } from './static-table.js';

// V8 builds a module's own constants into its code, and loads imported ones each time.
const lastStaticIndex: number = staticEntries;
const staticNames: Uint8Array = staticNameIds;
const staticValues: Uint8Array = staticValueBytes;
const staticStarts: Uint16Array = staticValueStarts;
const overheadBytes: number = entryOverheadBytes;
const huffmanFlag: number = HUFFMAN_VALUE;
const forbiddenFlag: number = FORBIDDEN_VALUE;

/** The prefix of a literal that enters the table; the others have four bits. */
const indexingPrefix = 0x3f;

/** A field as text: its name in lower case, and its value. */
type HeaderField = readonly [name: string, value: string];

/** Receives the fields of a block, one call for each, in order. Must not throw: the rest of the block would be lost. */
export interface FieldVisitor {
  /**
   * @param name Number of the name in the decoder's `names`.
   * @param bytes Holds the value at `[start, start + length)`, valid only during the call.
   * @param isHuffman Whether the value is Huffman coded; `decodeText` makes a string of either.
   */
  onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void;
}

export interface HpackDecoderOptions {
  /**
   * The SETTINGS_HEADER_TABLE_SIZE that is announced to the peer, in bytes: the size of the dynamic table until a size
   * update lowers it, and the most that one may ask for. It stays for the decoder's life. Default: 4,096, the value
   * that HTTP/2 starts with.
   */
  readonly maxTableBytes?: number;
  /** Names that get the numbers from FIRST_OWN_NAME on, for `names`. Default: none. */
  readonly ownNames?: KnownNames;
  /** Most bytes of one header list as RFC 7541 §4.1 counts. Default: limits.maxHeaderListBytes. */
  readonly maxHeaderListBytes?: number;
  /** Most fields of one header list. Default: limits.maxHeaderFields. */
  readonly maxFields?: number;
}

export class HpackDecoder {
  readonly names: FieldNames;
  readonly #maxHeaderListBytes: number;
  readonly #maxFields: number;
  readonly #integers = new IntegerReader();
  readonly #table: DynamicTable;
  #hasForbiddenOctets = false;
  // Of the block that is being walked:
  #listBytes = 0;
  #fields = 0;

  constructor(options: HpackDecoderOptions = {}) {
    const maxTableBytes = options.maxTableBytes ?? headerTableBytes;
    this.#maxHeaderListBytes = options.maxHeaderListBytes ?? maxHeaderListBytes;
    this.#maxFields = options.maxFields ?? maxHeaderFields;
    this.names = new FieldNames(Math.ceil(maxTableBytes / overheadBytes), options.ownNames);
    this.#table = new DynamicTable(maxTableBytes, this.names);
  }

  /**
   * Whether a value of the block that was walked last held NUL, CR or LF, or began or ended with a blank: malformed by
   * RFC 9113 §8.2.1.
   */
  get hasForbiddenOctets(): boolean {
    return this.#hasForbiddenOctets;
  }

  /** Entries of the dynamic table now. */
  get tableEntries(): number {
    return this.#table.count;
  }

  /** Size of the dynamic table now, as RFC 7541 §4.1 counts. */
  get tableBytes(): number {
    return this.#table.bytes;
  }

  /**
   * Reads the whole block `bytes[start, end)` and reports its fields.
   * @throws PealError `ERR_PEAL_COMPRESSION` when the block breaks RFC 7541 and `ERR_PEAL_LIMIT` when its list is too
   *   large or has too many fields; fields may have been reported before. Either ends the connection: what the
   *   decoder makes of later blocks means nothing.
   */
  walk(bytes: Uint8Array, start: number, end: number, visitor: FieldVisitor): void {
    if (!(start >= 0 && end <= bytes.length)) throw decodingError('it does not lie in the buffer that holds it');
    this.#hasForbiddenOctets = false;
    this.#listBytes = 0;
    this.#fields = 0;
    let position = this.#walkSizeUpdates(bytes, start, end);
    while (position < end) {
      const first = bytes[position]!;
      if (first >= 0x80) position = this.#walkIndexed(bytes, position, end, visitor);
      else if (first >= 0x40) position = this.#walkLiteral(bytes, position, end, indexingPrefix, visitor);
      else if (first < 0x20) position = this.#walkLiteral(bytes, position, end, 0x0f, visitor);
      else throw decodingError('it changes the size of the dynamic table behind its first field');
    }
  }

  /** Returns the fields of a block as strings, where speed does not matter. @throws PealError as `walk` does. */
  decode(bytes: Uint8Array, start = 0, end: number = bytes.length): HeaderField[] {
    const collector = new FieldCollector(this.names);
    this.walk(bytes, start, end, collector);
    return collector.fields;
  }

  /** Size updates open a block (RFC 7541 §4.2): 001, then the size behind a prefix of five bits. */
  #walkSizeUpdates(bytes: Uint8Array, start: number, end: number): number {
    let position = start;
    while (position < end && (bytes[position]! & 0xe0) === 0x20) {
      const size = this.#integers.read(bytes, position, end, 0x1f);
      const most = this.#table.capacityBytes;
      if (size > most) throw decodingError(`it sets the dynamic table to ${size} bytes where ${most} are allowed`);
      this.#table.resize(size);
      position = this.#integers.end;
    }
    return position;
  }

  /** 1, then the index behind a prefix of seven bits (RFC 7541 §6.1). */
  #walkIndexed(bytes: Uint8Array, position: number, end: number, visitor: FieldVisitor): number {
    let index = bytes[position]! & 0x7f;
    let next = position + 1;
    if (index === 0x7f) {
      index = this.#integers.read(bytes, position, end, 0x7f);
      next = this.#integers.end;
    }
    if (index === 0) throw decodingError('it refers to index 0, which does not exist');
    if (index <= lastStaticIndex) {
      const name = staticNames[index]!;
      const start = staticStarts[index]!;
      const length = staticStarts[index + 1]! - start;
      this.#count(this.names.byteLength(name) + length);
      visitor.onField(name, staticValues, start, length, false);
      return next;
    }
    const table = this.#table;
    const slot = this.#slotOf(index);
    const name = table.nameId(slot);
    this.#count(this.names.byteLength(name) + table.valueBytes(slot));
    if (table.hasForbiddenOctets(slot)) this.#hasForbiddenOctets = true;
    visitor.onField(name, table.arena, table.valueStart(slot), table.valueLength(slot), table.isHuffman(slot));
    return next;
  }

  /** 01 (to be indexed), 0000 or 0001 (not), then the name's index or 0 and the name, then the value (§6.2). */
  #walkLiteral(bytes: Uint8Array, position: number, end: number, prefix: number, visitor: FieldVisitor): number {
    let index = bytes[position]! & prefix;
    let next = position + 1;
    if (index === prefix) {
      index = this.#integers.read(bytes, position, end, prefix);
      next = this.#integers.end;
    }
    let name: number;
    if (index === 0) {
      name = this.#readName(bytes, next, end);
      next = this.#integers.end;
    } else {
      name = index <= lastStaticIndex ? staticNames[index]! : this.#table.nameId(this.#slotOf(index));
    }

    const length = this.#readStringLength(bytes, next, end);
    const isHuffman = bytes[next]! >= 0x80;
    const start = this.#integers.end;
    next = start + length;
    if (prefix === indexingPrefix) this.#takeIndexed(name, bytes, start, length, isHuffman);
    else this.#take(name, isHuffman ? measureHuffman(bytes, start, next) : measureRaw(bytes, start, next));
    visitor.onField(name, bytes, start, length, isHuffman);
    return next;
  }

  /** Checks and counts a literal by what measuring its value gave. */
  #take(name: number, measured: number): void {
    if (measured < 0) throw decodingError('a value is no Huffman coded string');
    this.#count(this.names.byteLength(name) + (measured >> 1));
    if ((measured & 1) !== 0) this.#hasForbiddenOctets = true;
  }

  /** As `#take`, and enters the field into the table: its value is copied there while it is measured. */
  #takeIndexed(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    const table = this.#table;
    const place = table.place(length);
    const end = start + length;
    let measured: number;
    if (place < 0) measured = isHuffman ? measureHuffman(bytes, start, end) : measureRaw(bytes, start, end);
    else if (isHuffman) measured = copyHuffman(bytes, start, end, table.arena, place);
    else measured = copyRaw(bytes, start, end, table.arena, place);
    this.#take(name, measured);
    const valueBytes = measured >> 1;
    if (length > valueBytes) {
      this.#insertDecoded(name, bytes, start, length, measured);
      return;
    }
    const flags = (isHuffman ? huffmanFlag : 0) | ((measured & 1) !== 0 ? forbiddenFlag : 0);
    table.insert(name, this.names.byteLength(name), length, valueBytes, flags);
  }

  /** Enters a value that is shorter decoded than coded: one of control characters or octets above 0x7f. Seldom. */
  #insertDecoded(name: number, bytes: Uint8Array, start: number, length: number, measured: number): void {
    const valueBytes = measured >> 1;
    const decoded = new Uint8Array(huffmanRoom(length));
    decodeHuffman(bytes, start, start + length, decoded, 0);
    const place = this.#table.place(valueBytes);
    if (place >= 0) copyRaw(decoded, 0, valueBytes, this.#table.arena, place);
    const flags = (measured & 1) !== 0 ? forbiddenFlag : 0;
    this.#table.insert(name, this.names.byteLength(name), valueBytes, valueBytes, flags);
  }

  /** A name that is spelled out; its number. Leaves the offset behind it in `#integers.end`. */
  #readName(bytes: Uint8Array, position: number, end: number): number {
    const length = this.#readStringLength(bytes, position, end);
    const isHuffman = bytes[position]! >= 0x80;
    const start = this.#integers.end;
    this.#integers.end = start + length;
    return (
      this.names.idOfSpelling(bytes, start, length, isHuffman) || this.#internName(bytes, start, length, isHuffman)
    );
  }

  #internName(bytes: Uint8Array, start: number, length: number, isHuffman: boolean): number {
    const measured = isHuffman ? measureHuffman(bytes, start, start + length) : length << 1;
    if (measured < 0) throw decodingError('a name is no Huffman coded string');
    // Counted in full with its value later; looked at here so that nothing is kept of a list that is too large.
    if (this.#fields >= this.#maxFields) throw this.#tooManyFields();
    if (this.#listBytes + (measured >> 1) > this.#maxHeaderListBytes) throw this.#tooLarge();
    const id = this.names.intern(decodeText(bytes, start, length, isHuffman));
    this.names.rememberSpelling(bytes, start, length, isHuffman, id);
    return id;
  }

  /** Length of the string at `position`, all of it inside the block. Leaves its start in `#integers.end`. */
  #readStringLength(bytes: Uint8Array, position: number, end: number): number {
    const length = this.#integers.read(bytes, position, end, 0x7f);
    if (length > end - this.#integers.end) throw decodingError('it ends within a string');
    return length;
  }

  #slotOf(index: number): number {
    const slot = this.#table.slotOf(index - lastStaticIndex - 1);
    if (slot < 0) throw decodingError(`it refers to index ${index}, which is beyond the end of the dynamic table`);
    return slot;
  }

  #count(fieldBytes: number): void {
    if (++this.#fields > this.#maxFields) throw this.#tooManyFields();
    this.#listBytes += fieldBytes + overheadBytes;
    if (this.#listBytes > this.#maxHeaderListBytes) throw this.#tooLarge();
  }

  #tooManyFields(): PealError {
    return blockLimitError(`more than ${this.#maxFields} fields`);
  }

  #tooLarge(): PealError {
    return blockLimitError(`more than ${this.#maxHeaderListBytes} bytes of fields`);
  }
}

/** Gathers fields as strings. */
class FieldCollector implements FieldVisitor {
  readonly fields: HeaderField[] = [];

  constructor(readonly names: FieldNames) {}

  onField(name: number, bytes: Uint8Array, start: number, length: number, isHuffman: boolean): void {
    this.fields.push([this.names.nameOf(name), decodeText(bytes, start, length, isHuffman)]);
  }
}
