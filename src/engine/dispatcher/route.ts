/**
 * A route as the dispatcher sees it: a gateway under one credential, and the provider token that all shards use for
 * it. Made by Dispatcher.openRoute; on the dispatcher's thread.
 */
import type { Protocol } from '../../apns/address.js';
import type { RouteConfig } from '../messages.js';
import { expiredTokenError } from './errors.js';

/** Who has the provider token of a route; asked often, and expected to return the same one for as long as it may. */
export interface ProviderTokenSource {
  /** The JWT, without "bearer "; a promise where it has to be fetched first. May throw, or reject with, a PealError. */
  providerToken(): string | Promise<string>;
  /**
   * Asked after APNs called `expired` expired: a new one, or the same where there may be none yet. May throw, or reject
   * with, a PealError. Default: there is none.
   */
  refreshProviderToken?(expired: string): string | Promise<string>;
}

export class Route {
  readonly #source: ProviderTokenSource | null;
  #token: string | null = null;
  /** The latest token that APNs called expired: it is not sent with again. */
  #expired: string | null = null;
  /** A token is being fetched: no other one is asked for meanwhile. */
  #isFetching = false;

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

  /** The token as of the last refresh; null without token authentication, and while the first one is fetched. */
  get token(): string | null {
    return this.#token;
  }

  /**
   * Asks for the token to use now. True when it changed, and the shards have to hear of it: at once, or once it has been
   * fetched.
   *
   * @throws PealError ERR_PEAL_CREDENTIAL when there is none but one that APNs called expired, and what the source throws;
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
   * APNs called a token expired. True when there is a new one, and the shards have to hear of it; false when the report
   * is about a token that was replaced before. Throws like `refreshToken`.
   */
  renewToken(expired: string): boolean | Promise<boolean> {
    if (this.#source === null || expired !== this.#token) return false;
    this.#expired = expired;
    // What is fetched now is compared with it, and renewed if it is the same.
    return this.#isFetching ? false : this.#renew(this.#source, expired);
  }

  #renew(source: ProviderTokenSource, expired: string): boolean | Promise<boolean> {
    return this.#whenThere(source.refreshProviderToken?.(expired) ?? expired, (token) => {
      if (token === this.#expired) throw expiredTokenError();
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
 * Equal for routes that can share their connections. Made of everything that a configuration holds, whatever that is, so
 * that no option can be forgotten. Of the credential only kind and fingerprint, which stand for all of it: a digest, no
 * secret.
 */
export function routeKey({ credential: { kind, fingerprint }, ...rest }: RouteConfig): string {
  return JSON.stringify({ ...rest, credential: { kind, fingerprint } }, inOrder);
}

/** For JSON.stringify: the properties of an object by name, in whatever order they were set. */
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
