/**
 * How much the next connection of a pool should keep in flight to begin with, by what the last one served before it
 * ended. Owned by ConnectionPool; pure.
 *
 * A gateway that ends each connection after N requests gets N at a time until it has answered as many: more would be
 * written in vain and sent again. One whose connections die gets a tenth of what the last one answered, because what is
 * under way then is lost, and no more before twice as many answers have come, or 5,000. Where nothing is known a connection
 * begins with startRequests (unprovenRequests before the first answer to its pool), and each good answer allows one more:
 * it takes some round trips to fill the window of a peer that serves, and one that does not serve never has so much to
 * lose.
 */
import { answersOfLastingConnection, maxHoldAnswers, shareAfterDeath, startRequests } from '../base/limits.js';

/** In flight at most, to begin with; not before `holdAnswers` answers does it grow. */
export interface StartLimit {
  readonly requests: number;
  readonly holdAnswers: number;
}

const usual: StartLimit = { requests: startRequests, holdAnswers: 0 };

export class Serving {
  #limit: StartLimit = usual;

  /** For the next connection. */
  get limit(): StartLimit {
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
