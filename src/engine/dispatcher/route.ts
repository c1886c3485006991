/**
 * A route as the dispatcher sees it: a gateway under one credential, and the provider token that all shards use for
 * it. Made by Dispatcher.openRoute; on the dispatcher's thread.
 */
import type { Protocol } from '../../apns/address.js';
import type { RouteConfig } from '../messages.js';
import { expiredTokenError } from './errors.js';

/** Who mints the provider token of a route; asked often, and expected to return the same one for as long as it may. */
export interface ProviderTokenSource {
  /** The JWT, without "bearer ". May throw a PealError. */
  providerToken(): string;
  /**
   * Asked after APNs called the token expired: a new one, or the same where there may be none yet. May throw a PealError.
   * Default: there is none.
   */
  refreshProviderToken?(): string;
}

export class Route {
  readonly #source: ProviderTokenSource | null;
  #token: string | null = null;
  /** The latest token that APNs called expired: it is not sent with again. */
  #expired: string | null = null;

  constructor(
    readonly id: number,
    readonly config: RouteConfig,
    source: ProviderTokenSource | null,
  ) {
    this.#source = source;
  }

  get protocol(): Protocol {
    return this.config.address.protocol;
  }

  /** The token as of the last refresh; null without token authentication. */
  get token(): string | null {
    return this.#token;
  }

  /**
   * Asks for the token to use now. True when it changed, and the shards have to hear of it.
   *
   * @throws PealError ERR_PEAL_CREDENTIAL when there is none but one that APNs called expired, and what the source throws
   */
  refreshToken(): boolean {
    if (this.#source === null) return false;
    const token = this.#source.providerToken();
    return this.#use(token === this.#expired ? this.#renewed(this.#source) : token);
  }

  /**
   * APNs called a token expired. True when there is a new one, and the shards have to hear of it; false when the report
   * is about a token that was replaced before. Throws like `refreshToken`.
   */
  renewToken(expired: string): boolean {
    if (this.#source === null || expired !== this.#token) return false;
    this.#expired = expired;
    return this.#use(this.#renewed(this.#source));
  }

  #renewed(source: ProviderTokenSource): string {
    const token = source.refreshProviderToken?.() ?? this.#expired;
    if (token === null || token === this.#expired) throw expiredTokenError();
    return token;
  }

  #use(token: string): boolean {
    if (token === this.#token) return false;
    this.#token = token;
    return true;
  }
}

/** Equal for routes that can share their connections. The fingerprint stands for the whole credential. */
export function routeKey({ address, credential, ca, pins, ...rest }: RouteConfig): string {
  const { protocol, host, port } = address;
  const { maxConnections, connectTimeoutMs, readBufferBytes, indexAuthorization, poolSize } = rest;
  const { flush, readTailTimeoutMs, readTimeoutMs, writeTimeoutMs, writeBufferBytes } = rest;
  const { kind, fingerprint } = credential;
  return JSON.stringify([
    ...[protocol, host, port, kind, fingerprint, ca, pins],
    ...[maxConnections, connectTimeoutMs, readBufferBytes, indexAuthorization, poolSize],
    ...[flush, readTailTimeoutMs, readTimeoutMs, writeTimeoutMs, writeBufferBytes],
  ]);
}
