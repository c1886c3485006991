/**
 * PEM certificates to trust (`ca`), checked before anything is opened: OpenSSL trusts nothing, and says nothing, where it
 * finds none. Called with the options of sessions and back-ends.
 */
import { PealError } from '../base/errors.js';
import { type Logger, silentLogger } from '../base/log.js';
import { optionError } from '../base/options.js';
import { type KeyMaterial, readMaterial } from './key-material.js';
import { certificateIn, isCertificate, pemBlocks } from './pem.js';

/**
 * The certificates in `value` as PEM, their armour put in order. `name` begins sentences, and for a session is
 * "The option ca".
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
