/**
 * Reads CSV (RFC 4180, with any delimiter) into packed rows, whatever the size of the chunks it comes in. A reader
 * writes bytes in, rows and invalid lines come out at once. Main thread.
 *
 * One pass over the bytes of a row copies its cells, without their quotes, into the open block and finds their ends.
 * Lines end with LF, CR LF or CR. A row that is not well-formed (a quote in the middle of a cell, one that is never
 * closed, a cell that is too long) is invalid, and reading goes on at the line behind the one on which it began: a
 * stray quote costs one row and not the file. Lines that follow and have no device token are the rest of that row, and
 * are told of with it: a text of a thousand lines whose quotes are wrong is one invalid row and not a thousand. Between
 * tabs a quote in the middle of a cell is a character like others, because databases write it so.
 *
 * Programs write an apostrophe before a text that a spreadsheet would take for a formula (`'=1`, `'+49`): it is taken
 * away.
 */
import { Buffer } from 'node:buffer';
import { maxRowBytes, maxTokenLineBytes } from '../../base/limits.js';
import type { TokenEncoding } from '../../push/token-block.js';
import { hexForm, type TokenForm } from '../recipients/token-form.js';
import { OpenBytes } from './open-bytes.js';
import { blank, type OpenRows, RowPacker, type RowSink, startOf, type TableColumns } from './table-rows.js';

/** How a table is written. */
export interface CsvShape extends TableColumns {
  /** One ASCII character. */
  readonly delimiter: string;
  /** Whether the first row has the names, and no recipient. */
  readonly hasHeader: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;
/** What a byte means outside quotes. */
const ORDINARY = 0;
const DELIMITER = 1;
const LINE_END = 2;
const QUOTED = 3;
/** An apostrophe: at the start of a cell it may stand before a formula. */
const GUARD = 4;

/** What `#readRow` returns where it cannot return the place behind a row. */
const OPEN = 0;
const OPEN_QUOTE = -1;
const STRAY_QUOTE = -2;
const TOO_LONG = -3;
const LONG_QUOTE = -4;
const WRONG_WIDTH = -5;

/** What has to come before the row at hand can be read further than it was. */
const NEEDS_ANY = 0;
const NEEDS_LINE_END = 1;
const NEEDS_QUOTE = 2;

/** Bytes that start a formula. */
const formulaStarts = new Uint8Array(256);
for (const start of '=+-@\t\r') formulaStarts[start.charCodeAt(0)] = 1;

const noChunk = new Uint8Array(0);

/** A row that was given up, with the lines behind it that belong to it, until they are told of. */
interface BrokenRow {
  readonly text: string;
  readonly why: string;
  readonly line: number;
  /** The first and the last of the lines behind its first one that have no device token; 0 where there are none. */
  first: number;
  last: number;
}

export class CsvRows {
  readonly #shape: CsvShape;
  readonly #packer: RowPacker;
  readonly #form: TokenForm;
  readonly #kinds: Uint8Array;
  readonly #hasStrictQuotes: boolean;
  /** The beginning of a row whose end has not come yet. */
  readonly #rest = new OpenBytes();
  #isStart = true;
  #isHeaderDue: boolean;
  /** The last chunk ended with a CR that ended a row: an LF at the beginning of the next one belongs to it. */
  #endedWithCr = false;
  /** The line at hand is one of a row that was given up: only its end is looked for. */
  #isSkipping = false;
  /** The row at hand has no line end of its own: the table ends with it, and with its token. */
  #isCut = false;
  /** The row that was given up last, until a device token comes. */
  #broken: BrokenRow | null = null;
  #needs = NEEDS_ANY;
  /** Cells of the row at hand, and the line on which its last quote opened. */
  #cells = 0;
  #quoteLine = 0;
  /** Lines that have ended. */
  #lines = 0;

