/**
 * A store in one file of LMDB. The package is loaded with the first journal, and by nothing else. Made by
 * journal-folder, on the main thread; transactions are written by a thread of lmdb, so that this one never waits for a
 * disk.
 *
 * Beside the file is `NAME-lock`, where LMDB keeps who reads. Both are made here, with their rights and with room on
 * the disk: LMDB writes to the lock through mapped memory, where a full disk ends the process, and tells no reason when
 * it cannot write the file itself to its end.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { getSystemErrorName } from 'node:util';
import type { RootDatabase } from 'lmdb';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { type FileFault, lmdbFileFault, maxEmptyBytes } from './lmdb-file.js';
import { damagedError } from './records.js';
import type { Change, Entry, Store } from './store.js';

type Lmdb = typeof import('lmdb');
type Database = RootDatabase<Uint8Array, Uint8Array>;

/** What LMDB makes of its lock itself, and a little more. */
const lockBytes = 12 * 1024;
/** The file grows by so much at a time. */
const growthBytes = maxEmptyBytes;
/** Pages that a transaction may write besides its values: one for each level of both trees, and what they free. */
const pagesPerCommit = 64;

interface LmdbStoreOptions {
  /** Opens the file as it is, beside the process that writes it. Nothing may be committed. Default false. */
  readonly readOnly?: boolean;
  /**
   * Whether another process has the file open: then it is in use, so its pages move and are not looked at. Default
   * false.
   */
  readonly isInUse?: boolean;
}

export class LmdbStore implements Store {
  readonly #file: string;
  readonly #database: Database;
  /** Null where nothing is written. */
  readonly #handle: FileHandle | null;
  #fileBytes: number;

  private constructor(file: string, database: Database, handle: FileHandle | null, fileBytes: number) {
    this.#file = file;
    this.#database = database;
    this.#handle = handle;
    this.#fileBytes = fileBytes;
  }

  /**
   * Makes the file, readable by its owner only, or opens what is there.
   *
   * @throws PealError ERR_PEAL_INPUT, as a rejection
   */
  static async open(file: string, { readOnly = false, isInUse = false }: LmdbStoreOptions = {}): Promise<LmdbStore> {
    const lmdb = await loadLmdb();
    prepare(file, readOnly, isInUse);
    let handle: FileHandle | null = null;
    try {
      handle = readOnly ? null : await open(file, constants.O_RDWR);
      const database: Database = lmdb.open(file, {
        encoding: 'binary',
        keyEncoding: 'binary',
        noSubdir: true,
        // A transaction is told when it is on the disk, and not before.
        overlappingSync: false,
        readOnly,
      });
      // Two pages at least by now.
      const fileBytes = (await handle?.stat())?.size ?? 0;
      return new LmdbStore(file, database, handle, fileBytes);
    } catch (error) {
      await handle?.close();
      throw readOnly ? readError(file, error) : writeError(file, error);
    }
  }

  get(key: Uint8Array): Uint8Array | null {
    const value = this.#database.getBinary(key as Buffer);
    return value === undefined ? null : value;
  }

