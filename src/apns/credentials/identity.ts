/**
 * Finds the identity (a private key and the certificate that was issued for it) among all given keys and certificates,
 * in any order. Makes a credential of it if the certificate is valid now. Called while certificates are loaded, on
 * the main thread.
 */
import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import { maxShownNameCharacters } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { escapeUnprintable } from '../../base/text.js';
import { option, theOption } from '../../base/wording.js';
import type { CertificateScope } from '../../push/credentials/credential.js';
import { Credential } from '../../push/credentials/credential.js';
import { credentialError } from '../../push/credentials/key-material.js';
import { certificateScope } from './certificate-scope.js';

interface Identity {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
  /** The certificates that issued it, the nearest first, as far as they were given. */
  readonly chain: readonly X509Certificate[];
}

interface IdentityChoice {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly X509Certificate[];
  /** The value of the option `identity`, or null. */
  readonly wanted: string | null;
  /** Begins sentences: "The file push.p12 (option pfx)". */
  readonly name: string;
  readonly nowMs: number;
}

/**
 * Returns the identity that is named, or the only one. Of certificates renewed under the same key and name, the one
 * that ends last is used. Null if no key belongs to any certificate.
 *
 * @throws PealError ERR_PEAL_CREDENTIAL if several identities fit, or none has the name
 */
export function chooseIdentity({ keys, certificates, wanted, name, nowMs }: IdentityChoice): Identity | null {
  const pairs = keys.flatMap((key) =>
    certificates.filter((certificate) => certificate.checkPrivateKey(key)).map((certificate) => ({ key, certificate })),
  );
  if (pairs.length === 0) return null;
  const all = renewedOnes(pairs, nowMs);
  const named = wanted === null ? all : all.filter(({ certificate }) => isNamed(certificate, wanted));
  const list = all.map(({ certificate }) => `"${shownName(certificate)}"`).join(', ');
  if (named.length === 0) {
    throw credentialError(
      `${name} holds no certificate that fits ${option('identity', 'the option ')}: it has ${list}.`,
    );
  }
  if (named.length > 1) {
    const identity = option('identity', 'the option ');
    const which = wanted === null ? `name one of them with ${identity}` : `${identity} fits several`;
    throw credentialError(`${name} holds ${all.length} certificates with their keys (${list}): ${which}.`);
  }
  const { key, certificate } = named[0]!;
  return { key, certificate, chain: chainOf(certificate, certificates) };
}

/** The subject of a certificate, on one line and fit to be shown. */
export function subjectOf(certificate: X509Certificate): string {
  return escapeUnprintable((certificate.subject ?? '').replaceAll('\n', ', '), maxShownNameCharacters);
}

/** SHA-256 over the DER of a certificate, hex. */
export function fingerprintOf(certificate: X509Certificate): string {
  return createHash('sha256').update(certificate.raw).digest('hex');
}

type Pair = Pick<Identity, 'key' | 'certificate'>;

/**
 * One pair for each subject: the newest of a certificate and its renewals. Valid ones go before those not valid now.
 */
function renewedOnes(pairs: readonly Pair[], nowMs: number): readonly Pair[] {
  const bySubject = new Map<string, Pair>();
  const rank = ({ certificate: { validFrom, validTo } }: Pair): number => {
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    return from <= nowMs && nowMs < to ? to : to - Number.MAX_SAFE_INTEGER;
  };
  for (const pair of pairs) {
    const { subject } = pair.certificate;
    const known = bySubject.get(subject);
    if (known === undefined || rank(pair) > rank(known)) bySubject.set(subject, pair);
  }
  return [...bySubject.values()];
}

/**
 * Returns whether `wanted` is its common name, app (UID), whole subject or fingerprint. Case and the colons of
 * fingerprints do not matter.
 */
export function isNamed(certificate: X509Certificate, wanted: string): boolean {
  const asked = wanted.trim().toLowerCase();
  const names = [subjectOf(certificate), field(certificate, 'CN'), field(certificate, 'UID')];
  const prints = [certificate.fingerprint256, certificate.fingerprint].map((print) => print.replaceAll(':', ''));
  return (
    names.some((name) => name !== null && name.toLowerCase() === asked) ||
    prints.some((print) => print.toLowerCase() === asked.replaceAll(':', ''))
  );
}

function shownName(certificate: X509Certificate): string {
  const name = field(certificate, 'CN');
  return name === null ? subjectOf(certificate) : escapeUnprintable(name, maxShownNameCharacters);
}

function field({ subject }: X509Certificate, name: string): string | null {
  const line = (subject ?? '').split('\n').find((text) => text.startsWith(`${name}=`));
  return line === undefined ? null : line.slice(name.length + 1);
}

/** The chain of issuers of `leaf`, as far as it is among `others`. */
function chainOf(leaf: X509Certificate, others: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let at = leaf; chain.length < others.length; ) {
    const issuer = others.find((other) => other !== at && at.checkIssued(other) && !chain.includes(other));
    if (issuer === undefined || issuer.raw.equals(leaf.raw)) break;
    chain.push(issuer);
    at = issuer;
  }
  return chain;
}

/** What the loaders share: `name` begins sentences about the given material. */
export interface Loading {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A certificate that ends within this time causes a warning. */
const expiryWarningMs = 30 * 24 * 3_600_000;

/**
 * Makes the credential of a key and its certificate, as PEM. Throws ERR_PEAL_CREDENTIAL if the certificate is not valid
 * now.
 */
export function identityCredential({ key, certificate, chain }: Identity, loading: Loading): Credential {
  const expiresAt = checkCertificate(certificate, loading);
  return Credential.of({
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
    scope: scopeOf(certificate),
  });
}

/** What the certificate is for. */
export function scopeOf(certificate: X509Certificate): CertificateScope {
  return certificateScope(certificate.raw, field(certificate, 'UID'));
}

/**
 * Logs which certificate is used, and warns if it ends soon. Returns the time when it ends. Throws ERR_PEAL_CREDENTIAL.
 */
export function checkCertificate(certificate: X509Certificate, { name, clock, log }: Loading): Date {
  const from = new Date(certificate.validFrom);
  const to = new Date(certificate.validTo);
  const now = clock.wallMs();
  const subject = subjectOf(certificate);
  const { topics, environments } = scopeOf(certificate);
  // Also of one that is refused, so that its owner knows which one it is.
  log.debug({ subject, topics, environments, expiresAt: to.toISOString() }, 'client certificate read');
  if (now >= to.getTime()) {
    throw credentialError(`${name} holds a certificate that expired on ${to.toISOString()}: renew it.`);
  }
  if (now < from.getTime()) {
    throw credentialError(
      `${name} holds a certificate that is not valid before ${from.toISOString()}: check the clock of this machine.`,
    );
  }
  const fingerprint = fingerprintOf(certificate);
  log.info(
    { subject, fingerprint, expiresAt: to.toISOString(), ...(topics !== null && { topics }) },
    'client certificate loaded',
  );
  if (to.getTime() - now < expiryWarningMs) {
    log.warn({ subject, expiresAt: to.toISOString() }, 'the client certificate ends soon: renew it');
  }
  return to;
}

/** Returns the option `identity`, or null. Throws ERR_PEAL_CREDENTIAL. */
export function checkIdentityName(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw credentialError(`${theOption('identity')} must be the name or fingerprint of a certificate, as text.`);
}
