/**
 * Whether a command line may have settings beside its options, so that the rest of the configuration is loaded only
 * then. Called at every start, so it imports nothing but the file system; main thread.
 */
import { lstatSync } from 'node:fs';

/** In the working directory; there may be one of them. */
export const configFileNames = ['peal.config.json', 'peal.config.yaml', 'peal.config.yml'] as const;

export function mayHaveSettings(args: readonly string[], env: Readonly<Record<string, string | undefined>>): boolean {
  // The words of another line, which is half written.
  if (args[0] === 'complete') return false;
  if (args.some((arg) => arg === '--config' || arg.startsWith('--config='))) return true;
  // Tests of peal have variables of their own.
  for (const name in env) if (name.startsWith('PEAL_') && !name.startsWith('PEAL_TEST_')) return true;
  return configFileNames.some(isThere);
}

/**
 * Whether something in the working directory has that name: a link that leads nowhere has, and is refused when it is
 * read. A directory that this user may not look into has nothing.
 */
export function isThere(name: string): boolean {
  try {
    return lstatSync(name, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EACCES';
  }
}
