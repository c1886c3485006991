/**
 * The files of a campaign's outcomes, in its directory. Fed by the sink of a campaign, on the main thread.
 *
 *   rejected.csv   token,status,reason             APNs answered other than 200, or the recipient was refused
 *   gone.csv       token,reason,since              device tokens to delete; they are not in rejected.csv
 *   accepted.csv   token,apns-id,apns-unique-id    APNs answered 200; only where they are kept
 *   unsent.csv     the columns of the input        certainly not processed
 *   unknown.csv    the columns of the input        sent and never answered: may have been delivered
 *   invalid.csv    line,text,why,list              rows that are no recipients
 *
 * The first three have the columns of the input behind their own, and grow over all runs of a campaign: its journal
 * keeps how long they are. The others are written anew by each run, and have their names at its end. unsent and unknown
 * have the columns of the input, as they stand there, so that they can be sent to. In NDJSON all are called `.ndjson`,
 * and a row is an object. Plain lists have no columns: unsent.txt and unknown.txt have a token a line.
 */
import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { writeHex } from '../../base/hex.js';
import { maxMessageCharacters } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import type { TokenBlock } from '../../push/token-block.js';
import type { Rows } from '../../session/recipients/rows.js';
import {
  baseOf,
  growingBases,
  isOutcomeFile,
  renewedBases,
  reportFileName,
  summaryFileName,
} from '../input/campaign-files.js';
import { othersColumn } from '../tables/table-rows.js';
import { csvCell, csvRow } from './csv.js';
import { type CutFile, cutError } from './cut-files.js';
import { OutputFile, syncFolder } from './output-file.js';
import { type OwnCells, OwnCsvCells, OwnJsonMembers, ownName, theToken } from './own-columns.js';
import { RowBytes } from './row-bytes.js';

export interface OutcomeFilesOptions {
  /** Exists. */
  readonly folder: string;
  readonly format: 'csv' | 'ndjson';
  /**
   * Of the input, all files together, and `(others)` where a row may have more than these. Empty: plain lists.
   */
  readonly columns: readonly string[];
  /** Those that hold the device token: they are not repeated. */
  readonly tokenColumns: ReadonlySet<string>;
  /** Whether accepted recipients have a file. */
  readonly keepsAccepted: boolean;
  /**
   * Whether answers may say what they find fault with: then rejections have a column for it. Default: they have none.
   */
  readonly hasDetails?: boolean;
  /** How long the journal says that files are; those that it does not name begin anew. */
  readonly lengths: Readonly<Record<string, number>>;
}

type SixFiles = [RowFile, RowFile, RowFile, RowFile, RowFile, RowFile | undefined];

/** Where recipients stand in their rows; null: all of them, in their order. */
type Indexes = ArrayLike<number> | null;

/** A file, and its rows that were not handed to it yet. */
class RowFile {
  readonly bytes = new RowBytes();
  readonly isGrowing: boolean;
  /** Whether an earlier run has written to it. */
  readonly isBegun: boolean;

  /** @param earlierBytes what it has of earlier runs; null for a file that is written anew */
  constructor(
    readonly file: OutputFile,
    earlierBytes: number | null,
  ) {
    this.isGrowing = earlierBytes !== null;
    this.isBegun = earlierBytes !== null && earlierBytes > 0;
  }

  flush(): void {
    const { bytes, file } = this;
    const { rows } = bytes;
    if (rows > 0) file.append(bytes.take(), rows);
  }
}

const pealColumns = {
  rejected: ['token', 'status', 'reason'],
  gone: ['token', 'reason', 'since'],
  accepted: ['token', 'apns-id', 'apns-unique-id'],
} as const;
const invalidHeader = 'line,text,why,list\n';

const flushBytes = 16 * 1024;
const COMMA = 0x2c;
const LF = 0x0a;

export class OutcomeFiles {
  readonly #folder: string;
  readonly #isJson: boolean;
  readonly #isList: boolean;
  readonly #hasDetails: boolean;
  readonly #rejected: RowFile;
  readonly #gone: RowFile;
  /** Null where accepted recipients are not kept. */
  readonly #accepted: RowFile | null;
  readonly #unsent: RowFile;
  readonly #unknown: RowFile;
  readonly #invalid: RowFile;
  /** Behind columns of peal. */
  readonly #own: OwnCells;
  /** Of unsent and unknown. */
  readonly #again: OwnCells;
  /** The name that device tokens have in the input. */
  readonly #tokenName: string;

