/**
 * Splits a list of device tokens, one a line, into packed blocks, from chunks of any size. A reader writes bytes;
 * blocks and invalid lines come out at once. Pure; the thread of the reader.
 *
 * Lines of 64 hex digits are decoded where they lie, without a string or an object each. All others (other lengths,
 * `<…>`, base64, blanks or quotes around, a byte order mark) take the general path, through apns/device-token. A line
 * ends with LF, CR LF or CR.
 *
 *      chunk  ┄┄ab12\n│ 64 hex digits \n│ 64 hex digits \n│ <12ab 34cd …>\n│ 64 he┄┄
 *             └─────┘  └───────── decodeLines ────────┘  └── general ──┘  └─────┘
 *          ends the rest of the last chunk                              kept for the next
 */
import { Buffer } from 'node:buffer';
import {
  maxInvalidTextCharacters,
  maxTextTokenBytes,
  maxTokenLineBytes,
  minTextTokenCharacters,
  usualTokenBytes,
} from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import type { TokenBlock, TokenEncoding } from '../../push/token-block.js';
import { BlockPacker } from './block-packer.js';
import { decodeHexLine, HEX_LINE_BYTES } from './hex-line.js';
import { endOfPlainText, hexForm, type TokenForm } from './token-form.js';

/** A line that holds no device token. */
export interface InvalidLine {
  /** From 1. */
  readonly line: number;
  /** The text of the line, at most 120 characters, with unprintable characters escaped. */
  readonly text: string;
  /** The rest of a sentence that begins with the text. */
  readonly why: string;
  /** How its token would be written, by the column that says so. Missing: nothing says it. */
  readonly encoding?: TokenEncoding | undefined;
}

/** Called at once, from within `write` and `end`. */
interface TokenLineSink {
  /** A block with tokens of one length, in the order of their lines. Its bytes own their ArrayBuffer: transfer it. */
  onBlock(block: TokenBlock): void;
  onInvalid(invalid: InvalidLine): void;
}

const LF = 0x0a;
const CR = 0x0d;

export class TokenLineParser {
  readonly #sink: TokenLineSink;
  readonly #packer: BlockPacker;
  readonly #form: TokenForm;
  /** The beginning of a line whose end has not come yet. */
  readonly #rest = new Uint8Array(maxTokenLineBytes);
  #restLength = 0;
  /** The line in `#rest` is too long; only its end is looked for. */
  #isTooLong = false;
  /** The last chunk ended with a CR. An LF at the beginning of the next chunk belongs to it. */
  #endedWithCr = false;
  #lines = 0;
  /** The lengths of the tokens so far, in bytes. */
  readonly #lengths = new Set<number>();
  /** Positions of the next LF and CR of the chunk. A position before the current one is outdated. */
  #nextLf = -1;
  #nextCr = -1;

  /** @param form how the tokens are written; default: as those of APNs */
  constructor(sink: TokenLineSink, form: TokenForm = hexForm()) {
    this.#form = form;
    this.#sink = sink;
    this.#packer = new BlockPacker((block) => sink.onBlock(block), form.encoding);
  }

  /** Number of lines that have ended, empty ones included. */
  get lines(): number {
    return this.#lines;
  }

  /** Whether tokens were read that are in no block yet. */
  get isOpen(): boolean {
    return this.#packer.isOpen;
  }

  /** Whether a line has begun whose end has not come. */
  get isLineOpen(): boolean {
    return this.#restLength > 0 || this.#isTooLong;
  }

