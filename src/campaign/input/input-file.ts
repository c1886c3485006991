/**
 * One file of an input. It is looked at before anything is sent, so that one that cannot be read is known in time, and read
 * when it is its turn. Made by campaign-input, on the main thread.
 */
import { open, stat } from 'node:fs/promises';
import { readProblem } from '../../base/file-errors.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { OtherKind } from '../recipients/file-kind.js';
import { InputFault } from '../recipients/input-fault.js';
import { type ListPlace, nameOf, readSource } from '../recipients/read-source.js';
import type { InvalidLine } from '../recipients/token-lines.js';
import type { ParquetRows } from '../tables/parquet-rows.js';
import { type SourceShape, type TextChoices, textReaderOf } from './text-reader.js';

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
    if (await this.#holdsParquet()) {
      this.#isParquet = true;
      const table = await this.#openParquet();
      const { columns, tokenColumn } = table.shape;
      this.#shape = { format: 'parquet', columns, hasNames: true, tokenColumn: columns[tokenColumn]! };
      await table.close();
      return;
    }
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
  async #holdsParquet(): Promise<boolean> {
    const { isParquet, choices } = this.#options;
    if (choices.format !== undefined || (!this.#isFile && !isParquet)) return false;
    const isOne = this.#isFile && (await startsWith(this.source, parquetMagic));
    if (isOne || !isParquet) return isOne;
    const problem =
      this.#isFile || this.source !== '-'
        ? 'is no Parquet file'
        : 'cannot be Parquet, which is read from its end: give a file by its path';
    throw new InputFault(this.name, problem).at(unread);
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
    const steps = table.read(sink, choices.minTokenBytes);
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
        readerOf: (sink, name) => textReaderOf(sink, { choices, name, onShape }),
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

async function startsWith(path: string, magic: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  // The reader says what is wrong with it.
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === magic;
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
