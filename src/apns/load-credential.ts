/**
 * Turns what a program or a command line says about its credential into a checked `Credential`. Main thread; reads
 * files synchronously, once.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { type Logger, silentLogger } from '../base/log.js';
import { nearestName } from '../base/nearest-name.js';
import { option, theOption } from '../base/wording.js';
import { type CertificateOptions, loadCertificate } from './certificate-credential.js';
import { anonymousCredential, Credential } from './credential.js';
import { credentialError } from './key-material.js';
import { loadOriginalCertificate, type OriginalCertificateOptions, originalNames } from './original-credential.js';
import { loadPkcs12, type Pkcs12Options } from './pkcs12-credential.js';
import {
  type GivenTokenOptions,
  loadGivenToken,
  loadProviderKey,
  loadSigningHook,
  type ProviderKeyOptions,
  type SigningHookOptions,
} from './token-credential.js';

export type CredentialOptions =
  | CertificateOptions
  | Pkcs12Options
  | ProviderKeyOptions
  | SigningHookOptions
  | GivenTokenOptions
  | OriginalCertificateOptions;

/** What loading needs from outside. */
export interface LoadEnvironment {
  /** For the validity of certificates. Default: the system's. */
  readonly clock?: Clock;
  /** Told whose certificate is used, of keys that others may read and of certificates that end soon. Default: silent. */
  readonly log?: Logger;
}

/** The options of each kind; the first is the one that makes it this kind. */
const kinds: readonly { readonly names: readonly string[]; is(given: object): boolean }[] = [
  { names: ['pfx', 'passphrase', 'identity'], is: (given: object) => 'pfx' in given },
  { names: ['cert', 'key', 'passphrase', 'identity'], is: (given: object) => 'cert' in given },
  { names: ['providerToken'], is: (given: object) => 'providerToken' in given },
  { names: ['sign', 'keyId', 'teamId', 'publicKey', 'providerTokenFile'], is: (given: object) => 'sign' in given },
  {
    names: ['key', 'keyId', 'teamId', 'passphrase', 'providerTokenFile'],
    is: (given: object) => 'keyId' in given || 'teamId' in given,
  },
  { names: originalNames, is: (given: object) => originalNames.slice(0, 4).some((name) => name in given) },
];

/**
 * Loads and checks a credential.
 *
 * - `{ key, keyId, teamId }`: a provider-token key (.p8) as PEM text, bytes, `KeyObject` or `{ file }`; with
 *   `providerTokenFile` processes share one provider token;
 * - `{ sign, keyId, teamId, publicKey? }`: the same where a key service or a hardware module signs;
 * - `{ providerToken }`: provider tokens that are made elsewhere: a JWT, a function that returns it, or `{ file }`;
 * - `{ cert, key?, passphrase?, identity? }`: a client certificate as PEM text, bytes or `{ file }`; `identity` names the
 *   one to take where there are several;
 * - `{ certString | certFile, keyString? | keyFile?, passphrase? }`: the same by the original library's parameters;
 * - `{ pfx, passphrase?, identity? }`: a client certificate as PKCS#12 bytes, base64 or `{ file }`;
 * - `null`: none, for private gateways;
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
  if (options === null) return anonymousCredential;
  if (options instanceof Credential) return options;
  const clock = environment.clock ?? systemClock;
  const log = environment.log ?? silentLogger;
  switch (kindOf(options)) {
    case 0:
      return loadPkcs12(options as Pkcs12Options, clock, log);
    case 1:
      return loadCertificate(options as CertificateOptions, clock, log);
    case 2:
      return loadGivenToken(options as GivenTokenOptions, log);
    case 3:
      return loadSigningHook(options as SigningHookOptions, log);
    case 4:
      return loadProviderKey(options as ProviderKeyOptions, log);
    default:
      return loadOriginalCertificate(options as OriginalCertificateOptions, clock, log);
  }
}

/** The index in `kinds`; refuses what is no kind, or a mixture. */
function kindOf(options: unknown): number {
  if (typeof options !== 'object' || options === null) throw credentialError(`A credential is an object: ${allowed}`);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const index = kinds.findIndex((kind) => kind.is(given));
  if (index === -1) {
    throw credentialError(
      'key' in given ? 'A .p8 key needs its keyId and teamId; a certificate needs cert.' : `No credential: ${allowed}`,
    );
  }
  const { names } = kinds[index]!;
  const stranger = Object.keys(given).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    const meant = nearestName(stranger, names);
    const advice = meant === null || Object.hasOwn(given, meant) ? allowed : `did you mean ${meant}?`;
    throw credentialError(`${theOption(stranger)} does not go with ${option(names[0]!)}: ${advice}`);
  }
  return index;
}

const allowed =
  'give { key, keyId, teamId }, { sign, keyId, teamId }, { providerToken }, { cert, key, passphrase }, { pfx, passphrase }, or certString or certFile with keyString or keyFile.';
