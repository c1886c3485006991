/**
 * Opens files whose bytes have to be on the disk after a loss of power, and puts them there. With `node --permission`,
 * Node 24 and later refuse that for every file (fsync), and no flag allows it. There each write waits for the disk
 * instead (O_DSYNC); on a system that has no such flag for `open`, as Windows, the file is not opened. Used by all that
 * keep files; any thread.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';

type Synced = Pick<FileHandle, 'sync' | 'datasync'>;

interface System {
  /** Whether Node's permission model is on, which may refuse fsync. */
  readonly isRestricted: boolean;
  /** The flag of `open`; undefined where the system has none. */
  readonly writeThrough: number | undefined;
}

/** Flags of `open` for a file that is not there yet. */
export const newFile: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** Its file would not be there after a loss of power. `writeProblem` has a sentence for its code. */
class RefusedSyncError extends Error {
  readonly code = 'ERR_SYNC_REFUSED';

  constructor() {
    super('Node runs with --permission, which refuses fsync, and this system has no O_DSYNC');
  }
}

export class Durability {
  readonly #isRestricted: boolean;
  readonly #writeThrough: number | undefined;

  constructor({ isRestricted, writeThrough }: System) {
    this.#isRestricted = isRestricted;
    this.#writeThrough = writeThrough;
  }

  /**
   * Opens a file that is written, and synced later. Rejects as `open` does, and where nothing that is written would be
   * durable; a new file is removed then.
   */
  async open(file: string, flags: number, mode: number): Promise<FileHandle> {
    const handle = await open(file, this.#isRestricted ? flags | (this.#writeThrough ?? 0) : flags, mode);
    if (!this.#isRestricted || this.#writeThrough !== undefined) return handle;
    try {
      await this.sync(handle);
    } catch (error) {
      await handle.close();
      if ((flags & constants.O_EXCL) !== 0) await rm(file, { force: true });
      throw error;
    }
    return handle;
  }

  /** Resolves once data and size of a file are on the disk. `open` of this class has opened it. */
  async sync(file: Synced): Promise<void> {
    await this.#unlessRefused(file.sync());
  }

  /** The same for what is needed to read the data. */
  async syncData(file: Synced): Promise<void> {
    await this.#unlessRefused(file.datasync());
  }

  async #unlessRefused(syncing: Promise<void>): Promise<void> {
    try {
      await syncing;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
      if (this.#writeThrough === undefined) throw new RefusedSyncError();
    }
  }
}

export const durably = new Durability({
  isRestricted: (process as { readonly permission?: unknown }).permission !== undefined,
  writeThrough: (constants as { readonly O_DSYNC?: number }).O_DSYNC,
});
