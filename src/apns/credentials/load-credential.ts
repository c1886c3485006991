/**
 * Makes a checked `Credential` of the credential options of a program or a command line. Main thread; reads files
 * synchronously, once.
 */
import { type Clock, systemClock } from '../../base/clock.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { nearestName } from '../../base/nearest-name.js';
import { checkOptions, unchecked } from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { option, theOption } from '../../base/wording.js';
import { anonymousCredential, Credential } from '../../push/credentials/credential.js';
import { credentialError, type FileReference } from '../../push/credentials/key-material.js';
import { type CertificateOptions, loadCertificate } from './certificate-credential.js';
import { loadPkcs12, type Pkcs12Options } from './pkcs12-credential.js';
import {
  type GivenTokenOptions,
  loadGivenToken,
  loadProviderKey,
  loadSigningHook,
  type ProviderKeyOptions,
  type SigningHookOptions,
} from './token-credential.js';

/**
 * A client certificate by the parameters of the original library: one of the two certificates, and at most one of the
 * two keys. Without a key, the certificate must contain it.
 */
interface OriginalCertificateOptions {
  /** The certificate as PEM text. May hold the private key, too. */
  readonly certString?: string;
  /** The PEM file with the certificate. */
  readonly certFile?: string | URL;
  /** The private key as PEM text. */
  readonly keyString?: string;
  /** The PEM file with the private key. */
  readonly keyFile?: string | URL;
  /** The passphrase of an encrypted private key. */
  readonly passphrase?: string | FileReference;
}

export type CredentialOptions =
  | CertificateOptions
  | Pkcs12Options
  | ProviderKeyOptions
  | SigningHookOptions
  | GivenTokenOptions
  | OriginalCertificateOptions;

/** Dependencies of loading. */
interface LoadEnvironment {
  /** For the validity of certificates. Default: the system's clock. */
  readonly clock?: Clock;
  /**
   * Gets the name of the certificate in use, and warnings about keys that other users may read and certificates that
   * end soon. Default: silent.
   */
  readonly log?: Logger;
}

/** One form of a credential. */
interface CredentialKind {
  /** Its options. The first one tells it from the other forms. */
  readonly names: readonly string[];
  readonly is: (given: object) => boolean;
  readonly load: (options: never, clock: Clock, log: Logger) => Credential;
}

const originalNames: readonly string[] = ['certString', 'certFile', 'keyString', 'keyFile', 'passphrase'];

/** The first form that fits is used. */
const kinds: readonly CredentialKind[] = [
  { names: ['pfx', 'passphrase', 'identity'], is: (given) => 'pfx' in given, load: loadPkcs12 },
  { names: ['cert', 'key', 'passphrase', 'identity'], is: (given) => 'cert' in given, load: loadCertificate },
  {
    names: ['providerToken'],
    is: (given) => 'providerToken' in given,
    load: (options: GivenTokenOptions, _clock, log) => loadGivenToken(options, log),
  },
  {
    names: ['sign', 'keyId', 'teamId', 'publicKey', 'providerTokenFile'],
    is: (given) => 'sign' in given,
    load: (options: SigningHookOptions, _clock, log) => loadSigningHook(options, log),
  },
  {
    names: ['key', 'keyId', 'teamId', 'passphrase', 'providerTokenFile'],
    is: (given) => 'keyId' in given || 'teamId' in given,
    load: (options: ProviderKeyOptions, _clock, log) => loadProviderKey(options, log),
  },
  {
    names: originalNames,
    is: (given) => originalNames.slice(0, 4).some((name) => name in given),
    load: loadOriginalCertificate,
  },
];

const allNames = kinds.flatMap(({ names }) => names);

