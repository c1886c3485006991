/**
 * From a chosen key and certificate to a credential: whether the certificate holds now, and whose it is. Main thread, once
 * for each credential; called by the loaders of certificates.
 */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { theOption } from '../base/wording.js';
import { Credential } from './credential.js';
import { fingerprintOf, type Identity, subjectOf } from './identity.js';
import { credentialError } from './key-material.js';

/** What loading goes by: `name` begins sentences about what was given. */
export interface Loading {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A certificate that ends within this time is warned about. */
const expiryWarningMs = 30 * 24 * 3_600_000;

/** The credential of a key and its certificate, as PEM. Throws ERR_PEAL_CREDENTIAL where the certificate does not hold now. */
export function identityCredential({ key, certificate, chain }: Identity, loading: Loading): Credential {
  const expiresAt = checkCertificate(certificate, loading);
  return new Credential({
    data: {
      kind: 'certificate',
      fingerprint: fingerprintOf(certificate),
      cert: [certificate, ...chain].map(String).join(''),
      key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
      pfx: null,
      passphrase: null,
    },
    subject: subjectOf(certificate),
    expiresAt,
  });
}

/** Says whose certificate is used, and warns of one that ends soon. Returns when it ends. Throws ERR_PEAL_CREDENTIAL. */
export function checkCertificate(certificate: X509Certificate, { name, clock, log }: Loading): Date {
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  const now = clock.wallMs();
  if (now >= to.getTime()) {
    throw credentialError(`${name} holds a certificate that expired on ${to.toISOString()}: renew it.`);
  }
  if (now < from.getTime()) {
    throw credentialError(
      `${name} holds a certificate that is not valid before ${from.toISOString()}: check the clock of this machine.`,
    );
  }
  const subject = subjectOf(certificate);
  const fingerprint = fingerprintOf(certificate);
  log.info({ subject, fingerprint, expiresAt: to.toISOString() }, 'client certificate loaded');
  if (to.getTime() - now < expiryWarningMs) {
    log.warn({ subject, expiresAt: to.toISOString() }, 'the client certificate ends soon: renew it');
  }
  return to;
}

/** The option `identity`, or null. Throws ERR_PEAL_CREDENTIAL. */
export function checkIdentityName(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw credentialError(`${theOption('identity')} must be the name or fingerprint of a certificate, as text.`);
}
