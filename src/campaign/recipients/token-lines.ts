/**
 * Splits a list of device tokens, one a line, into packed blocks, whatever the size of the chunks it comes in. A reader
 * writes bytes in, blocks and invalid lines come out at once. Pure; the thread of the reader.
 *
 * Lines of 64 hex digits are decoded where they lie, without a string or an object each. All others (other lengths,
 * `<…>`, base64, blanks around, a byte order mark) take the general way, through apns/device-token.
 *
 *      chunk  ┄┄ab12\n│ 64 hex digits \n│ 64 hex digits \n│ <12ab 34cd …>\n│ 64 he┄┄
 *             └─────┘  └───────── decodeLines ────────┘  └── general ──┘  └─────┘
 *          ends the rest of the last chunk                              kept for the next
 */
import { Buffer } from 'node:buffer';
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import type { TokenBlock } from '../../apns/token-block.js';
import { maxInvalidTextCharacters, maxTokenLineBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { BlockPacker } from './block-packer.js';
import { decodeHexLine, HEX_LINE_BYTES } from './hex-line.js';

/** A line that holds no device token. */
export interface InvalidLine {
  /** From 1. */
  readonly line: number;
  /** What stands there, at most 120 characters, with what does not print escaped. */
  readonly text: string;
  /** The rest of a sentence that begins with the text. */
  readonly why: string;
}

/** Told at once, from within `write` and `end`. */
export interface TokenLineSink {
  /** A block with tokens of one length, in the order of their lines. Its bytes own their ArrayBuffer: transfer it. */
  onBlock(block: TokenBlock): void;
  onInvalid(invalid: InvalidLine): void;
}

const LF = 0x0a;
const CR = 0x0d;

export class TokenLineParser {
  readonly #sink: TokenLineSink;
  readonly #packer: BlockPacker;
  /** The beginning of a line whose end has not come yet, with room for a CR. */
  readonly #rest = new Uint8Array(maxTokenLineBytes + 1);
  #restLength = 0;
  /** The line in `#rest` is longer than it holds: only its end is looked for. */
  #isTooLong = false;
  #lines = 0;

  constructor(sink: TokenLineSink) {
    this.#sink = sink;
    this.#packer = new BlockPacker((block) => sink.onBlock(block));
  }

  /** Lines ended so far, empty ones among them. */
  get lines(): number {
    return this.#lines;
  }

  /** Takes the next bytes of the list; they may be used again as soon as this returns. */
  write(chunk: Uint8Array): void {
    let position = this.#restLength > 0 || this.#isTooLong ? this.#finishRest(chunk) : 0;
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (position < chunk.length) {
      position = this.#decodeLines(chunk, view, position);
      if (position >= chunk.length) return;
      const end = chunk.indexOf(LF, position);
      if (end === -1) {
        this.#keep(chunk, position, chunk.length);
        return;
      }
      this.#takeLine(chunk, position, end);
      position = end + 1;
    }
  }

  /** The list is over: takes a last line without a line feed and hands out what is left. */
  end(): void {
    if (this.#restLength > 0 || this.#isTooLong) this.#takeRest();
    this.#packer.flush();
  }

  /** The fast way: as many lines of 64 hex digits as follow one another; returns where it stopped. */
  #decodeLines(chunk: Uint8Array, view: DataView, from: number): number {
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
    return position;
  }

  /** Completes the kept line with the beginning of `chunk`; returns where the next line starts. */
  #finishRest(chunk: Uint8Array): number {
    const end = chunk.indexOf(LF);
    this.#keep(chunk, 0, end === -1 ? chunk.length : end);
    if (end === -1) return chunk.length;
    this.#takeRest();
    return end + 1;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const room = this.#rest.length - this.#restLength;
    const length = Math.min(room, to - from);
    this.#rest.set(chunk.subarray(from, from + length), this.#restLength);
    this.#restLength += length;
    if (to - from > room) this.#isTooLong = true;
  }

  #takeRest(): void {
    const length = this.#restLength;
    this.#restLength = 0;
    if (this.#isTooLong) {
      this.#isTooLong = false;
      this.#takeTooLong(this.#rest, 0, length);
    } else {
      this.#takeLine(this.#rest, 0, length);
    }
  }

  /** The general way: the line in `bytes` from `start` to before `end`, which is where its line feed stands. */
  #takeLine(bytes: Uint8Array, start: number, end: number): void {
    const to = end > start && bytes[end - 1] === CR ? end - 1 : end;
    if (to - start > maxTokenLineBytes) {
      this.#takeTooLong(bytes, start, to);
      return;
    }
    this.#lines++;
    const from = this.#lines === 1 ? start + byteOrderMarkLength(bytes, start, to) : start;
    if (from === to) return;
    const text = textOf(bytes, from, to).trim();
    if (text === '') return;
    const parsed = parseDeviceToken(text);
    if (isDeviceToken(parsed)) this.#packer.add(parsed);
    else this.#reportInvalid(text, parsed.why);
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

function byteOrderMarkLength(bytes: Uint8Array, start: number, end: number): number {
  return end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? 3 : 0;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
}
