/**
 * What HTTP/2 answers have told of tokens that are no longer valid: what a feedback gateway tells elsewhere. One for each
 * app (gateway and credential) of a session; filled by sends, emptied by `feedback()`. Main thread, bounded.
 */
import type { Clock } from '../base/clock.js';
import { maxGoneTokensKept } from '../base/limits.js';

/** A device token that is no longer valid. Drop it, unless the app registered it again after `when`. */
export interface FeedbackEntry {
  /** Lower-case hex. */
  readonly token: string;
  readonly when: Date;
}

export class GoneTokens {
  readonly #clock: Clock;
  readonly #limit: number;
  /** Token to milliseconds since the epoch, the oldest entry first. */
  readonly #since = new Map<string, number>();
  /**
   * At the oldest entry: all before it are gone from the map. Kept, because one that starts anew for each entry that gives
   * way walks over all that gave way before it.
   */
  readonly #oldest = this.#since.keys();

  constructor(clock: Clock, limit: number = maxGoneTokensKept) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#since.size;
  }

  /** `timestampMs`: as the answer says; without one the token is gone as of now. */
  add(token: string, timestampMs: number | null): void {
    this.#since.delete(token);
    this.#since.set(token, timestampMs ?? this.#clock.wallMs());
    if (this.#since.size > this.#limit) this.#since.delete(this.#oldest.next().value!);
  }

  /** Yields what there is now, the oldest first; each entry is forgotten as it is handed out. */
  *take(): Generator<FeedbackEntry, void, undefined> {
    for (const token of [...this.#since.keys()]) {
      const sinceMs = this.#since.get(token);
      if (sinceMs === undefined) continue;
      this.#since.delete(token);
      yield { token, when: new Date(sinceMs) };
    }
  }
}
