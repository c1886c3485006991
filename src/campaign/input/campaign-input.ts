/**
 * The recipients of a campaign: files of any format, one after another, as one stream of packed rows. Main thread.
 *
 * All files are looked at before the first row is handed out: what cannot be read is known before anything is sent.
 * With `isRepeatable` the blocks (which rows stand together, and in which order) depend on what the files hold alone.
 */

import { onAbort } from '../../base/abort-listeners.js';
import { PealError } from '../../base/errors.js';
import { usualTokenBytes } from '../../base/limits.js';
import {
  anyOf,
  callback,
  checkOptions,
  choice,
  filledText,
  flag,
  list,
  type OptionRules,
  test,
  whole,
} from '../../base/options.js';
import { option } from '../../base/wording.js';
import type { Rows } from '../../session/recipients/rows.js';
import { DuplicateFilter } from '../recipients/duplicate-filter.js';
import { hexForm, type TokenForm } from '../recipients/token-form.js';
import type { InvalidLine } from '../recipients/token-lines.js';
import { findFiles } from './find-files.js';
import { InputFile } from './input-file.js';

const formats = ['auto', 'list', 'csv', 'tsv', 'ndjson', 'json', 'parquet'] as const;

export type InputFormat = (typeof formats)[number];

export interface InputOptions {
  /** Paths, patterns (`exports/*.csv.gz`: by name) and `-` for standard input, in the order in which they are read. */
  readonly files: readonly string[];
  /** Of all files. Default `auto`: that of each is found from its beginning. */
  readonly format?: InputFormat;
  /** The column with the device tokens, by its name or its number, from 1. Default: it is found. */
  readonly tokenColumn?: string | number;
  /** What divides the cells of CSV, one character. Default: it is found. */
  readonly delimiter?: string;
  /**
   * Whether CSV begins with the names of its columns. Default: it is found. Columns without names are called 1, 2, …
   */
  readonly header?: boolean;
  /**
   * Columns that are needed, such as those of a template. Members of JSON that none of the first rows has are in a
   * column of their own only where they are named here; else they are in the column `(others)`.
   */
  readonly columns?: readonly string[];
  /** Bytes of the shortest token, 1 to 32. Default 16. */
  readonly minTokenBytes?: number;
  /** How the tokens are written. Default: as those of APNs, of at least `minTokenBytes`. */
  readonly tokens?: TokenForm;
  /** Told of each row that is no recipient; a promise is waited for before more is read. Default: they are skipped. */
  readonly onInvalid?: (invalid: InvalidLine, file: string) => void | Promise<void>;
  /**
   * Drops rows whose token came before, in any of the files, and notes the others; the first row of a token is kept.
   * Default: tokens that stand twice are handed out twice.
   */
  readonly duplicates?: DuplicateFilter;
  /** Ends the reading, also one that waits for input. Rows that were read are still handed out. */
  readonly signal?: AbortSignal;
  /**
   * Whether each reading gives the same blocks, as a journal needs them. Default: what was read is handed out at once
   * where a pipe pauses, and what was read of a file is handed out where it fails.
   */
  readonly isRepeatable?: boolean;
  /** Of the campaign, whose files patterns leave out. Default: none. */
  readonly folder?: string;
  /**
   * Asked when a pipe ends. False: the program that wrote it may have been interrupted, so that a last line without its
   * end is not taken.
   */
  readonly isEndCertain?: (file: string, isLineOpen: boolean) => boolean | Promise<boolean>;
}

export interface InputBlock {
  /** At most 1,024 rows; those of a plain list have no columns. */
  readonly rows: Rows;
  /** The file that they are from: a path, or `-`. */
  readonly source: string;
}

const rules: OptionRules = {
  files: list(filledText(4096)),
  format: choice(...formats),
  tokenColumn: anyOf(whole(1, 100_000), filledText(1000)),
  delimiter: test('one character that is no letter, digit, quote or line end', isDelimiter),
  header: flag,
  columns: anyOf(
    list(filledText(1000)),
    test('an empty list', (value) => Array.isArray(value) && value.length === 0),
  ),
  minTokenBytes: whole(1, usualTokenBytes),
  tokens: test('a TokenForm', (value) => typeof value === 'object' && value !== null && 'likeBytes' in value),
  onInvalid: callback,
  duplicates: test('a DuplicateFilter', (value) => value instanceof DuplicateFilter),
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
  isRepeatable: flag,
  folder: filledText(4096),
  isEndCertain: callback,
};

