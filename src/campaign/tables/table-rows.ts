/**
 * Rows of a table on their way into blocks of at most 1,024: one open block for each length of token, handed out when
 * it is full. Readers of tables write cells straight into the memory of the open block. Which rows stand in a block
 * depends on the content of the table alone. Main thread.
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import {
  likelyTextTokenBytes,
  maxBatchRecipients,
  maxBlockCellBytes,
  maxInvalidTextCharacters,
  maxOpenBlocks,
  maxTokenLineBytes,
  usualTokenBytes,
} from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { TokenBlock, type TokenEncoding } from '../../push/token-block.js';
import { pickTokens, Rows, type TextColumn } from '../../session/recipients/rows.js';
import { decodeHexDigits, HEX_DIGITS } from '../recipients/hex-line.js';
import { endOfPlainText, hexForm, type TokenForm } from '../recipients/token-form.js';
import type { InvalidLine } from '../recipients/token-lines.js';

/** Memory of cells that a block begins with, in bytes; it grows as they need it. */
const firstCellBytes = 1 << 16;

/**
 * The column for what a row has beside the columns of its table, as one JSON object. Only blocks have it in which a row
 * has such a thing.
 */
export const othersColumn = '(others)';

/** What the columns of a table are. */
export interface TableColumns {
  /** Their names, in their order, each once. */
  readonly columns: readonly string[];
  /** Index of the column with the device tokens. */
  readonly tokenColumn: number;
}

/** Why a row cannot be taken. */
interface RowProblem {
  readonly text: string;
  /** The rest of a sentence that begins with the text. */
  readonly why: string;
  /** As in `InvalidLine`. */
  readonly encoding?: TokenEncoding | undefined;
}

/** A row of one column without anything in it is a blank line, of which nothing is told. */
export const blank: RowProblem = { text: '', why: '' };

/** Told at once, from within the methods of a reader. */
export interface RowSink {
  onRows(rows: TableRows): void;
  onInvalid(invalid: InvalidLine): void;
}

/** The cells of all rows, row after row: two places in `bytes` for each, where it begins and where it has ended. */
interface Cells {
  readonly bytes: Uint8Array;
  readonly spans: Uint32Array;
}

/** Rows of one table, which know where they stand in it. */
export class TableRows extends Rows {
  readonly #names: readonly string[];
  readonly #cells: Cells;

  /**
   * @param names of the columns, in the order of the cells
   * @param lines by row: the line on which it begins, from 1 (a table without lines: its number, from 1)
   */
  constructor(
    tokens: TokenBlock,
    names: readonly string[],
    cells: Cells,
    readonly lines: Uint32Array,
  ) {
    super(tokens, columnsOf(names, cells));
    this.#names = names;
    this.#cells = cells;
  }

