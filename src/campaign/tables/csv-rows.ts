/**
 * Reads CSV (RFC 4180, with any delimiter) into packed rows, whatever the size of the chunks it comes in. A reader writes
 * bytes in, rows and invalid lines come out at once. Main thread.
 *
 * A row without a quote takes the fast way: one pass over its bytes copies the cells and finds their ends. Rows with quotes
 * are gathered and given to csv-parse together, because a call of it costs as much as many rows.
 */
import { Buffer } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import { maxInvalidTextCharacters, maxRowBytes, minTokenBytes, usualTokenBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { decodeHexDigits, HEX_DIGITS } from '../recipients/hex-line.js';
import type { InvalidLine } from '../recipients/token-lines.js';
import { type OpenRows, RowPacker, type TableRows } from './table-rows.js';

/** How a table is written. */
export interface CsvShape {
  /** One ASCII character. */
  readonly delimiter: string;
  /** The names of the columns, in their order, each once. */
  readonly columns: readonly string[];
  /** Whether the first row has the names, and no recipient. */
  readonly hasHeader: boolean;
  /** Index of the column with the device tokens. */
  readonly tokenColumn: number;
}

/** What csv-parse says of a row. */
interface ParsedRow {
  readonly record: readonly Buffer[];
  readonly info: { readonly lines: number; readonly bytes: number };
}

interface CsvSink {
  onRows(rows: TableRows): void;
  onInvalid(invalid: InvalidLine): void;
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
/** What ends a cell, or makes a row one for csv-parse. */
const ORDINARY = 0;
const DELIMITER = 1;
const LINE_END = 2;
const QUOTED = 3;

/** Bytes of rows with quotes that are gathered before they are read. */
const maxGatheredBytes = 1 << 18;

export class CsvRows {
  readonly #shape: CsvShape;
  readonly #sink: CsvSink;
  readonly #packer: RowPacker;
  readonly #kinds: Uint8Array;
  readonly #minTokenBytes: number;
  /** The beginning of a row whose end has not come yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** The row at hand is longer than any row may be: only its end is looked for. */
  #isSkipping = false;
  /** Lines that have ended. */
  #lines = 0;
  #isHeaderDue: boolean;

  constructor(shape: CsvShape, sink: CsvSink, minBytes = minTokenBytes) {
    this.#shape = shape;
    this.#sink = sink;
    this.#minTokenBytes = minBytes;
    this.#packer = new RowPacker(shape.columns, (rows) => sink.onRows(rows));
    this.#isHeaderDue = shape.hasHeader;
    this.#kinds = new Uint8Array(256);
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

  /** Takes the next bytes of the table; they may be used again as soon as this returns. */
  write(chunk: Uint8Array): void {
    const bytes = this.#rest.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#rest, chunk]);
    const from = this.#isSkipping ? this.#skip(bytes, 0) : 0;
    const end = this.#isSkipping ? bytes.length : this.#readRows(bytes, from, false);
    this.#rest = Buffer.from(bytes.subarray(end));
    if (this.#rest.length > maxRowBytes) this.#giveUpRow(this.#rest);
  }

  /** Hands out the rows that are in no block yet. The beginning of a row stays. */
  flush(): void {
    this.#packer.flush();
  }

  /** The table is over: takes a last row without an end and hands out what is left. */
  end(): void {
    if (this.#rest.length > 0 && !this.#isSkipping) this.#readRows(this.#rest, 0, true);
    this.#rest = Buffer.alloc(0);
    this.#packer.flush();
  }

  /** Reads all rows of `bytes` that end there; returns where the first one begins that does not. */
  #readRows(bytes: Buffer, from: number, isEnd: boolean): number {
    let position = from;
    while (position < bytes.length) {
      const next = this.#isHeaderDue ? 0 : this.#readPlainRow(bytes, position);
      if (next > 0) {
        position = next;
        continue;
      }
      const end = this.#gather(bytes, position, isEnd);
      if (end === position) break;
      this.#readQuoted(bytes.subarray(position, end));
      position = end;
    }
    return position;
  }

  /**
   * The fast way: one row whose quotes, if any, are around whole cells. Returns where the next one begins; 0 where the row has
   * other quotes, or no end in `bytes`.
   */
  #readPlainRow(bytes: Buffer, from: number): number {
    const { columns, tokenColumn } = this.#shape;
    const width = columns.length;
    const open = this.#packer.openFor(usualTokenBytes);
    const { spans } = open;
    const kinds = this.#kinds;
    const limit = Math.min(bytes.length, from + maxRowBytes);
    const first = open.count * width * 2;
    let { cells } = open;
    let to = open.cellBytes;
    let column = 0;
    let innerLines = 0;
    let cellStart = from;
    spans[first] = to;
    for (let position = from; position < limit; position++) {
      // What is copied at most before this is asked again: one byte, or a pair of quotes.
      if (to + 1 >= cells.length) cells = open.grow(to);
      const byte = bytes[position]!;
      const kind = kinds[byte]!;
      if (kind === ORDINARY) {
        cells[to++] = byte;
        continue;
      }
      if (kind === QUOTED) {
        if (position !== cellStart) return 0;
        for (position++; position < limit; position++) {
          if (to + 1 >= cells.length) cells = open.grow(to);
          const inner = bytes[position]!;
          if (inner === QUOTE) {
            if (bytes[position + 1] !== QUOTE) break;
            position++;
          } else if (inner === LF) {
            innerLines++;
          }
          cells[to++] = inner;
        }
        const behind = kinds[bytes[position + 1] ?? QUOTE]!;
        if (behind === ORDINARY || behind === QUOTED) return 0;
        continue;
      }
      if (column < width) spans[first + column * 2 + 1] = to;
      column++;
      if (kind === DELIMITER) {
        if (column < width) spans[first + column * 2] = to;
        cellStart = position + 1;
        continue;
      }
      if (byte === CR && position + 1 === bytes.length) return 0;
      const next = byte === CR && bytes[position + 1] === LF ? position + 2 : position + 1;
      if (position > from) this.#takePlain(open, first, column, to, tokenColumn);
      this.#lines += innerLines + 1;
      return next;
    }
    return 0;
  }

  /** Takes the row whose cells were written to the end of `open`: `found` of them, up to `to`. */
  #takePlain(open: OpenRows, first: number, found: number, to: number, tokenColumn: number): void {
    const width = this.#shape.columns.length;
    const { spans, cells, count } = open;
    if (found !== width) {
      this.#reportInvalid(textOf(cells, open.cellBytes, to), cellsProblem(found, width), this.#lines + 1);
      return;
    }
    const start = spans[first + tokenColumn * 2]!;
    const end = spans[first + tokenColumn * 2 + 1]!;
    if (end - start === HEX_DIGITS && decodeHexDigits(open.cellView, start, open.tokenView, count * usualTokenBytes)) {
      open.cellBytes = to;
      this.#packer.added(open, this.#lines + 1);
      return;
    }
    const row: Uint8Array[] = [];
    for (let column = 0; column < width; column++) {
      row.push(cells.slice(spans[first + column * 2]!, spans[first + column * 2 + 1]!));
    }
    this.#takeCells(row, this.#lines + 1);
  }

  #takeCells(cells: readonly Uint8Array[], line: number): void {
    const { columns, tokenColumn } = this.#shape;
    if (cells.length !== columns.length) {
      this.#reportInvalid(
        cells.map((cell) => textOf(cell, 0, cell.length)).join(this.#shape.delimiter),
        cellsProblem(cells.length, columns.length),
        line,
      );
      return;
    }
    const cell = cells[tokenColumn]!;
    const text = textOf(cell, 0, cell.length);
    const parsed = parseDeviceToken(text, this.#minTokenBytes);
    if (isDeviceToken(parsed)) this.#packer.add(parsed, cells, line);
    else this.#reportInvalid(text, parsed.why, line);
  }

  /**
   * Where a run of rows ends that begins at `from` and is for csv-parse: behind the last row with a quote, or behind the
   * header. Returns `from` where the first row has no end.
   */
  #gather(bytes: Buffer, from: number, isEnd: boolean): number {
    let end = from;
    for (;;) {
      const row = endOfRow(bytes, end, isEnd);
      if (row === -1) return end;
      const hasQuote = row > end && bytes.subarray(end, row).includes(QUOTE);
      if (end > from && !hasQuote) return end;
      end = row;
      if (end === bytes.length || end - from > maxGatheredBytes || this.#isHeaderDue) return end;
    }
  }

  /** Rows with their line ends, some of which have quotes. */
  #readQuoted(bytes: Buffer): void {
    try {
      let before = 0;
      for (const { record, info } of parse(bytes, this.#parserOptions()) as unknown as ParsedRow[]) {
        const line = this.#lines + before + 1;
        before = info.lines - (info.bytes === bytes.length && !endsLine(bytes) ? 0 : 1);
        this.#takeRecord(record, line);
      }
      this.#lines += countLines(bytes);
    } catch (error) {
      this.#readEach(bytes, error);
    }
  }

  /** One of the rows is malformed: each is read alone, so that only that one is invalid. */
  #readEach(bytes: Buffer, error: unknown): void {
    const end = endOfRow(bytes, 0, true);
    if (end < bytes.length) {
      this.#readQuoted(bytes.subarray(0, end));
      this.#readQuoted(bytes.subarray(end));
      return;
    }
    const { code } = error as { code?: string };
    this.#reportInvalid(textOf(bytes, 0, bytes.length), problemOf(code), this.#lines + 1);
    this.#lines += countLines(bytes);
  }

  #takeRecord(record: readonly Buffer[], line: number): void {
    if (this.#isHeaderDue) this.#isHeaderDue = false;
    else if (record.length > 1 || record[0]!.length > 0) this.#takeCells(record, line);
  }

  #parserOptions(): { delimiter: string; encoding: null; info: true; relax_column_count: true; bom: boolean } {
    return {
      delimiter: this.#shape.delimiter,
      encoding: null,
      info: true,
      relax_column_count: true,
      bom: this.#lines === 0,
    };
  }

  /** Looks for the end of a row that is too long; returns where the next one begins. */
  #skip(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(LF, from);
    if (end === -1) return bytes.length;
    this.#isSkipping = false;
    this.#lines++;
    return end + 1;
  }

  #giveUpRow(bytes: Buffer): void {
    const isQuoted = bytes.includes(QUOTE);
    const why = isQuoted
      ? `begins a cell in quotes that does not end within ${maxRowBytes} bytes`
      : `is longer than ${maxRowBytes} bytes`;
    this.#reportInvalid(textOf(bytes, 0, bytes.length), why, this.#lines + 1);
    this.#rest = Buffer.alloc(0);
    // Rows behind an open quote are read again from the line after it.
    const line = bytes.indexOf(LF);
    if (!isQuoted || line === -1) {
      this.#isSkipping = true;
      return;
    }
    this.#lines++;
    this.write(bytes.subarray(line + 1));
  }

  #reportInvalid(text: string, why: string, line: number): void {
    this.#sink.onInvalid({ line, text: escapeUnprintable(text, maxInvalidTextCharacters), why });
  }
}

