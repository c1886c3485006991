/**
 * Loads a client certificate from PEM. Checks everything that would otherwise fail in the TLS handshake with an
 * unhelpful message. Main thread, once for each credential.
 */
import type { Clock } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { option } from '../../base/wording.js';
import type { PemBlock } from '../../push/credentials/armour.js';
import type { Credential } from '../../push/credentials/credential.js';
import {
  credentialError,
  type FileReference,
  type KeyMaterial,
  type Material,
  readMaterial,
  readPassphrase,
} from '../../push/credentials/key-material.js';
import { certificateIn, isCertificate, isPrivateKey, pemBlocks, privateKeyOf } from '../../push/credentials/pem.js';
import { checkIdentityName, chooseIdentity, identityCredential } from './identity.js';

/** A client certificate as PEM. */
export interface CertificateOptions {
  /** The certificate, with its chain if it has one. May hold the private key, too. */
  readonly cert: KeyMaterial;
  /** The private key. Default: the one within `cert`. */
  readonly key?: KeyMaterial;
  /** The passphrase of an encrypted private key. */
  readonly passphrase?: string | FileReference;
  /**
   * Which of several certificates with keys to use: its common name, its app (UID), its whole subject or its
   * fingerprint (SHA-1 or SHA-256, hex). Default: the only one.
   */
  readonly identity?: string;
}

/** The names of the program's options, for sentences about them. */
interface CertificateNames {
  readonly cert: string;
  readonly key: string;
}

const usualNames: CertificateNames = { cert: 'cert', key: 'key' };

/** Throws ERR_PEAL_CREDENTIAL with one sentence that says which option or file, what is wrong, and what to do. */
export function loadCertificate(
  options: CertificateOptions,
  clock: Clock,
  log: Logger,
  names: CertificateNames = usualNames,
): Credential {
  const passphrase = readPassphrase(options.passphrase, log);
  const isWithin = options.key === undefined;
  const material = readMaterial(names.cert, options.cert, log, isWithin);
  const blocks = pemBlocks(material);
  const keyMaterial = isWithin ? material : readMaterial(names.key, options.key, log, true);
  const keyBlocks = isWithin ? blocks : pemBlocks(keyMaterial);
  const certificates = readable(certificateBlocks(blocks, material), (pem) => certificateIn(pem, material.name));
  const keyPems = keysIn(keyBlocks, keyMaterial, isWithin ? names.key : null);
  const keys = readable(keyPems, (pem) => privateKeyOf(pem, passphrase, keyMaterial.name));
  const wanted = checkIdentityName(options.identity);
  const found = { keys: keys.values, certificates: certificates.values, wanted, name: material.name };
  const identity = chooseIdentity({ ...found, nowMs: clock.wallMs() });
  if (identity === null) {
    throw (
      certificates.problem ??
      keys.problem ??
      mismatch(certificates.values.length, keys.values.length, material, keyMaterial)
    );
  }
  return identityCredential(identity, { name: material.name, clock, log });
}

/** Returns what can be read of `pems`. If that is not enough, the first problem is thrown. */
function readable<Value>(
  pems: readonly PemBlock[],
  read: (pem: PemBlock) => Value,
): { readonly values: readonly Value[]; readonly problem: unknown } {
  const values: Value[] = [];
  let problem: unknown = null;
  for (const pem of pems) {
    try {
      values.push(read(pem));
    } catch (error) {
      problem ??= error;
    }
  }
  return { values, problem };
}

function certificateBlocks(blocks: readonly PemBlock[], material: Material): readonly PemBlock[] {
  const certificates = blocks.filter(isCertificate);
  if (certificates.length > 0) return certificates;
  throw credentialError(`${material.name} holds no certificate: give the PEM file that has "BEGIN CERTIFICATE".`);
}

/** `missingOption` names the option that could have given the key; null if it was given. */
function keysIn(blocks: readonly PemBlock[], material: Material, missingOption: string | null): readonly PemBlock[] {
  const pems = blocks.filter(isPrivateKey);
  if (pems.length > 0) return pems;
  const advice =
    missingOption === null
      ? 'give the PEM file that has "BEGIN PRIVATE KEY".'
      : `give the key as ${option(missingOption, 'option ')}.`;
  throw credentialError(`${material.name} holds no private key: ${advice}`);
}

function mismatch(certificates: number, keys: number, material: Material, keyMaterial: Material): PealError {
  const key = keys === 1 ? 'The private key does not belong' : `None of the ${keys} private keys belongs`;
  const certificate = certificates === 1 ? 'the certificate' : `any of the ${certificates} certificates`;
  const advice = 'use the key that the certificate was requested with';
  return credentialError(`${key} to ${certificate}${nameOfPair(material, keyMaterial)}: ${advice}.`);
}

function nameOfPair(certificate: Material, key: Material): string {
  return certificate === key
    ? ` beside it (${nameWithin(certificate)})`
    : ` (${nameWithin(certificate)}; ${nameWithin(key)})`;
}

/** The name of the material within a sentence. */
function nameWithin({ name, option: held }: Material): string {
  return held === null ? name.charAt(0).toLowerCase() + name.slice(1) : option(held, 'the option ');
}
