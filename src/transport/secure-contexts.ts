/**
 * TLS contexts made from credentials, kept by (credential fingerprint, ca): making one parses keys and chains and
 * costs milliseconds, opening a connection should not. Owned by the TLS back-end; one per thread, because a context
 * does not cross threads.
 */
import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { PealError } from '../base/errors.js';
import { maxSecureContexts } from '../base/limits.js';
import { theOption } from '../base/wording.js';
import type { CertificateCredential } from '../push/credentials/credential.js';
import type { BackendCredential } from './backend.js';
import { type CredentialFor, TlsCredential } from './tls-credential.js';

/**
 * AES-128-GCM stands first: Node prefers AES-256, which costs 5 to 15 % more CPU for each notification. For TLS 1.2
 * only suites with forward secrecy and an AEAD, as RFC 9113 §9.2.2 asks.
 */
const cipherSuites = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export class SecureContexts {
  readonly #contexts = new Map<string, SecureContext>();
  readonly #credentialFor: CredentialFor;

  /** @param credentialFor how client certificates are held; by default in memory */
  constructor(credentialFor: CredentialFor = (certificate) => new TlsCredential(certificate)) {
    this.#credentialFor = credentialFor;
  }

  /**
   * The context for a client certificate (or none) and the certificates to trust (or the system's).
   * Throws PealError: ERR_PEAL_CREDENTIAL for a certificate or key, ERR_PEAL_OPTION for a `ca`, that cannot be used.
   */
  contextFor(certificate: CertificateCredential | null, ca: string | null): SecureContext {
    const credential = certificate === null ? null : this.#credentialFor(certificate);
    const key = `${credential?.digest ?? 'none'} ${ca === null ? 'system' : digestOf(ca)}`;
    const known = this.#contexts.get(key);
    if (known !== undefined) return known;
    const context = makeContext(credential, ca);
    if (this.#contexts.size >= maxSecureContexts) this.#dropOldest();
    this.#contexts.set(key, context);
    return context;
  }

  #dropOldest(): void {
    const oldest = this.#contexts.keys().next();
    if (oldest.done !== true) this.#contexts.delete(oldest.value);
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function makeContext(credential: BackendCredential | null, ca: string | null): SecureContext {
  const options: SecureContextOptions = { minVersion: 'TLSv1.2', ciphers: cipherSuites };
  if (ca !== null) {
    // OpenSSL silently trusts nothing when it finds no certificate; the error would then blame the gateway.
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) {
      throw new PealError(
        'ERR_PEAL_OPTION',
        `${theOption('ca')} holds no PEM certificate: give the text of a file that does.`,
        {
          origin: 'usage',
        },
      );
    }
    options.ca = ca;
  }
  try {
    return createSecureContext({ ...credential?.load(), ...options });
  } catch (error) {
    throw contextError(error, credential);
  }
}

/** OpenSSL's text names what failed and never quotes the key; it is not kept as the cause all the same. */
function contextError(error: unknown, credential: BackendCredential | null): PealError {
  const why = error instanceof Error ? error.message : String(error);
  if (credential === null) {
    return new PealError('ERR_PEAL_OPTION', `TLS cannot use \`ca\` (${why}): check the PEM certificates in it.`, {
      origin: 'usage',
    });
  }
  return new PealError(
    'ERR_PEAL_CREDENTIAL',
    `TLS cannot use the client certificate ${credential.digest.slice(0, 16)}… (${why}): ` +
      'check certificate, key and passphrase.',
    { origin: 'credential' },
  );
}
