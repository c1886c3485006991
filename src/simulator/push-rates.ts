/**
 * How often each device token was pushed to of late, for TooManyRequests. One for all connections of a gateway whose
 * conduct limits it, on its thread.
 */
import { maxWatchedTokens } from '../base/limits.js';

interface Rate {
  readonly sinceMs: number;
  pushes: number;
}

export class PushRates {
  readonly #pushes: number;
  readonly #withinMs: number;
  /** By the token's hash; the oldest first. */
  readonly #rates = new Map<string, Rate>();

  /** @param pushes So many are allowed within `withinMs`. */
  constructor(pushes: number, withinMs: number) {
    this.#pushes = pushes;
    this.#withinMs = withinMs;
  }

  /** Whether one more push to a token may pass; if so it is counted. @param a Lanes of the token's TokenHash. */
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
