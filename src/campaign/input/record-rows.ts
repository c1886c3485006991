/**
 * The recipients that a program gives to a campaign, as a stream of packed rows: device tokens, blocks of them, rows,
 * or an object for each recipient, as a database gives them. Called by campaign.ts, on the main thread.
 *
 * Nothing is pulled before it is asked for. The columns of a block are the fields of all objects so far, so that an
 * object that lacks some of them stands in the same block as the others.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { isDeviceToken, readDeviceToken } from '../../apns/device-token.js';
import { onAbort } from '../../base/abort-listeners.js';
import { PealError } from '../../base/errors.js';
import { hexOf } from '../../base/hex.js';
import { batchLingerMs, lastPullMs, maxBatchRecipients, maxRowBytes, maxTableColumns } from '../../base/limits.js';
import { escapeUnprintable, typeNameOf } from '../../base/text.js';
import { TokenBlock } from '../../push/token-block.js';
import { checkBlock, type InvalidRecipient, textOf } from '../../session/recipients/recipient.js';
import { Rows } from '../../session/recipients/rows.js';
import { BlockPacker } from '../recipients/block-packer.js';
import { hexForm, type TokenForm } from '../recipients/token-form.js';
import type { InvalidLine } from '../recipients/token-lines.js';
import { type OpenRows, RowPacker, type RowSink } from '../tables/table-rows.js';

const encoder = new TextEncoder();

/**
 * A recipient as a program has it: an object with a device token in its field `token` (or `tokenColumn`), and fields
 * beside it. The fields are the object's own enumerable ones. Null, undefined, NaN, functions, symbols and empty text
 * are a missing field. A Date becomes ISO 8601; bytes become the text that they are in UTF-8, or else hex digits; any
 * other object becomes JSON.
 */
export type RecordRow = object;

/** What a stream of recipients may yield: device tokens, blocks of them, rows, or one object for each recipient. */
export type CampaignRecipient = string | Uint8Array | TokenBlock | Rows | RecordRow;

interface RecordOptions {
  /** The field with the device token. */
  readonly tokenColumn: string;
  /** Bytes of the shortest token. */
  readonly minTokenBytes: number;
  /** How the tokens are written. Default: as those of APNs. */
  readonly tokens?: TokenForm;
  /**
   * Whether blocks depend on the content alone. Otherwise what was pulled is handed out, too, where the stream pauses
   * or fails, and after an abort.
   */
  readonly isRepeatable: boolean;
  /** Told at once of each recipient that is none; `index` counts all recipients of the stream, from 0. */
  readonly onInvalid: (invalid: InvalidRecipient & Pick<InvalidLine, 'encoding'>) => void;
  /** What to throw in place of what the stream has thrown. Default: that, as it is. */
  readonly onThrown?: (error: unknown) => unknown;
  /** Ends the reading, also where it waits for the stream. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Hands out the recipients in blocks of at most 1,024, and closes their stream where the consumer leaves.
 *
 * @throws PealError ERR_PEAL_TOKEN for a TokenBlock whose numbers do not fit its bytes
 */
export async function* recordBlocks(
  recipients: AsyncIterable<CampaignRecipient> | Iterable<CampaignRecipient>,
  options: RecordOptions,
): AsyncGenerator<Rows, void, void> {
  const packer = new RecordPacker(options);
  const pull = new Pull(recipients, options);
  const { isRepeatable } = options;
  try {
    for (let isOver = false; !isOver; ) {
      const pulled = pull.next(!isRepeatable && packer.isOpen);
      const step = pulled instanceof Promise ? await pulled : pulled;
      const isRecipient = typeof step === 'object' && step.done !== true;
      isOver = !isRecipient && step !== 'paused';
      if (isRecipient) packer.add(step.value);
      else if (step !== 'aborted' || !isRepeatable) packer.flush();
      if (packer.hasBlocks) for (const rows of packer.take()) yield rows;
    }
  } catch (error) {
    if (!isRepeatable) packer.flush();
    if (packer.hasBlocks) for (const rows of packer.take()) yield rows;
    throw error;
  } finally {
    await pull.close();
  }
}

type Step = IteratorResult<CampaignRecipient, unknown>;

/** Pulls recipients one at a time, with a wait that can end before the stream has answered. */
class Pull {
  readonly #iterator: AsyncIterator<CampaignRecipient> | Iterator<CampaignRecipient>;
  readonly #signal: AbortSignal | null;
  readonly #onThrown: (error: unknown) => unknown;
  readonly #stopListening: (() => void) | null;
  /** The pull that has not been answered yet. */
  #pending: Promise<Step> | null = null;
  /** Ends the wait for it; what it is called with has no effect where there is no wait. */
  #wake: (step: 'paused' | 'aborted') => void = () => {};
  #timer: NodeJS.Timeout | null = null;
  /** Whether the stream has ended by itself. */
  #isOver = false;

