/**
 * Reads NDJSON, a JSON object a line, into packed rows, whatever the size of the chunks it comes in. Lines end with LF.
 * Main thread.
 *
 * Its columns are the members that the first rows have (json-shape), and those that are asked for. What a row has
 * beside them stands in one more column, `(others)`, as a JSON object: so nothing of a recipient is lost, whatever rows
 * come later, and the columns of an output are known before its first row. Blocks of rows without such members do not
 * have the column.
 */
import { maxRowBytes } from '../../base/limits.js';
import type { TokenForm } from '../recipients/token-form.js';
import { JsonObjectReader, skipBlanks } from './json-object.js';
import { OpenBytes } from './open-bytes.js';
import { othersColumn, RowPacker, type RowSink, startOf, type TableColumns } from './table-rows.js';

const LF = 0x0a;
const OPEN_BRACE = 0x7b;

const notAnObject = 'is not a JSON object';
const halfObject = 'is the last line, has no line end, and is no whole JSON object: the file was probably cut off';

export class NdjsonRows {
  readonly #packer: RowPacker;
  readonly #objects: JsonObjectReader;
  /** The beginning of a line whose end has not come yet. */
  readonly #rest = new OpenBytes();
  /** The line at hand is longer than any may be: only its end is looked for. */
  #isSkipping = false;
  #lines = 0;

  /** @param tokens how they are written; default: as those of APNs */
  constructor({ columns, tokenColumn }: TableColumns, sink: RowSink, tokens?: TokenForm) {
    const all = [...columns, othersColumn];
    this.#packer = new RowPacker({ columns: all, tokenColumn }, sink, tokens);
    this.#objects = new JsonObjectReader(all, this.#packer);
  }

  get lines(): number {
    return this.#lines;
  }

  get isOpen(): boolean {
    return this.#packer.isOpen;
  }

  get isLineOpen(): boolean {
    return this.#rest.length > 0 || this.#isSkipping;
  }

  write(chunk: Uint8Array): void {
    // In what was kept there is no line end.
    const searched = this.#rest.length;
    const bytes = this.#rest.with(chunk);
    let position = 0;
    for (;;) {
      const end = bytes.indexOf(LF, position === 0 ? searched : position);
      if (end === -1) break;
      this.#readLine(bytes, position, end, notAnObject);
      position = end + 1;
    }
    if (bytes.length - position > maxRowBytes) {
      this.#reportLong(bytes.subarray(position), this.#lines + 1);
      position = bytes.length;
    }
    this.#rest.keep(bytes, position);
  }

  flush(): void {
    this.#packer.flush();
  }

  end(): void {
    const bytes = this.#rest.with(new Uint8Array(0));
    if (this.#isSkipping || this.#rest.length > 0) {
      const copy = Buffer.from(bytes.subarray(0, this.#rest.length));
      this.#rest.keep(copy, copy.length);
      this.#readLine(copy, 0, copy.length, halfObject);
    }
    this.#packer.flush();
  }

  #readLine(bytes: Buffer, from: number, end: number, problem: string): void {
    const line = ++this.#lines;
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    if (end - from > maxRowBytes) {
      this.#reportLong(bytes.subarray(from, end), line);
      this.#isSkipping = false;
      return;
    }
    const mark = line === 1 && bytes.subarray(from, end).indexOf('\uFEFF') === 0 ? 3 : 0;
    const start = skipBlanks(bytes, from + mark, end);
    if (start === end) return;
    const behind = bytes[start] === OPEN_BRACE ? this.#objects.read(bytes, start, end) : 0;
    if (behind > 0 && skipBlanks(bytes, behind, end) === end) this.#objects.take(line);
    else this.#packer.report(startOf(bytes.subarray(start, end)), problem, line);
  }

  #reportLong(bytes: Buffer, line: number): void {
    if (!this.#isSkipping) this.#packer.report(startOf(bytes), `is longer than ${maxRowBytes} bytes`, line);
    this.#isSkipping = true;
  }
}
