/**
 * The provider token of one pool, and those that the gateway has called expired. Owned by ConnectionPool; pure.
 */
import { maxExpiredTokensKept } from '../../base/limits.js';

export class ProviderTokenState {
  #current: string | null = null;
  /** In the order in which they were reported; the oldest give way. */
  readonly #expired = new Set<string>();

  /** Null before the first, and while the newest one has expired. */
  get usable(): string | null {
    return this.#current !== null && this.#expired.has(this.#current) ? null : this.#current;
  }

  /** Takes a token for use. Returns false, and changes nothing, if it was reported as expired. */
  set(token: string): boolean {
    if (this.#expired.has(token)) return false;
    this.#current = token;
    return true;
  }

  /** The gateway says that `token` has expired. Returns true if this is news, and `token` is the one in use. */
  expire(token: string): boolean {
    if (this.#expired.has(token)) return false;
    this.#expired.add(token);
    if (this.#expired.size > maxExpiredTokensKept) this.#expired.delete(this.#expired.keys().next().value!);
    return token === this.#current;
  }
}
