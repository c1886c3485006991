/**
 * Reads one JSON object from its bytes into the next row of a packer: its members are cells, without an object or a
 * string for each. Used by ndjson-rows and json-array-rows, on their thread.
 *
 * Strings become their text, numbers stay as they are written (also those that have more digits than a double),
 * booleans are true and false, null is an empty cell, and objects and arrays are their JSON text. Of two members with
 * one name the last counts. Reads exactly what JSON.parse reads.
 *
 * Rows mostly have the same members in the same order, so the name that came behind the last one before is compared
 * first.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import type { OpenRows, RowPacker } from './table-rows.js';

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Where a value has no end in the bytes at hand, and where it is not JSON. */
export const UNENDED = 0;
const MALFORMED = -1;

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const [braceOpen, braceClose, comma] = [Buffer.from('{'), Buffer.from('}'), Buffer.from(',')];

export class JsonObjectReader {
  readonly #packer: RowPacker;
  readonly #width: number;
  /** By column: its name as JSON. */
  readonly #names: readonly Uint8Array[];
  readonly #columns: ReadonlyMap<string, number>;
  /** By column, and behind them for the first member: the column of the member that followed it. */
  readonly #following: Int32Array;
  /** Members of the object at hand that have no column: where each begins and ends. */
  readonly #others: number[] = [];
  #to = 0;

  /** @param columns of the packer; the last one is for all other members */
  constructor(columns: readonly string[], packer: RowPacker) {
    this.#packer = packer;
    this.#width = columns.length;
    const named = columns.slice(0, -1);
    this.#names = named.map((name) => Buffer.from(JSON.stringify(name)));
    this.#columns = new Map(named.map((name, column) => [name, column]));
    this.#following = Int32Array.from({ length: columns.length + 1 }, (_, column) => (column + 1) % columns.length);
    this.#following[columns.length] = 0;
  }

  /** Takes the object that was read last as the row of a line. */
  take(line: number): void {
    this.#packer.take(this.#packer.next, this.#to, line);
  }

  /**
   * Reads the object whose brace is at `from`, as far as before `limit`. Returns the place behind it, UNENDED or
   * MALFORMED.
   */
  read(bytes: Buffer, from: number, limit: number): number {
    const open = this.#packer.next;
    const { spans } = open;
    const first = open.count * this.#width * 2;
    spans.fill(0, first, first + this.#width * 2);
    this.#others.length = 0;
    this.#to = open.cellBytes;
    let previous = this.#width;
    let position = skipBlanks(bytes, from + 1, limit);
    if (bytes[position] === CLOSE_BRACE && position < limit) return position + 1;
    for (;;) {
      const start = position;
      if (start >= limit) return UNENDED;
      if (bytes[start] !== QUOTE) return MALFORMED;
      let column = this.#following[previous]!;
      const name = this.#names[column];
      if (name !== undefined && startsWith(bytes, start, limit, name)) {
        position += name.length;
      } else {
        position = endOfString(bytes, start, limit);
        if (position <= 0) return position;
        const parsed = parsedText(bytes, start, position);
        if (parsed === null) return MALFORMED;
        column = this.#columns.get(parsed) ?? -1;
      }
      position = skipBlanks(bytes, position, limit);
      if (position >= limit) return UNENDED;
      if (bytes[position] !== COLON) return MALFORMED;
      position = skipBlanks(bytes, position + 1, limit);
      const cell = this.#to;
      position = this.#readValue(bytes, position, limit, open);
      if (position <= 0) return position;
      if (column >= 0) {
        spans[first + column * 2] = cell;
        spans[first + column * 2 + 1] = this.#to;
        this.#following[previous] = column;
        previous = column;
      } else {
        this.#to = cell;
        this.#others.push(start, position);
      }
      position = skipBlanks(bytes, position, limit);
      if (position >= limit) return UNENDED;
      if (bytes[position] === CLOSE_BRACE) break;
      if (bytes[position] !== COMMA) return MALFORMED;
      position = skipBlanks(bytes, position + 1, limit);
    }
    if (this.#others.length > 0) this.#writeOthers(bytes, open, first);
    return position + 1;
  }

  /** Reads the value at `from` into the next cell. Returns the place behind it, UNENDED or MALFORMED. */
  #readValue(bytes: Buffer, from: number, limit: number, open: OpenRows): number {
    if (from >= limit) return UNENDED;
    const byte = bytes[from]!;
    if (byte === QUOTE) return this.#readString(bytes, from, limit, open);
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      const end = endOfValue(bytes, from, limit);
      if (end <= 0) return end;
      if (!isJson(bytes, from, end)) return MALFORMED;
      this.#write(open, bytes.subarray(from, end));
      return end;
    }
    let end = from;
    let isWhole = byte !== 0x30;
    for (; end < limit; end++) {
      const digit = bytes[end]!;
      if (digit >= 0x30 && digit <= 0x39) continue;
      if (digit === COMMA || digit === CLOSE_BRACE || digit === CLOSE_BRACKET || digit <= BLANK) break;
      isWhole = false;
    }
    if (end === limit) return UNENDED;
    if (end === from) return MALFORMED;
    if (!isWhole) {
      const text = bytes.toString('latin1', from, end);
      if (text === 'null') return end;
      if (text !== 'true' && text !== 'false' && !number.test(text)) return MALFORMED;
    }
    this.#write(open, bytes.subarray(from, end));
    return end;
  }