  constructor(shape: CsvShape, sink: RowSink, tokens: TokenForm = hexForm()) {
    this.#shape = shape;
    this.#form = tokens;
    this.#packer = new RowPacker(shape, sink, tokens);
    this.#isHeaderDue = shape.hasHeader;
    this.#hasStrictQuotes = shape.delimiter !== '\t';
    this.#kinds = new Uint8Array(256);
    this.#kinds[APOSTROPHE] = GUARD;
    this.#kinds[shape.delimiter.charCodeAt(0)] = DELIMITER;
    this.#kinds[LF] = LINE_END;
    this.#kinds[CR] = LINE_END;
    this.#kinds[QUOTE] = QUOTED;
  }

  /** Lines ended so far. */
  get lines(): number {
    return this.#lines;
  }

  /** Whether rows were read that are in no block yet. */
  get isOpen(): boolean {
    return this.#packer.isOpen;
  }

  /** Whether a row has begun whose end has not come. */
  get isLineOpen(): boolean {
    return this.#rest.length > 0 || this.#isSkipping;
  }

  /** The command that gives the table from a line on, with its header; null where that is all of it. */
  goOn(line: number): string | null {
    if (!this.#shape.hasHeader) return `tail -n +${line}`;
    return line > 2 ? `sed 2,${line - 1}d` : null;
  }

  /** Takes the next bytes of the table; they may be used again as soon as this returns. */
  write(chunk: Uint8Array): void {
    const bytes = this.#rest.with(chunk);
    // What is kept is a row without its end: without what it waits for it still has none.
    const isSame = bytes.length > chunk.length && bytes.length < maxRowBytes && !this.#hasNeeded(chunk);
    if (!isSame) this.#rest.keep(bytes, this.#readRows(bytes));
  }

  /**
   * Hands out the rows that are in no block yet. The beginning of a row stays, where more may come (`isOver` is false).
   */
  flush(isOver: boolean): void {
    if (isOver) this.#tellOfBroken();
    this.#packer.flush();
  }

  /** The table is over: takes a last row without an end and hands out what is left. */
  end(): void {
    while (this.#rest.length > 0) {
      this.#isStart = false;
      const bytes = Buffer.concat([this.#rest.with(noChunk), Buffer.of(LF)]);
      this.#isCut = this.#shape.tokenColumn === this.#shape.columns.length - 1;
      let from = this.#readRows(bytes);
      // A quote is open to the end of the table: rows that may stand behind it are read as they are.
      if (from < bytes.length) from = this.#giveUpRow(bytes, from, OPEN_QUOTE);
      this.#isCut = false;
      this.#rest.keep(bytes.subarray(0, -1), Math.min(from, bytes.length - 1));
    }
    if (this.#isSkipping) this.#lines++;
    this.#isSkipping = false;
    this.flush(true);
  }

  /** Reads all rows of `bytes` that end there; returns where the first one begins that does not. */
  #readRows(bytes: Buffer): number {
    let position = 0;
    this.#needs = NEEDS_ANY;
    if (this.#isStart) {
      if (bytes.length < 3) return 0;
      this.#isStart = false;
      if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) position = 3;
    }
    if (this.#endedWithCr && bytes.length > 0) {
      this.#endedWithCr = false;
      if (bytes[0] === LF) position = 1;
    }
    if (this.#isSkipping) position = this.#skipLine(bytes, position);
    while (position < bytes.length) {
      const next = this.#readRow(bytes, position);
      if (next > 0) position = next;
      else if (next === OPEN) break;
      else if (isOpenText(bytes, position)) {
        this.#needs = NEEDS_ANY;
        break;
      } else position = this.#giveUpRow(bytes, position, next);
    }
    return position;
  }

  /** Reads one row. Returns where the next one begins, or why this one cannot be read. */
  #readRow(bytes: Buffer, from: number): number {
    const width = this.#shape.columns.length;
    const open = this.#packer.next;
    const { spans } = open;
    const kinds = this.#kinds;
    const limit = Math.min(bytes.length, from + maxRowBytes);
    const first = open.count * width * 2;
    let { cells } = open;
    let to = open.cellBytes;
    let column = 0;
    let innerLines = 0;
    let cellStart = from;
    let isInQuotes = false;
    spans[first] = to;
    for (let position = from; position < limit; position++) {
      if (to === cells.length) cells = open.grow(to, 1);
      const byte = bytes[position]!;
      const kind = kinds[byte]!;
      if (kind === ORDINARY) {
        cells[to++] = byte;
        continue;
      }
      if (kind === GUARD) {
        if (position !== cellStart || !isFormula(bytes, position + 1, kinds)) cells[to++] = byte;
        continue;
      }
      if (kind === QUOTED) {
        if (position !== cellStart) {
          if (this.#hasStrictQuotes) return STRAY_QUOTE;
          cells[to++] = byte;
          continue;
        }
        if (bytes[position + 1] === APOSTROPHE && isFormula(bytes, position + 2, null)) position++;
        this.#quoteLine = this.#lines + innerLines + 1;
        isInQuotes = true;
        for (position++; position < limit; position++) {
          const inner = bytes[position]!;
          if (inner === QUOTE) {
            if (bytes[position + 1] !== QUOTE) {
              isInQuotes = false;
              break;
            }
            position++;
          } else if (inner === LF || (inner === CR && bytes[position + 1] !== LF)) {
            innerLines++;
          }
          if (to === cells.length) cells = open.grow(to, 1);
          cells[to++] = inner;
        }
        // The quote may be the first of two.
        if (position + 1 >= limit) break;
        const behind = kinds[bytes[position + 1]!]!;
        if (behind !== DELIMITER && behind !== LINE_END) return STRAY_QUOTE;
        continue;
      }
      if (column < width) spans[first + column * 2 + 1] = to;
      column++;
      if (kind === DELIMITER) {
        if (column < width) spans[first + column * 2] = to;
        cellStart = position + 1;
        continue;
      }
      const end = position + 1;
      this.#endedWithCr = byte === CR && end === bytes.length;
      const next = byte === CR && bytes[end] === LF ? end + 1 : end;
      if (this.#isHeaderDue) {
        this.#isHeaderDue = startOf(bytes.subarray(from, position)) === '';
      } else if (column !== width) {
        this.#cells = column;
        // With a quote too many, rows that are right stand within a cell.
        if (innerLines > 0) return WRONG_WIDTH;
        this.#reportCells(bytes.subarray(from, position));
      } else if (position > from) {
        this.#take(open, to, next === bytes.length);
      }
      this.#lines += innerLines + 1;
      return next;
    }
    if (limit < bytes.length || limit - from === maxRowBytes) return isInQuotes ? LONG_QUOTE : TOO_LONG;
    // Half of a character, or of what ends a cell, may be there already.
    this.#needs = isInQuotes ? NEEDS_QUOTE : bytes[limit - 1] === QUOTE ? NEEDS_ANY : NEEDS_LINE_END;
    return OPEN;
  }

  /** Takes the row that was written to `open`, or tells why it is none. */
  #take(open: OpenRows, to: number, isLast: boolean): void {
    const problem = this.#packer.tryTake(open, to, this.#lines + 1, this.#isCut && isLast);
    if (problem === null) {
      if (this.#broken !== null) this.#tellOfBroken();
    } else if (problem !== blank) {
      this.#report(problem.text, problem.why, false, problem.encoding);
    }
  }

  /** A row with another number of cells; a line of nothing but blanks is no row. */
  #reportCells(row: Buffer): void {
    const text = startOf(row);
    if (text !== '' || this.#cells > 1) this.#report(text, this.#problemOf(WRONG_WIDTH), this.#hasToken(row));
  }

  /** Gives up a row that cannot be read; returns where the line behind its first one begins. */
  #giveUpRow(bytes: Buffer, from: number, problem: number): number {
    this.#isHeaderDue = false;
    const line = bytes.subarray(from, endOfLine(bytes, from));
    const text = startOf(line);
    const why = this.#problemOf(problem);
    if (this.#broken !== null && !this.#hasToken(line)) {
      this.#report(text, why, false);
    } else {
      this.#tellOfBroken();
      this.#broken = { text, why, line: this.#lines + 1, first: 0, last: 0 };
    }
    this.#isSkipping = true;
    return this.#skipLine(bytes, from);
  }

  /** Tells of a line that is no row, unless it belongs to the row that was given up before it. */
  #report(text: string, why: string, hasToken: boolean, encoding?: TokenEncoding): void {
    const broken = this.#broken;
    const line = this.#lines + 1;
    if (broken !== null && !hasToken) {
      broken.first ||= line;
      broken.last = line;
      return;
    }
    this.#tellOfBroken();
    this.#packer.report(text, why, line, encoding);
  }

  #tellOfBroken(): void {
    const broken = this.#broken;
    if (broken === null) return;
    this.#broken = null;
    const { text, why, line, first, last } = broken;
    this.#packer.report(text, first === 0 ? why : `${why}; ${restOf(first, last)}`, line);
  }

