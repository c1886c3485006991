/**
 * The single steps that change a folder of results. Each is one call of the file system, which happens or does not.
 * Everything built from them has to be right wherever it stops, and a test stops it between any two. Main thread.
 */
import { constants } from 'node:fs';
import { lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { syncFolder } from '../shared/output-file.js';

export interface FolderSteps {
  /** The names in the folder. */
  list(folder: string): Promise<string[]>;
  /** Makes an empty file, readable by its owner only. Fails if the name is taken. */
  create(file: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a link, if it is there; never a directory. */
  remove(file: string): Promise<void>;
  /** Makes changes of the names in the folder durable, if the system can. */
  sync(folder: string): Promise<void>;
  isDirectory(file: string): Promise<boolean>;
}

export const folderSteps: FolderSteps = {
  list: (folder) => readdir(folder),
  create: async (file) => {
    const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    await handle.close();
  },
  rename,
  remove: (file) => rm(file, { force: true }),
  sync: syncFolder,
  isDirectory: async (file) => (await lstat(file).catch(() => null))?.isDirectory() === true,
};