  #readString(bytes: Buffer, from: number, limit: number, open: OpenRows): number {
    let { cells } = open;
    let to = this.#to;
    for (let position = from + 1; position < limit; position++) {
      const byte = bytes[position]!;
      if (byte === QUOTE) {
        this.#to = to;
        return position + 1;
      }
      if (byte === BACKSLASH) return this.#readEscaped(bytes, from, limit, open);
      if (byte < BLANK) return MALFORMED;
      if (to === cells.length) cells = open.grow(to, 1);
      cells[to++] = byte;
    }
    return UNENDED;
  }

  #readEscaped(bytes: Buffer, from: number, limit: number, open: OpenRows): number {
    const end = endOfString(bytes, from, limit);
    if (end <= 0) return end;
    const text = parsedText(bytes, from, end);
    if (text === null) return MALFORMED;
    const raw = bytes.subarray(from, end);
    // What is no UTF-8 is told of when the block is handed out.
    this.#write(open, isUtf8(raw) ? Buffer.from(text) : raw);
    return end;
  }

  #write(open: OpenRows, cell: Uint8Array): void {
    const to = this.#to;
    const cells = to + cell.length > open.cells.length ? open.grow(to, cell.length) : open.cells;
    if (cell.length < 16) for (let at = 0; at < cell.length; at++) cells[to + at] = cell[at]!;
    else cells.set(cell, to);
    this.#to = to + cell.length;
  }

  #writeOthers(bytes: Buffer, open: OpenRows, first: number): void {
    const place = first + (this.#width - 1) * 2;
    open.spans[place] = this.#to;
    for (let at = 0; at < this.#others.length; at += 2) {
      this.#write(open, at === 0 ? braceOpen : comma);
      this.#write(open, bytes.subarray(this.#others[at], this.#others[at + 1]));
    }
    this.#write(open, braceClose);
    open.spans[place + 1] = this.#to;
  }
}

export function skipBlanks(bytes: Buffer, from: number, limit: number): number {
  let position = from;
  while (position < limit) {
    const byte = bytes[position]!;
    if (byte !== BLANK && byte !== LF && byte !== CR && byte !== TAB) break;
    position++;
  }
  return position;
}

/** Behind the value at `from`, judged by its quotes and brackets alone. UNENDED where it has no end before `limit`. */
export function endOfValue(bytes: Buffer, from: number, limit: number): number {
  whole.start(bytes[from]!);
  return whole.find(bytes, from, limit);
}

/** Looks for the end of one value, by its quotes and brackets alone, in chunks of any size. */
export class ValueEnd {
  /** It is a number, a word, or no JSON: it ends with what stands behind it. */
  #isBare = false;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isStarted = false;

  /** @param first byte of the value */
  start(first: number): void {
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
    this.#isStarted = false;
    this.#isBare = first !== QUOTE && first !== OPEN_BRACE && first !== OPEN_BRACKET;
  }

  /**
   * Returns the place behind the value, UNENDED where it has no end before `limit`. `from`: its first byte, or the
   * next.
   */
  find(bytes: Uint8Array, from: number, limit: number): number {
    for (let position = from; position < limit; position++) {
      const byte = bytes[position]!;
      if (this.#isBare) {
        if (this.#isStarted && (byte === COMMA || byte === CLOSE_BRACKET || byte <= BLANK)) return position;
        this.#isStarted = true;
      } else if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) {
          this.#isInString = false;
          if (this.#depth === 0) return position + 1;
        }
      } else if (byte === QUOTE) {
        this.#isInString = true;
      } else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#depth++;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) {
        if (--this.#depth === 0) return position + 1;
      }
    }
    return UNENDED;
  }
}

/** For values whose end is looked for at once: each call of `endOfValue` starts it anew. */
const whole = new ValueEnd();

/** Behind the string whose quote is at `from`, UNENDED or MALFORMED. */
export function endOfString(bytes: Buffer, from: number, limit: number): number {
  for (let position = from + 1; position < limit; position++) {
    const byte = bytes[position]!;
    if (byte === QUOTE) return position + 1;
    if (byte === BACKSLASH) position++;
    else if (byte < BLANK) return MALFORMED;
  }
  return UNENDED;
}

/** The text of the string that `bytes` has from `from` to before `to`; null where it is none. */
export function parsedText(bytes: Buffer, from: number, to: number): string | null {
  try {
    return JSON.parse(bytes.toString('utf8', from, to)) as string;
  } catch {
    return null;
  }
}

function isJson(bytes: Buffer, from: number, to: number): boolean {
  try {
    JSON.parse(bytes.toString('utf8', from, to));
    return true;
  } catch {
    return false;
  }
}

function startsWith(bytes: Buffer, from: number, limit: number, text: Uint8Array): boolean {
  if (from + text.length > limit) return false;
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text[at]) return false;
  return true;
}
