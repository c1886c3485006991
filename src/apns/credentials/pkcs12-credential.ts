/**
 * Loads a client certificate from PKCS#12 through OpenSSL, which checks passphrase and integrity. Makes sure that the
 * certificate in use is the one that was asked for. Main thread, once for each credential.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { option, theOption } from '../../base/wording.js';
import { Credential } from '../../push/credentials/credential.js';
import { announcedLength, readDer, SEQUENCE } from '../../push/credentials/der.js';
import {
  credentialError,
  type FileReference,
  type Material,
  readMaterial,
  readPassphrase,
} from '../../push/credentials/key-material.js';
import {
  checkCertificate,
  checkIdentityName,
  chooseIdentity,
  fingerprintOf,
  identityCredential,
  isNamed,
  type Loading,
  scopeOf,
  subjectOf,
} from './identity.js';
import { readPkcs12 } from './pkcs12.js';

/** A client certificate with its key as PKCS#12 (.p12, .pfx). */
export interface Pkcs12Options {
  /** Bytes, or a file. Text is read as base64. */
  readonly pfx: Uint8Array | string | FileReference;
  readonly passphrase?: string | FileReference;
  /** Which of several certificates to use, as in {@link CertificateOptions}. */
  readonly identity?: string;
}

/** Throws ERR_PEAL_CREDENTIAL with one sentence that says which option or file, what is wrong, and what to do. */
export function loadPkcs12(options: Pkcs12Options, clock: Clock, log: Logger): Credential {
  const passphrase = readPassphrase(options.passphrase, log);
  const wanted = checkIdentityName(options.identity);
  const material = binaryMaterial(readMaterial('pfx', asBytes(options.pfx), log, true));
  const der = certificateOf(openPkcs12(material, passphrase));
  const contents = readPkcs12(material.bytes, passphrase);
  const loading = { name: material.name, clock, log };
  if (contents !== null) {
    const identity = chooseIdentity({ ...contents, wanted, name: material.name, nowMs: clock.wallMs() });
    // With a single key OpenSSL can choose no other, so the file is used as it is.
    if (identity !== null && contents.keys.length > 1) return identityCredential(identity, loading);
  }
  const leaf = der === null ? null : new X509Certificate(der);
  if (contents === null && wanted !== null) checkName(leaf, wanted, material.name);
  return asItIs(material, leaf, { passphrase, loading });
}

/**
 * For a file that only OpenSSL can read: the certificate that it chose must be the named one, or the file is refused.
 */
function checkName(leaf: X509Certificate | null, wanted: string, name: string): void {
  if (leaf !== null && isNamed(leaf, wanted)) return;
  const holds = leaf === null ? '' : `, as far as can be seen: it has "${subjectOf(leaf)}"`;
  throw credentialError(`${name} holds no certificate that fits ${option('identity', 'the option ')}${holds}.`);
}

function asItIs(
  { bytes }: Material,
  leaf: X509Certificate | null,
  { passphrase, loading }: { readonly passphrase: string | null; readonly loading: Loading },
): Credential {
  const shared = { kind: 'certificate', cert: null, key: null, pfx: new Uint8Array(bytes), passphrase } as const;
  if (leaf === null) {
    const fingerprint = createHash('sha256').update(bytes).digest('hex');
    return Credential.of({ data: { ...shared, fingerprint } });
  }
  const expiresAt = checkCertificate(leaf, loading);
  return Credential.of({
    data: { ...shared, fingerprint: fingerprintOf(leaf) },
    subject: subjectOf(leaf),
    expiresAt,
    scope: scopeOf(leaf),
  });
}

/** Text may be base64, or bytes that were decoded as Latin-1. */
function asBytes(pfx: unknown): unknown {
  if (typeof pfx !== 'string') return pfx;
  if (pfx.includes('\ufffd')) {
    throw credentialError(
      `${theOption('pfx')} was read as text, which damages PKCS#12: read the file without an encoding.`,
    );
  }
  return Buffer.from(pfx, /^[\0-\xff]*$/.test(pfx) ? 'latin1' : 'utf8');
}

/** Decodes base64, because secret stores hold only text. */
function binaryMaterial(material: Material): Material {
  const { bytes, name } = material;
  if (readDer(bytes)?.tag === SEQUENCE) return material;
  const text = bytes.toString('latin1').replace(/[\s"']+|\\+[nr]/g, '');
  if (text === '') throw credentialError(`${name} is empty: check that the environment variable it comes from is set.`);
  if (text.length < 40 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return material;
  const decoded = Buffer.from(text, 'base64');
  if (decoded[0] !== SEQUENCE) return material;
  if (decoded.length < announcedLength(decoded)) {
    throw credentialError(`${name} is base64 of a PKCS#12 file that is cut off: give the whole of it.`);
  }
  return { ...material, bytes: decoded };
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
      '"umask 077; openssl pkcs12 -legacy -in OLD.p12 -nodes -out NEW.pem", and give NEW.pem, whose key is not ' +
      `encrypted, as ${option('cert', 'option ')}.`
    );
  }
  if (/mac verify/i.test(said)) {
    return passphrase === null
      ? 'is protected: give its passphrase.'
      : 'cannot be opened with this passphrase: check the passphrase.';
  }
  if (/private key/i.test(said)) return 'holds no private key: export the certificate together with its key.';
  if (/load certificate/i.test(said)) return 'holds no certificate that belongs to its key: export both together.';
  if (material.bytes.includes('-----BEGIN ')) return `is PEM, not PKCS#12: give it as ${option('cert', 'option ')}.`;
  return 'is not PKCS#12: give the .p12 or .pfx file as it was exported, or its bytes or base64.';
}

/** The certificate that OpenSSL chose, as DER; null where this version of Node does not tell. */
function certificateOf(context: SecureContext): Uint8Array | null {
  const native = context.context as { getCertificate?: () => Uint8Array | null } | undefined;
  return native?.getCertificate?.() ?? null;
}
