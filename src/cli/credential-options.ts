/**
 * The options that say who sends (or reads feedback): files of keys, certificates and passphrases. Shared by the option
 * tables of the commands. Main thread.
 */
import { Option } from 'commander';
import { usageError } from './terminal.js';

/** The environment variable that holds the passphrase of key, certificate or PKCS#12 file. */
export const passphraseVariable = 'PEAL_PASSPHRASE';

/** What commander makes of them. */
export interface CredentialFlags {
  readonly key?: string;
  readonly keyId?: string;
  readonly teamId?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly pfx?: string;
  readonly passphraseFile?: string;
}

export function providerKeyOptions(): Option[] {
  const others = ['cert', 'certKey', 'pfx'];
  return [
    new Option('--key <file>', 'provider token key (.p8)').conflicts(others),
    new Option('--key-id <id>', 'id of the key, 10 characters').conflicts(others),
    new Option('--team-id <id>', 'id of the team, 10 characters').conflicts(others),
  ];
}

export function certificateOptions(): Option[] {
  return [
    new Option('--cert <file>', 'client certificate (PEM)').conflicts('pfx'),
    new Option('--cert-key <file>', 'its private key (PEM), unless it is in the same file').conflicts('pfx'),
    new Option('--pfx <file>', 'client certificate and key as PKCS#12'),
    new Option('--passphrase-file <file>', `file that holds the passphrase; or set ${passphraseVariable}`),
  ];
}

/** The rule that commander does not know. Throws PealError ERR_PEAL_OPTION. */
export function checkCertificateFlags({ cert, certKey }: CredentialFlags): void {
  if (certKey === undefined || cert !== undefined) return;
  throw usageError('--cert-key goes with --cert FILE, which is missing.');
}

/** The files that they name: none may be overwritten. */
export function credentialFiles({ key, cert, certKey, pfx, passphraseFile }: CredentialFlags): string[] {
  return [key, cert, certKey, pfx, passphraseFile].filter((file) => file !== undefined);
}
