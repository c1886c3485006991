/**
 * Client certificates as the TLS back-end holds them: the material in memory, as it was loaded. Made by
 * SecureContexts, on the thread of the connection.
 */
import type { SecureContextOptions } from 'node:tls';
import type { CertificateCredential } from '../push/credentials/credential.js';
import type { BackendCredential } from './backend.js';

/** Makes a credential of what a session loaded; see {@link BackendCredential}. */
export type CredentialFor = (certificate: CertificateCredential) => BackendCredential;

export class TlsCredential implements BackendCredential {
  readonly #certificate: CertificateCredential;

  constructor(certificate: CertificateCredential) {
    this.#certificate = certificate;
  }

  get digest(): string {
    return this.#certificate.fingerprint;
  }

  load(): SecureContextOptions {
    const { cert, key, pfx, passphrase } = this.#certificate;
    return {
      ...(cert !== null && { cert }),
      ...(key !== null && { key }),
      ...(pfx !== null && { pfx: Buffer.from(pfx) }),
      ...(passphrase !== null && { passphrase }),
    };
  }

  dump(): string | null {
    return this.#certificate.cert;
  }
}
