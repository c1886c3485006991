/**
 * Refuses a directory for `--out` that holds a file that the command reads: a campaign writes files of these names.
 * Main thread; called once, before anything is read.
 */
import path from 'node:path';
import { campaignNames } from '../../campaign/input/campaign-files.js';
import { isAmong } from '../../campaign/outputs/output-file.js';
import { usageError } from '../shared/terminal.js';

/** Throws PealError ERR_PEAL_OPTION that names the file, under any of its names. */
export async function refuseOwnFiles(folder: string, inputs: readonly string[]): Promise<void> {
  for (const name of campaignNames) {
    const file = path.join(folder, name);
    if (!(await isAmong(file, inputs))) continue;
    throw usageError(`--out: ${file} is read by this command and would be overwritten; choose another directory.`);
  }
}
