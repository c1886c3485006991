/**
 * One reading of a campaign's recipients: blocks of rows from files or from a program, without duplicates, numbered by
 * whoever takes them. A campaign that waits for hours reads its recipients several times. Main thread.
 */
import path from 'node:path';
import { onAbort } from '../../base/abort-listeners.js';
import { rethrowAssertion } from '../../base/assert.js';
import { minTokenBytes as usualMinTokenBytes } from '../../base/limits.js';
import { optionError, shownValue } from '../../base/options.js';
import { option } from '../../base/wording.js';
import type { TokenEncoding } from '../../push/token-block.js';
import type { Rows } from '../../session/recipients/rows.js';
import { CampaignInput, type InputBlock, uniqueRows } from '../input/campaign-input.js';
import { estimateAll } from '../input/estimate.js';
import { type InputIdentity, inputIdentity, unreadInput } from '../journal/identity.js';
import type { DigestStore } from '../recipients/digest-store.js';
import { DuplicateFilter } from '../recipients/duplicate-filter.js';
import { othersColumn } from '../tables/table-rows.js';
import { programFault } from './campaign-faults.js';
import { type CheckedCampaign, isFiles, isStream, type RecipientSource } from './campaign-options.js';

/** A row that is no recipient. */
export interface InvalidRow {
  /** Where it stands, from 1; null where that is not known. */
  readonly line: number | null;
  readonly text: string;
  /** The rest of a sentence that begins with the text. */
  readonly why: string;
  /** A path, or `-`; `the program` for recipients that a program names. */
  readonly list: string;
  /** How its token would be written; missing where nothing says so. */
  readonly encoding?: TokenEncoding | undefined;
}

/** How recipients are read. */
export interface Reading {
  /** Columns that the campaign needs. */
  readonly columns: readonly string[];
  readonly onInvalid: (row: InvalidRow) => void;
  /** A promise to wait for before more is read, or null. */
  readonly pressure: () => Promise<unknown> | null;
  /** Ends the reading, wherever it waits. */
  readonly signal?: AbortSignal;
  readonly isEndCertain?: ((file: string, isLineOpen: boolean) => boolean | Promise<boolean>) | undefined;
  /** Whether the end of a pipe was no end of its list. Default: it was. */
  readonly wasCut?: ((file: string) => boolean) | undefined;
  /**
   * Where tokens that memory has no room for are kept meanwhile. Default: the folder of the campaign, if it has one.
   */
  readonly scratch?: (() => Promise<string>) | undefined;
}

/** How one list of recipients is written. */
export interface ReadList {
  readonly list: string;
  /** As in `InputOptions`, or `records` for a program; null for a file with nothing in it. */
  readonly format: string | null;
  /** Empty for a plain list. */
  readonly columns: readonly string[];
  readonly tokenColumn: string | null;
}

/** A list that was not read to its end, and the line to go on with; null where none can be relied on. */
interface UnreadList {
  readonly list: string;
  readonly line: number | null;
}

/** Formats with a line for each recipient. */
const linedFormats: ReadonlySet<string> = new Set(['list', 'csv', 'ndjson']);

/** Formats whose rows may have what no column is for. */
const openFormats: ReadonlySet<string> = new Set(['json', 'ndjson']);

/** How a list is named for people and programs. */
export function listName(source: string): string {
  return source === '-' ? 'standard input' : source;
}

/** How sentences name recipients that do not come from files. */
const programList = 'the program';

export class RecipientBlocks implements AsyncIterable<InputBlock> {
  readonly #input: CampaignInput | null;
  readonly #records: Records | null;
  readonly #duplicates: DuplicateFilter | null;
  readonly #wasCut: (file: string) => boolean;
  #isWhole = false;

  private constructor(
    input: CampaignInput | null,
    records: Records | null,
    duplicates: DuplicateFilter | null,
    wasCut: (file: string) => boolean = () => false,
  ) {
    this.#wasCut = wasCut;
    this.#input = input;
    this.#records = records;
    this.#duplicates = duplicates;
  }

