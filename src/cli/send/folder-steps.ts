/**
 * The single steps that change a folder of results. Each is one call of the file system, which happens or does not.
 * Everything built from them has to be right wherever it stops, and a test stops it between any two. Main thread.
 */
import { lstat, rename } from 'node:fs/promises';
import { type LockSteps, lockSteps } from '../../base/folder-lock.js';
import { syncFolder } from '../../campaign/outputs/output-file.js';

export interface FolderSteps extends LockSteps {
  rename(from: string, to: string): Promise<void>;
  /** Makes what was done to the names in the folder durable, where the system can. */
  sync(folder: string): Promise<void>;
  isDirectory(file: string): Promise<boolean>;
}

export const folderSteps: FolderSteps = {
  ...lockSteps,
  rename,
  sync: syncFolder,
  isDirectory: async (file) => (await lstat(file).catch(() => null))?.isDirectory() === true,
};
