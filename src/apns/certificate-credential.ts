/**
 * Loads a client certificate: from PEM, or from PKCS#12 through OpenSSL. Everything that would otherwise fail in the
 * TLS handshake, in words that help nobody, is checked here. Main thread, once for each credential.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { Credential } from './credential.js';
import type { FileReference } from './key-material.js';
import { credentialError, type KeyMaterial, type Material, readMaterial, readPassphrase } from './key-material.js';
import { isPrivateKey, type PemBlock, pemBlocks, privateKeyOf } from './pem.js';

/** A client certificate as PEM. */
export interface CertificateOptions {
  /** The certificate, with its chain if there is one; may hold the private key, too. */
  readonly cert: KeyMaterial;
  /** The private key. Default: the one within `cert`. */
  readonly key?: KeyMaterial;
  /** Of an encrypted private key. */
  readonly passphrase?: string | FileReference;
}

/** What the program called its options, for sentences about them. */
export interface CertificateNames {
  readonly cert: string;
  readonly key: string;
}

const usualNames: CertificateNames = { cert: 'cert', key: 'key' };

/** A client certificate with its key as PKCS#12 (.p12, .pfx). */
export interface Pkcs12Options {
  readonly pfx: Uint8Array | FileReference;
  readonly passphrase?: string | FileReference;
}

/** A certificate that ends within this time is warned about. */
const expiryWarningMs = 30 * 24 * 3_600_000;

/** Throws ERR_PEAL_CREDENTIAL with one sentence that says which option or file, what is wrong, and what to do. */
export function loadCertificate(
  options: CertificateOptions,
  clock: Clock,
  log: Logger,
  names: CertificateNames = usualNames,
): Credential {
  const passphrase = readPassphrase(options.passphrase, log);
  const material = readMaterial(names.cert, options.cert, log, options.key === undefined);
  const blocks = pemBlocks(material);
  const certificates = blocks.filter((pem) => pem.label.endsWith('CERTIFICATE'));
  const leaf = parseCertificate(certificates, material);
  const keyMaterial = options.key === undefined ? material : readMaterial(names.key, options.key, log, true);
  const isWithin = options.key === undefined;
  const keyPem = findKey(isWithin ? blocks : pemBlocks(keyMaterial), keyMaterial, isWithin ? names.key : null);
  const key = privateKeyOf(keyPem, passphrase, keyMaterial.name);
  if (!leaf.checkPrivateKey(key)) {
    throw credentialError(
      `The private key does not belong to the certificate${nameOfPair(material, keyMaterial)}: use the key that the certificate was requested with.`,
    );
  }
  const expiresAt = checkValidity(leaf, material.name, clock, log);
  return new Credential({
    data: {
      kind: 'certificate',
      fingerprint: sha256(leaf.raw),
      cert: `${certificates.map((pem) => pem.text).join('\n')}\n`,
      key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
      pfx: null,
      passphrase: null,
    },
    expiresAt,
  });
}

/** Throws like {@link loadCertificate}. */
export function loadPkcs12(options: Pkcs12Options, clock: Clock, log: Logger): Credential {
  const passphrase = readPassphrase(options.passphrase, log);
  if (typeof options.pfx === 'string') {
    throw credentialError('The option pfx must be bytes or { file: path }: PKCS#12 is binary.');
  }
  const material = readMaterial('pfx', options.pfx, log, true);
  const der = certificateOf(openPkcs12(material, passphrase));
  const leaf = der === null ? null : new X509Certificate(der);
  const expiresAt = leaf === null ? null : checkValidity(leaf, material.name, clock, log);
  return new Credential({
    data: {
      kind: 'certificate',
      fingerprint: sha256(leaf?.raw ?? material.bytes),
      cert: null,
      key: null,
      pfx: new Uint8Array(material.bytes),
      passphrase,
    },
    ...(expiresAt === null ? {} : { expiresAt }),
  });
}

function parseCertificate(certificates: readonly PemBlock[], material: Material): X509Certificate {
  const first = certificates[0];
  if (first === undefined) {
    throw credentialError(`${material.name} holds no certificate: give the PEM file that has "BEGIN CERTIFICATE".`);
  }
  try {
    return new X509Certificate(first.text);
  } catch {
    throw credentialError(`${material.name} holds a certificate that cannot be read: it is damaged.`);
  }
}

/** `missingOption` names the option that could have given the key; null where it was given. */
function findKey(blocks: readonly PemBlock[], material: Material, missingOption: string | null): PemBlock {
  const pem = blocks.find(isPrivateKey);
  if (pem !== undefined) return pem;
  const advice =
    missingOption === null
      ? 'give the PEM file that has "BEGIN PRIVATE KEY".'
      : `give the key as option ${missingOption}.`;
  throw credentialError(`${material.name} holds no private key: ${advice}`);
}

function nameOfPair(certificate: Material, key: Material): string {
  return certificate === key
    ? ` beside it (${lowerFirst(certificate.name)})`
    : ` (${lowerFirst(certificate.name)}; ${lowerFirst(key.name)})`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function checkValidity(certificate: X509Certificate, name: string, clock: Clock, log: Logger): Date {
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
  if (to.getTime() - now < expiryWarningMs) {
    log.warn({ expiresAt: to.toISOString() }, 'the client certificate ends soon: renew it');
  }
  return to;
}

function openPkcs12(material: Material, passphrase: string | null): SecureContext {
  try {
    return createSecureContext({ pfx: material.bytes, ...(passphrase === null ? {} : { passphrase }) });
  } catch (error) {
    throw credentialError(`${material.name} ${pkcs12Problem((error as Error).message, material, passphrase)}`);
  }
}

function pkcs12Problem(said: string, material: Material, passphrase: string | null): string {
  if (/unsupported/i.test(said)) {
    return (
      'is PKCS#12 with an old encryption (RC2) that this version of OpenSSL no longer reads: convert it with ' +
      '"openssl pkcs12 -legacy -in OLD.p12 -nodes -out PUSH.pem", then ' +
      '"openssl pkcs12 -export -in PUSH.pem -out NEW.p12", and delete PUSH.pem, which holds the key in the clear.'
    );
  }
  if (/mac verify/i.test(said)) {
    return passphrase === null
      ? 'is protected: give its passphrase.'
      : 'is not opened by the passphrase: check the passphrase.';
  }
  if (/private key/i.test(said)) return 'holds no private key: export the certificate together with its key.';
  if (/load certificate/i.test(said)) return 'holds no certificate that belongs to its key: export both together.';
  if (material.bytes.includes('-----BEGIN ')) return 'is PEM, not PKCS#12: give it as option cert.';
  return 'is not PKCS#12: give the .p12 or .pfx file as it was exported.';
}

/** The certificate that OpenSSL chose, as DER; null where this version of Node does not say. */
function certificateOf(context: SecureContext): Uint8Array | null {
  const native = context.context as { getCertificate?: () => Uint8Array | null } | undefined;
  return native?.getCertificate?.() ?? null;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
