/**
 * Loads a package that only programs with several machines or a database need, and that they install themselves (an
 * optional peer in package.json). Called where such a package is first needed; any thread. Programs that need none of
 * them import everything else of peal without them.
 */
import { PealError } from '../base/errors.js';

/**
 * Resolves with what `load` imports.
 *
 * @param name the name of the package, as npm installs it
 * @param what the subject of "… is reached through", such as `Redis`
 * @throws PealError ERR_PEAL_STORE that says what to install, where the package is missing
 */
export async function loadPeer<Module>(name: string, what: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error, name)) throw error;
    const message = `${what} is reached through ${name}, which is not installed: run npm install ${name}.`;
    throw new PealError('ERR_PEAL_STORE', message, { origin: 'usage' });
  }
}

/** Returns false for a package that is there and lacks one of its own. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  const isNotFound = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
  return isNotFound && (message.includes(`package '${name}'`) || message.includes(`module '${name}'`));
}