  constructor(
    recipients: AsyncIterable<CampaignRecipient> | Iterable<CampaignRecipient>,
    { signal, onThrown = (error) => error }: RecordOptions,
  ) {
    this.#onThrown = onThrown;
    try {
      this.#iterator =
        Symbol.asyncIterator in recipients ? recipients[Symbol.asyncIterator]() : recipients[Symbol.iterator]();
    } catch (error) {
      throw onThrown(error);
    }
    this.#signal = signal ?? null;
    this.#stopListening = signal === undefined ? null : onAbort(signal, () => this.#wake('aborted'));
  }

  /**
   * The next step. `paused` where the stream has not answered in time: the next call goes on with the same pull.
   *
   * @param mayPause something waits for the step that should not wait for long
   */
  next(mayPause: boolean): Step | Promise<Step | 'paused' | 'aborted'> | 'aborted' {
    if (this.#signal?.aborted === true) return 'aborted';
    if (mayPause) this.#timer ??= setTimeout(this.#onLate, batchLingerMs);
    const given = this.#pending ?? this.#ask();
    if (!(given instanceof Promise)) return this.#answered(given);
    this.#pending = given;
    return this.#untilWoken(given);
  }

  async #untilWoken(given: Promise<Step>): Promise<Step | 'paused' | 'aborted'> {
    try {
      const step = await new Promise<Step | 'paused' | 'aborted'>((resolve, reject) => {
        this.#wake = resolve;
        given.then(resolve, reject);
      });
      return step === 'paused' || step === 'aborted' ? step : this.#answered(step);
    } catch (error) {
      this.#pending = null;
      this.#isOver = true;
      throw this.#onThrown(error);
    }
  }

  /**
   * Closes the stream, unless it has ended. A stream that has not answered is not waited for, and no other one for
   * long.
   */
  async close(): Promise<void> {
    this.#stopListening?.();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      const closing = Promise.resolve(this.#iterator.return?.());
      if (this.#pending === null) await this.#inTime(closing);
      else closing.catch(() => {});
    } catch (error) {
      throw this.#onThrown(error);
    }
  }

  async #inTime(closing: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    const isLate = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, lastPullMs, 'late');
    });
    try {
      if ((await Promise.race([closing, isLate])) === 'late')
        throw new Error(`return() takes longer than ${lastPullMs} ms`);
    } finally {
      clearTimeout(timer!);
    }
  }

  #ask(): Step | Promise<Step> {
    try {
      const given = this.#iterator.next();
      // A promise of another library has what this one needs of a promise.
      return given instanceof Promise || !('then' in given) ? given : Promise.resolve(given);
    } catch (error) {
      this.#isOver = true;
      throw this.#onThrown(error);
    }
  }

  #answered(step: Step): Step {
    this.#pending = null;
    if (typeof step !== 'object' || step === null) {
      this.#isOver = true;
      throw this.#onThrown(new TypeError(`next() gives no object but ${step === null ? 'null' : typeof step}`));
    }
    if (step.done === true) this.#isOver = true;
    return step;
  }

  readonly #onLate = (): void => {
    this.#timer = null;
    this.#wake('paused');
  };
}

