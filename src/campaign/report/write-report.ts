/**
 * Writes `summary.json` and `report.html` of a campaign into its directory, again each time that it ends or is asked
 * to. Each file is seen under its name only once it is whole, in place of the one before, and only its owner may read
 * it. Called by the campaign and by `peal report`; main thread.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { durably, newFile } from '../../base/durable.js';
import { PealError } from '../../base/errors.js';
import { writeProblem } from '../../base/file-errors.js';
import { reportFileName, summaryFileName } from '../input/campaign-files.js';
import { reportHtml } from './report.js';
import type { ReportData } from './report-data.js';
import { summaryJson } from './summary.js';

/** Whether a file is missing, or an unfinished one is left: the process that was to write them has ended before. */
export async function lacksReport(folder: string): Promise<boolean> {
  const names = await namesIn(folder);
  return !names.includes(summaryFileName) || !names.includes(reportFileName) || names.some(isUnfinished);
}

/**
 * Also removes what a process has left that ended while it wrote them.
 *
 * @returns the paths of both files
 * @throws PealError ERR_PEAL_INPUT if one cannot be written; the file that had its name is then left as it was
 */
export async function writeReport(folder: string, data: ReportData): Promise<readonly string[]> {
  const summary = path.join(folder, summaryFileName);
  const report = path.join(folder, reportFileName);
  await removeUnfinished(folder);
  await replaceFile(summary, summaryJson(data.title, data.summary));
  await replaceFile(report, reportHtml(data));
  return [summary, report];
}

async function removeUnfinished(folder: string): Promise<void> {
  const names = await namesIn(folder);
  for (const name of names.filter(isUnfinished)) await rm(path.join(folder, name), { force: true }).catch(() => {});
}

/** None where the directory cannot be read: what is written there then says why. */
function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function isUnfinished(name: string): boolean {
  const whole = name.replace(/\.[0-9a-f]{8}\.partial$/, '');
  return whole !== name && (whole === summaryFileName || whole === reportFileName);
}

async function replaceFile(file: string, text: string): Promise<void> {
  const partial = `${file}.${randomBytes(4).toString('hex')}.partial`;
  try {
    const handle = await durably.open(partial, newFile, 0o600);
    await writeWhole(handle, text);
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => {});
    throw new PealError('ERR_PEAL_INPUT', `${file} ${writeProblem(cause)}.`, { origin: 'input', cause });
  }
}

async function writeWhole(handle: FileHandle, text: string): Promise<void> {
  try {
    await handle.writeFile(text, 'utf8');
    await durably.sync(handle);
  } finally {
    await handle.close();
  }
}