  /**
   * Looks at all files; asks a program for nothing yet.
   *
   * @throws PealError ERR_PEAL_INPUT for files that cannot be read
   */
  static async open(options: CheckedCampaign, reading: Reading): Promise<RecipientBlocks> {
    const { recipients, minTokenBytes, folder, services, tokenColumn = 'token' } = options;
    const { tokens } = services;
    const isRepeatable = folder !== undefined;
    const duplicates = options.keepDuplicates === true ? null : filterOf(options, reading);
    if (isFiles(recipients)) {
      const { files, ...choices } = recipients;
      const input = await CampaignInput.open({
        ...choices,
        files: [files].flat(),
        columns: reading.columns,
        isRepeatable,
        ...(folder !== undefined && { folder }),
        ...(reading.signal !== undefined && { signal: reading.signal }),
        onInvalid: ({ line, text, why, encoding }, list) => {
          reading.onInvalid({ line, text, why, list, encoding });
          return reading.pressure()?.then(() => {});
        },
        tokens,
        ...(duplicates !== null && { duplicates }),
        ...(reading.isEndCertain !== undefined && { isEndCertain: reading.isEndCertain }),
      });
      return new RecipientBlocks(input, null, duplicates, reading.wasCut);
    }
    const end = new AbortController();
    if (reading.signal !== undefined) onAbort(reading.signal, () => end.abort());
    if (reading.signal?.aborted === true) end.abort();
    const { recordBlocks } = await import('../input/record-rows.js');
    const stream = typeof recipients === 'function' ? await streamOf(recipients, end.signal) : recipients;
    const blocks = recordBlocks(stream, {
      tokenColumn,
      minTokenBytes: minTokenBytes ?? usualMinTokenBytes,
      tokens,
      isRepeatable,
      onInvalid: ({ index, ...invalid }) => reading.onInvalid({ line: index + 1, ...invalid, list: programList }),
      onThrown: (error) => programFault('The recipients of the program', error),
      signal: end.signal,
    });
    return new RecipientBlocks(null, new Records(blocks, end, tokenColumn), duplicates);
  }

  /**
   * The names of all columns; empty for plain lists. A program is asked for its first recipients, which tell its
   * columns.
   */
  async columns(): Promise<readonly string[]> {
    return this.#input?.columns ?? (await this.#records!.columns());
  }

  /** The same for files of outcomes: with one for what a row has beside the columns, where rows may have that. */
  async outputColumns(): Promise<readonly string[]> {
    const columns = await this.columns();
    const isOpen = this.#input?.files.some(({ shape }) => openFormats.has(shape?.format ?? '')) ?? columns.length > 0;
    return isOpen && columns.length > 0 && !columns.includes(othersColumn) ? [...columns, othersColumn] : columns;
  }

  /** The files that are read: paths, or `-`. */
  get sources(): readonly string[] {
    return this.#input?.files.map(({ source }) => source) ?? [];
  }

