/**
 * From the credential options of `peal send` to a loaded credential. Main thread; reads the files, once.
 * Secrets come from files or the environment, never from the command line, which every user of the machine can read.
 */
import type { Credential } from '../apns/credential.js';
import { type CredentialOptions, loadCredential } from '../apns/load-credential.js';
import { PealError } from '../base/errors.js';
import type { Logger } from '../base/log.js';
import { passphraseVariable, type SendOptions } from './send-options.js';
import type { Terminal } from './terminal.js';

/** Throws PealError ERR_PEAL_CREDENTIAL that names the file or option. */
export function loadSendCredential(options: SendOptions, env: Terminal['env'], log: Logger): Credential {
  const wanted = credentialOptions(options, env);
  try {
    return loadCredential(wanted, { log });
  } catch (error) {
    throw error instanceof PealError ? inOptionWords(error, options) : error;
  }
}

function credentialOptions(options: SendOptions, env: Terminal['env']): CredentialOptions | null {
  const { key, keyId, teamId, cert, certKey, pfx } = options;
  const passphrase = passphraseOf(options, env);
  if (key !== undefined) return { key: { file: key }, keyId: keyId!, teamId: teamId!, ...passphrase };
  if (pfx !== undefined) return { pfx: { file: pfx }, ...passphrase };
  if (cert === undefined) return null;
  return { cert: { file: cert }, ...(certKey === undefined ? {} : { key: { file: certKey } }), ...passphrase };
}

function passphraseOf(
  { passphraseFile }: SendOptions,
  env: Terminal['env'],
): { readonly passphrase?: string | { readonly file: string } } {
  if (passphraseFile !== undefined) return { passphrase: { file: passphraseFile } };
  const passphrase = env[passphraseVariable];
  return passphrase === undefined ? {} : { passphrase };
}

/** The same error, with the library's names for options put as they stand on the command line. */
function inOptionWords(error: PealError, options: SendOptions): PealError {
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
