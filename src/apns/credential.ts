/**
 * Who sends: a certificate or a provider-token key, loaded, checked and reduced to plain data for the threads.
 */

/**
 * A client certificate, ready for `tls.createSecureContext`. Crosses threads by structured clone.
 * `cert`/`key` are PEM; `pfx` is PKCS#12. Either `pfx`, or `cert` and `key`.
 */
export interface CertificateCredential {
  readonly kind: 'certificate';
  /** SHA-256 over the certificate's DER, hex: names the credential in pools and logs. No secret. */
  readonly fingerprint: string;
  readonly cert: string | null;
  readonly key: string | null;
  readonly pfx: Uint8Array | null;
  readonly passphrase: string | null;
}

/**
 * Token authentication as a shard sees it: never the signing key, only a name for it. The provider token itself
 * is minted by the dispatcher's thread and handed to the shards apart.
 */
export interface TokenCredential {
  readonly kind: 'token';
  /** SHA-256 over team id, key id and public key, hex. No secret. */
  readonly fingerprint: string;
}

/** No client authentication: private gateways and tests. */
export interface AnonymousCredential {
  readonly kind: 'none';
  readonly fingerprint: 'none';
}

export type CredentialData = CertificateCredential | TokenCredential | AnonymousCredential;
