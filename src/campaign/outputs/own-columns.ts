/**
 * What a recipient's row brings with it into a file of results: the columns of its input, in CSV or as members of
 * NDJSON. Called by OutcomeFiles, on the main thread.
 *
 * In files with columns of peal (`token`, `status`, …) an own column of the same name gets ` (own)` behind it. What a
 * row has beside the columns of the file stands in its column `(others)` as a JSON object, if the file has that column;
 * in NDJSON its members stand in the object itself.
 */
import { Buffer } from 'node:buffer';
import type { Rows, TextColumn } from '../../session/recipients/rows.js';
import { endOfString, endOfValue, parsedText, skipBlanks } from '../tables/json-object.js';
import { othersColumn } from '../tables/table-rows.js';
import type { RowBytes } from './row-bytes.js';

const COMMA = 0x2c;

/** The columns of peal in any file with outcomes. */
const pealColumns: ReadonlySet<string> = new Set([
  'token',
  'status',
  'reason',
  'detail',
  'timestamp',
  'since',
  'apns-id',
  'apns-unique-id',
]);

/** The name of an own column beside those of peal, and others that are taken. */
export function ownName(name: string, isTaken: (name: string) => boolean): string {
  if (!pealColumns.has(name)) return name;
  let free = `${name} (own)`;
  while (isTaken(free)) free += ' (own)';
  return free;
}

/** Writes what rows bring with them. */
export interface OwnCells {
  /** The row at `row`. */
  write(to: RowBytes, rows: Rows, row: number): void;
}

/** Stands for the device token among columns. */
export const theToken: unique symbol = Symbol('the token');

export class OwnCsvCells implements OwnCells {
  readonly #columns: readonly (string | typeof theToken)[];
  readonly #hidden: ReadonlySet<string>;
  readonly #hasOthers: boolean;
  readonly #beginsRow: boolean;
  #rows: Rows | null = null;
  /** Of `#rows`, by column; null where it has no such column. */
  #cells: (TextColumn | typeof theToken | null)[] = [];
  /** Of `#rows`: columns that the file does not have. */
  #extra: string[] = [];

  /**
   * @param columns of the file, `(others)` last; with `theToken` among them they are whole rows
   * @param hidden columns of rows that are not written
   */
  constructor(columns: readonly (string | typeof theToken)[], hidden: ReadonlySet<string>) {
    this.#columns = columns;
    this.#hidden = hidden;
    this.#hasOthers = columns.includes(othersColumn);
    this.#beginsRow = columns.includes(theToken);
  }

  write(to: RowBytes, rows: Rows, row: number): void {
    if (rows !== this.#rows) this.#look(rows);
    const cells = this.#cells;
    const { length } = cells;
    for (let column = 0; column < length; column++) {
      if (column > 0 || !this.#beginsRow) to.byte(COMMA);
      const cell = cells[column]!;
      if (cell === theToken) to.token(rows.tokens, row);
      else if (cell !== null) to.csvCell(cell, row);
    }
    if (this.#extra.length > 0) this.#writeExtra(to, rows, row);
  }

  #look(rows: Rows): void {
    this.#rows = rows;
    const isExtra = (name: string): boolean => !this.#columns.includes(name) && !this.#hidden.has(name);
    this.#extra = this.#hasOthers ? [...rows.columns.keys()].filter(isExtra) : [];
    const isMerged = this.#extra.length > 0;
    const columns = isMerged ? this.#columns.filter((name) => name !== othersColumn) : this.#columns;
    this.#cells = columns.map((name) => (name === theToken ? theToken : (rows.columns.get(name) ?? null)));
  }

  /** The last cell, of all that has no column. */
  #writeExtra(to: RowBytes, rows: Rows, row: number): void {
    const members = this.#extra.flatMap((name) => {
      const text = rows.text(row, name);
      return text === null ? [] : [`${JSON.stringify(name)}:${JSON.stringify(text)}`];
    });
    const others = rows.columns.has(othersColumn) ? (membersOf(rows.text(row, othersColumn) ?? '') ?? []) : [];
    const all = [...members, ...others.map(({ raw, value }) => `${raw}:${value}`)];
    to.byte(COMMA);
    if (all.length === 0) return;
    const text = Buffer.from(`{${all.join(',')}}`);
    to.csvCell({ bytes: text, spans: Uint32Array.of(0, text.length), first: 0, step: 2 }, 0);
  }
}

