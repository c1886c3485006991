/**
 * Makes a loaded credential of the credential options of a command. Main thread; reads the files, once. Secrets come
 * from files or the environment, never from the command line, which every user of the machine can read.
 */
import path from 'node:path';
import { type CredentialOptions, loadCredential } from '../../apns/credentials/load-credential.js';
import { PealError } from '../../base/errors.js';
import { type Logger, silentLogger } from '../../base/log.js';
import type { Credential } from '../../push/credentials/credential.js';
import { type CredentialFlags, materialOf, variableOf } from './credential-options.js';
import { pealVariable } from './peal-variables.js';
import { printNote, type Terminal } from './terminal.js';
import { inFlagWords } from './wording.js';

/** Warns on standard error unless `quiet`. Throws PealError ERR_PEAL_CREDENTIAL that names the file or option. */
export function loadCommandCredential(
  options: CredentialFlags & { readonly quiet?: boolean },
  terminal: Terminal,
): Credential {
  const wanted = credentialOf(options, terminal.env);
  const note = keyNameNote(options);
  if (note !== null && options.quiet !== true) printNote(terminal, note);
  try {
    return loadCredential(wanted, { log: credentialLog(options.quiet === true, terminal) });
  } catch (error) {
    throw inCredentialWords(error, options);
  }
}

/** The error in the words of these flags, where it is one of a credential. */
export function inCredentialWords(error: unknown, options: CredentialFlags): unknown {
  return error instanceof PealError ? inFlagWords(error, ownWords(options)) : error;
}

/** What the flags name, in the library's form; null where they name no credential. */
export function credentialOf(options: CredentialFlags, env: Terminal['env']): CredentialOptions | null {
  const { key, keyId, teamId, cert, certKey, pfx } = options;
  const { providerTokenFile: file } = options;
  if (key === undefined && file !== undefined) return { providerToken: { file } };
  if (key === undefined && pfx === undefined && cert === undefined) return null;
  const passphrase = passphraseOf(options, env);
  if (key !== undefined) {
    const ids = { keyId: keyId!, teamId: teamId!, ...(file === undefined ? {} : { providerTokenFile: file }) };
    return { key: materialOf('--key', key, env), ...ids, ...passphrase };
  }
  const shared = { ...passphrase, ...(options.identity === undefined ? {} : { identity: options.identity }) };
  if (pfx !== undefined) return { pfx: materialOf('--pfx', pfx, env), ...shared };
  const apart = certKey === undefined ? {} : { key: materialOf('--cert-key', certKey, env) };
  return { cert: materialOf('--cert', cert!, env), ...apart, ...shared };
}

function passphraseOf(
  { passphraseFile }: CredentialFlags,
  env: Terminal['env'],
): { readonly passphrase?: string | { readonly file: string } } {
  if (passphraseFile !== undefined) return { passphrase: { file: passphraseFile } };
  const passphrase = pealVariable('PEAL_PASSPHRASE', env);
  return passphrase === null ? {} : { passphrase };
}

/** Apple names the file of a key by its id. Returns null if the name fits `--key-id`, or is not such a name. */
export function keyNameNote({ key, keyId }: CredentialFlags): string | null {
  if (key === undefined || variableOf(key) !== null) return null;
  const name = path.basename(key);
  const [, named] = /^AuthKey_([A-Z0-9]{10})\.p8$/.exec(name) ?? [];
  if (named === undefined || named === keyId) return null;
  return `--key-id is ${keyId}, but the name of the file ${name} (--key) says ${named}: check which is right`;
}

/** Prints the name of the client certificate, as the first line of a run. Prints nothing for a key. */
export function printCertificate({ subject, expiresAt }: Credential, terminal: Terminal): void {
  if (subject === null || expiresAt === null) return;
  printNote(terminal, `client certificate ${subject}, valid until ${expiresAt.toISOString().slice(0, 10)}`);
}

/** Prints warnings about the credential (such as a key file that every user may read) on standard error. */
export function credentialLog(isQuiet: boolean, terminal: Terminal): Logger {
  const warn = (fields: object, message: string): void => {
    const file = 'file' in fields ? `${String(fields.file)}: ` : '';
    if (!isQuiet) printNote(terminal, `${file}${message}`);
  };
  return { ...silentLogger, warn };
}

/** Names of options in this case: an environment variable, and which of the two keys is meant. */
function ownWords({ key, cert, certKey, pfx }: CredentialFlags): Readonly<Record<string, string>> {
  const words: Record<string, string> = cert === undefined ? {} : { key: '--cert-key' };
  const given = { key: key ?? certKey, cert, pfx };
  for (const [name, value] of Object.entries(given)) {
    const variable = value === undefined ? null : variableOf(value);
    const flag = name === 'key' && cert !== undefined ? '--cert-key' : `--${name}`;
    if (variable !== null) words[name] = `environment variable ${variable} (${flag})`;
  }
  return words;
}
