/**
 * Watches how many of the latest answers call the device token bad (BadDeviceToken, DeviceTokenNotForTopic …). If
 * nearly all do, the gateway or the topic is wrong, and the rest of the list would only harm the sender's standing
 * with APNs. 410 does not count. Owned by a job, on the dispatcher's thread; it sees whole batches, never a single
 * accepted recipient.
 */
import { PealError } from '../../base/errors.js';
import { badTokenAnswers } from '../../base/limits.js';
import type { Protocol } from '../../push/address.js';
import { classOf } from '../../push-services/reasons.js';
import type { OutcomeDetail } from '../batch.js';

/** Counts of the answers of some batches. */
class Bucket {
  answers = 0;
  bad = 0;
}

/**
 * Two buckets approximate "the latest answers": a bucket is full at badTokenAnswers answers, and the share is that of
 * the bucket being filled and the last full one together.
 */
export class BadTokenWatch {
  readonly #share: number;
  readonly #protocol: Protocol;
  /** Counts of each bad reason over the whole send. */
  readonly #reasons = new Map<string, number>();
  #last = new Bucket();
  #current = new Bucket();

  /** `share`: the share of bad tokens that stops the send, above 0 and up to 1. */
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

  /** Returns why the send has to stop, or null. Call it after each `add`. */
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

const wrongTopic = 'Most likely the tokens belong to another app: check the topic.';
const wrongGateway =
  'Most likely the tokens belong to the other environment: check whether they are development or production ' +
  'tokens, and check the topic.';
