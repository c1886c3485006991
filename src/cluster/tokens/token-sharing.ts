/**
 * The credentials of a process with the provider tokens and the access token that all processes of the cluster share.
 * Opened by `peal worker` and by programs; main thread.
 */
import type { Logger } from '../../base/log.js';
import type { FcmCredential } from '../../fcm/service-account.js';
import type { Credential } from '../../push/credentials/credential.js';
import { openRedis, type RedisClient } from '../../stores/redis-client.js';
import { sharedAccessTokens } from './shared-access-tokens.js';
import { sharedProviderTokens } from './shared-provider-tokens.js';

interface TokenSharingOptions {
  /** The URL of Redis. */
  readonly redis: string;
  readonly ca?: string | Uint8Array;
  readonly log: Logger;
}

export class TokenSharing implements AsyncDisposable {
  readonly #redis: RedisClient;
  readonly #log: Logger;
  /** The same credential is dressed once, so that its gateway stays the same. */
  readonly #shared = new WeakMap<Credential, Credential>();

  private constructor(redis: RedisClient, log: Logger) {
    this.#redis = redis;
    this.#log = log;
  }

  /** @throws PealError ERR_PEAL_STORE (as a rejection) where Redis cannot be used */
  static async open({ redis: url, ca, log }: TokenSharingOptions): Promise<TokenSharing> {
    const redis = await openRedis({ url, name: 'peal-tokens', log, ...(ca !== undefined && { ca }) });
    return new TokenSharing(redis, log);
  }

  /** Certificates, and provider tokens that are given, stay as they are. */
  readonly share = (credential: Credential): Credential => {
    let shared = this.#shared.get(credential);
    if (shared === undefined) {
      const isSigned = credential.kind === 'token' && credential.signingKey !== null;
      shared = isSigned ? sharedProviderTokens(credential, this.#redis, { logger: this.#log }) : credential;
      this.#shared.set(credential, shared);
    }
    return shared;
  };

  /** A service account, whose access token all share. Called once for each. */
  readonly shareAccess = (credential: FcmCredential): FcmCredential => sharedAccessTokens(credential, this.#redis);

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