  override pick(indexes: ArrayLike<number>): TableRows {
    const words = this.#names.length * 2;
    const spans = new Uint32Array(indexes.length * words);
    const lines = new Uint32Array(indexes.length);
    for (let place = 0; place < indexes.length; place++) {
      const index = indexes[place]!;
      spans.set(this.#cells.spans.subarray(index * words, (index + 1) * words), place * words);
      lines[place] = this.lines[index]!;
    }
    return new TableRows(pickTokens(this.tokens, indexes), this.#names, { bytes: this.#cells.bytes, spans }, lines);
  }
}

function columnsOf(names: readonly string[], { bytes, spans }: Cells): Map<string, TextColumn> {
  const step = names.length * 2;
  const columns = new Map<string, TextColumn>(
    names.map((name, column) => [name, { bytes, spans, first: column * 2, step }]),
  );
  if (names.at(-1) === othersColumn && isEmpty(spans, step)) columns.delete(othersColumn);
  return columns;
}

/** Whether the last column has nothing in any row. */
function isEmpty(spans: Uint32Array, step: number): boolean {
  for (let end = step; end <= spans.length; end += step) if (spans[end - 2]! < spans[end - 1]!) return false;
  return true;
}

/** Rows that are not handed out yet: their tokens have one length. */
export class OpenRows {
  readonly tokens: Uint8Array;
  readonly tokenView: DataView;
  /** As in `Cells`. */
  readonly spans: Uint32Array;
  readonly lines = new Uint32Array(maxBatchRecipients);
  cells: Uint8Array = new Uint8Array(firstCellBytes);
  cellView: DataView = new DataView(this.cells.buffer);
  /** Where the next cell goes. */
  cellBytes = 0;
  count = 0;

  constructor(
    readonly tokenBytes: number,
    readonly columns: number,
    readonly encoding: TokenEncoding,
  ) {
    this.tokens = new Uint8Array(maxBatchRecipients * tokenBytes);
    this.tokenView = new DataView(this.tokens.buffer);
    this.spans = new Uint32Array(maxBatchRecipients * columns * 2);
  }

  /** Memory for `more` bytes behind the first `used`, which are kept. Returns it. */
  grow(used: number, more: number): Uint8Array {
    let length = this.cells.length;
    while (length < used + more) length *= 2;
    const grown = new Uint8Array(length);
    grown.set(this.cells.subarray(0, used));
    this.cells = grown;
    this.cellView = new DataView(grown.buffer);
    return grown;
  }

  /** Copies one cell to the end. */
  add(cell: Uint8Array): void {
    if (this.cellBytes + cell.length > this.cells.length) this.grow(this.cellBytes, cell.length);
    this.cells.set(cell, this.cellBytes);
    this.cellBytes += cell.length;
  }
}

export class RowPacker {
  readonly #names: readonly string[];
  readonly #tokenColumn: number;
  readonly #form: TokenForm;
  /** The column that says how the token of the row is written; -1 where all are written alike. */
  readonly #platformColumn: number;
  readonly #sink: RowSink;
  /** How many bytes the last text had that was a token. */
  #latestText = likelyTextTokenBytes;
  /** By encoding and length of token in bytes. */
  readonly #open = new Map<number, OpenRows>();
  /** Bytes of the shortest token so far. */
  #shortest = Number.POSITIVE_INFINITY;

  /** @param form how the tokens are written; default: as those of APNs */
  constructor({ columns, tokenColumn }: TableColumns, sink: RowSink, form: TokenForm = hexForm()) {
    this.#names = columns;
    this.#tokenColumn = tokenColumn;
    this.#form = form;
    this.#platformColumn = form.platforms === undefined ? -1 : columns.indexOf(form.platforms.column);
    this.#sink = sink;
  }

  /** Whether an open block holds something. */
  get isOpen(): boolean {
    for (const { count } of this.#open.values()) if (count > 0) return true;
    return false;
  }

  /**
   * The open block where the cells of the next row are written: behind those that it has, and their places behind the
   * last row's. Valid until the next call of `take` or `flush`.
   */
  get next(): OpenRows {
    const isText = this.#form.encoding === 'text';
    return this.#openFor(isText ? this.#latestText : usualTokenBytes, this.#form.encoding);
  }

  /** Takes the row whose cells were written to `next`, up to `to`, or tells why it is none. */
  take(open: OpenRows, to: number, line: number): void {
    this.#reportProblem(this.tryTake(open, to, line), line);
  }

  /**
   * The same, but returns why it is none; null where it was taken.
   *
   * @param mayBeCut the table ends with the token of this row, and without a line end
   */
  tryTake(open: OpenRows, to: number, line: number, mayBeCut = false): RowProblem | null {
    const { spans, count } = open;
    const first = count * this.#names.length * 2;
    const start = spans[first + this.#tokenColumn * 2]!;
    const end = spans[first + this.#tokenColumn * 2 + 1]!;
    if (this.#platformColumn < 0 && this.#takesInPlace(open, start, end)) {
      open.cellBytes = to;
      if (this.#shortest > open.tokenBytes) this.#shortest = open.tokenBytes;
      this.#added(open, line);
      return null;
    }
    const cells = this.#names.map((_, column) =>
      open.cells.slice(spans[first + column * 2]!, spans[first + column * 2 + 1]!),
    );
    return this.#tryCells(cells, line, mayBeCut);
  }

  /** Writes the token between `start` and `end` of the cells to its block, where it is of the usual form and length. */
  #takesInPlace(open: OpenRows, start: number, end: number): boolean {
    const { count, tokenBytes, cells } = open;
    if (open.encoding === 'hex') {
      return end - start === HEX_DIGITS && decodeHexDigits(open.cellView, start, open.tokenView, count * tokenBytes);
    }
    if (this.#form.isPlainText !== true) return false;
    if (end - start !== tokenBytes || endOfPlainText(cells.subarray(start, end), 0) !== tokenBytes) return false;
    open.tokens.set(cells.subarray(start, end), count * tokenBytes);
    return true;
  }

  /** The same as `take` for a row whose cells lie elsewhere. */
  takeCells(cells: readonly Uint8Array[], line: number): void {
    this.#reportProblem(this.#tryCells(cells, line, false), line);
  }

  #tryCells(cells: readonly Uint8Array[], line: number, mayBeCut: boolean): RowProblem | null {
    const text = startOf(cells[this.#tokenColumn]!, maxTokenLineBytes);
    if (text === '') return this.#missing(cells);
    const form = this.#formOf(cells);
    if ('why' in form) return { text, why: form.why };
    const parsed = form.read(text);
    const { encoding } = form;
    if (!(parsed instanceof Uint8Array)) return { text, why: parsed.why, encoding };
    if (mayBeCut && this.#isLikeHalf(parsed.length)) return { text, why: form.halfLine, encoding };
    this.#shortest = Math.min(this.#shortest, parsed.length);
    if (encoding === 'text') this.#latestText = parsed.length;
    this.add(parsed, cells, line, encoding);
    return null;
  }

  /** How the token of a row is written, or why that cannot be told. */
  #formOf(cells: readonly Uint8Array[]): TokenForm | { readonly why: string } {
    const { platforms } = this.#form;
    if (platforms === undefined) return this.#form;
    return platforms.formOf(this.#platformColumn < 0 ? '' : startOf(cells[this.#platformColumn]!));
  }

  /** Adds a row whose token was read. */
  add(token: Uint8Array, cells: readonly Uint8Array[], line: number, encoding = this.#form.encoding): void {
    const open = this.#openFor(token.length, encoding);
    const columns = this.#names.length;
    const { count } = open;
    for (let column = 0; column < columns; column++) {
      const place = (count * columns + column) * 2;
      open.spans[place] = open.cellBytes;
      open.add(cells[column]!);
      open.spans[place + 1] = open.cellBytes;
    }
    open.tokens.set(token, count * token.length);
    this.#added(open, line);
  }

  /** Tells of a row that is none. */
  report(text: string, why: string, line: number, encoding?: TokenEncoding): void {
    const told = this.#form.platforms === undefined || encoding === undefined ? null : { encoding };
    this.#sink.onInvalid({ line, text: escapeUnprintable(text, maxInvalidTextCharacters), why, ...told });
  }

  #openFor(tokenBytes: number, encoding: TokenEncoding): OpenRows {
    const key = keyOf(tokenBytes, encoding);
    let open = this.#open.get(key);
    if (open === undefined) {
      if (this.#open.size >= maxOpenBlocks) this.#makeRoom();
      open = new OpenRows(tokenBytes, this.#names.length, encoding);
      this.#open.set(key, open);
    }
    return open;
  }

  /** So that memory stays bounded, the block that was opened first is handed out. */
  #makeRoom(): void {
    for (const open of this.#open.values()) {
      if (open.count === 0) continue;
      this.#handOut(open);
      return;
    }
  }

  #missing(cells: readonly Uint8Array[]): RowProblem {
    if (cells.length === 1) return blank;
    const others = cells.map((cell) => startOf(cell)).filter((cell) => cell !== '');
    const column = escapeUnprintable(this.#names[this.#tokenColumn]!, 40);
    const form = this.#formOf(cells);
    const encoding = 'why' in form ? undefined : form.encoding;
    return { text: others.join(' '), why: `has no device token in its column "${column}"`, encoding };
  }

  #reportProblem(problem: RowProblem | null, line: number): void {
    if (problem !== null && problem !== blank) this.report(problem.text, problem.why, line, problem.encoding);
  }

  /**
   * Whether a last token is shorter than all others, and not as long as tokens are today: the table may have been cut.
   */
  #isLikeHalf(tokenBytes: number): boolean {
    return !this.#form.isUsual(tokenBytes) && this.#shortest < Number.POSITIVE_INFINITY && tokenBytes < this.#shortest;
  }

  #added(open: OpenRows, line: number): void {
    open.lines[open.count++] = line;
    if (open.count === maxBatchRecipients || open.cellBytes >= maxBlockCellBytes) this.#handOut(open);
  }

  /** Hands out every open block that holds something. */
  flush(): void {
    for (const open of [...this.#open.values()]) if (open.count > 0) this.#handOut(open);
  }

  #handOut(open: OpenRows): void {
    const { tokenBytes, count, columns, encoding } = open;
    this.#open.delete(keyOf(tokenBytes, encoding));
    // The memory of cells is as large as the last block needed; what is sent lives on for a while, so it is cut to
    // size.
    const bytes = open.cells.slice(0, open.cellBytes);
    const isFull = count === maxBatchRecipients;
    const tokens = isFull ? open.tokens : open.tokens.slice(0, count * tokenBytes);
    const spans = isFull ? open.spans : open.spans.slice(0, count * columns * 2);
    const lines = isFull ? open.lines : open.lines.slice(0, count);
    const rows = new TableRows(
      new TokenBlock(tokens, tokenBytes, count, encoding),
      this.#names,
      { bytes, spans },
      lines,
    );
    if (isText(bytes, spans)) this.#sink.onRows(rows);
    else this.#handOutText(rows);
  }

  /** Hands out the rows that are UTF-8, and tells of the others. */
  #handOutText(rows: TableRows): void {
    const kept: number[] = [];
    for (let index = 0; index < rows.count; index++) {
      const strange = [...rows.columns].find(([, column]) => !isUtf8(cellOf(column, index)));
      if (strange === undefined) {
        kept.push(index);
        continue;
      }
      const [name, column] = strange;
      const why = `is not UTF-8 (column "${escapeUnprintable(name, 40)}"): save the table as UTF-8`;
      this.report(startOf(cellOf(column, index)), why, rows.lines[index]!, rows.tokens.encoding);
    }
    if (kept.length > 0) this.#sink.onRows(rows.pick(kept));
  }
}

function keyOf(tokenBytes: number, encoding: TokenEncoding): number {
  return encoding === 'hex' ? tokenBytes : -tokenBytes;
}

/** The beginning of a text, without blanks around it. A character of UTF-8 takes up to 4 bytes. */
export function startOf(bytes: Uint8Array, maxBytes = maxInvalidTextCharacters * 4): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, maxBytes)).toString('utf8').trim();
}

/** Whether every cell is UTF-8: all of them together are, and none begins within a character. */
function isText(bytes: Uint8Array, spans: Uint32Array): boolean {
  if (isAscii(bytes)) return true;
  if (!isUtf8(bytes)) return false;
  for (let place = 0; place < spans.length; place += 2) {
    const start = spans[place]!;
    if (start < spans[place + 1]! && (bytes[start]! & 0xc0) === 0x80) return false;
  }
  return true;
}

function cellOf({ bytes, spans, first, step }: TextColumn, index: number): Uint8Array {
  return bytes.subarray(spans[first + index * step], spans[first + index * step + 1]);
}
