/**
 * One file of results, written as it grows. It is created new (never through a link or over another file) and is
 * readable by its owner only. Owned by what collects results (OutcomeFiles, commands), on the main thread. There are
 * two kinds:
 *
 *   create   gets its name only once it is whole; until then it is called `NAME.<random>.partial`
 *   grow     has its name from the beginning and grows over several runs: a journal keeps how long it is (`cut`), and the
 *            next run shortens it to that
 */
import { randomBytes } from 'node:crypto';
import { constants, writeSync } from 'node:fs';
import { type FileHandle, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { assert } from '../../base/assert.js';
import { durably, newFile } from '../../base/durable.js';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { integer } from '../../base/text.js';
import { type CutFile, cutError } from './cut-files.js';

/** Size at which collected text is written. */
const writeBytes = 64 * 1024;
/** Above this size a writer is asked to wait. */
const highWaterBytes = 1024 * 1024;

const lineFeed = 0x0a;

const noFollow = constants.O_NOFOLLOW ?? 0;

export class OutputFile {
  readonly #handle: FileHandle;
  readonly #folder: string;
  /** Its final name, without the folder. */
  readonly name: string;
  /** Its name until it is whole; null for a file that grows under its own. */
  readonly #partialName: string | null;
  /** Bytes that earlier runs wrote. */
  readonly #earlierBytes: number;
  #pending: (string | Uint8Array)[] = [];
  #pendingBytes = 0;
  #pendingLines = 0;
  #queuedBytes = 0;
  #tail: Promise<void> = Promise.resolve();
  /** Data on its way to the file, in order; the first piece belongs at `#keptBytes`. */
  readonly #queue: Buffer[] = [];
  #failure: PealError | null = null;
  #isEnded = false;
  /** Bytes that are durable. */
  #syncedBytes: number;
  /** Lines that were taken, written or not. */
  #lines = 0;
  /** Length of the valid file. After a failed write it ends with a whole line. */
  #keptBytes: number;
  #keptLines = 0;

  private constructor(handle: FileHandle, place: { folder: string; name: string; partial: string | null }, length = 0) {
    this.#handle = handle;
    this.#folder = place.folder;
    this.name = place.name;
    this.#partialName = place.partial;
    this.#earlierBytes = length;
    this.#keptBytes = length;
    this.#syncedBytes = length;
  }

  /**
   * Creates `folder/name`, under its partial name. Throws PealError ERR_PEAL_INPUT, also if a directory or a device has
   * that name, which could not or should not be replaced at the end.
   *
   * @param mode rights; by default the owner's only
   * @param run names the run in the partial name; it must not be guessable
   */
  static async create(
    folder: string,
    name: string,
    mode = 0o600,
    run = randomBytes(4).toString('hex'),
  ): Promise<OutputFile> {
    await refuseOther(path.join(folder, name));
    const partial = partialName(name, run);
    try {
      return new OutputFile(await createNew(path.join(folder, partial), mode), { folder, name, partial });
    } catch (error) {
      throw writeError(path.join(folder, name), error);
    }
  }

  /**
   * Opens `folder/name` to go on behind its first `length` bytes; what stands behind them is cut off. With 0 it begins
   * anew, in place of a file or a link that has the name.
   *
   * @throws PealError ERR_PEAL_INPUT (as a rejection) if it is shorter, is no file, or cannot be written
   */
  static async grow(folder: string, name: string, length: number): Promise<OutputFile> {
    const file = path.join(folder, name);
    try {
      const handle = length === 0 ? await replaceByNew(folder, file) : await openAt(file, length);
      return new OutputFile(handle, { folder, name, partial: null }, length);
    } catch (error) {
      throw error instanceof PealError ? error : writeError(file, error);
    }
  }

  /** The first error of a write, or null. With an error the file is incomplete. */
  get failure(): PealError | null {
    return this.#failure;
  }

  /**
   * Takes text or bytes. Bytes must not be changed from now on. Never throws: see `failure`.
   *
   * @param lines how many lines of results that is; 0 for a heading
   */
  append(chunk: string | Uint8Array, lines = 1): void {
    if (chunk.length === 0) return;
    this.#lines += lines;
    if (this.#failure !== null) return;
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#pendingLines += lines;
    if (this.#pendingBytes >= writeBytes) this.#write();
  }

  /**
   * How long the file is with all that was taken by now, and what resolves once that is durable: the data is on the
   * disk, so that it is there after a loss of power, too. Null when it is durable. Rejects with `failure`.
   */
  cut(): { readonly length: number; readonly written: Promise<void> | null } {
    this.#write();
    const length = this.#keptBytes + this.#queuedBytes;
    const isDurable = this.#failure === null && length === this.#syncedBytes;
    return { length, written: isDurable ? null : this.#sync(length) };
  }

  async #sync(length: number): Promise<void> {
    await this.#tail;
    try {
      if (this.#failure === null && !this.#isEnded) await durably.syncData(this.#handle);
    } catch (error) {
      this.#failure ??= writeError(this.#target, error);
    }
    if (this.#failure !== null) throw this.#failure;
    this.#syncedBytes = Math.max(this.#syncedBytes, length);
  }

  /** Null while there is room; otherwise a promise that resolves once everything taken so far is written. */
  pressure(): Promise<void> | null {
    return this.#queuedBytes > highWaterBytes ? this.#tail : null;
  }

  /** Writes the rest, makes it durable and gives the file its name, in place of an older file. Throws the problem. */
  async publish(): Promise<void> {
    const cut = await this.finish();
    if (cut !== null) throw cutError([cut]);
    await this.giveName();
    await syncFolder(this.#folder);
  }

  /** Gives a file that is finished its name, in place of an older file. The folder is not made durable. */
  async giveName(): Promise<void> {
    try {
      await rename(this.#current, this.#target);
    } catch (error) {
      throw writeError(this.#target, error);
    }
  }

  /**
   * Writes the rest and makes it durable, under the name that it has. Resolves with null, or with what is lost. An
   * incomplete file ends with a whole line; its partial name becomes `NAME.<random>.cut`.
   */
  async finish(): Promise<CutFile | null> {
    this.#end();
    this.#write();
    await this.#tail;
    const current = this.#current;
    try {
      if (this.#failure === null) await durably.sync(this.#handle);
    } catch (error) {
      this.#failure = writeError(this.#target, error);
    }
    if (this.#failure !== null) await this.#handle.truncate(this.#keptBytes).catch(() => {});
    await this.#handle.close().catch((error: unknown) => {
      this.#failure ??= writeError(this.#target, error);
    });
    const { name } = this;
    if (this.#failure === null) this.#syncedBytes = this.#keptBytes;
    if (!(await isThere(current))) {
      const message = `${current} or its directory was removed while the file was being written.`;
      const failure = new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
      return { name, file: null, lines: 0, of: this.#lines, failure };
    }
    if (this.#failure === null) return null;
    const cut = this.#partialName === null ? current : current.replace(/partial$/, 'cut');
    const file = await rename(current, cut).then(
      () => cut,
      () => current,
    );
    const hasEarlier = this.#earlierBytes > 0;
    return { name, file, lines: this.#keptLines, of: this.#lines, failure: this.#failure, hasEarlier };
  }

  /**
   * Writes the rest in a process that ends at once; never throws. A write under way writes the same bytes to the same
   * place.
   */
  flushNow(): void {
    if (this.#failure !== null) return;
    this.#write();
    try {
      let position = this.#keptBytes;
      for (const bytes of this.#queue) {
        for (let written = 0; written < bytes.length; ) {
          written += writeSync(this.#handle.fd, bytes, written, bytes.length - written, position + written);
        }
        position += bytes.length;
      }
    } catch {
      // The disk is full: the file is incomplete, and keeps its partial name.
    }
  }

  /** Removes the file; one that grows stays as it is. */
  async discard(): Promise<void> {
    this.#end();
    await this.#tail;
    await this.#handle.close();
    if (this.#partialName !== null) await rm(this.#current, { force: true });
  }

  #end(): void {
    assert(!this.#isEnded, 'a file of results is finished or discarded once');
    this.#isEnded = true;
  }

  /** Where it is now. */
  get #current(): string {
    return path.join(this.#folder, this.#partialName ?? this.name);
  }

  get #target(): string {
    return path.join(this.#folder, this.name);
  }

  #write(): void {
    if (this.#pending.length === 0) return;
    const chunks = this.#pending.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk, 'utf8') : chunk));
    const bytes = Buffer.concat(chunks);
    const lines = this.#pendingLines;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#pendingLines = 0;
    this.#queuedBytes += bytes.length;
    this.#queue.push(bytes);
    this.#tail = this.#tail.then(() => this.#writeNow(bytes, lines));
  }

  async #writeNow(bytes: Buffer, lines: number): Promise<void> {
    let written = 0;
    try {
      while (written < bytes.length && this.#failure === null) {
        const position = this.#keptBytes + written;
        written += (await this.#handle.write(bytes, written, bytes.length - written, position)).bytesWritten;
      }
    } catch (error) {
      this.#failure = writeError(this.#target, error);
    } finally {
      this.#queuedBytes -= bytes.length;
      this.#queue.shift();
    }
    const isWhole = written === bytes.length;
    const end = isWhole ? written : bytes.lastIndexOf(lineFeed, written - 1) + 1;
    this.#keptLines += isWhole ? lines : linesIn(bytes.subarray(0, written === 0 ? 0 : end));
    this.#keptBytes += written === 0 ? 0 : end;
  }
}

async function createNew(file: string, mode: number): Promise<FileHandle> {
  return await durably.open(file, newFile | noFollow, mode);
}

async function replaceByNew(folder: string, file: string): Promise<FileHandle> {
  const there = await lstat(file).catch(() => null);
  if (there?.isSymbolicLink() !== true) await refuseOther(file);
  await rm(file, { force: true });
  const handle = await createNew(file, 0o600);
  await syncFolder(folder);
  return handle;
}

async function openAt(file: string, length: number): Promise<FileHandle> {
  const there = await lstat(file).catch(() => null);
  if (there === null) throw lostError(`${file} is missing`);
  if (there.isSymbolicLink()) throw lostError(`${file} is a symbolic link`);
  await refuseOther(file);
  const handle = await durably.open(file, constants.O_WRONLY | noFollow, 0o600);
  try {
    const { size, mode } = await handle.stat();
    if (size < length) throw lostError(`${file} is shorter than it was (${integer(size)} of ${integer(length)} bytes)`);
    // Node's permission model refuses this for every file.
    if ((mode & 0o777) !== 0o600) await handle.chmod(0o600);
    await handle.truncate(length);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A file that was changed since an earlier run wrote it. */
function lostError(what: string): PealError {
  const message =
    `${what}: what an earlier run wrote to it is lost. Bring the file back from a copy, and run the same campaign again; ` +
    'a campaign that is begun anew would send to everybody again.';
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}

/** The name of a file until it is whole. */
function partialName(name: string, run: string): string {
  return `${name}.${run}.partial`;
}

/** Makes names in a folder durable. Does nothing on systems that cannot open directories. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => null);
  if (handle === null) return;
  await handle.sync().catch(() => {});
  await handle.close();
}

function linesIn(bytes: Uint8Array): number {
  let lines = 0;
  for (const byte of bytes) if (byte === lineFeed) lines++;
  return lines;
}

async function isThere(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT',
  );
}

/** Returns whether `file` is one of `inputs`, under any of its names. A file that is read must not be written. */
export async function isAmong(file: string, inputs: readonly string[]): Promise<boolean> {
  const real = (name: string): Promise<string> => realpath(name).catch(() => path.resolve(name));
  return (await Promise.all(inputs.map(real))).includes(await real(file));
}

/** Only a file or a link to one may be replaced. Other problems show when the file is written. */
async function refuseOther(file: string): Promise<void> {
  const there = await stat(file).catch(() => null);
  if (there === null || there.isFile()) return;
  if (there.isDirectory()) throw writeError(file, { code: 'EISDIR' });
  throw new PealError('ERR_PEAL_INPUT', `${file} cannot be written: it is a device or a pipe, not a file.`, {
    origin: 'input',
  });
}

function writeError(file: string, cause: unknown): PealError {
  return new PealError('ERR_PEAL_INPUT', `${file} ${writeProblem(cause)}.`, { origin: 'input', cause });
}
