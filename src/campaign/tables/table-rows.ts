/**
 * Rows of a table on their way into blocks of at most 1,024: one open block for each length of token, handed out when it is
 * full. Readers of tables write cells straight into the memory of the open block. Main thread.
 */
import { TokenBlock } from '../../apns/token-block.js';
import { maxBatchRecipients } from '../../base/limits.js';
import { Rows, type TextColumn } from '../../session/recipients/rows.js';

/** Memory of cells that a block begins with, in bytes; it grows as they need it. */
const firstCellBytes = 1 << 16;
/** A block whose cells have so many bytes is handed out before it is full. */
const maxBlockCellBytes = 1 << 20;

/** Rows of one table, which know where they stand in it. */
export class TableRows extends Rows {
  /**
   * @param lines by row: the line on which it begins, from 1 (a table without lines: its number, from 1)
   */
  constructor(
    tokens: TokenBlock,
    columns: ReadonlyMap<string, TextColumn>,
    readonly lines: Uint32Array,
  ) {
    super(tokens, columns);
  }
}

/** Rows that are not handed out yet: their tokens have one length. */
export class OpenRows {
  readonly tokens: Uint8Array;
  readonly tokenView: DataView;
  /** Two places in `cells` for each cell, row after row: where it begins, and where it has ended. */
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
  ) {
    this.tokens = new Uint8Array(maxBatchRecipients * tokenBytes);
    this.tokenView = new DataView(this.tokens.buffer);
    this.spans = new Uint32Array(maxBatchRecipients * columns * 2);
  }

  /** More memory for cells; keeps the first `used` bytes. Returns it. */
  grow(used: number): Uint8Array {
    const grown = new Uint8Array(this.cells.length * 2);
    grown.set(this.cells.subarray(0, used));
    this.cells = grown;
    this.cellView = new DataView(grown.buffer);
    return grown;
  }

  /** Copies one cell to the end. */
  add(cell: Uint8Array): void {
    while (this.cellBytes + cell.length > this.cells.length) this.grow(this.cellBytes);
    this.cells.set(cell, this.cellBytes);
    this.cellBytes += cell.length;
  }
}

export class RowPacker {
  readonly #names: readonly string[];
  readonly #onRows: (rows: TableRows) => void;
  /** By length of token in bytes. */
  readonly #open = new Map<number, OpenRows>();

  /** @param names of all columns, in their order */
  constructor(names: readonly string[], onRows: (rows: TableRows) => void) {
    this.#names = names;
    this.#onRows = onRows;
  }

  /** Whether an open block holds something. */
  get isOpen(): boolean {
    for (const { count } of this.#open.values()) if (count > 0) return true;
    return false;
  }

  /** The open block for tokens of this length. Valid until the next call of `added` or `flush`. */
  openFor(tokenBytes: number): OpenRows {
    let open = this.#open.get(tokenBytes);
    if (open === undefined) {
      open = new OpenRows(tokenBytes, this.#names.length);
      this.#open.set(tokenBytes, open);
    }
    return open;
  }

  /** Adds a row whose cells lie elsewhere; one that is missing at the end is empty. */
  add(token: Uint8Array, cells: readonly Uint8Array[], line: number): void {
    const open = this.openFor(token.length);
    const columns = this.#names.length;
    const { count } = open;
    for (let column = 0; column < columns; column++) {
      const cell = cells[column];
      const place = (count * columns + column) * 2;
      open.spans[place] = open.cellBytes;
      if (cell !== undefined) open.add(cell);
      open.spans[place + 1] = open.cellBytes;
    }
    open.tokens.set(token, count * token.length);
    this.added(open, line);
  }

  /** A row was written to an open block: its cells, its spans and its token. */
  added(open: OpenRows, line: number): void {
    open.lines[open.count++] = line;
    if (open.count === maxBatchRecipients || open.cellBytes >= maxBlockCellBytes) this.#handOut(open);
  }

  /** Hands out every open block that holds something. */
  flush(): void {
    for (const open of [...this.#open.values()]) if (open.count > 0) this.#handOut(open);
  }

  #handOut(open: OpenRows): void {
    const { tokenBytes, count, columns } = open;
    this.#open.delete(tokenBytes);
    // The memory of cells is as large as the last block needed; what is sent lives on for a while, so it is cut to size.
    const bytes = open.cells.slice(0, open.cellBytes);
    const { spans } = open;
    const views = this.#names.map((name, column): [string, TextColumn] => [
      name,
      { bytes, spans, first: column * 2, step: columns * 2 },
    ]);
    const tokens = count === maxBatchRecipients ? open.tokens : open.tokens.slice(0, count * tokenBytes);
    this.#onRows(new TableRows(new TokenBlock(tokens, tokenBytes, count), new Map(views), open.lines));
  }
}
