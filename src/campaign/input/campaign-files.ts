/**
 * The names of the files that a campaign writes, and of those that one left unfinished. Main thread; used by what
 * writes, removes and refuses them, and by what looks for lists.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';

export const summaryFileName = 'summary.json';
export const reportFileName = 'report.html';
export const growingBases = ['rejected', 'gone', 'accepted'] as const;
/** Files of recipients that still have to be sent to come first: they are named first where files are not whole. */
export const renewedBases = ['unsent', 'unknown', 'invalid'] as const;
const extensions = ['csv', 'ndjson', 'txt'] as const;

/** Every name that a file of outcomes may have. */
const outcomeNames: readonly string[] = [...growingBases, ...renewedBases].flatMap((base) =>
  extensions.map((extension) => `${base}.${extension}`),
);

/** Every name that a file for people and programs may have, and the journal's. */
export const campaignNames: readonly string[] = [
  ...outcomeNames,
  summaryFileName,
  reportFileName,
  'journal.lmdb',
  'journal.lmdb-lock',
];

/** The name that an unfinished file was to get. */
export function baseOf(name: string): string {
  return name.replace(/\.[0-9a-f]{8}\.(?:partial|cut)$/, '');
}

/** Whether a campaign writes a file of outcomes of this name, or leaves it unfinished. */
export function isOutcomeFile(name: string): boolean {
  return outcomeNames.includes(baseOf(name));
}

/** Tells of paths whether a campaign with this folder writes them; without a folder it writes none. */
export function isFileOfCampaign(folder: string | undefined): (file: string) => boolean {
  if (folder === undefined) return () => false;
  const home = realPath(folder);
  return (file) =>
    (isOutcomeFile(path.basename(file)) || campaignNames.includes(path.basename(file))) &&
    realPath(path.dirname(file)) === home;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}
