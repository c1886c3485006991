/**
 * A route as the dispatcher sees it: a gateway with one credential, and the provider token that all shards use for it.
 * Made by Dispatcher.openRoute; on the dispatcher's thread.
 */
import type { PealError } from '../../base/errors.js';
import type { Protocol } from '../../push/address.js';
import type { RouteConfig } from '../messages.js';
import { expiredTokenError } from './errors.js';

/**
 * The source of a provider token. It is asked often, and has to return the same token for as long as that may be used.
 */
export interface ProviderTokenSource {
  /** The JWT, without "bearer ", or a promise if it has to be fetched first. May throw, or reject with, a PealError. */
  providerToken(): string | Promise<string>;
  /**
   * Called after APNs called `expired` expired. Returns a new token, or the same one if there is no other yet. May
   * throw, or reject with, a PealError. Default: no other token can be had.
   */
  refreshProviderToken?(expired: string): string | Promise<string>;
  /** How long the token in use has been in use, in milliseconds; infinite before the first. Default: not known. */
  readonly ageMs?: number;
}

export class Route {
  readonly #source: ProviderTokenSource | null;
  #token: string | null = null;
  /** The latest token that APNs called expired. It is not used again. */
  #expired: string | null = null;
  #connections = 0;
  /** Why the latest attempt to connect, or the latest connection, failed. */
  #trouble: PealError | null = null;
  /** A token is being fetched, and no other is fetched meanwhile. */
  #isFetching = false;

  constructor(
    readonly id: number,
    readonly config: RouteConfig,
    source: ProviderTokenSource | null,
    /** Memory of the Allowance of its gateway; null where it has no rate. */
    readonly allowance: SharedArrayBuffer | null = null,
  ) {
    this.#source = source;
  }

  get protocol(): Protocol {
    return this.config.address.protocol;
  }

  /** The token as of the last refresh; null without token authentication, and while the first one is being fetched. */
  get token(): string | null {
    return this.#token;
  }

  /** Why the gateway is not reached now; null while a connection is open, and before the first attempt failed. */
  get trouble(): PealError | null {
    return this.#connections > 0 ? null : this.#trouble;
  }

  /** Open connections of all shards. */
  get connections(): number {
    return this.#connections;
  }

  connectionOpened(): void {
    this.#connections += 1;
    this.#trouble = null;
  }

  /** @param wasOpen false for an attempt that failed */
  connectionEnded(wasOpen: boolean, cause: PealError | null): void {
    if (wasOpen) this.#connections -= 1;
    if (cause !== null) this.#trouble = cause;
  }

  /**
   * Gets the token to use now. Returns true if it changed and the shards have to be told, at once or as a promise.
   *
   * @throws PealError ERR_PEAL_CREDENTIAL if the only token is one that APNs called expired, and what the source
   *   throws;
   *   a promise rejects with the same
   */
  refreshToken(): boolean | Promise<boolean> {
    const source = this.#source;
    if (source === null || this.#isFetching) return false;
    return this.#whenThere(source.providerToken(), (token) => {
      if (token !== this.#expired) return this.#use(token);
      return this.#renew(source, token);
    });
  }

  /**
   * Handles APNs' answer that a token has expired. Returns true if there is a new token that the shards have to be
   * told; false if the report is about a token that was replaced before. Throws like `refreshToken`.
   */
  renewToken(expired: string): boolean | Promise<boolean> {
    if (this.#source === null || expired !== this.#token) return false;
    this.#expired = expired;
    // The token being fetched is compared with the expired one, and renewed if it is the same.
    return this.#isFetching ? false : this.#renew(this.#source, expired);
  }

  #renew(source: ProviderTokenSource, expired: string): boolean | Promise<boolean> {
    return this.#whenThere(source.refreshProviderToken?.(expired) ?? expired, (token) => {
      if (token === this.#expired) throw expiredTokenError(this.protocol);
      return this.#use(token);
    });
  }

  #whenThere(
    token: string | Promise<string>,
    use: (token: string) => boolean | Promise<boolean>,
  ): boolean | Promise<boolean> {
    if (typeof token === 'string') return use(token);
    this.#isFetching = true;
    const isThere = (): void => {
      this.#isFetching = false;
    };
    token.then(isThere, isThere);
    return token.then(use);
  }

  #use(token: string): boolean {
    if (token === this.#token) return false;
    this.#token = token;
    return true;
  }
}

/**
 * Equal for routes that can share their connections. Made of everything in a configuration, so that no option can be
 * forgotten. The credential is represented by its kind and fingerprint, which is a digest and not a secret.
 */
export function routeKey({ credential: { kind, fingerprint }, ...rest }: RouteConfig): string {
  return JSON.stringify({ ...rest, credential: { kind, fingerprint } }, inOrder);
}

/** For JSON.stringify: the properties of an object in the order of their names. */
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
