/**
 * Reads a JSON array of objects (a table) or of texts (a list of device tokens) into packed rows, element by element,
 * whatever the size of the chunks it comes in: the array is never in memory as a whole. Main thread.
 *
 * An element that holds no recipient, or is too long, is invalid, told by its number, from 1. Where quotes and brackets
 * do not show where an element ends, nothing behind it can be read: the array is damaged or was cut off. Columns are
 * those of ndjson-rows.
 */
import type { Buffer } from 'node:buffer';
import { maxInvalidTextCharacters, maxRowBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import type { TokenBlock } from '../../push/token-block.js';
import { Rows } from '../../session/recipients/rows.js';
import { BlockPacker } from '../recipients/block-packer.js';
import { decodeHexDigits, HEX_DIGITS } from '../recipients/hex-line.js';
import { InputFault } from '../recipients/input-fault.js';
import type { SourceReader, SourceSink } from '../recipients/read-source.js';
import { hexForm, type TokenForm } from '../recipients/token-form.js';
import { endOfString, endOfValue, JsonObjectReader, parsedText, skipBlanks, UNENDED, ValueEnd } from './json-object.js';
import { OpenBytes } from './open-bytes.js';
import { othersColumn, RowPacker, startOf, type TableColumns } from './table-rows.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;

/** Reads what is an element. */
interface ElementReader {
  readonly isOpen: boolean;
  flush(): void;
  /**
   * Reads the element at `from`, or tells of one that is no recipient. Returns the place behind it; UNENDED: there is
   * none.
   */
  read(bytes: Buffer, from: number, element: number): number;
  /** Tells of an element that begins so. */
  report(beginning: Uint8Array, why: string, element: number): void;
}

interface JsonArrayOptions {
  /** Null for an array of texts. */
  readonly columns: TableColumns | null;
  /** For the beginning of a sentence. */
  readonly name: string;
  /** How the tokens are written. Default: as those of APNs. */
  readonly tokens?: TokenForm | undefined;
}

/** What comes next, besides blanks. */
type Expected = 'array' | 'element' | 'separator' | 'nothing';

export class JsonArrayRows implements SourceReader {
  readonly unit = 'Elements';
  readonly #name: string;
  readonly #elements: ElementReader;
  /** The beginning of an element whose end has not come yet. */
  readonly #rest = new OpenBytes();
  #expected: Expected = 'array';
  #count = 0;
  /** Looks for the end of the element that has begun. */
  readonly #end = new ValueEnd();
  /** An element has begun, and no byte of it that came so far is its end. */
  #isInElement = false;
  /** The element that has begun is too long, and was told of: only its end is looked for. */
  #isSkipping = false;

  constructor({ columns, name, tokens }: JsonArrayOptions, sink: SourceSink<Rows>) {
    this.#name = name;
    this.#elements = columns === null ? new TextElements(sink, tokens) : new ObjectElements(columns, sink, tokens);
  }

  /** Elements read so far. */
  get lines(): number {
    return this.#count;
  }

  get isOpen(): boolean {
    return this.#elements.isOpen;
  }

  get isLineOpen(): boolean {
    return this.#expected !== 'nothing';
  }

  goOn(element: number): string {
    return `jq '.[${element - 1}:]'`;
  }

  write(chunk: Uint8Array): void {
    const known = this.#rest.length;
    const bytes = this.#rest.with(chunk);
    // What is kept is read once: when the end of the element has come.
    if (this.#isInElement && bytes.length <= maxRowBytes) {
      if (this.#end.find(bytes, known, bytes.length) === UNENDED) return;
    }
    this.#isInElement = false;
    this.#rest.keep(bytes, this.#read(bytes));
  }

  flush(): void {
    this.#elements.flush();
  }

  end(): void {
    this.#elements.flush();
    if (this.#expected === 'nothing') return;
    if (this.#isSkipping) throw this.#damaged('has no end, and nothing behind its beginning was read: write it again');
    throw new InputFault(this.#name, 'is a JSON array that was cut off: fetch or write it again');
  }

  /** Reads all elements of `bytes` that end there; returns where the first one begins that does not. */
  #read(bytes: Buffer): number {
    let position = this.#isSkipping ? this.#skip(bytes, 0) : 0;
    for (;;) {
      position = skipBlanks(bytes, position, bytes.length);
      if (position >= bytes.length) return bytes.length;
      const byte = bytes[position]!;
      if (this.#expected === 'array') {
        // A byte order mark may come in pieces.
        if (byte === 0xef && bytes.length < position + 3) return position;
        const mark = bytes.toString('utf8', position, position + 3) === '\uFEFF' ? 3 : 0;
        const start = skipBlanks(bytes, position + mark, bytes.length);
        if (start === bytes.length) return position;
        position = start;
        if (bytes[position] !== OPEN_BRACKET) throw new InputFault(this.#name, 'is not a JSON array');
        this.#expected = 'element';
      } else if (this.#expected === 'nothing') {
        throw new InputFault(this.#name, 'has more behind the end of its JSON array, and that was not read', {
          proof: 'all',
        });
      } else if (byte === CLOSE_BRACKET) {
        this.#expected = 'nothing';
      } else if (this.#expected === 'separator') {
        if (byte !== COMMA) throw this.#damaged('is not followed by a comma or the end of the array');
        this.#expected = 'element';
      } else {
        const isLong = bytes.length - position > maxRowBytes;
        const readable = isLong ? bytes.subarray(0, position + maxRowBytes) : bytes;
        const end = this.#elements.read(readable, position, this.#count + 1);
        if (end !== UNENDED) {
          this.#count++;
          this.#expected = 'separator';
          position = end;
          continue;
        }
        this.#end.start(byte);
        if (!isLong) {
          this.#end.find(bytes, position, bytes.length);
          this.#isInElement = true;
          return position;
        }
        this.#elements.report(readable.subarray(position), `is longer than ${maxRowBytes} bytes`, this.#count + 1);
        this.#isSkipping = true;
        position = this.#skip(bytes, position);
        continue;
      }
      position++;
    }
  }

  /** Looks for the end of an element that is too long. Returns the place behind it, or behind all bytes. */
  #skip(bytes: Buffer, from: number): number {
    const end = this.#end.find(bytes, from, bytes.length);
    if (end === UNENDED) return bytes.length;
    this.#isSkipping = false;
    this.#count++;
    this.#expected = 'separator';
    return end;
  }

  #damaged(what: string): InputFault {
    const element = this.#expected === 'separator' ? this.#count : this.#count + 1;
    const problem = `is damaged JSON: element ${element} of its array ${what}`;
    return new InputFault(this.#name, problem, { proof: 'all' });
  }
}

class ObjectElements implements ElementReader {
  readonly #packer: RowPacker;
  readonly #objects: JsonObjectReader;

  constructor({ columns, tokenColumn }: TableColumns, sink: SourceSink<Rows>, tokens: TokenForm | undefined) {
    const all = [...columns, othersColumn];
    const rowSink = { onRows: (rows: Rows) => sink.onBlock(rows), onInvalid: sink.onInvalid };
    this.#packer = new RowPacker({ columns: all, tokenColumn }, rowSink, tokens);
    this.#objects = new JsonObjectReader(all, this.#packer);
  }

  get isOpen(): boolean {
    return this.#packer.isOpen;
  }

  flush(): void {
    this.#packer.flush();
  }

  read(bytes: Buffer, from: number, element: number): number {
    const behind = bytes[from] === OPEN_BRACE ? this.#objects.read(bytes, from, bytes.length) : 0;
    if (behind > 0) {
      this.#objects.take(element);
      return behind;
    }
    const end = endOfValue(bytes, from, bytes.length);
    if (end !== UNENDED) this.report(bytes.subarray(from, end), 'is not a JSON object', element);
    return end;
  }

  report(beginning: Uint8Array, why: string, element: number): void {
    this.#packer.report(startOf(beginning), why, element);
  }
}

class TextElements implements ElementReader {
  readonly #packer: BlockPacker;
  readonly #sink: SourceSink<Rows>;
  readonly #form: TokenForm;

  constructor(sink: SourceSink<Rows>, tokens: TokenForm = hexForm()) {
    this.#sink = sink;
    this.#form = tokens;
    this.#packer = new BlockPacker((block: TokenBlock) => sink.onBlock(new Rows(block, new Map())), tokens.encoding);
  }

  get isOpen(): boolean {
    return this.#packer.isOpen;
  }

  flush(): void {
    this.#packer.flush();
  }

  read(bytes: Buffer, from: number, element: number): number {
    const end = bytes[from] === QUOTE ? endOfString(bytes, from, bytes.length) : UNENDED;
    if (end === from + HEX_DIGITS + 2 && this.#form.encoding === 'hex') {
      const digits = new DataView(bytes.buffer, bytes.byteOffset + from + 1, HEX_DIGITS);
      if (decodeHexDigits(digits, 0, this.#packer.view32, this.#packer.offset32)) {
        this.#packer.added32();
        return end;
      }
    }
    if (end <= 0) {
      const behind = endOfValue(bytes, from, bytes.length);
      if (behind !== UNENDED) this.report(bytes.subarray(from, behind), 'is not a text', element);
      return behind;
    }
    const text = parsedText(bytes, from, end);
    const parsed = text === null ? { why: 'is not a text' } : this.#form.read(text);
    if (parsed instanceof Uint8Array) this.#packer.add(parsed);
    else this.#report(text ?? startOf(bytes.subarray(from, end)), parsed.why, element);
    return end;
  }

  report(beginning: Uint8Array, why: string, element: number): void {
    this.#report(startOf(beginning), why, element);
  }

  #report(text: string, why: string, element: number): void {
    this.#sink.onInvalid({ line: element, text: escapeUnprintable(text, maxInvalidTextCharacters), why });
  }
}
