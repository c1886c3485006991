/**
 * The step about who is trusted: the certificates of `--ca`, and pins. Reads them as a session does. Main thread.
 */
import { X509Certificate } from 'node:crypto';
import { readCertificates } from '../../apns/credentials/trust.js';
import { gatewayCertificateWarningMs } from '../../base/limits.js';
import { counted } from '../../base/text.js';
import { theOption } from '../../base/wording.js';
import type { SessionOptions } from '../../session/options/session-options.js';
import { exitCodes } from '../shared/exit-codes.js';
import { failed, failedBy, ok, type Step, warning } from './step.js';

/** What streams are opened with. */
export interface Trust {
  /** PEM; null: the system's. */
  readonly ca: string | null;
  readonly pins: readonly string[] | null;
}

/** @returns trust is null where the certificates cannot be used */
export function examineTrust(
  link: Pick<SessionOptions, 'ca' | 'pins'>,
  nowMs: number,
): { readonly step: Step | null; readonly trust: Trust | null } {
  const pins = link.pins ?? null;
  const pinned = pins === null ? [] : [counted(pins.length, 'pin')];
  if (link.ca === undefined) {
    const found = `the certificates of this system, and ${pinned.join('')}`;
    return { step: pins === null ? null : ok('trust', found, { pins: pins.length }), trust: { ca: null, pins } };
  }
  let ca: string;
  try {
    ca = readCertificates(theOption('ca'), link.ca);
  } catch (error) {
    return { step: failedBy('trust', error, 'Give PEM certificates with --ca.'), trust: null };
  }
  return { step: judged(ca, pinned, nowMs), trust: { ca, pins } };
}

function judged(ca: string, pinned: readonly string[], nowMs: number): Step {
  const certificates = ca
    .split(/(?<=-----END CERTIFICATE-----)/)
    .filter((pem) => pem.includes('BEGIN'))
    .map((pem) => new X509Certificate(pem));
  const ends = certificates.map(({ validTo }) => Date.parse(validTo));
  const latest = Math.max(...ends);
  const until = new Date(latest).toISOString().slice(0, 10);
  const what = [counted(certificates.length, 'certificate'), ...pinned].join(' and ');
  const details = { certificates: certificates.length, expiresAt: new Date(latest).toISOString(), pins: pinned.length };
  if (latest <= nowMs) {
    const advice = 'Give the new certificate of that authority with --ca.';
    return failed(
      'trust',
      `every certificate of --ca has expired, the last on ${until}`,
      advice,
      exitCodes.stopped,
      details,
    );
  }
  const found = `${what} of --ca, valid until ${until}`;
  if (latest - nowMs > gatewayCertificateWarningMs) return ok('trust', found, details);
  return warning('trust', found, 'Give the new certificate of that authority with --ca before then.', details);
}
