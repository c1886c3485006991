/**
 * How much the next connection of a pool should keep in flight to begin with, by what the last one served before it
 * ended. Owned by ConnectionPool; pure.
 *
 * A gateway that ends each connection after N requests gets about N at a time: more would be written in vain and sent
 * again. One whose connections die gets a tenth of what the last one answered, because what is under way then is lost,
 * and no more before twice as many answers have come. Connections that served for long say nothing.
 */
import { answersOfLastingConnection, shareAfterDeath } from '../base/limits.js';

/** In flight at most, to begin with; not before `holdAnswers` answers does it grow. */
export interface StartLimit {
  readonly requests: number;
  readonly holdAnswers: number;
}

export class Serving {
  #limit: StartLimit | null = null;

  /** For the next connection; null: no limit of this kind. */
  get limit(): StartLimit | null {
    return this.#limit;
  }

  /** A connection was sent away in good order; `served`: its answers, those that it still owes included. */
  onSentAway(served: number): void {
    this.#limit = served < answersOfLastingConnection ? { requests: Math.max(1, served), holdAnswers: 0 } : null;
  }

  /** A connection died with requests under way, after so many answers. */
  onDied(answers: number): void {
    if (answers >= answersOfLastingConnection) {
      this.#limit = null;
      return;
    }
    const requests = Math.max(1, Math.floor(answers * shareAfterDeath));
    this.#limit = { requests, holdAnswers: 2 * answers };
  }
}
