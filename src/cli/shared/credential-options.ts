/**
 * The options of the credential: files of keys, certificates and passphrases. Shared by the option tables of the
 * commands. Main thread.
 */
import { Option } from 'commander';
import { PealError } from '../../base/errors.js';
import { emptyVariableAdvice } from './peal-variables.js';
import { type Terminal, usageError } from './terminal.js';

/** These options, parsed. */
export interface CredentialFlags {
  readonly key?: string;
  readonly keyId?: string;
  readonly teamId?: string;
  readonly providerTokenFile?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly pfx?: string;
  readonly identity?: string;
  readonly passphraseFile?: string;
}

export function providerKeyOptions(): Option[] {
  const others = ['cert', 'certKey', 'pfx'];
  return [
    new Option('--key <file>', 'provider token key (.p8); env:NAME takes it from an environment variable').conflicts(
      others,
    ),
    new Option('--key-id <id>', 'id of the key, 10 characters').conflicts(others),
    new Option('--team-id <id>', 'id of the team, 10 characters').conflicts(others),
    new Option(
      '--provider-token-file <file>',
      'file in which all processes with this key share one provider token; without --key, the token is read from it',
    ).conflicts(others),
  ];
}

export function certificateOptions(): Option[] {
  return [
    new Option('--cert <file>', 'client certificate (PEM, or env:NAME)').conflicts('pfx'),
    new Option('--cert-key <file>', 'its private key (PEM, or env:NAME), unless it is in the same file').conflicts(
      'pfx',
    ),
    new Option('--pfx <file>', 'client certificate and key as PKCS#12; env:NAME: as base64'),
    new Option('--identity <name>', 'certificate to use if the file holds several: its name, app or fingerprint'),
    new Option('--passphrase-file <file>', 'file that holds the passphrase; or set PEAL_PASSPHRASE'),
  ];
}

/** Throws PealError ERR_PEAL_OPTION for a key without its ids, and for ids without a key. */
export function checkKeyFlags({ key, keyId, teamId }: CredentialFlags): void {
  if (key !== undefined && (keyId === undefined || teamId === undefined)) {
    throw usageError('--key needs --key-id and --team-id.');
  }
  if (key === undefined && (keyId !== undefined || teamId !== undefined)) {
    throw usageError('--key-id and --team-id go with --key FILE.p8, which is missing.');
  }
}

/** Throws PealError ERR_PEAL_OPTION where there is no credential for Apple's gateways. */
export function checkHasCredential({ key, cert, pfx, providerTokenFile }: CredentialFlags): void {
  if ([key, cert, pfx, providerTokenFile].some((given) => given !== undefined)) return;
  throw usageError("Apple's gateways need a credential: give --key, --cert or --pfx (or --provider-token-file).");
}

/** The rule between these options that commander does not know. Throws PealError ERR_PEAL_OPTION. */
export function checkCertificateFlags({ cert, certKey, pfx, identity }: CredentialFlags): void {
  if (certKey !== undefined && cert === undefined) {
    throw usageError('--cert-key goes with --cert FILE, which is missing.');
  }
  if (identity !== undefined && cert === undefined && pfx === undefined) {
    throw usageError('--identity goes with --cert FILE or --pfx FILE, which is missing.');
  }
}

/** The files that the flags name. The command must not overwrite them. */
export function credentialFiles(flags: CredentialFlags): string[] {
  const { key, cert, certKey, pfx, passphraseFile, providerTokenFile } = flags;
  return [...namedFiles([key, cert, certKey, pfx, passphraseFile]), ...namedFiles([providerTokenFile])];
}

/**
 * The files of a command that are read whole when its credentials are loaded. Those of the simulator are the other
 * side's.
 *
 * @param flags the options of the command, parsed
 */
export function smallFiles(command: string, flags: Readonly<Record<string, unknown>>): string[] {
  if (command === 'simulate') return [];
  const values = smallFileOptions.map((name) => flags[name]);
  return namedFiles(values.map((value) => (typeof value === 'string' ? value : undefined)));
}

const smallFileOptions: readonly string[] = [
  ...['key', 'cert', 'certKey', 'pfx', 'passphraseFile', 'ca', 'serviceAccount', 'sealKeyFile'],
];

/** The values that name a file, and not an environment variable. */
export function namedFiles(values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined).filter((value) => variableOf(value) === null);
}

/** Returns the name in `env:NAME`, or null for a file. */
export function variableOf(value: string): string | null {
  return value.startsWith('env:') ? value.slice('env:'.length) : null;
}

/**
 * Returns what `value` names in the library's form: the text of an environment variable, or a file.
 *
 * @throws PealError of `code`, if the variable is not set or empty
 */
export function materialOf(
  flag: string,
  value: string,
  env: Terminal['env'],
  code: 'ERR_PEAL_CREDENTIAL' | 'ERR_PEAL_OPTION' = 'ERR_PEAL_CREDENTIAL',
): string | { readonly file: string } {
  const name = variableOf(value);
  if (name === null) return { file: value };
  const text = /^[A-Za-z_]\w*$/.test(name) ? env[name] : undefined;
  if (text !== undefined && text.trim() !== '') return text;
  const problem = text === undefined ? 'is not set' : `is empty: ${emptyVariableAdvice}`;
  const origin = code === 'ERR_PEAL_OPTION' ? 'usage' : 'credential';
  // The text after env: may be a secret that was put there by mistake.
  const shown = /^(?:[A-Z_][A-Z0-9_]{0,39}|[a-z_][a-z0-9_]{0,39})$/.test(name) ? name : 'that env: names';
  throw new PealError(code, `${flag}: the environment variable ${shown} ${problem}.`, { origin });
}
