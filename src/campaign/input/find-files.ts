/**
 * The files that an input names, by their paths and by patterns. Main thread.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { PealError } from '../../base/errors.js';
import { escapeUnprintable } from '../../base/text.js';

/** Characters that make a pattern of a path. */
const patternCharacters = /[*?{}[\]]/;

/**
 * Each file once, in the order in which they are named; those of a pattern by name. A pattern may match files that are
 * named, too. `-` is standard input. A path that exists
 * is no pattern, whatever its characters.
 *
 * @param folder of the campaign: patterns leave out what it writes there; a file that is named by itself is never left
 *   out
 * @throws PealError ERR_PEAL_INPUT for a pattern that no file matches, and for a file or standard input that is named
 *   twice
 */
export async function findFiles(named: readonly string[], folder?: string): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  const byItself = new Set<string>();
  for (const name of named) {
    for (const file of await filesOf(name, folder)) {
      const key = file === '-' ? file : path.resolve(file);
      if (file === name && byItself.has(key)) throw repeatedError(file);
      if (file === name) byItself.add(key);
      if (seen.has(key)) continue;
      seen.add(key);
      found.push(file);
    }
  }
  return found;
}

async function filesOf(name: string, folder: string | undefined): Promise<readonly string[]> {
  if (name === '-' || !patternCharacters.test(name) || existsSync(name)) return [name];
  const { glob } = await import('tinyglobby');
  const { isFileOfCampaign } = await import('./campaign-files.js');
  const isLeftOut = isFileOfCampaign(folder);
  const pattern = path.sep === '\\' ? name.replaceAll('\\', '/') : name;
  const files = await glob(pattern, { absolute: path.isAbsolute(name), expandDirectories: false, onlyFiles: false });
  const matching = files.filter((file) => !file.endsWith('/') && !isLeftOut(file)).sort();
  if (matching.length > 0) return matching;
  throw inputError(`No file matches ${escapeUnprintable(name, 1000)}.`);
}

/** Sending to each of its recipients twice is hardly meant, and once is not what was said. */
function repeatedError(file: string): PealError {
  if (file === '-') return inputError('Standard input is named twice: it can be read once.');
  return inputError(`The file ${escapeUnprintable(file, 1000)} is named twice: name it once.`);
}

function inputError(message: string): PealError {
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input' });
}