export class CampaignInput implements AsyncIterable<InputBlock> {
  readonly #files: readonly InputFile[];
  readonly #isRepeatable: boolean;
  readonly #duplicates: DuplicateFilter | null;
  readonly #end: () => void;

  private constructor(
    files: readonly InputFile[],
    { isRepeatable = false, duplicates }: InputOptions,
    end: () => void,
  ) {
    this.#files = files;
    this.#isRepeatable = isRepeatable;
    this.#duplicates = duplicates ?? null;
    this.#end = end;
  }

  /**
   * Finds the files and looks at each.
   *
   * @throws PealError ERR_PEAL_OPTION that names an option; ERR_PEAL_INPUT for a file that cannot be read, of which it
   *   cannot
   * be told how it is written, or whose columns do not go with those of another one
   */
  static async open(options: InputOptions): Promise<CampaignInput> {
    checkOptions({ name: 'CampaignInput' }, options, rules);
    const { format = 'auto', isRepeatable = false, onInvalid = () => {}, isEndCertain } = options;
    const { tokenColumn, delimiter, header, minTokenBytes, columns, tokens = hexForm(minTokenBytes) } = options;
    const choices = {
      format: format === 'auto' || format === 'parquet' ? undefined : format,
      tokenColumn,
      delimiter,
      header,
      tokens,
      columns,
    };
    const paths = await findFiles(options.files, options.folder);
    const end = new AbortController();
    const stopListening = options.signal && onAbort(options.signal, () => end.abort());
    if (options.signal?.aborted === true) end.abort();
    const fileOptions = {
      isParquet: format === 'parquet',
      choices,
      onInvalid,
      signal: end.signal,
      isRepeatable,
      isEndCertain,
    };
    const files = paths.map((path) => new InputFile(path, fileOptions));
    const close = (): void => {
      stopListening?.();
      end.abort();
    };
    try {
      for (const file of files) await file.look();
      checkTogether(files);
    } catch (error) {
      close();
      throw error;
    }
    return new CampaignInput(files, options, close);
  }

  /** How each file is written, and how far it was read. */
  get files(): readonly Pick<InputFile, 'source' | 'shape' | 'place'>[] {
    return this.#files;
  }

  /** The names of the columns of all files together, each once, in their order. Empty where all are plain lists. */
  get columns(): readonly string[] {
    return [...new Set(this.#files.flatMap(({ shape }) => shape?.columns ?? []))];
  }

  /**
   * The blocks of all files. Can be read once. A file that fails ends alone, and what is wrong with the first that did
   * is thrown when all were read; with `isRepeatable` it is thrown at once, because the blocks behind it would have
   * other numbers.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<InputBlock, void, void> {
    let failure: unknown = null;
    try {
      for (const file of this.#files) {
        try {
          for await (const all of file.blocks()) {
            const rows = await uniqueRows(all, this.#duplicates);
            if (rows.count > 0) yield { rows, source: file.source };
          }
        } catch (error) {
          if (this.#isRepeatable || !(error instanceof PealError) || error.code !== 'ERR_PEAL_INPUT') throw error;
          failure ??= error;
        }
      }
      if (failure !== null) throw failure;
    } finally {
      this.#end();
    }
  }

  /** Ends the reading at once, wherever it waits, and closes what is open. */
  close(): void {
    this.#end();
  }
}

/** The rows whose tokens `duplicates` has not seen; all of them without it. */
export async function uniqueRows(rows: Rows, duplicates: DuplicateFilter | null): Promise<Rows> {
  const fresh = duplicates === null ? null : await duplicates.fresh(rows.tokens);
  return fresh === null ? rows : rows.pick(fresh);
}

/** Throws for tables with names for their columns beside tables without. */
function checkTogether(files: readonly InputFile[]): void {
  const tables = files.filter(({ shape }) => shape !== null && shape.columns !== null);
  const named = tables.find(({ shape }) => shape!.hasNames);
  const unnamed = tables.find(({ shape }) => !shape!.hasNames);
  if (named === undefined || unnamed === undefined) return;
  const message =
    `${unnamed.name} has no header, and ${lowered(named.name)} has names for its columns: give both a header, ` +
    `or send to them one after another. (Where a header was not seen as one, say so with ${option('header', 'the option ')}.)`;
  throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}

function lowered(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}

function isDelimiter(value: unknown): boolean {
  return typeof value === 'string' && value.length === 1 && value <= '~' && /[^\p{L}\p{N}"\r\n\0]/u.test(value);
}
