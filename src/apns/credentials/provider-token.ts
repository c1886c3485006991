/**
 * Mints provider tokens: ES256 JWTs (RFC 7519, RFC 7518 §3.4) that name team and key. One token serves all connections,
 * threads and sessions of a process that share a key, because APNs answers TooManyProviderTokenUpdates when it sees a
 * second one within 20 minutes. Lives on the main thread; shards get the finished token.
 *
 * Source: "Establishing a token-based connection to APNs".
 */
import { Buffer } from 'node:buffer';
import { type KeyObject, sign } from 'node:crypto';
import { inspect } from 'node:util';
import { type Clock, systemClock } from '../../base/clock.js';
import { maxProviderTokens, providerTokenLifetimeMs, providerTokenMinAgeMs } from '../../base/limits.js';
import type { Credential } from '../../push/credentials/credential.js';
import { credentialError } from '../../push/credentials/key-material.js';
import { TokenKeeper } from '../../push/credentials/token-keeper.js';
import type { TokenOrigin } from '../../push/credentials/token-origin.js';
import { joinToken, signingInput } from './jwt.js';

/** A provider token. Its holder can push for an hour, so `inspect` and JSON show only its time. */
interface ProviderToken {
  /** The JWT, without "bearer ". */
  readonly token: string;
  /** When it was minted, on the clock's monotonic scale (`Clock.now`), in milliseconds. */
  readonly mintedAt: number;
}

/**
 * The provider token of one key. Age is measured on the monotonic clock, so a step of the wall clock neither renews a
 * token too soon nor keeps it too long; only the token's `iat` is wall-clock time.
 */
export class ProviderTokenMinter {
  readonly #clock: Clock;
  readonly #signingKey: KeyObject;
  readonly #keyId: string;
  readonly #teamId: string;
  #current: ProviderToken | null = null;
  #mintedWallMs = 0;

  /** @throws PealError ERR_PEAL_CREDENTIAL if the credential is not a provider-token key */
  constructor(credential: Credential, clock: Clock = systemClock) {
    const { signingKey, keyId, teamId } = credential;
    if (signingKey === null || keyId === null || teamId === null) {
      throw credentialError('Provider tokens need a credential of the form { key, keyId, teamId }.');
    }
    this.#clock = clock;
    this.#signingKey = signingKey;
    this.#keyId = keyId;
    this.#teamId = teamId;
  }

  /** Returns the token to send with now: the same one until it is 50 minutes old, then a new one. */
  current(): ProviderToken {
    return this.#renewedAfter(providerTokenLifetimeMs);
  }

  /**
   * Called after ExpiredProviderToken. Returns a new token, or the one in use if that is younger than 20 minutes; the
   * caller compares to see whether it changed. The age on the wall clock is enough here. The monotonic clock stands
   * still while a machine sleeps, and a wall clock that was just corrected is why the token was refused.
   */
  refresh(): ProviderToken {
    const isOldByWallClock = this.#clock.wallMs() - this.#mintedWallMs >= providerTokenMinAgeMs;
    return this.#renewedAfter(isOldByWallClock ? 0 : providerTokenMinAgeMs);
  }

  /** Age of the token in use, in milliseconds; infinite before the first one. */
  get ageMs(): number {
    return this.#current === null ? Number.POSITIVE_INFINITY : this.#clock.now() - this.#current.mintedAt;
  }

  #renewedAfter(ageMs: number): ProviderToken {
    if (this.#current === null || this.ageMs >= ageMs) this.#current = this.#mint();
    return this.#current;
  }

  #mint(): ProviderToken {
    this.#mintedWallMs = this.#clock.wallMs();
    const signed = signingInput({ keyId: this.#keyId, teamId: this.#teamId }, this.#mintedWallMs);
    // JWTs carry r and s side by side (RFC 7518 §3.4), not the DER that is OpenSSL's default.
    const signature = sign('sha256', Buffer.from(signed), { key: this.#signingKey, dsaEncoding: 'ieee-p1363' });
    return guarded(joinToken(signed, signature), this.#clock.now());
  }
}

/** Minters and keepers by credential, so that all sessions of a process that share a key share its token. */
export class ProviderTokenRegistry {
  readonly #clock: Clock;
  readonly #minters = new Map<string, ProviderTokenMinter>();
  readonly #keepers = new Map<string, TokenKeeper>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Returns the minter of a credential; the same one for equal credentials. Throws like the minter's constructor. */
  minterFor(credential: Credential): ProviderTokenMinter {
    let minter = this.#minters.get(credential.fingerprint);
    if (minter === undefined) {
      if (this.#minters.size >= maxProviderTokens) this.#dropExpired();
      minter = new ProviderTokenMinter(credential, this.#clock);
      this.#minters.set(credential.fingerprint, minter);
    }
    return minter;
  }

  /** Returns the keeper of a credential whose tokens are not simply signed here; the same one for equal credentials. */
  keeperFor(fingerprint: string, origin: TokenOrigin): TokenKeeper {
    let keeper = this.#keepers.get(fingerprint);
    if (keeper === undefined) {
      if (this.#keepers.size >= maxProviderTokens) this.#dropExpired();
      keeper = new TokenKeeper(origin, this.#clock);
      this.#keepers.set(fingerprint, keeper);
    }
    keeper.setOrigin(origin);
    return keeper;
  }

  /** Drops minters whose token is due for renewal anyway: a new minter would do the same. */
  #dropExpired(): void {
    for (const known of [this.#minters, this.#keepers]) {
      for (const [fingerprint, { ageMs }] of known) {
        if (ageMs >= providerTokenLifetimeMs) known.delete(fingerprint);
      }
    }
  }
}

/** The registry of this process. */
export const providerTokens: ProviderTokenRegistry = new ProviderTokenRegistry();

function guarded(token: string, mintedAt: number): ProviderToken {
  const shown = { mintedAt };
  const value = { token, mintedAt };
  Object.defineProperty(value, inspect.custom, { value: () => shown });
  Object.defineProperty(value, 'toJSON', { value: () => shown });
  return Object.freeze(value);
}
