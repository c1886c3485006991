/**
 * Rates that the conduct of a gateway limits: pushes to each device token, for TooManyRequests, and changes of each
 * key's provider token, for TooManyProviderTokenUpdates. One object of each kind for all connections of a gateway, on
 * its thread.
 */
import { maxWatchedProviderTokens, maxWatchedTokens } from '../../base/limits.js';

interface PushRate {
  readonly sinceMs: number;
  pushes: number;
}

/** The recent pushes to each device token. */
export class PushRates {
  readonly #pushes: number;
  readonly #withinMs: number;
  /** By the token's hash; the oldest first. */
  readonly #rates = new Map<string, PushRate>();

  /** @param pushes The number allowed within `withinMs`. */
  constructor(pushes: number, withinMs: number) {
    this.#pushes = pushes;
    this.#withinMs = withinMs;
  }

  /**
   * Returns whether one more push to a token may pass, and if so counts it. @param a Lanes of the token's TokenHash.
   */
  allows(a: number, b: number, nowMs: number): boolean {
    const key = `${a}:${b}`;
    const rate = this.#rates.get(key);
    if (rate !== undefined && nowMs - rate.sinceMs < this.#withinMs) {
      if (rate.pushes >= this.#pushes) return false;
      rate.pushes++;
      return true;
    }
    this.#rates.delete(key);
    if (this.#rates.size >= maxWatchedTokens) this.#rates.delete(this.#rates.keys().next().value!);
    this.#rates.set(key, { sinceMs: nowMs, pushes: 1 });
    return true;
  }
}

interface KeyState {
  /** Accepted tokens, the oldest first. */
  readonly seen: Set<string>;
  /** When the key's token changed, within the time that counts. */
  changesMs: number[];
}

/**
 * Changes of each key's provider token. A change is a token that was not seen before; a connection that still shows the
 * former token does not count. The first token of a key is free.
 */
export class KeyUpdates {
  readonly #updates: number;
  readonly #withinMs: number;
  readonly #keys = new Map<string, KeyState>();

  /** @param updates The number of changes allowed within `withinMs`. */
  constructor(updates: number, withinMs: number) {
    this.#updates = updates;
    this.#withinMs = withinMs;
  }

  /** Returns 0 if the token is accepted, or else the wall time until which it is one change too many. */
  admit(keyName: string, authorization: string, wallMs: number): number {
    const key = this.#keys.get(keyName);
    if (key === undefined) {
      if (this.#keys.size >= maxWatchedProviderTokens) this.#keys.delete(this.#keys.keys().next().value!);
      this.#keys.set(keyName, { seen: new Set([authorization]), changesMs: [] });
      return 0;
    }
    if (key.seen.has(authorization)) return 0;
    key.changesMs = key.changesMs.filter((changedMs) => wallMs - changedMs < this.#withinMs);
    if (key.changesMs.length >= this.#updates) return (key.changesMs[0] ?? wallMs) + this.#withinMs;
    key.changesMs.push(wallMs);
    if (key.seen.size >= maxWatchedProviderTokens) key.seen.delete(key.seen.keys().next().value!);
    key.seen.add(authorization);
    return 0;
  }
}
