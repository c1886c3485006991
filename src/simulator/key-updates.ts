/**
 * How often the provider token of each key has changed, for TooManyProviderTokenUpdates. One for all connections of a
 * gateway whose conduct limits it, on its thread. A change is a token that was not seen before; that connections still
 * show the one before it is none. The first token of a key is free.
 */
import { maxWatchedProviderTokens } from '../base/limits.js';

interface KeyState {
  /** Tokens that were admitted; the oldest first. */
  readonly seen: Set<string>;
  /** When the key's token changed, within the time that counts. */
  changesMs: number[];
}

export class KeyUpdates {
  readonly #updates: number;
  readonly #withinMs: number;
  readonly #keys = new Map<string, KeyState>();

  /** @param updates So many changes are allowed within `withinMs`. */
  constructor(updates: number, withinMs: number) {
    this.#updates = updates;
    this.#withinMs = withinMs;
  }

  /** 0 where the token is admitted; otherwise the wall time until which it is one change too many. */
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
