/**
 * Watches how many of the latest answers call the device token bad (BadDeviceToken, DeviceTokenNotForTopic …): where
 * nearly all do, it is the gateway or the topic that is wrong, and the rest of the list would only harm the sender's
 * standing with APNs. 410 does not count. Owned by a job, on the dispatcher's thread; it sees batches, never a single
 * accepted recipient.
 */
import type { Protocol } from '../../apns/address.js';
import { classOf } from '../../apns/reason.js';
import { PealError } from '../../base/errors.js';
import { badTokenAnswers } from '../../base/limits.js';
import type { OutcomeDetail } from '../batch.js';

/** The answers of some batches. */
class Bucket {
  answers = 0;
  bad = 0;
}

/**
 * Two buckets are enough for "the latest": each is full at badTokenAnswers answers, and the share is that of the one being
 * filled and of the one filled last.
 */
export class BadTokenWatch {
  readonly #share: number;
  readonly #protocol: Protocol;
  /** How often each bad reason came, in all. */
  readonly #reasons = new Map<string, number>();
  #last = new Bucket();
  #current = new Bucket();

  /** `share`: above 0, up to 1. */
  constructor(share: number, protocol: Protocol = 'http2') {
    this.#share = share;
    this.#protocol = protocol;
  }

  /** Counts the answers of one batch; `details` are those of its rejections. */
  add(answers: number, details: readonly OutcomeDetail[]): void {
    const current = this.#current;
    current.answers += answers;
    for (const { status, reason } of details) {
      if (classOf(status, reason, this.#protocol) !== 'token') continue;
      current.bad += 1;
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    }
  }

  /** Why the send is to stop, or null. Call it after each `add`. */
  verdict(): PealError | null {
    const { answers, bad } = this.#sum();
    if (answers >= badTokenAnswers && bad >= this.#share * answers) return this.#error(bad, answers);
    if (this.#current.answers >= badTokenAnswers) {
      this.#last = this.#current;
      this.#current = new Bucket();
    }
    return null;
  }

  #sum(): Bucket {
    return { answers: this.#last.answers + this.#current.answers, bad: this.#last.bad + this.#current.bad };
  }

  #error(bad: number, answers: number): PealError {
    const [reason] = [...this.#reasons].reduce((a, b) => (b[1] > a[1] ? b : a));
    const message =
      `Stopped, because ${bad} of the latest ${answers} answers say that the device token is bad, most of them ` +
      `"${reason}". ${reason === 'DeviceTokenNotForTopic' ? wrongTopic : wrongGateway}`;
    return new PealError('ERR_PEAL_STOPPED', message, { origin: 'usage' });
  }
}

const wrongTopic = 'Most likely the tokens are those of another app: check the topic.';
const wrongGateway =
  'Most likely the tokens belong to the other environment: check whether they are of development or production, and the topic.';