  /** Takes the next bytes of the list. They may be reused as soon as this returns. */
  write(chunk: Uint8Array): void {
    this.#nextLf = -1;
    this.#nextCr = -1;
    let position = this.#endedWithCr && chunk[0] === LF ? 1 : 0;
    if (chunk.length > 0) this.#endedWithCr = false;
    if (this.#restLength > 0 || this.#isTooLong) position = this.#finishRest(chunk, position);
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (position < chunk.length) {
      position = this.#decodeLines(chunk, view, position);
      if (position >= chunk.length) return;
      const end = this.#endOfLine(chunk, position);
      if (end === chunk.length) {
        this.#keep(chunk, position, end);
        return;
      }
      this.#takeLine(chunk, position, end);
      position = this.#afterLine(chunk, end);
    }
  }

  /** Hands out the tokens that are in no block yet. The beginning of a line is kept. */
  flush(): void {
    this.#packer.flush();
  }

  /** The list has ended: takes a last line without a line end, and hands out the rest. */
  end(): void {
    if (this.#restLength > 0 || this.#isTooLong) this.#takeRest(true);
    this.#packer.flush();
  }

  /** Returns the end of the line at `position`: its LF or CR, or the length of `chunk`. Reads each byte once. */
  #endOfLine(chunk: Uint8Array, position: number): number {
    if (this.#nextLf < position) this.#nextLf = indexOrEnd(chunk, LF, position);
    if (this.#nextCr < position) this.#nextCr = indexOrEnd(chunk, CR, position);
    return Math.min(this.#nextLf, this.#nextCr);
  }

  /** Returns the beginning of the line after the one that ends at `end`. */
  #afterLine(chunk: Uint8Array, end: number): number {
    if (chunk[end] === LF) return end + 1;
    this.#endedWithCr = end + 1 === chunk.length;
    return chunk[end + 1] === LF ? end + 2 : end + 1;
  }

  /** The fast path: takes lines of 64 hex digits as long as they follow each other. Returns where it stopped. */
  #decodeLines(chunk: Uint8Array, view: DataView, from: number): number {
    if (this.#form.encoding === 'text') return this.#form.isPlainText === true ? this.#copyLines(chunk, from) : from;
    const packer = this.#packer;
    const last = chunk.length - HEX_LINE_BYTES;
    let position = from;
    let lines = 0;
    while (position <= last) {
      const length = decodeHexLine(chunk, view, position, packer.view32, packer.offset32);
      if (length === 0) break;
      packer.added32();
      lines++;
      position += length;
    }
    this.#lines += lines;
    if (lines > 0) this.#lengths.add(usualTokenBytes);
    return position;
  }

  /**
   * The same for lines that are text: takes those that end with LF and have only characters that need no second look.
   */
  #copyLines(chunk: Uint8Array, from: number): number {
    let position = from;
    for (;;) {
      const end = endOfPlainText(chunk, position);
      const length = end - position;
      if (chunk[end] !== LF || length < minTextTokenCharacters || length > maxTextTokenBytes) return position;
      this.#packer.addPart(chunk, position, length);
      this.#lengths.add(length);
      this.#lines++;
      position = end + 1;
    }
  }

  /** Completes the kept line with the bytes of `chunk` from `from`. Returns the beginning of the next line. */
  #finishRest(chunk: Uint8Array, from: number): number {
    const end = this.#endOfLine(chunk, from);
    this.#keep(chunk, from, end);
    if (end === chunk.length) return end;
    this.#takeRest();
    return this.#afterLine(chunk, end);
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const room = this.#rest.length - this.#restLength;
    const length = Math.min(room, to - from);
    this.#rest.set(chunk.subarray(from, from + length), this.#restLength);
    this.#restLength += length;
    if (to - from > room) this.#isTooLong = true;
  }

  #takeRest(isUnended = false): void {
    const length = this.#restLength;
    this.#restLength = 0;
    if (this.#isTooLong) {
      this.#isTooLong = false;
      this.#takeTooLong(this.#rest, 0, length);
    } else {
      this.#takeLine(this.#rest, 0, length, isUnended);
    }
  }

  /**
   * The general path: takes the line in `bytes` from `start` to before `end`, the position of its LF or CR unless the
   * list ends without one (`isUnended`).
   */
  #takeLine(bytes: Uint8Array, start: number, end: number, isUnended = false): void {
    if (end - start > maxTokenLineBytes) {
      this.#takeTooLong(bytes, start, end);
      return;
    }
    this.#lines++;
    const from = this.#lines === 1 ? start + byteOrderMarkLength(bytes, start, end) : start;
    if (from === end) return;
    const text = textOf(bytes, from, end).trim();
    if (text === '') return;
    const parsed = this.#form.read(text);
    if (!(parsed instanceof Uint8Array)) this.#reportInvalid(text, parsed.why);
    else if (isUnended && this.#isLikeHalf(parsed.length)) this.#reportInvalid(text, this.#form.halfLine);
    else this.#add(parsed);
  }

  #add(token: Uint8Array): void {
    this.#lengths.add(token.length);
    this.#packer.add(token);
  }

  /**
   * Returns whether a last token is shorter than all others and not of today's length: the list may have been cut off.
   */
  #isLikeHalf(tokenBytes: number): boolean {
    return !this.#form.isUsual(tokenBytes) && this.#lengths.size > 0 && tokenBytes < Math.min(...this.#lengths);
  }

  #takeTooLong(bytes: Uint8Array, start: number, end: number): void {
    this.#lines++;
    // A UTF-8 character takes up to 4 bytes.
    const text = textOf(bytes, start, Math.min(end, start + maxInvalidTextCharacters * 4)).trim();
    this.#reportInvalid(text, `is longer than ${maxTokenLineBytes} bytes`);
  }

  #reportInvalid(text: string, why: string): void {
    this.#sink.onInvalid({ line: this.#lines, text: escapeUnprintable(text, maxInvalidTextCharacters), why });
  }
}

function indexOrEnd(chunk: Uint8Array, byte: number, from: number): number {
  const index = chunk.indexOf(byte, from);
  return index === -1 ? chunk.length : index;
}

function byteOrderMarkLength(bytes: Uint8Array, start: number, end: number): number {
  return end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? 3 : 0;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
}
