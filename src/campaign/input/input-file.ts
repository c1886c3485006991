/**
 * One file of an input. It is looked at before anything is sent, so that one that cannot be read is known in time, and read
 * when it is its turn. Made by campaign-input, on the main thread.
 */
import { stat } from 'node:fs/promises';
import type { Rows } from '../../session/recipients/rows.js';
import { type ListPlace, nameOf, readSource } from '../recipients/read-source.js';
import type { InvalidLine } from '../recipients/token-lines.js';
import { type SourceShape, type TextChoices, textReaderOf } from './text-reader.js';

export interface InputFileOptions {
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
    if (opened === null) {
      yield* this.#read(this.place, this.#options.onInvalid, () => {});
      return;
    }
    const { value, done } = await opened.first;
    if (done === true) return;
    yield value;
    yield* opened.blocks;
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
        accepts: choices.format === 'list' ? [] : ['json'],
      },
      place,
    );
  }
}
