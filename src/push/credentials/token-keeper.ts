/**
 * The provider token of one credential whose origin takes time to answer. A fetched token is returned at once for as
 * long as it may be used, and fetched anew in the background. Owned by the process's registry; on the main thread.
 */
import { type Clock, systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { providerTokenMaxAgeMs, providerTokenTimeoutMs } from '../../base/limits.js';
import { credentialError } from './key-material.js';
import type { TokenOrigin } from './token-origin.js';

export class TokenKeeper {
  #origin: TokenOrigin;
  readonly #clock: Clock;
  #token: string | null = null;
  /** When the token was fetched for the first time, and when it was last fetched. */
  #sinceMs = 0;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<string> | null = null;

  constructor(origin: TokenOrigin, clock: Clock = systemClock) {
    this.#origin = origin;
    this.#clock = clock;
  }

  /** How long the token in use has been in use; infinite before the first. */
  get ageMs(): number {
    return this.#token === null ? Number.POSITIVE_INFINITY : this.#clock.now() - this.#sinceMs;
  }

  /** Returns the token in use, or a promise of the first one. Fetches it again in the background now and then. */
  current(): string | Promise<string> {
    const isDue = this.#clock.now() - this.#askedMs >= this.#origin.askAgainMs;
    if (this.#token === null || !this.#mayUse(this.#token)) return this.#ask(null);
    // An error is reported only once the token in use can no longer be used.
    if (isDue) this.#ask(null).catch(() => {});
    return this.#token;
  }

  /** Called after ExpiredProviderToken. Returns another token, or the same one where there is no other yet. */
  async refresh(expired: string): Promise<string> {
    // A fetch already under way may not know that this token expired.
    const asked = await this.#asking;
    return asked !== null && asked !== expired ? asked : this.#ask(expired);
  }

  /** An equal credential was loaded again: its hook, function or file replaces the earlier one. */
  setOrigin(origin: TokenOrigin): void {
    if (origin === this.#origin) return;
    this.#origin = origin;
    this.#askedMs = Number.NEGATIVE_INFINITY;
  }

  /** A token may be older than the time for which this process has had it. */
  #mayUse(token: string): boolean {
    return this.ageMs < providerTokenMaxAgeMs && (this.#origin.mayUse?.(token) ?? true);
  }

  #ask(expired: string | null): Promise<string> {
    this.#asking ??= this.#fetch(expired).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #fetch(expired: string | null): Promise<string> {
    this.#askedMs = this.#clock.now();
    let token: string;
    try {
      token = await this.#inTime(this.#origin.fetch(expired, this.#clock.wallMs()));
    } catch (error) {
      // A foreign error may quote secrets, so only its class is told.
      if (error instanceof PealError) throw error;
      const kind = error instanceof Error ? error.name : typeof error;
      const { tokenName = 'provider token' } = this.#origin;
      throw credentialError(`No ${tokenName} is available: its source failed (${kind}).`);
    }
    if (token !== this.#token) this.#sinceMs = this.#clock.now();
    this.#token = token;
    return token;
  }

  #inTime(fetching: Promise<string>): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimer(() => {
        const { tokenName = 'provider token' } = this.#origin;
        const seconds = providerTokenTimeoutMs / 1000;
        reject(
          credentialError(
            `No ${tokenName} was available within ${seconds} seconds: ` +
              (this.#origin.waitsFor ?? 'its source does not answer.'),
          ),
        );
      }, providerTokenTimeoutMs);
      const over = (): void => this.#clock.clearTimer(timer);
      fetching.then(resolve, reject).finally(over);
    });
  }
}