  private constructor(options: OutcomeFilesOptions, files: readonly RowFile[]) {
    const { folder, format, columns, tokenColumns, hasDetails = false } = options;
    this.#hasDetails = hasDetails;
    this.#folder = folder;
    this.#isJson = format === 'ndjson';
    this.#isList = columns.length === 0;
    const [unsent, unknown, invalid, rejected, gone, accepted] = files as SixFiles;
    [this.#unsent, this.#unknown, this.#invalid] = [unsent, unknown, invalid];
    [this.#rejected, this.#gone, this.#accepted] = [rejected, gone, accepted ?? null];
    [this.#tokenName = 'token'] = tokenColumns;
    const named = columns.filter((name) => name !== othersColumn);
    const others = columns.filter((name) => name === othersColumn);
    const own = [...named.filter((name) => !tokenColumns.has(name)), ...others];
    if (this.#isJson) {
      this.#own = new OwnJsonMembers(tokenColumns, true);
      this.#again = new OwnJsonMembers(tokenColumns, false);
    } else {
      const place = Math.max(0, named.indexOf(this.#tokenName));
      const [before, behind] = [own.slice(0, place), own.slice(place)];
      this.#own = new OwnCsvCells(own, tokenColumns);
      this.#again = new OwnCsvCells([...before, theToken, ...behind], tokenColumns);
      const isUnnamed = named.every((name, index) => name === String(index + 1));
      this.#writeHeaders(own, isUnnamed ? [] : [...before, this.#tokenName, ...behind]);
    }
  }

  /**
   * Makes or opens the files, and removes those that an earlier run did not finish, or that this run writes anew.
   *
   * @throws PealError ERR_PEAL_INPUT (as a rejection), also for a growing file that is shorter than the journal says
   */
  static async open(options: OutcomeFilesOptions): Promise<OutcomeFiles> {
    const { folder, format, columns, keepsAccepted, lengths } = options;
    const listExtension = columns.length === 0 ? 'txt' : format;
    const run = randomBytes(4).toString('hex');
    const files: RowFile[] = [];
    try {
      for (const base of growingBases) {
        if (base === 'accepted' && !keepsAccepted) continue;
        const name = `${base}.${format}`;
        files.push(new RowFile(await OutputFile.grow(folder, name, lengths[name] ?? 0), lengths[name] ?? 0));
      }
      await removeRenewed(folder);
      const renewed: RowFile[] = [];
      for (const base of renewedBases) {
        const name = `${base}.${base === 'invalid' ? format : listExtension}`;
        renewed.push(new RowFile(await OutputFile.create(folder, name, 0o600, run), null));
        files.push(renewed.at(-1)!);
      }
      return new OutcomeFiles(options, [...renewed, ...files.slice(0, files.length - renewed.length)]);
    } catch (error) {
      await Promise.all(files.map(({ file }) => file.discard()));
      if (error instanceof PealError) throw error;
      throw new PealError('ERR_PEAL_INPUT', `${folder} ${writeProblem(error)}.`, { origin: 'input', cause: error });
    }
  }

  /** A recipient that was refused; `status` is null where no gateway answered. */
  rejected(rows: Rows, row: number, status: number | null, reason: string, detail: string | null = null): void {
    const { bytes } = this.#rejected;
    if (this.#isJson) {
      this.#beginObject(bytes, 'token', rows.tokens, row);
      bytes.text(`,"status":${status},"reason":${JSON.stringify(reason)}`);
      if (this.#hasDetails) bytes.text(`,"detail":${JSON.stringify(detail)}`);
    } else {
      bytes.token(rows.tokens, row);
      bytes.text(`,${status ?? ''},${csvCell(reason)}`);
      if (this.#hasDetails) bytes.text(`,${csvCell(detail ?? '')}`);
      // Lists have had a column for the time since a token is gone; such tokens are in gone.csv.
      if (this.#isList) bytes.byte(COMMA);
    }
    this.#endRow(this.#rejected, rows, row);
  }

  /** A recipient whose device token is to be deleted, unless it was registered again after `sinceMs`. */
  gone(rows: Rows, row: number, reason: string, sinceMs: number | null): void {
    const { bytes } = this.#gone;
    const since = sinceMs === null ? '' : new Date(sinceMs).toISOString();
    if (this.#isJson) {
      this.#beginObject(bytes, 'token', rows.tokens, row);
      bytes.text(`,"reason":${JSON.stringify(reason)},"since":${since === '' ? 'null' : `"${since}"`}`);
    } else {
      bytes.token(rows.tokens, row);
      bytes.text(`,${csvCell(reason)},${since}`);
    }
    this.#endRow(this.#gone, rows, row);
  }

  /** Does nothing where accepted recipients are not kept. */
  accepted(rows: Rows, row: number, apnsId: string | null, apnsUniqueId: string | null): void {
    if (this.#accepted === null) return;
    const { bytes } = this.#accepted;
    if (this.#isJson) {
      this.#beginObject(bytes, 'token', rows.tokens, row);
      bytes.text(`,"apns-id":${JSON.stringify(apnsId)},"apns-unique-id":${JSON.stringify(apnsUniqueId)}`);
    } else {
      bytes.token(rows.tokens, row);
      bytes.text(`,${csvCell(apnsId ?? '')},${csvCell(apnsUniqueId ?? '')}`);
    }
    this.#endRow(this.#accepted, rows, row);
  }

  /** Recipients that were certainly not processed. */
  unsent(rows: Rows, indexes: Indexes): void {
    this.#appendAgain(this.#unsent, rows, indexes);
  }

  /** Recipients that may have been. */
  unknown(rows: Rows, indexes: Indexes): void {
    this.#appendAgain(this.#unknown, rows, indexes);
  }

  /** A row that is no recipient. `list`: its path, or `-` for standard input. */
  invalid(line: number | null, text: string, why: string, list: string): void {
    const shown = list === '-' ? 'standard input' : escapeUnprintable(list, maxMessageCharacters);
    const row = this.#isJson
      ? `${JSON.stringify({ line, text, why, list: shown })}\n`
      : csvRow([line ?? '', text, why, shown]);
    this.#invalid.file.append(row);
  }

  /** How long the growing files are with all rows that were appended by now; as the journal wants it. */
  cut(): { readonly files: Readonly<Record<string, number>>; readonly written: Promise<void> | null } {
    const files: Record<string, number> = {};
    const waits: Promise<void>[] = [];
    for (const one of this.#growing) {
      one.flush();
      const { file } = one;
      const { length, written } = file.cut();
      files[file.name] = length;
      if (written !== null) waits.push(written);
    }
    return { files, written: waits.length === 0 ? null : Promise.all(waits).then(() => {}) };
  }

  /** Why files are not whole, or null. */
  get failure(): PealError | null {
    return this.#all.find(({ file }) => file.failure !== null)?.file.failure ?? null;
  }

  /** Null while there is room; otherwise a promise to wait for before more is added. */
  pressure(): Promise<unknown> | null {
    let full: Promise<unknown>[] | null = null;
    for (const { file } of this.#all) {
      const wait = file.pressure();
      if (wait !== null) full = [...(full ?? []), wait];
    }
    return full === null ? null : Promise.all(full);
  }

  /**
   * Writes what is left, makes all durable, and gives the files of this run their names.
   *
   * @throws PealError ERR_PEAL_INPUT (as a rejection) that names each file which could not be written completely
   */
  async finish(): Promise<void> {
    const cut: CutFile[] = [];
    let problem: unknown = null;
    for (const one of this.#all) one.flush();
    const finished = await Promise.all(this.#all.map(async (one) => ({ one, lost: await one.file.finish() })));
    for (const { one, lost } of finished) {
      if (lost !== null) cut.push(lost);
      else if (!one.isGrowing) await one.file.giveName().catch((error: unknown) => (problem ??= error));
    }
    await syncFolder(this.#folder);
    if (cut.length > 0) throw cutError(cut, 'a run that resumes the campaign writes the missing lines');
    if (problem !== null) throw problem;
  }

  /** For a process that ends at once: writes what was added so far, and leaves the files as they are. */
  abandon(): void {
    for (const one of this.#all) {
      one.flush();
      one.file.flushNow();
    }
  }

  /** The names of the files, those of recipients that still have to be sent to first. */
  get names(): readonly string[] {
    return this.#all.map(({ file }) => file.name);
  }

  get #growing(): RowFile[] {
    return this.#accepted === null ? [this.#rejected, this.#gone] : [this.#rejected, this.#gone, this.#accepted];
  }

  get #all(): RowFile[] {
    return [this.#unsent, this.#unknown, ...this.#growing, this.#invalid];
  }

  #appendAgain(to: RowFile, rows: Rows, indexes: Indexes): void {
    const count = indexes?.length ?? rows.count;
    if (this.#isList) {
      to.file.append(tokenLines(rows.tokens, indexes), count);
      return;
    }
    const { bytes } = to;
    for (let place = 0; place < count; place++) {
      const row = indexes === null ? place : indexes[place]!;
      if (this.#isJson) this.#beginObject(bytes, this.#tokenName, rows.tokens, row);
      this.#again.write(bytes, rows, row);
      if (this.#isJson) bytes.byte(0x7d);
      bytes.endRow();
      if (bytes.length >= flushBytes) to.flush();
    }
  }

  /** @param again columns of unsent and unknown; empty where the input has no names for its columns */
  #writeHeaders(own: readonly string[], again: readonly string[]): void {
    const isTaken = (name: string): boolean => own.includes(name);
    const ownNames = own.map((name) => ownName(name, isTaken));
    for (const one of this.#growing) {
      if (one.isBegun) continue;
      const columns = pealColumns[path.parse(one.file.name).name as keyof typeof pealColumns];
      const isOldList = this.#isList && one === this.#rejected;
      const details = this.#hasDetails && one === this.#rejected ? ['detail'] : [];
      one.file.append(csvRow([...columns, ...details, ...(isOldList ? ['timestamp'] : ownNames)]), 0);
    }
    this.#invalid.file.append(invalidHeader, 0);
    if (this.#isList || again.length === 0) return;
    this.#unsent.file.append(csvRow(again), 0);
    this.#unknown.file.append(csvRow(again), 0);
  }

  #beginObject(bytes: RowBytes, name: string, tokens: TokenBlock, row: number): void {
    bytes.text(name === 'token' ? '{"token":"' : `{${JSON.stringify(name)}:"`);
    bytes.token(tokens, row);
    bytes.byte(0x22);
  }

  #endRow(to: RowFile, rows: Rows, row: number): void {
    const { bytes } = to;
    if (!this.#isList) this.#own.write(bytes, rows, row);
    if (this.#isJson) bytes.byte(0x7d);
    bytes.endRow();
    if (bytes.length >= flushBytes) to.flush();
  }
}

/**
 * Removes all files of outcomes of a campaign, its summary, its report and what belongs to them.
 *
 * @throws PealError ERR_PEAL_INPUT (as a rejection) that names the one which cannot be removed
 */
export async function removeOutcomeFiles(folder: string): Promise<void> {
  await removeAll(folder, (name) => {
    const base = baseOf(name);
    return isOutcomeFile(base) || [summaryFileName, reportFileName, '.peal-series.json'].includes(base);
  });
}

/** Removes what this run writes anew, and what an earlier one left unfinished. */
async function removeRenewed(folder: string): Promise<void> {
  const renewed: readonly string[] = renewedBases;
  await removeAll(folder, (name) => {
    const base = baseOf(name);
    return isOutcomeFile(base) && (base !== name || renewed.includes(path.parse(base).name));
  });
}

async function removeAll(folder: string, isTarget: (name: string) => boolean): Promise<void> {
  for (const name of (await readdir(folder)).filter(isTarget)) {
    const file = path.join(folder, name);
    try {
      await rm(file, { force: true });
    } catch (error) {
      throw new PealError('ERR_PEAL_INPUT', `${file} ${writeProblem(error)}.`, { origin: 'input', cause: error });
    }
  }
}

/** Tokens as lines of text, in one new buffer, because a whole list may stay unsent. */
function tokenLines({ bytes, tokenBytes, count, encoding }: TokenBlock, indexes: Indexes): Uint8Array {
  const total = indexes?.length ?? count;
  const textBytes = encoding === 'hex' ? tokenBytes * 2 : tokenBytes;
  const lines = new Uint8Array(total * (textBytes + 1));
  const view = new DataView(lines.buffer);
  let to = 0;
  for (let place = 0; place < total; place++) {
    const index = indexes === null ? place : indexes[place]!;
    const start = index * tokenBytes;
    if (encoding === 'hex') writeHex(view, to, bytes, start, tokenBytes);
    else lines.set(bytes.subarray(start, start + tokenBytes), to);
    to += textBytes;
    lines[to++] = LF;
  }
  return lines;
}