/**
 * Loads and checks a credential.
 *
 * - `{ key, keyId, teamId }`: a provider-token key (.p8) as PEM text, bytes, `KeyObject` or `{ file }`; with
 *   `providerTokenFile` processes share one provider token;
 * - `{ sign, keyId, teamId, publicKey? }`: the same with a key service or a hardware module that signs;
 * - `{ providerToken }`: provider tokens from elsewhere: a JWT, a function that returns it, or `{ file }`;
 * - `{ cert, key?, passphrase?, identity? }`: a client certificate as PEM text, bytes or `{ file }`; `identity` names
 * the
 *   one to take where there are several;
 * - `{ certString | certFile, keyString? | keyFile?, passphrase? }`: the same by the original library's parameters;
 * - `{ pfx, passphrase?, identity? }`: a client certificate as PKCS#12 bytes, base64 or `{ file }`;
 * - `null`: no credential, for private gateways;
 * - a `Credential` is returned as it is.
 *
 * @throws PealError ERR_PEAL_CREDENTIAL (origin `credential`): unreadable file, not PEM, missing or wrong passphrase,
 * key that does not belong to its certificate, certificate that is not valid now, outdated PKCS#12, key that is not
 * EC P-256, malformed key id or team id.
 */
export function loadCredential(
  options: CredentialOptions | Credential | null,
  environment: LoadEnvironment = {},
): Credential {
  checkOptions({ name: 'loadCredential' }, environment, { clock: unchecked, log: unchecked });
  if (options === null) return anonymousCredential;
  if (options instanceof Credential) return options;
  const clock = environment.clock ?? systemClock;
  const log = environment.log ?? silentLogger;
  return kindOf(options).load(options as never, clock, log);
}

/** Returns the form of `options`. Refuses unknown forms and mixtures. */
function kindOf(options: unknown): CredentialKind {
  if (typeof options !== 'object' || options === null)
    throw credentialError(`A credential must be an object: ${allowed}`);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const kind = kinds.find(({ is }) => is(given));
  const unknown = Object.keys(given).find((name) => !allNames.includes(name));
  const near =
    unknown === undefined ? null : (nearestName(unknown, kind?.names ?? []) ?? nearestName(unknown, allNames));
  if (unknown !== undefined && near !== null) {
    throw credentialError(`A credential has no option "${escapeUnprintable(unknown, 40)}": did you mean ${near}?`);
  }
  if (kind === undefined) {
    throw credentialError(
      'key' in given
        ? 'A .p8 key needs its keyId and teamId; a certificate needs cert.'
        : `The credential has no known option: ${allowed}`,
    );
  }
  const { names } = kind;
  const other = Object.keys(given).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw credentialError(`${theOption(other)} does not go with ${option(names[0]!)}: ${allowed}`);
  }
  return kind;
}

const allowed =
  'give { key, keyId, teamId }, { sign, keyId, teamId }, { providerToken }, { cert, key, passphrase }, { pfx, ' +
  'passphrase }, or certString or certFile with keyString or keyFile.';

/** Throws ERR_PEAL_CREDENTIAL that names the parameter. */
function loadOriginalCertificate(options: OriginalCertificateOptions, clock: Clock, log: Logger): Credential {
  const cert = oneOf(options, 'certString', 'certFile');
  const key = oneOf(options, 'keyString', 'keyFile');
  if (cert === null) {
    throw credentialError(`${theOption(key?.name ?? 'passphrase')} needs a certificate: give certString or certFile.`);
  }
  const passphrase = options.passphrase === undefined ? {} : { passphrase: options.passphrase };
  const given = { cert: cert.value, ...(key === null ? {} : { key: key.value }), ...passphrase } as CertificateOptions;
  const keyName = key?.name ?? (cert.name === 'certFile' ? 'keyFile' : 'keyString');
  return loadCertificate(given, clock, log, { cert: cert.name, key: keyName });
}

/** The one of two parameters that is given, and its value. */
function oneOf(
  options: OriginalCertificateOptions,
  asText: 'certString' | 'keyString',
  asFile: 'certFile' | 'keyFile',
): { readonly name: string; readonly value: string | FileReference } | null {
  const [text, file] = [options[asText], options[asFile]];
  if (text !== undefined && file !== undefined) {
    throw credentialError(`The options ${asText} and ${asFile} are both given: remove one.`);
  }
  if (text !== undefined) {
    if (typeof text === 'string') return { name: asText, value: text };
    throw credentialError(`${theOption(asText)} must be PEM text; a file goes to ${asFile}.`);
  }
  if (file === undefined) return null;
  if (typeof file === 'string' || file instanceof URL) return { name: asFile, value: { file } };
  throw credentialError(`${theOption(asFile)} must be a path; PEM text goes to ${asText}.`);
}