/** Behind the line end of the row that begins at `from`, quotes counted; -1 where it has none and there may be more. */
function endOfRow(bytes: Buffer, from: number, isEnd: boolean): number {
  let isQuoted = false;
  for (let position = from; position < bytes.length; position++) {
    const byte = bytes[position]!;
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && byte === LF) return position + 1;
    else if (!isQuoted && byte === CR) {
      if (position + 1 < bytes.length) return bytes[position + 1] === LF ? position + 2 : position + 1;
    }
  }
  return isEnd ? bytes.length : -1;
}

/** Line ends in these bytes: LF, CR LF or CR. */
function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let position = 0; position < bytes.length; position++) {
    if (bytes[position] === LF || (bytes[position] === CR && bytes[position + 1] !== LF)) lines++;
  }
  return lines;
}

function endsLine(bytes: Buffer): boolean {
  const last = bytes.at(-1);
  return last === LF || last === CR;
}

function cellsProblem(found: number, expected: number): string {
  return `has ${found} cells where the table has ${expected} columns`;
}

function problemOf(code: string | undefined): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'begins a cell in quotes that does not end';
  if (code === 'CSV_INVALID_CLOSING_QUOTE' || code === 'INVALID_OPENING_QUOTE') {
    return 'has a quote in the middle of a cell: a cell with quotes is written "a ""quoted"" word"';
  }
  return 'is not CSV';
}

/** The beginning of a text, for messages. A character of UTF-8 takes up to 4 bytes. */
function textOf(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, from + maxInvalidTextCharacters * 4);
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from)
    .toString('utf8')
    .trim();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
