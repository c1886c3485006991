/**
 * From the credential options of a command to a loaded credential. Main thread; reads the files, once.
 * Secrets come from files or the environment, never from the command line, which every user of the machine can read.
 */
import type { Credential } from '../apns/credential.js';
import { type CredentialOptions, loadCredential } from '../apns/load-credential.js';
import { PealError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/log.js';
import { type CredentialFlags, passphraseVariable } from './credential-options.js';
import { printNote, type Terminal } from './terminal.js';

/** Warns on standard error unless `quiet`. Throws PealError ERR_PEAL_CREDENTIAL that names the file or option. */
export function loadCommandCredential(
  options: CredentialFlags & { readonly quiet?: boolean },
  terminal: Terminal,
): Credential {
  const wanted = credentialOptions(options, terminal.env);
  try {
    return loadCredential(wanted, { log: credentialLog(options.quiet === true, terminal) });
  } catch (error) {
    throw error instanceof PealError ? inOptionWords(error, options) : error;
  }
}

function credentialOptions(options: CredentialFlags, env: Terminal['env']): CredentialOptions | null {
  const { key, keyId, teamId, cert, certKey, pfx } = options;
  const passphrase = passphraseOf(options, env);
  if (key !== undefined) return { key: { file: key }, keyId: keyId!, teamId: teamId!, ...passphrase };
  if (pfx !== undefined) return { pfx: { file: pfx }, ...passphrase };
  if (cert === undefined) return null;
  return { cert: { file: cert }, ...(certKey === undefined ? {} : { key: { file: certKey } }), ...passphrase };
}

function passphraseOf(
  { passphraseFile }: CredentialFlags,
  env: Terminal['env'],
): { readonly passphrase?: string | { readonly file: string } } {
  if (passphraseFile !== undefined) return { passphrase: { file: passphraseFile } };
  const passphrase = env[passphraseVariable];
  return passphrase === undefined ? {} : { passphrase };
}

/** Warnings about the credential (a key that everybody may read …) are for the person who runs the command. */
function credentialLog(isQuiet: boolean, terminal: Terminal): Logger {
  const warn = (fields: object, message: string): void => {
    const file = 'file' in fields ? `${String(fields.file)}: ` : '';
    if (!isQuiet) printNote(terminal, `${file}${message}`);
  };
  return { ...silentLogger, warn };
}

/** The same error, with the library's names for options put as they stand on the command line. */
function inOptionWords(error: PealError, options: CredentialFlags): PealError {
  const flags: Readonly<Record<string, string>> = {
    key: options.cert === undefined ? '--key' : '--cert-key',
    keyId: '--key-id',
    teamId: '--team-id',
    cert: '--cert',
    pfx: '--pfx',
    passphrase: `--passphrase-file or ${passphraseVariable}`,
  };
  const message = error.message
    .replace(/\boption (keyId|teamId|key|cert|pfx|passphrase)\b/g, (_text, name: string) => flags[name]!)
    .replace(/\bThe (?=--)/g, '');
  return new PealError(error.code, message, { origin: error.origin, retryable: error.retryable });
}
