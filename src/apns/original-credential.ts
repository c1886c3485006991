/**
 * A client certificate by the parameters of the original library: `certString`, `certFile`, `keyString`, `keyFile` and
 * `passphrase`. Main thread, once for each credential; called by apns/load-credential.
 */
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { theOption } from '../base/wording.js';
import { type CertificateOptions, loadCertificate } from './certificate-credential.js';
import type { Credential } from './credential.js';
import { credentialError, type FileReference } from './key-material.js';

/** One of the two certificates, and at most one of the two keys; without a key it is looked for in the certificate. */
export interface OriginalCertificateOptions {
  /** The certificate as PEM text; may hold the private key, too. */
  readonly certString?: string;
  /** The PEM file that holds it. */
  readonly certFile?: string | URL;
  /** The private key as PEM text. */
  readonly keyString?: string;
  /** The PEM file that holds it. */
  readonly keyFile?: string | URL;
  /** Of an encrypted private key. */
  readonly passphrase?: string | FileReference;
}

export const originalNames: readonly string[] = ['certString', 'certFile', 'keyString', 'keyFile', 'passphrase'];

/** Throws ERR_PEAL_CREDENTIAL that names the parameter. */
export function loadOriginalCertificate(options: OriginalCertificateOptions, clock: Clock, log: Logger): Credential {
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

/** What one of two parameters gives, and which. */
function oneOf(
  options: OriginalCertificateOptions,
  asText: 'certString' | 'keyString',
  asFile: 'certFile' | 'keyFile',
): { readonly name: string; readonly value: string | FileReference } | null {
  const [text, file] = [options[asText], options[asFile]];
  if (text !== undefined && file !== undefined) {
    throw credentialError(`The options ${asText} and ${asFile} are both given: leave one out.`);
  }
  if (text !== undefined) {
    if (typeof text === 'string') return { name: asText, value: text };
    throw credentialError(`${theOption(asText)} must be PEM text; a file goes to ${asFile}.`);
  }
  if (file === undefined) return null;
  if (typeof file === 'string' || file instanceof URL) return { name: asFile, value: { file } };
  throw credentialError(`${theOption(asFile)} must be a path; PEM text goes to ${asText}.`);
}
