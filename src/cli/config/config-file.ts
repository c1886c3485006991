/**
 * Finds and reads the configuration file: at most one, bounded, UTF-8. Called before a command runs, on the main
 * thread, only where there is a file or a variable of peal.
 */
import path from 'node:path';
import { readProblem } from '../../base/file-errors.js';
import { readBoundedFile, readPipesAhead } from '../../base/files/bounded-file.js';
import { maxConfigBytes } from '../../base/limits.js';
import { type Terminal, usageError } from '../shared/terminal.js';
import { configFileNames, isThere } from './first-look.js';

/** A file that was read. */
export interface ConfigFile {
  /** As it was given, or its name in the working directory. */
  readonly name: string;
  /** The folder that relative paths in it count from; of a pipe the working directory. */
  readonly folder: string;
  readonly isJson: boolean;
  readonly text: string;
  /** Whether every user of the machine may change it. */
  readonly isOpenToAll: boolean;
}

/** @param given by `--config` */
export function configFileName(given: string | null, env: Terminal['env']): string | null {
  const named = given ?? env.PEAL_CONFIG ?? null;
  const what = given === null ? 'PEAL_CONFIG' : '--config';
  if (named !== null && named.trim() === '') {
    throw usageError(`${what} is empty: give the path of a file, or none for no file.`);
  }
  if (named === 'none') return null;
  if (named !== null) return named;
  const found = configFileNames.filter(isThere);
  // Where Node refuses to look, nobody knows whether there is one: a file that is left out could say where to send.
  const refused = found.find((name) => process.permission?.has('fs.read', path.resolve(name)) === false);
  if (refused !== undefined) {
    throw usageError(
      `${refused} may not be looked for: Node runs with --permission. Name this directory in --allow-fs-read, or give ` +
        '--config none.',
    );
  }
  if (found.length < 2) return found[0] ?? null;
  throw usageError(`${found.join(' and ')} both are in this directory: remove one, or give --config FILE.`);
}

/** @throws PealError ERR_PEAL_OPTION that names the file */
export async function readConfigFile(name: string): Promise<ConfigFile> {
  await readPipesAhead([name], maxConfigBytes);
  const bytes = bytesOf(name);
  if (bytes.text.length > maxConfigBytes) {
    throw usageError(`${name}: the file has more than ${maxConfigBytes / 1024} KiB, which no configuration needs.`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.text);
  } catch {
    throw usageError(`${name}: the file is not text in UTF-8. Save it as UTF-8.`);
  }
  if (text.includes('\0')) throw usageError(`${name}: the file is not text. Give --config the file that was meant.`);
  return {
    name,
    folder: bytes.isPipe ? process.cwd() : path.dirname(path.resolve(name)),
    isJson: path.extname(name).toLowerCase() === '.json',
    text,
    isOpenToAll: bytes.isOpenToAll,
  };
}

function bytesOf(name: string): {
  readonly text: Buffer;
  readonly isOpenToAll: boolean;
  readonly isPipe: boolean;
} {
  try {
    const { bytes, mode, isPipe } = readBoundedFile(name, maxConfigBytes);
    const isOpenToAll = process.platform !== 'win32' && ((mode ?? 0) & 0o002) !== 0;
    return { text: bytes, isOpenToAll, isPipe };
  } catch (error) {
    throw usageError(`${name}: the configuration file ${readProblem(error)}.`);
  }
}