  /** The columns that hold device tokens. */
  get tokenColumns(): ReadonlySet<string> {
    if (this.#records !== null) return new Set([this.#records.tokenColumn]);
    return new Set(this.#input?.files.flatMap(({ shape }) => shape?.tokenColumn ?? []));
  }

  /** Whether a program gives them, and not files. */
  get areOfProgram(): boolean {
    return this.#records !== null;
  }

  /** Whether the recipients are plain lists of tokens. */
  get isPlain(): boolean {
    return this.#input !== null && this.#input.columns.length === 0;
  }

  /** How each of them is written, in their order. */
  async lists(): Promise<readonly ReadList[]> {
    if (this.#records !== null) {
      const { tokenColumn } = this.#records;
      return [{ list: programList, format: 'records', columns: await this.columns(), tokenColumn }];
    }
    return this.#input!.files.map(({ source, shape }) => ({
      list: source,
      format: shape?.format ?? null,
      columns: shape?.columns ?? [],
      tokenColumn: shape?.tokenColumn ?? null,
    }));
  }

  /** How many recipients the files seem to hold, by their sizes; null where that cannot be told. */
  async expected(): Promise<number | null> {
    const files = this.#input?.files ?? [];
    const hasLines = files.length > 0 && files.every(({ shape }) => shape === null || linedFormats.has(shape.format));
    return hasLines ? estimateAll(files.map(({ source }) => source)) : null;
  }

  get duplicates(): number {
    return this.#duplicates?.duplicates ?? 0;
  }

  /** Whether all was read. */
  get isWhole(): boolean {
    return this.#isWhole && this.unread.length === 0;
  }

  get unread(): readonly UnreadList[] {
    if (this.#input === null) return [];
    return this.#input.files
      .filter(({ source, place }) => !place.isWhole || this.#wasCut(source))
      .map(({ source, place }) => ({ list: listName(source), line: place.next }));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<InputBlock, void, void> {
    if (this.#input !== null) yield* this.#input;
    else for await (const rows of this.#records!.blocks()) yield* this.#uniqueOf(rows);
    // A program's stream that was closed ends, too, and not at its end.
    this.#isWhole = this.#records?.isClosed !== true;
  }

  async *#uniqueOf(rows: Rows): AsyncGenerator<InputBlock, void, void> {
    const unique = await uniqueRows(rows, this.#duplicates);
    if (unique.count > 0) yield { rows: unique, source: programList };
  }

  /** Ends the reading at once, wherever it waits. */
  close(): void {
    this.#input?.close();
    this.#records?.close();
  }

  /**
   * Lets go of what it has on disk. Called once the reading is over. Resolves with what a program's stream throws then,
   * or null.
   */
  async dispose(): Promise<unknown> {
    this.close();
    const thrown = (await this.#records?.dispose()) ?? null;
    await this.#duplicates?.close();
    return thrown;
  }
}

/** The rows of a program, the first of which can be looked at. */
class Records {
  readonly #blocks: AsyncGenerator<Rows, void, void>;
  readonly #end: AbortController;
  #first: Promise<IteratorResult<Rows, void>> | null = null;

  constructor(
    blocks: AsyncGenerator<Rows, void, void>,
    end: AbortController,
    readonly tokenColumn: string,
  ) {
    this.#blocks = blocks;
    this.#end = end;
  }

  async columns(): Promise<readonly string[]> {
    this.#first ??= this.#blocks.next();
    const { value } = await this.#first;
    return value === undefined ? [] : [...value.columns.keys()];
  }

  async *blocks(): AsyncGenerator<Rows, void, void> {
    const first = this.#first === null ? null : await this.#first;
    if (first?.done === true) return;
    if (first !== null) yield first.value;
    yield* this.#blocks;
  }

  get isClosed(): boolean {
    return this.#end.signal.aborted;
  }

  /** Ends the reading, wherever it waits. */
  close(): void {
    this.#end.abort();
  }

  /** Resolves with what the stream throws when it is closed; null if nothing. */
  async dispose(): Promise<unknown> {
    try {
      await this.#blocks.return();
      return null;
    } catch (error) {
      rethrowAssertion(error);
      return error;
    }
  }
}

/** What a function of the program returns as recipients; none after an abort. */
async function streamOf(
  recipients: () => RecipientSource | Promise<RecipientSource>,
  signal: AbortSignal,
): Promise<RecipientSource> {
  const name = `The function in ${option('recipients', 'the option ')}`;
  let stream: unknown;
  try {
    stream = await Promise.race([aborted(signal), recipients()]);
  } catch (error) {
    throw programFault(name, error);
  }
  if (isStream(stream)) return stream;
  throw optionError(`${name} must return an iterable of recipients, or a promise of one, not ${shownValue(stream)}.`);
}

/** Resolves without recipients once the signal has aborted. */
function aborted(signal: AbortSignal): Promise<readonly []> {
  return new Promise((resolve) => {
    onAbort(signal, () => resolve([]));
    if (signal.aborted) resolve([]);
  });
}

function filterOf({ folder, dedupeMemoryBytes }: CheckedCampaign, { scratch }: Reading): DuplicateFilter {
  const place = scratch ?? (folder === undefined ? null : async () => folder);
  return new DuplicateFilter({
    ...(dedupeMemoryBytes !== undefined && { memoryBytes: dedupeMemoryBytes }),
    openStore: place === null ? undefined : () => openDigests(place),
  });
}

async function openDigests(place: () => Promise<string>): Promise<DigestStore> {
  const { StoredDigests } = await import('../journal/stored-digests.js');
  return StoredDigests.open(path.join(await place(), 'digests.lmdb'));
}

/** What proves before the reading that the recipients are those of an earlier run. */
export async function recipientIdentities({ recipients, folder }: CheckedCampaign): Promise<readonly InputIdentity[]> {
  if (!isFiles(recipients)) return [unreadInput(programList)];
  const names = [recipients.files].flat();
  const { findFiles } = await import('../input/find-files.js');
  const paths = await findFiles(names, folder);
  return await Promise.all(paths.map((name) => (name === '-' ? unreadInput('-') : inputIdentity(name))));
}