  *range(start: Uint8Array, end: Uint8Array): Iterable<Entry> {
    for (const { key, value } of this.#database.getRange({ start, end })) yield [key, value];
  }

  async commit(changes: readonly Change[]): Promise<void> {
    try {
      await this.#makeRoom(changes.reduce((bytes, { key, value }) => bytes + key.length + value.length, 0));
      const database = this.#database;
      await database.batch(() => {
        for (const { key, value } of changes) database.put(key, value);
      });
    } catch (error) {
      throw writeError(this.#file, await causeOf(error));
    }
  }

  /** What a transaction of so many bytes writes lies within the file, so that a full disk is seen here. */
  async #makeRoom(bytes: number): Promise<void> {
    const { pageSize, lastPageNumber } = this.#database.getStats() as { pageSize: number; lastPageNumber: number };
    const needed = (lastPageNumber + 1 + pagesPerCommit) * pageSize + bytes * 3;
    if (this.#fileBytes >= needed) return;
    // LMDB lets the file grow itself for a transaction that touched more pages: what it wrote is not written over.
    this.#fileBytes = Math.max(this.#fileBytes, (await this.#handle!.stat()).size);
    while (this.#fileBytes < needed) {
      const { bytesWritten } = await this.#handle!.write(Buffer.alloc(growthBytes), 0, growthBytes, this.#fileBytes);
      this.#fileBytes += bytesWritten;
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
    await this.#handle?.close();
  }
}

let loaded: Promise<Lmdb> | null = null;

function loadLmdb(): Promise<Lmdb> {
  loaded ??= import('lmdb');
  return loaded.catch((error: unknown) => {
    loaded = null;
    const [why = ''] = String((error as Error | null)?.message ?? error).split('\n');
    throw new PealError(
      'ERR_PEAL_INPUT',
      `A journal needs the package lmdb, which does not load here (${why}). ${
        why.includes('loading addons is disabled')
          ? 'Allow it (--allow-addons where Node runs with --permission), or send without a journal.'
          : 'Install it with npm install lmdb@3.5.6, on a system that it has a binary for, or send without a journal.'
      }`,
      { origin: 'input', cause: error },
    );
  });
}

/** Makes what is missing, and refuses what LMDB may not open. */
function prepare(file: string, readOnly: boolean, isInUse: boolean): void {
  const flags = readOnly ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT;
  let descriptor: number;
  try {
    descriptor = openSync(file, flags | (constants.O_NOFOLLOW ?? 0), 0o600);
  } catch (error) {
    throw readOnly ? readError(file, error) : writeError(file, error);
  }
  try {
    const stats = fstatSync(descriptor);
    const fault = stats.isFile() ? lmdbFileFault(descriptor, stats.size, isInUse) : 'foreign';
    if (fault === 'empty' && !readOnly) probeRoom(descriptor);
    else if (fault !== null) throw faultError(file, fault);
  } catch (error) {
    throw readOnly ? readError(file, error) : writeError(file, error);
  } finally {
    closeSync(descriptor);
  }
  prepareLock(`${file}-lock`, readOnly);
}

/** LMDB begins a new file itself, and it has to be empty: so what is written here goes again. */
function probeRoom(descriptor: number): void {
  fillTo(descriptor, 0, maxEmptyBytes);
  ftruncateSync(descriptor, 0);
}

function prepareLock(lock: string, readOnly: boolean): void {
  try {
    const descriptor = openSync(lock, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o600);
    try {
      fillTo(descriptor, fstatSync(descriptor).size, lockBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    // LMDB reads without a lock where nothing can be written.
    if (readOnly && (error as NodeJS.ErrnoException).code === 'EROFS') return;
    throw writeError(lock, error);
  }
}

function fillTo(descriptor: number, size: number, bytes: number): void {
  for (let at = size; at < bytes; ) at += writeSync(descriptor, Buffer.alloc(bytes - at), 0, bytes - at, at);
}

/** lmdb rejects with an error that promises another one, whose code is a number. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
}

function withName(error: unknown): unknown {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' && code > 0 ? { code: getSystemErrorName(-code) } : error;
}

function writeError(file: string, error: unknown): PealError {
  if (error instanceof PealError) return error;
  const cause = withName(error) as NodeJS.ErrnoException;
  const problem =
    cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
      ? 'cannot be written, because the disk is full. Free some space and run the same command again'
      : `${writeProblem(cause)}. Then run the same command again`;
  const message = `The journal ${file} ${problem}: what it holds already is kept.`;
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: error });
}

function readError(file: string, error: unknown): PealError {
  if (error instanceof PealError) return error;
  const message = `The journal ${file} ${readProblem(withName(error))}.`;
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: error });
}

function faultError(file: string, fault: FileFault): PealError {
  if (fault === 'damaged') return damagedError(file);
  if (fault === 'empty') {
    const message = `The journal ${file} holds nothing yet: the run that makes it has only begun.`;
    return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', retryable: true });
  }
  const message = `${file} is not a journal of peal, and was left as it is. Choose another directory.`;
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
