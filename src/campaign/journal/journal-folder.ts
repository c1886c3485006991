/**
 * A journal in a directory: its files, and who holds it. One process writes; any number may read beside it. Called by a
 * campaign and by the commands that show one; main thread.
 *
 *   journal.lmdb, journal.lmdb-lock      the store, and who reads it
 *   .peal-<run>.<holder>.lock            the process that writes (base/files/folder-lock)
 */
import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import { FolderLock, type LockHolder } from '../../base/files/folder-lock.js';
import type { CampaignIdentity } from './identity.js';
import { Journal, type JournalOptions } from './journal.js';
import { JournalReader } from './journal-reader.js';
import { LmdbStore } from './lmdb-store.js';

const fileName = 'journal.lmdb';

/**
 * Whether the directory holds a journal.
 *
 * @throws PealError ERR_PEAL_INPUT (as a rejection) where nobody can tell, such as in a directory of another user
 */
export async function hasJournal(folder: string): Promise<boolean> {
  return stat(path.join(folder, fileName)).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false;
      throw unreadableError(folder, error);
    },
  );
}

function unreadableError(folder: string, cause: unknown): PealError {
  return new PealError('ERR_PEAL_INPUT', `${folder} ${readProblem(cause)}.`, { origin: 'input', cause });
}

/**
 * Begins the journal of a campaign in a directory that is there, or goes on with the one in it. Holds the directory
 * until the journal is closed; the hold of a process that is gone counts for nothing.
 *
 * @throws PealError ERR_PEAL_INPUT (as a rejection): another process holds it; what is there is another campaign or not
 *   a journal; it cannot be written
 */
interface OpenJournalOptions extends Pick<JournalOptions, 'clock' | 'mayBeginAnew' | 'keepsNoted'> {
  /** Whether a campaign that is there is removed first. Default false. */
  readonly startsAnew?: boolean;
}

export async function openJournal(
  folder: string,
  identity: CampaignIdentity,
  options: OpenJournalOptions = {},
): Promise<Journal> {
  const lock = await takeLock(folder);
  const file = path.join(folder, fileName);
  try {
    if (options.startsAnew === true) await removeJournal(file);
    const store = await LmdbStore.open(file);
    return await Journal.open(store, identity, { ...options, name: file, onClosed: () => lock.release() });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/**
 * Opens the journal of a directory to look at it, also while a process writes it.
 *
 * @throws PealError ERR_PEAL_INPUT (as a rejection) when there is none, or it cannot be read
 */
export async function readJournal(folder: string): Promise<JournalReader> {
  const file = path.join(folder, fileName);
  if (!(await hasJournal(folder))) {
    const message = `${folder} holds no journal of a campaign: it is where peal send --out kept one.`;
    throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
  }
  const holder = await holderOfFolder(folder);
  try {
    return await readAs(file, holder);
  } catch (error) {
    // Its pages may have moved because a process has just begun to write.
    const writer = holder === null ? await holderOfFolder(folder) : null;
    if (writer === null) throw error;
    return await readAs(file, writer);
  }
}

async function readAs(file: string, holder: LockHolder | null): Promise<JournalReader> {
  const store = await LmdbStore.open(file, { readOnly: true, isInUse: holder !== null });
  return new JournalReader(store, { name: file, holder });
}

async function holderOfFolder(folder: string): Promise<LockHolder | null> {
  return FolderLock.look(folder).catch((error: unknown) => {
    throw unreadableError(folder, error);
  });
}

async function removeJournal(file: string): Promise<void> {
  for (const path of [file, `${file}-lock`]) {
    await rm(path, { force: true }).catch((error: unknown) => {
      throw new PealError('ERR_PEAL_INPUT', `${path} ${writeProblem(error)}.`, { origin: 'input', cause: error });
    });
  }
}

async function takeLock(folder: string): Promise<FolderLock> {
  let taken: FolderLock | string;
  try {
    taken = await FolderLock.take(folder, randomBytes(4).toString('hex'));
  } catch (error) {
    const message = `The journal in ${folder} ${writeProblem(error)}.`;
    throw new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: error });
  }
  if (typeof taken !== 'string') return taken;
  throw new PealError('ERR_PEAL_OPTION', taken, { origin: 'usage' });
}
