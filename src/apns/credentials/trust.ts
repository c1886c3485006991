/**
 * The gateways that a program trusts. PEM certificates (`ca`), checked here because OpenSSL trusts nothing, and reports
 * nothing, where it finds no certificate. And public-key pins: `sha256/` and the SHA-256 of a public key
 * (SubjectPublicKeyInfo, DER) in base64, which transport/chain-pins compares with a gateway's chain. Checked with the
 * options of sessions, back-ends and commands, before anything is opened.
 */
import { Buffer } from 'node:buffer';
import { PealError } from '../../base/errors.js';
import { maxPins } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { optionError } from '../../base/options.js';
import { type KeyMaterial, readMaterial } from '../../push/credentials/key-material.js';
import { certificateIn, isCertificate, pemBlocks } from '../../push/credentials/pem.js';

/**
 * Returns the certificates in `value` as PEM, repaired. `name` begins sentences; for a session it is "The option ca".
 *
 * @throws PealError ERR_PEAL_OPTION
 */
export function readCertificates(name: string, value: KeyMaterial, log: Logger = silentLogger): string {
  try {
    const read = readMaterial('ca', value, log, false);
    const material = { ...read, name: read.option === null ? read.name : name };
    const certificates = pemBlocks(material).filter(isCertificate);
    if (certificates.length > 0) return certificates.map((pem) => String(certificateIn(pem, material.name))).join('');
  } catch (error) {
    if (!(error instanceof PealError)) throw error;
    throw optionError(error.marked);
  }
  throw optionError(`${name} holds no certificate: give the PEM of the authority that signed the gateway.`);
}

const pinForm = 'sha256/ and the SHA-256 of a public key in base64, 44 characters';

/**
 * Returns the checked pins. `name` is the caller's name for them.
 *
 * @throws PealError ERR_PEAL_OPTION that names the pin by its position, and does not repeat it: it might be anything
 */
export function checkPins(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw optionError(`${name} must be a list of one or more pins: ${pinForm}.`);
  }
  if (value.length > maxPins) throw optionError(`${name} holds ${value.length} pins, more than ${maxPins}.`);
  const wrong = value.findIndex((pin) => !isPin(pin));
  if (wrong >= 0) throw optionError(`${name}: pin ${wrong + 1} of ${value.length} is not valid. Expected ${pinForm}.`);
  return Object.freeze([...value]);
}

/** Also refuses base64 that no digest is written as, because such a pin would never match. */
function isPin(value: unknown): value is string {
  if (typeof value !== 'string' || !/^sha256\/[A-Za-z0-9+/]{43}=$/.test(value)) return false;
  const digest = value.slice('sha256/'.length);
  return Buffer.from(digest, 'base64').toString('base64') === digest;
}
