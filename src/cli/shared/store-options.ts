/**
 * The options by which a command finds its store of credentials. Shared by the commands that read or change one; main
 * thread. A password comes from the environment only, because every user of the machine can read a command line.
 */
import { Option } from 'commander';
import type { CredentialStore } from '../../credentials/kinds/credential-store.js';
import { openCredentialStore } from '../../credentials/open-credential-store.js';
import { credentialLog } from './command-credential.js';
import { pealVariable } from './peal-variables.js';
import { type Terminal, usageError } from './terminal.js';

/** These options, parsed. */
export interface StoreFlags {
  readonly store?: string;
  readonly sealKeyFile?: string;
  readonly quiet?: boolean;
}

export function storeOptions(): Option[] {
  return [
    new Option('--store <url>', 'file:FOLDER, env:, postgres://HOST/DATABASE or redis://HOST (or PEAL_CREDENTIALS)'),
    new Option('--seal-key-file <file>', 'keys that a database keeps secrets sealed with (or PEAL_SEAL_KEY)'),
  ];
}

/**
 * Opens the store that the options name.
 *
 * @throws PealError ERR_PEAL_OPTION (no store, no sealing key), ERR_PEAL_CREDENTIAL (sealing keys), ERR_PEAL_STORE
 */
export async function openCommandStore(flags: StoreFlags, terminal: Terminal): Promise<CredentialStore> {
  const { store, sealKeyFile, quiet = false } = flags;
  const { env } = terminal;
  if (store !== undefined && /^[a-z]+:\/\/[^/@]*:[^/@]+@/i.test(store)) {
    throw usageError(
      '--store: a password on the command line can be read by others. Give the URL as PEAL_CREDENTIALS instead.',
    );
  }
  const url = store ?? pealVariable('PEAL_CREDENTIALS', env)?.trim() ?? null;
  if (url === null) throw usageError('no store of credentials is given. Give --store URL, or set PEAL_CREDENTIALS.');
  const isSealed = /^(postgres|postgresql|redis|rediss):/i.test(url);
  const keys = sealKeyFile === undefined ? null : { file: sealKeyFile };
  const sealKeys = keys ?? (isSealed ? pealVariable('PEAL_SEAL_KEY', env) : null);
  const log = credentialLog(quiet, terminal);
  return openCredentialStore(url, { env, log, ...(sealKeys !== null && { sealKeys }) });
}