/** A column, and how a member of it begins: `,"name":` */
type Member = readonly [begin: Uint8Array, column: TextColumn];

export class OwnJsonMembers implements OwnCells {
  readonly #hidden: ReadonlySet<string>;
  readonly #hasPealColumns: boolean;
  #rows: Rows | null = null;
  #members: Member[] = [];
  #others: TextColumn | null = null;
  readonly #begins = new Map<string, Uint8Array>();

  /**
   * @param hidden columns that are not written
   * @param hasPealColumns whether own names stand beside those of peal
   */
  constructor(hidden: ReadonlySet<string>, hasPealColumns: boolean) {
    this.#hidden = hidden;
    this.#hasPealColumns = hasPealColumns;
  }

  write(to: RowBytes, rows: Rows, row: number): void {
    if (rows !== this.#rows) this.#look(rows);
    for (const [begin, column] of this.#members) {
      const place = column.first + row * column.step;
      if (column.spans[place] === column.spans[place + 1]) continue;
      to.raw(begin);
      to.jsonCell(column, row);
    }
    if (this.#others !== null) this.#writeOthers(to, rows, row);
  }

  #look(rows: Rows): void {
    this.#rows = rows;
    this.#members = [];
    this.#others = null;
    for (const [name, column] of rows.columns) {
      if (name === othersColumn) this.#others = column;
      else if (!this.#hidden.has(name)) this.#members.push([this.#beginOf(name, rows), column]);
    }
  }

  #nameOf(name: string, rows: Rows): string {
    return this.#hasPealColumns ? ownName(name, (other) => rows.columns.has(other)) : name;
  }

  #beginOf(name: string, rows: Rows): Uint8Array {
    const shown = this.#nameOf(name, rows);
    const begin = this.#begins.get(shown) ?? Buffer.from(`,${JSON.stringify(shown)}:`);
    this.#begins.set(shown, begin);
    return begin;
  }

  #writeOthers(to: RowBytes, rows: Rows, row: number): void {
    const text = rows.text(row, othersColumn);
    if (text === null) return;
    const members = membersOf(text);
    if (members === null) {
      to.text(`,${JSON.stringify(othersColumn)}:${JSON.stringify(text)}`);
      return;
    }
    for (const { name, raw, value } of members) {
      const shown = this.#nameOf(name, rows);
      to.text(`,${shown === name ? raw : JSON.stringify(shown)}:${value}`);
    }
  }
}

/** A member of an object: its name as text and as JSON, and its value as JSON on one line. */
interface JsonMember {
  readonly name: string;
  readonly raw: string;
  readonly value: string;
}

/** The members of the JSON object that a text is, as they are written; null for any other text. */
function membersOf(text: string): JsonMember[] | null {
  if (!isObject(text)) return null;
  const bytes = Buffer.from(text);
  const members: JsonMember[] = [];
  let position = skipBlanks(bytes, bytes.indexOf('{') + 1, bytes.length);
  while (bytes[position] === 0x22) {
    const nameEnd = endOfString(bytes, position, bytes.length);
    const raw = bytes.toString('utf8', position, nameEnd);
    const name = parsedText(bytes, position, nameEnd)!;
    const start = skipBlanks(bytes, skipBlanks(bytes, nameEnd, bytes.length) + 1, bytes.length);
    const end = valueEnd(bytes, start);
    // A line end in JSON stands between its parts.
    members.push({ name, raw, value: bytes.toString('utf8', start, end).replaceAll(/[\r\n]/g, ' ') });
    position = skipBlanks(bytes, end, bytes.length);
    if (bytes[position] === COMMA) position = skipBlanks(bytes, position + 1, bytes.length);
  }
  return members;
}

/** Behind a value of an object; that of a number ends before a brace, too. */
function valueEnd(bytes: Buffer, start: number): number {
  const end = endOfValue(bytes, start, bytes.length);
  const first = bytes[start]!;
  if (first === 0x22 || first === 0x7b || first === 0x5b) return end;
  const brace = bytes.indexOf('}', start);
  return end === 0 || brace < end ? brace : end;
}

function isObject(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
