/**
 * One file of an input. It is looked at before anything is sent, so that one that cannot be read is known in time, and
 * read when it is its turn. Made by campaign-input, on the main thread.
 */
import { open, stat } from 'node:fs/promises';
import { readProblem } from '../../base/file-errors.js';
import { readChunkBytes } from '../../base/limits.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { OtherKind } from '../recipients/file-kind.js';
import { InputFault } from '../recipients/input-fault.js';
import { type ListPlace, nameOf, readSource, type SourceReader, type SourceSink } from '../recipients/read-source.js';
import type { InvalidLine } from '../recipients/token-lines.js';
import type { ParquetRows } from '../tables/parquet-rows.js';
import { headLines, isPlainList, plainListReader, plainListShape } from './plain-list.js';
import type { SourceShape, TextChoices } from './text-reader.js';

interface InputFileOptions {
  /** Whether the format is given, and is Parquet. */
  readonly isParquet: boolean;
  /** Of any other format. */
  readonly choices: TextChoices;
  readonly onInvalid: (invalid: InvalidLine, file: string) => void | Promise<void>;
  readonly signal: AbortSignal;
  readonly isRepeatable: boolean;
  readonly isEndCertain: ((file: string, isLineOpen: boolean) => boolean | Promise<boolean>) | undefined;
}

/** The blocks of a pipe, of which the first was asked for when it was looked at. */
interface Opened {
  readonly blocks: AsyncGenerator<Rows, void, void>;
  readonly first: Promise<IteratorResult<Rows, void>>;
}

export class InputFile {
  /** A path, or `-` for standard input. */
  readonly source: string;
  readonly place: ListPlace = { next: 1, isWhole: false };
  readonly #options: InputFileOptions;
  #shape: SourceShape | null = null;
  #isFile = false;
  #isParquet = false;
  /** Readers of what may be something else than a plain list; null where they are not needed. */
  #texts: typeof import('./text-reader.js') | null = null;
  /** A pipe can be read once. */
  #opened: Opened | null = null;

  constructor(source: string, options: InputFileOptions) {
    this.source = source;
    this.#options = options;
  }

  /** For the beginning of a sentence. */
  get name(): string {
    return nameOf(this.source);
  }

  /** How it is written. Null before it was looked at, and for a file with nothing in it. */
  get shape(): SourceShape | null {
    return this.#shape;
  }

  /**
   * Looks how it is written. A file is closed then, and opened again to be read; a pipe stays open.
   *
   * @throws PealError ERR_PEAL_INPUT for one that cannot be read
   */
  async look(): Promise<void> {
    let onKnown = (): void => {};
    const known = new Promise<void>((resolve) => {
      onKnown = resolve;
    });
    this.#isFile = this.source !== '-' && (await stat(this.source).catch(() => null))?.isFile() === true;
    const head = this.#isFile ? await headOf(this.source) : empty;
    if (this.#holdsParquet(head)) {
      this.#isParquet = true;
      const table = await this.#openParquet();
      const { columns, tokenColumn } = table.shape;
      this.#shape = { format: 'parquet', columns, hasNames: true, tokenColumn: columns[tokenColumn]! };
      await table.close();
      return;
    }
    if (!this.#isPlainList(head)) this.#texts = await import('./text-reader.js');
    const place = this.#isFile ? { next: 1, isWhole: false } : this.place;
    const blocks = this.#read(place, this.#isFile ? () => {} : this.#options.onInvalid, onKnown);
    if (this.#isFile) {
      await blocks.next();
      await blocks.return();
      return;
    }
    const first = blocks.next();
    first.catch(() => {});
    this.#opened = { blocks, first };
    await Promise.race([first, known]);
  }

  /** Its blocks, in the order of their last rows. Read once. */
  async *blocks(): AsyncGenerator<Rows, void, void> {
    const opened = this.#opened;
    if (this.#isParquet) {
      yield* this.#readParquet();
      return;
    }
    if (opened === null) {
      yield* this.#read(this.place, this.#options.onInvalid, () => {});
      return;
    }
    const { value, done } = await opened.first;
    if (done === true) return;
    yield value;
    yield* opened.blocks;
  }

  /** Whether this is a file of Parquet, by its first bytes. Throws where it has to be one, and is not. */
  #holdsParquet(head: Buffer): boolean {
    const { isParquet, choices } = this.#options;
    if (choices.format !== undefined) return false;
    const isOne = head.toString('latin1', 0, parquetMagic.length) === parquetMagic;
    if (isOne || !isParquet) return isOne;
    const problem =
      this.#isFile || this.source !== '-'
        ? 'is no Parquet file'
        : 'cannot be Parquet, which is read from its end: give a file by its path';
    throw new InputFault(this.name, problem).at(unread);
  }

