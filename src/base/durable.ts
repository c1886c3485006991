/**
 * Puts what was written to a file on the disk, so that it is there after a loss of power. With `node --permission`, Node 24
 * and later refuse that for every file (fsync), and no flag allows it. There each write waits for the disk instead: a file
 * is opened with `writeThrough`. Used by all that keep files; any thread.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** A flag for `open` of a file that is synced later; 0 where no permissions are restricted, and on Windows. */
export const writeThrough: number =
  (process as { readonly permission?: unknown }).permission === undefined
    ? 0
    : ((constants as { readonly O_DSYNC?: number }).O_DSYNC ?? 0);

/** Flags for a new file that is synced later. */
export const newDurable: number = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | writeThrough;

type Synced = Pick<FileHandle, 'sync' | 'datasync'>;

/** Resolves once data and size of a file are on the disk. It was opened with `writeThrough`. */
export async function sync(file: Synced): Promise<void> {
  await unlessRefused(file.sync());
}

/** The same for what is needed to read the data. */
export async function syncData(file: Synced): Promise<void> {
  await unlessRefused(file.datasync());
}

async function unlessRefused(syncing: Promise<void>): Promise<void> {
  try {
    await syncing;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
  }
}
