/**
 * Bytes of slices in a folder that all machines share (NFS, or one machine's own): a file each. A file is written under
 * another name, brought to the disk, and then given its own, so that no reader sees half of it. Made by open-store;
 * called by dispatch/ and worker/ on their main threads.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { durably, newFile } from '../../base/durable.js';
import { PealError } from '../../base/errors.js';
import { readProblem, writeProblem } from '../../base/file-errors.js';
import type { SliceBlobs } from './cluster-store.js';

const blobName = /^[\w-][\w.-]*$/;

export class FolderBlobs implements SliceBlobs {
  readonly #folder: string;

  /** Makes the folder if it is not there. */
  static async open(folder: string): Promise<FolderBlobs> {
    try {
      // Device tokens are personal data.
      await mkdir(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw folderError(folder, writeProblem(error), error);
    }
    return new FolderBlobs(folder);
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.#path(name);
    const temporary = `${file}.${randomBytes(6).toString('hex')}.new`;
    try {
      const handle = await durably.open(temporary, newFile, 0o600);
      try {
        await handle.writeFile(bytes);
        await durably.sync(handle);
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      await syncFolder(this.#folder);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw folderError(file, writeProblem(error), error);
    }
  }

  async get(name: string): Promise<Uint8Array | null> {
    const file = this.#path(name);
    try {
      return await readFile(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw folderError(file, readProblem(error), error);
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const file = this.#path(name);
      try {
        await rm(file, { force: true });
      } catch (error) {
        throw folderError(file, writeProblem(error), error);
      }
    }
  }

  #path(name: string): string {
    if (blobName.test(name)) return path.join(this.#folder, name);
    const message =
      'The name of the bytes of a slice has letters, digits, "-", "_" and ".", and no "." at its beginning.';
    throw new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
  }
}

/**
 * So that the name of a new file is there after a loss of power. Some shared file systems do not do this for folders.
 */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync().catch(() => {});
  } finally {
    await handle.close();
  }
}

/** What is full or away may be there again later. */
function folderError(file: string, problem: string, cause: unknown): PealError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const retryable = ['ENOSPC', 'EDQUOT', 'EIO', 'ESTALE', 'ETIMEDOUT', 'EMFILE', 'ENFILE'].includes(code);
  return new PealError('ERR_PEAL_STORE', `${file} ${problem}.`, { origin: 'store', retryable, cause });
}