  /** Whether this is certainly a plain list, by its first bytes or because the user says so. */
  #isPlainList(head: Buffer): boolean {
    const { choices } = this.#options;
    if (choices.format !== undefined) return choices.format === 'list';
    return isPlainList(headLines(head, choices), head.length < readChunkBytes, choices);
  }

  #readerOf(sink: SourceSink<Rows>, name: string, onShape: (shape: SourceShape) => void): SourceReader {
    const { choices } = this.#options;
    if (this.#texts !== null) return this.#texts.textReaderOf(sink, { choices, name, onShape });
    onShape(plainListShape);
    return plainListReader(sink, choices);
  }

  async #openParquet(): Promise<ParquetRows> {
    const { ParquetRows } = await import('../tables/parquet-rows.js');
    const table = await ParquetRows.open(this.source, this.#options.choices).catch((error: unknown) => {
      throw new InputFault(this.name, parquetProblem(error), { cause: error }).at(unread);
    });
    if ('problem' in table) throw new InputFault(this.name, table.problem).at(unread);
    return table;
  }

  async *#readParquet(): AsyncGenerator<Rows, void, void> {
    const { signal, onInvalid, choices, isRepeatable } = this.#options;
    if (signal.aborted) return;
    const table = await this.#openParquet();
    const blocks: Rows[] = [];
    const invalid: InvalidLine[] = [];
    const sink = { onRows: (rows: Rows) => blocks.push(rows), onInvalid: (row: InvalidLine) => invalid.push(row) };
    this.place.next = null;
    const steps = table.read(sink, choices.tokens);
    try {
      for (;;) {
        const step = await steps.next().catch((error: unknown) => {
          const fault = new InputFault(this.name, parquetProblem(error), { cause: error, proof: 'all' });
          throw fault.at({ ...unread, lines: table.rows, isReadAgain: isRepeatable });
        });
        for (const row of invalid.splice(0)) await onInvalid(row, this.source);
        for (let rows = blocks.shift(); rows !== undefined; rows = blocks.shift()) yield rows;
        if (step.done === true) break;
        if (signal.aborted) return;
      }
      this.place.isWhole = true;
    } finally {
      await table.close();
    }
  }

  #read(
    place: ListPlace,
    onInvalid: InputFileOptions['onInvalid'],
    onKnown: () => void,
  ): AsyncGenerator<Rows, void, void> {
    const { choices, signal, isRepeatable, isEndCertain } = this.#options;
    const onShape = (shape: SourceShape): void => {
      this.#shape = shape;
      onKnown();
    };
    return readSource<Rows>(
      this.source,
      {
        readerOf: (sink, name) => this.#readerOf(sink, name, onShape),
        onInvalid: (invalid) => onInvalid(invalid, this.source),
        signal,
        isRepeatable,
        isEndCertain: this.#isFile
          ? undefined
          : isEndCertain && ((isLineOpen) => isEndCertain(this.source, isLineOpen)),
        accepts: acceptedBy(choices),
      },
      place,
    );
  }
}

/** What is read that is no list. */
function acceptedBy({ format }: TextChoices): readonly OtherKind[] {
  if (format === undefined) return ['json', 'parquet'];
  return format === 'json' || format === 'ndjson' ? ['json'] : [];
}

const parquetMagic = 'PAR1';

/** Nothing of it was read. */
const unread = { lines: 0, unit: 'Rows', goOn: () => null, isReadAgain: false };

/** What the file system says, or that the library cannot read it. */
function parquetProblem(error: unknown): string {
  if (typeof (error as NodeJS.ErrnoException | null)?.code === 'string') return readProblem(error);
  const { message = '' } = error as Partial<Error>;
  if (/unsupported|not supported/i.test(message))
    return 'is Parquet of a kind that is not read: write it with snappy or zstd, without encryption';
  return 'is Parquet that is damaged or was cut off: fetch or write it again';
}

const empty = Buffer.alloc(0);

/** The beginning of a file; empty for one that cannot be read. The reader says what is wrong with it. */
async function headOf(path: string): Promise<Buffer> {
  const file = await open(path).catch(() => null);
  if (file === null) return empty;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(readChunkBytes), 0, readChunkBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return empty;
  } finally {
    await file.close();
  }
}
