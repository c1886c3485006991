/**
 * The sender's identity: a certificate or a provider-token key, loaded, checked and reduced to plain data for the
 * threads. Made by apns/credentials/load-credential on the main thread. Its `data` goes to the shards; its signing
 * key stays.
 */
import type { KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import type { Environment } from '../address.js';
import type { TokenOrigin } from './token-origin.js';

/** What a push certificate is for, as far as it says so itself. */
export interface CertificateScope {
  /** Null where the certificate does not list them: then APNs alone knows. */
  readonly topics: readonly string[] | null;
  /** Null where the certificate does not say. */
  readonly environments: readonly Environment[] | null;
}

/**
 * A client certificate, ready for `tls.createSecureContext`. Crosses threads by structured clone. `cert` and `key` are
 * PEM; `pfx` is PKCS#12. Either `pfx` is given, or `cert` and `key`.
 */
export interface CertificateCredential {
  readonly kind: 'certificate';
  /** SHA-256 over the certificate's DER, hex: names the credential in pools and logs. Not a secret. */
  readonly fingerprint: string;
  /** The certificate, with its chain if one was given. */
  readonly cert: string | null;
  /** The private key as PKCS#8, already decrypted. */
  readonly key: string | null;
  readonly pfx: Uint8Array | null;
  /** The passphrase of `pfx`; null with `cert` and `key`. */
  readonly passphrase: string | null;
}

/**
 * Token authentication as a shard knows it: a name for the signing key, never the key itself. The dispatcher's thread
 * mints the provider token and gives it to the shards separately.
 */
interface TokenCredential {
  readonly kind: 'token';
  /** SHA-256 over team id, key id and public key, hex. Not a secret. */
  readonly fingerprint: string;
}

/** No client authentication: private gateways and tests. */
interface AnonymousCredential {
  readonly kind: 'none';
  readonly fingerprint: 'none';
}

export type CredentialData = CertificateCredential | TokenCredential | AnonymousCredential;

/** The parts of a credential that may be shown: `inspect` and `toJSON` give these. */
export interface CredentialSummary {
  readonly kind: CredentialData['kind'];
  readonly fingerprint: string;
  readonly keyId: string | null;
  readonly teamId: string | null;
  /**
   * The subject of the certificate, such as `CN=Apple Push Services: com.example.app, UID=com.example.app`; null
   * without a certificate.
   */
  readonly subject: string | null;
  /** When the certificate ends, as ISO 8601; null without a certificate. */
  readonly expiresAt: string | null;
  /** The topics that the certificate lists; null without a certificate, or where it lists none. */
  readonly topics: readonly string[] | null;
  /** The environments that the certificate is for; null without a certificate, or where it does not say. */
  readonly environments: readonly Environment[] | null;
}

/** What a credential is made of; see the loaders in this folder. */
interface CredentialParts {
  readonly data: CredentialData;
  readonly signingKey?: KeyObject;
  /** The source of provider tokens that are not simply signed by `signingKey`. */
  readonly tokenOrigin?: TokenOrigin;
  readonly keyId?: string;
  readonly teamId?: string;
  readonly subject?: string;
  readonly expiresAt?: Date;
  readonly scope?: CertificateScope;
}

/**
 * A loaded and checked credential. Immutable, and safe to log: neither `inspect` nor `JSON.stringify` shows more than a
 * {@link CredentialSummary}. Two credentials with equal fingerprints are the same.
 */
export class Credential {
  readonly #data: CredentialData;
  readonly #signingKey: KeyObject | null;
  readonly #tokenOrigin: TokenOrigin | null;
  readonly #keyId: string | null;
  readonly #teamId: string | null;
  readonly #subject: string | null;
  readonly #expiresAtMs: number | null;
  readonly #scope: CertificateScope | null;

  private constructor(parts: CredentialParts) {
    this.#data = hideSecrets(parts.data);
    this.#signingKey = parts.signingKey ?? null;
    this.#tokenOrigin = parts.tokenOrigin ?? null;
    this.#keyId = parts.keyId ?? null;
    this.#teamId = parts.teamId ?? null;
    this.#subject = parts.subject ?? null;
    this.#expiresAtMs = parts.expiresAt?.getTime() ?? null;
    this.#scope = parts.scope ?? null;
  }

  /** @internal for the loaders in this folder: programs call `loadCredential` */
  static of(parts: CredentialParts): Credential {
    return new Credential(parts);
  }

  get kind(): CredentialData['kind'] {
    return this.#data.kind;
  }

  /** Names the credential in pools and logs; 64 hex digits, or `none`. */
  get fingerprint(): string {
    return this.#data.fingerprint;
  }

  /** The key id of a provider-token key, 10 characters; null for other credentials. */
  get keyId(): string | null {
    return this.#keyId;
  }

  /** The team id of a provider-token key, 10 characters; null for other credentials. */
  get teamId(): string | null {
    return this.#teamId;
  }

  /**
   * The subject of the certificate, on one line; null without a certificate, or where this version of Node does not
   * tell.
   */
  get subject(): string | null {
    return this.#subject;
  }

  /** When the certificate ends; null without a certificate. */
  get expiresAt(): Date | null {
    return this.#expiresAtMs === null ? null : new Date(this.#expiresAtMs);
  }

  /**
   * The topics that the certificate lists (`com.example.app`, `com.example.app.voip` …); null without a certificate, or
   * where it does not list them.
   */
  get topics(): readonly string[] | null {
    return this.#scope?.topics ?? null;
  }

  /** The environments that the certificate is for; null without a certificate, or where it does not say. */
  get environments(): readonly Environment[] | null {
    return this.#scope?.environments ?? null;
  }

  /**
   * What a shard needs, for structured clone. Holds the private key of a certificate: never log a clone of it.
   *
   * @internal for routes
   */
  get data(): CredentialData {
    return this.#data;
  }

  /**
   * The key that signs provider tokens; null without such a key.
   *
   * @internal for apns/credentials/provider-token
   */
  get signingKey(): KeyObject | null {
    return this.#signingKey;
  }

  /**
   * The source of its provider tokens; null where `signingKey` signs them, or there are none.
   *
   * @internal for apns/credentials/provider-token
   */
  get tokenOrigin(): TokenOrigin | null {
    return this.#tokenOrigin;
  }

  /**
   * Returns the same credential with its provider tokens from `tokenOrigin`. It has no signing key any more.
   *
   * @internal for cluster/tokens
   */
  withTokenOrigin(tokenOrigin: TokenOrigin): Credential {
    const { keyId, teamId } = this;
    return new Credential({
      data: this.#data,
      tokenOrigin,
      ...(keyId !== null && { keyId }),
      ...(teamId !== null && { teamId }),
    });
  }

  toJSON(): CredentialSummary {
    const expiresAt = this.expiresAt?.toISOString() ?? null;
    const { kind, fingerprint, keyId, teamId, subject, topics, environments } = this;
    return { kind, fingerprint, keyId, teamId, subject, expiresAt, topics, environments };
  }

  [inspect.custom](): string {
    return `Credential ${inspect(this.toJSON(), { breakLength: Number.POSITIVE_INFINITY })}`;
  }
}

/** No client authentication: for private gateways and tests. */
export const anonymousCredential: Credential = Credential.of({ data: { kind: 'none', fingerprint: 'none' } });

/**
 * Makes `inspect` and `JSON.stringify` show only the kind and fingerprint of `data`, and freezes it. Structured clone
 * loses this: a thread that keeps a clone calls this function again.
 */
export function hideSecrets<Data extends CredentialData>(data: Data): Data {
  const shown = { kind: data.kind, fingerprint: data.fingerprint };
  const guarded = { ...data };
  Object.defineProperty(guarded, inspect.custom, { value: () => shown });
  Object.defineProperty(guarded, 'toJSON', { value: () => shown });
  return Object.freeze(guarded);
}