  /** Whether a cell of a line that cannot be read may be a device token. */
  #hasToken(line: Buffer): boolean {
    const cells = startOf(line, maxTokenLineBytes).split(this.#shape.delimiter);
    return cells.some((cell) => this.#form.likeBytes(cell) > 0);
  }

  #problemOf(problem: number): string {
    const cellInQuotes = `begins a cell in quotes${this.#quoteLine > this.#lines + 1 ? ` in line ${this.#quoteLine}` : ''}`;
    switch (problem) {
      case OPEN_QUOTE:
        return `${cellInQuotes} that never ends: ${mendQuotes}`;
      case LONG_QUOTE:
        return `${cellInQuotes} that does not end within ${maxRowBytes} bytes: ${mendQuotes}, or shorten it`;
      case STRAY_QUOTE:
        return 'has a quote in the middle of a cell: such a cell is written "a ""quoted"" word"';
      case TOO_LONG:
        return `is longer than ${maxRowBytes} bytes`;
      default: {
        const { length } = this.#shape.columns;
        const cells = this.#cells === 1 ? '1 cell' : `${this.#cells} cells`;
        return `has ${cells} where the table has ${length} column${length === 1 ? '' : 's'}`;
      }
    }
  }

  /** Whether a chunk has what the row at hand waits for. */
  #hasNeeded(chunk: Uint8Array): boolean {
    if (this.#needs === NEEDS_QUOTE) return chunk.includes(QUOTE);
    return this.#needs === NEEDS_ANY || chunk.includes(LF) || chunk.includes(CR);
  }

  /** Looks for the end of a line; returns where the next one begins. */
  #skipLine(bytes: Buffer, from: number): number {
    const end = endOfLine(bytes, from);
    if (end === bytes.length) return end;
    this.#isSkipping = false;
    this.#lines++;
    this.#endedWithCr = bytes[end] === CR && end + 1 === bytes.length;
    return bytes[end] === CR && bytes[end + 1] === LF ? end + 2 : end + 1;
  }
}

const mendQuotes = 'close it, or write a quote that belongs to its text twice ("")';

/** What is told of lines that belong to a row that was given up. */
function restOf(first: number, last: number): string {
  if (first === last) return `line ${first} behind it has no device token, and is counted with it`;
  return `lines ${first} to ${last} behind it have no device token, and are counted with it`;
}

/**
 * Whether a spreadsheet would take what stands at `from` for a formula, were there no apostrophe before it. More
 * apostrophes may stand there: of each text with one before it there is one to take away.
 *
 * @param kinds of bytes; null within quotes, where all bytes are text
 */
function isFormula(bytes: Buffer, from: number, kinds: Uint8Array | null): boolean {
  let position = from;
  while (bytes[position] === APOSTROPHE) position++;
  const byte = bytes[position] ?? 0;
  return formulaStarts[byte] === 1 && (kinds === null || kinds[byte] === ORDINARY);
}

/** Where the line at `from` ends: its LF or CR, or the length of `bytes`. */
function endOfLine(bytes: Buffer, from: number): number {
  const lf = bytes.indexOf(LF, from);
  const end = lf === -1 ? bytes.length : lf;
  const cr = bytes.subarray(from, end).indexOf(CR);
  return cr === -1 ? end : from + cr;
}

/** Whether more may come of the text that is looked at and shown of the line at `from`. */
function isOpenText(bytes: Buffer, from: number): boolean {
  return bytes.length - from < maxTokenLineBytes && endOfLine(bytes, from) === bytes.length;
}
