/**
 * Puts sentences of the library in the words of the command line: who typed `--ca` knows no option `ca`, no pair
 * [host, port] and no `threads: 0`. Pure; called for everything that a command prints about what went wrong.
 */
import { PealError } from '../base/errors.js';

/** Options of sessions and credentials as they stand on the command line. */
const flags: Readonly<Record<string, string>> = {
  key: '--key',
  keyId: '--key-id',
  teamId: '--team-id',
  providerToken: '--provider-token-file',
  providerTokenFile: '--provider-token-file',
  cert: '--cert',
  pfx: '--pfx',
  identity: '--identity',
  passphrase: '--passphrase-file or PEAL_PASSPHRASE',
  ca: '--ca',
  pins: '--pin',
  proxy: '--proxy',
  threads: '--threads',
  maxConnections: '--max-connections',
};

/** `text` with the library's names replaced; `own` replaces, or adds to, those above. */
export function inCommandWords(text: string, own: Readonly<Record<string, string>> = {}): string {
  const names = { ...flags, ...own };
  return text
    .replace(/\b([Tt]he )?option ([A-Za-z]+)\b/g, (found, article: string | undefined, name: string) => {
      const word = names[name];
      return word === undefined ? found : word.startsWith('--') ? word : `${article ?? ''}${word}`;
    })
    .replace(/`([A-Za-z]+)`/g, (found, name: string) => names[name] ?? found)
    .replace(/`threads: (\d+)`/g, '--threads $1')
    .replace(/, ([a-z]+:\/\/host:port) or \[host, port\]/g, ' or $1')
    .replace(/ To name a file, write \{ file: path \}\./, '');
}

/** The same error in the words of the command line. */
export function inCommandError(error: PealError, own: Readonly<Record<string, string>> = {}): PealError {
  const message = inCommandWords(error.message, own);
  if (message === error.message) return error;
  return new PealError(error.code, message, { origin: error.origin, retryable: error.retryable });
}
