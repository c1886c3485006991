/**
 * Rows of results as bytes: cells are copied from the packed columns of their recipients without a string for each.
 * Owned by OutcomeFiles, one for each file, on the main thread.
 */
import { Buffer } from 'node:buffer';
import { writeHex } from '../../base/hex.js';
import type { TokenBlock } from '../../push/token-block.js';
import type { TextColumn } from '../../session/recipients/rows.js';
import { csvCell } from './csv.js';

const chunkBytes = 64 * 1024;
/** Of a chunk with less room than this the rest is given up. */
const leastRoomBytes = 8 * 1024;

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const BACKSLASH = 0x5c;
const BLANK = 0x20;

/** By byte: what it does in a cell of CSV. */
const csvKinds = new Uint8Array(256);
const BREAKS = 1;
const STARTS_FORMULA = 2;
for (const text of '",\r\n') csvKinds[text.charCodeAt(0)] = BREAKS;
for (const text of '=+-@\t') csvKinds[text.charCodeAt(0)] = STARTS_FORMULA;

export class RowBytes {
  #bytes = new Uint8Array(chunkBytes);
  #view = new DataView(this.#bytes.buffer);
  /** Where the rows begin that were not taken. */
  #from = 0;
  #to = 0;
  #rows = 0;

  /** Bytes of the rows that were not taken. */
  get length(): number {
    return this.#to - this.#from;
  }

  /** Rows that were ended and not taken. */
  get rows(): number {
    return this.#rows;
  }

  /** Hands out the rows, whose bytes do not change any more. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(this.#from, this.#to);
    this.#from = this.#to;
    this.#rows = 0;
    if (this.#bytes.length - this.#to < leastRoomBytes) this.#renew(chunkBytes);
    return taken;
  }

  /** Ends a row. */
  endRow(): void {
    this.byte(0x0a);
    this.#rows += 1;
  }

  /** One ASCII character. */
  byte(code: number): void {
    this.#ensure(1);
    this.#bytes[this.#to++] = code;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#ensure(bytes.length);
    this.#bytes.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  /** Text as it is. */
  text(text: string): void {
    this.#ensure(text.length * 3);
    const { length } = text;
    const bytes = this.#bytes;
    let to = this.#to;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) {
        this.#to += Buffer.from(bytes.buffer).write(text, this.#to);
        return;
      }
      bytes[to++] = code;
    }
    this.#to = to;
  }

  /** A device token: lower-case hex, or the text that it is, in which nothing needs an escape. */
  token({ bytes, tokenBytes, encoding }: TokenBlock, index: number): void {
    this.#ensure(tokenBytes * 2);
    if (encoding === 'text') {
      this.#bytes.set(bytes.subarray(index * tokenBytes, (index + 1) * tokenBytes), this.#to);
      this.#to += tokenBytes;
      return;
    }
    writeHex(this.#view, this.#to, bytes, index * tokenBytes, tokenBytes);
    this.#to += tokenBytes * 2;
  }

  /** A cell of CSV, as `csvCell` writes it. */
  csvCell({ bytes: from, spans, first, step }: TextColumn, index: number): void {
    const start = spans[first + index * step]!;
    const end = spans[first + index * step + 1]!;
    if (start === end) return;
    this.#ensure((end - start) * 2 + 3);
    const bytes = this.#bytes;
    const head = from[start]!;
    let to = this.#to;
    if (csvKinds[head] !== 0 || head === APOSTROPHE) {
      this.#oddCell(from.subarray(start, end));
      return;
    }
    for (let at = start; at < end; at++) {
      const byte = from[at]!;
      if (csvKinds[byte] === BREAKS) {
        this.#oddCell(from.subarray(start, end));
        return;
      }
      bytes[to++] = byte;
    }
    this.#to = to;
  }

  /** A cell as a JSON string. */
  jsonCell({ bytes: from, spans, first, step }: TextColumn, index: number): void {
    const start = spans[first + index * step]!;
    const end = spans[first + index * step + 1]!;
    this.#ensure(end - start + 2);
    const bytes = this.#bytes;
    let to = this.#to;
    bytes[to++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at]!;
      if (byte < BLANK || byte === QUOTE || byte === BACKSLASH) {
        this.text(JSON.stringify(textOf(from.subarray(start, end))));
        return;
      }
      bytes[to++] = byte;
    }
    bytes[to++] = QUOTE;
    this.#to = to;
  }

  /** A cell that needs quotes, or may start a formula. */
  #oddCell(cell: Uint8Array): void {
    this.text(csvCell(textOf(cell)));
  }

  #ensure(more: number): void {
    if (this.#to + more > this.#bytes.length) this.#renew(Math.max(chunkBytes, (this.length + more) * 2));
  }

  /** New memory, with the rows that were not taken. */
  #renew(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.#bytes.subarray(this.#from, this.#to));
    this.#to -= this.#from;
    this.#from = 0;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