/** Packs recipients in their order. Device tokens alone have no columns, unless an object came before them. */
class RecordPacker {
  readonly #options: RecordOptions;
  readonly #form: TokenForm;
  readonly #tokens: BlockPacker;
  readonly #sink: RowSink;
  /** Null until the first object comes. */
  #rows: RowPacker | null = null;
  /** The columns of `#rows`, with the place of each. */
  #names: readonly string[] = [];
  #places: ReadonlyMap<string, number> = new Map();
  #blocks: Rows[] = [];
  /** Of the next recipient. */
  #index = 0;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.#form = options.tokens ?? hexForm(options.minTokenBytes);
    this.#tokens = new BlockPacker((block) => this.#blocks.push(new Rows(block, new Map())), this.#form.encoding);
    this.#sink = {
      onRows: (rows) => this.#blocks.push(rows),
      onInvalid: ({ line, ...invalid }) => options.onInvalid({ index: line - 1, ...invalid }),
    };
  }

  /** Whether a recipient waits in a block that is not full. */
  get isOpen(): boolean {
    return this.#tokens.isOpen || this.#rows?.isOpen === true;
  }

  get hasBlocks(): boolean {
    return this.#blocks.length > 0;
  }

  /** The blocks that are ready; they are the caller's from now on. */
  take(): Rows[] {
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }

  /** Makes blocks of what waits. */
  flush(): void {
    this.#tokens.flush();
    this.#rows?.flush();
  }

  add(recipient: CampaignRecipient): void {
    if (recipient instanceof Rows) this.#addRows(recipient);
    else if (recipient instanceof TokenBlock) this.#addBlock(recipient);
    else if (isRecord(recipient)) this.#addRecord(recipient);
    else if (this.#rows === null || Array.isArray(recipient)) this.#addToken(recipient);
    else this.#addRecord({ [this.#options.tokenColumn]: recipient });
  }

  #addRows(rows: Rows): void {
    this.#check(rows.tokens);
    this.flush();
    this.#index += rows.count;
    if (rows.count > 0) this.#blocks.push(rows);
  }

  #addBlock(block: TokenBlock): void {
    this.#check(block);
    this.flush();
    const { bytes, tokenBytes, count, encoding } = block;
    this.#index += count;
    for (let from = 0; from < count; from += maxBatchRecipients) {
      const to = Math.min(count, from + maxBatchRecipients);
      const part = new TokenBlock(bytes.subarray(from * tokenBytes, to * tokenBytes), tokenBytes, to - from, encoding);
      this.#blocks.push(new Rows(part, new Map()));
    }
  }

  #check(block: TokenBlock): void {
    checkBlock(block, this.#options.minTokenBytes);
    const { encoding, platforms } = this.#form;
    if (block.encoding === encoding || platforms !== undefined) return;
    const [given, wanted] = block.encoding === 'hex' ? ['APNs', 'FCM'] : ['FCM', 'APNs'];
    const message = `A TokenBlock has tokens of ${given}, and the message goes to ${wanted}: give tokens of ${wanted}.`;
    throw new PealError('ERR_PEAL_TOKEN', message, { origin: 'usage' });
  }

  #addToken(token: string | Uint8Array): void {
    const parsed = tokenOf(token, this.#form, this.#options.minTokenBytes);
    const index = this.#index++;
    if (!(parsed instanceof Uint8Array)) this.#options.onInvalid({ index, text: textOf(token), why: parsed.why });
    else this.#tokens.add(parsed);
  }

  #addRecord(record: RecordRow): void {
    const line = ++this.#index;
    const names = Object.keys(record);
    const problem =
      names.length > maxTableColumns ? `has more than ${maxTableColumns} fields` : this.#write(record, names, line);
    if (problem === null) return;
    const text = textOf(fieldOf(record, this.#options.tokenColumn) ?? '');
    this.#options.onInvalid({ index: line - 1, text, why: problem });
  }

  /** Takes the object as a row. Returns why that cannot be, as far as its device token is not the reason; else null. */
  #write(record: RecordRow, names: readonly string[], line: number): string | null {
    const { tokenColumn, minTokenBytes } = this.#options;
    const packer = this.#packerFor(names);
    const open = packer.next;
    const width = this.#names.length * 2;
    const first = open.count * width;
    open.spans.fill(0, first, first + width);
    let to = open.cellBytes;
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!;
      const value = fieldOf(record, name);
      if (value === unreadable) return `has a field "${escapeUnprintable(name, 40)}" that cannot be read`;
      const text = name === tokenColumn ? tokenText(value, this.#form, minTokenBytes) : fieldText(value);
      if (text === null) return `has a value in its field "${escapeUnprintable(name, 40)}" that cannot be JSON`;
      if (to - open.cellBytes + text.length > maxRowBytes) return `has fields of more than ${maxRowBytes} bytes`;
      const place = first + (this.#names[at] === name ? at : this.#places.get(name)!) * 2;
      open.spans[place] = to;
      to = writeText(open, to, text);
      open.spans[place + 1] = to;
    }
    // To a packer, a row that has nothing in its only column is an empty line of a file.
    if (this.#names.length === 1 && isMissing(fieldOf(record, tokenColumn))) {
      return `has no device token in its field "${escapeUnprintable(tokenColumn, 40)}"`;
    }
    packer.take(open, to, line);
    return null;
  }

  /** The packer for an object with these fields: another one where a field comes for the first time. */
  #packerFor(names: readonly string[]): RowPacker {
    const known = this.#rows;
    if (known !== null && names.every((name, at) => this.#names[at] === name || this.#places.has(name))) return known;
    this.flush();
    const { tokenColumn } = this.#options;
    const all = new Set([...this.#names, ...names, tokenColumn]);
    this.#names = [...(all.size > maxTableColumns ? new Set([...names, tokenColumn]) : all)];
    this.#places = new Map(this.#names.map((name, place) => [name, place]));
    const columns = { columns: this.#names, tokenColumn: this.#places.get(tokenColumn)! };
    this.#rows = new RowPacker(columns, this.#sink, this.#form);
    return this.#rows;
  }
}

/** Stands for a field whose getter throws. */
const unreadable = Symbol('unreadable');

function fieldOf(record: RecordRow, name: string): unknown {
  try {
    return (record as Readonly<Record<string, unknown>>)[name];
  } catch {
    return unreadable;
  }
}

function isRecord(recipient: unknown): recipient is RecordRow {
  if (typeof recipient !== 'object' || recipient === null) return false;
  return !(recipient instanceof Uint8Array) && !Array.isArray(recipient);
}

/** A token that stands alone. */
function tokenOf(token: unknown, form: TokenForm, minBytes: number): Uint8Array | { readonly why: string } {
  if (form.platforms !== undefined) return form.platforms.formOf('') as { readonly why: string };
  if (typeof token === 'string') return form.read(token);
  if (!(token instanceof Uint8Array)) return { why: `is ${typeNameOf(token)}, not a device token` };
  return form.encoding === 'text' ? form.read(Buffer.from(token).toString('latin1')) : readDeviceToken(token, minBytes);
}

/** A device token in an object, as text. */
function tokenText(value: unknown, form: TokenForm, minTokenBytes: number): string | null {
  if (!(value instanceof Uint8Array) || form.encoding === 'text') return fieldText(value);
  const token = readDeviceToken(value, minTokenBytes);
  return isDeviceToken(token) ? hexOf(token) : fieldText(value);
}

/** A field as text, empty where it is missing; null for an object that cannot be JSON. */
function fieldText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isNaN(value) ? '' : String(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return '';
  if (value instanceof Date) return Number.isNaN(value.valueOf()) ? '' : value.toISOString();
  if (value instanceof Uint8Array) return isUtf8(value) ? Buffer.from(value).toString() : hexOf(value);
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return null;
  }
}

function isMissing(value: unknown): boolean {
  return fieldText(value)?.trim() === '';
}

/** Writes a cell as UTF-8. Returns the place behind it. */
function writeText(open: OpenRows, from: number, text: string): number {
  // A unit of UTF-16 takes up to three bytes.
  const room = text.length * 3;
  const cells = from + room > open.cells.length ? open.grow(from, room) : open.cells;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) return from + at + encoder.encodeInto(text.slice(at), cells.subarray(from + at)).written;
    cells[from + at] = unit;
  }
  return from + text.length;
}
