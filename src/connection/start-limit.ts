/**
 * How much the next connection of a pool may keep in flight to begin with, by how the last one ended. Owned by
 * ConnectionPool; pure.
 *
 * A gateway that ends each connection after N requests gets N at a time until it has answered as many: more would be
 * written in vain and sent again. A gateway whose connections die gets a tenth of what the last one answered, because
 * what is in flight then is lost. It gets no more before twice as many answers have come, or 5,000. If nothing is
 * known, a connection begins with startRequests (unprovenRequests before the first answer to its pool), and each good
 * answer allows one request more: a gateway that serves is used in full after some round trips, and one that does not
 * serve has little to lose.
 */
import { answersOfLastingConnection, maxHoldAnswers, shareAfterDeath, startRequests } from '../base/limits.js';

/** In flight at most, to begin with; not before `holdAnswers` answers does it grow. */
export interface StartLimit {
  readonly requests: number;
  readonly holdAnswers: number;
}

const usual: StartLimit = { requests: startRequests, holdAnswers: 0 };

export class StartLimits {
  #limit: StartLimit = usual;

  /** For the next connection. */
  get next(): StartLimit {
    return this.#limit;
  }

  /** A connection was sent away in good order; `served`: its answers, those that it still owes included. */
  onSentAway(served: number): void {
    const requests = Math.min(startRequests, Math.max(1, served));
    this.#limit = served < answersOfLastingConnection ? { requests, holdAnswers: requests } : usual;
  }

  /** A connection died with requests under way, after so many answers. */
  onDied(answers: number): void {
    const requests = Math.max(1, Math.floor(answers * shareAfterDeath));
    this.#limit = {
      requests: Math.min(startRequests, requests),
      holdAnswers: Math.min(maxHoldAnswers, 2 * answers),
    };
  }
}
