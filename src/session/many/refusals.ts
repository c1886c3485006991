/**
 * Watches the answers of a send of many messages for what would meet all of its messages: nearly every token is bad, or
 * the credential is refused again and again. What a send of one message finds out by its batches is found out here
 * across messages, but a refused request, which is that message's own fault. Owned by SendMany; main thread.
 */
import type { PealError } from '../../base/errors.js';
import { badTokenAnswers, stopAfterRefusals } from '../../base/limits.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import { BadTokenWatch } from '../../engine/dispatcher/bad-tokens.js';
import { refusedError } from '../../engine/dispatcher/errors.js';
import type { Protocol } from '../../push/address.js';
import { classOf, retryKindOf } from '../../push-services/reasons.js';

const noDetails: readonly OutcomeDetail[] = [];

export class Refusals {
  readonly #protocol: Protocol;
  readonly #badTokens: BadTokenWatch | null;
  /** Accepted since the last look at bad tokens, and since the last refusal. */
  #accepted = 0;
  #streak = 0;
  #streakReason = '';

  /** @param stopAtBadTokens the share of bad tokens that is too much; null: none is */
  constructor(stopAtBadTokens: number | null, protocol: Protocol) {
    this.#protocol = protocol;
    this.#badTokens = stopAtBadTokens === null ? null : new BadTokenWatch(stopAtBadTokens, protocol);
  }

  accepted(): void {
    this.#accepted += 1;
    this.#streak = 0;
    if (this.#accepted >= badTokenAnswers) this.#look(noDetails, 0);
  }

  /** Returns why the send has to stop, or null. */
  rejected(answer: OutcomeDetail): PealError | null {
    return this.#refused(answer) ?? this.#look([answer], 1);
  }

  #refused({ status, reason }: OutcomeDetail): PealError | null {
    const kind = classOf(status, reason, this.#protocol);
    const name = reason === '' ? String(status) : reason;
    if (kind !== 'credential') {
      this.#streak = 0;
      return null;
    }
    // A provider token that expired, or came too soon after another, is the engine's to mend.
    if (retryKindOf(status, reason, this.#protocol) !== null) return null;
    this.#streak = name === this.#streakReason ? this.#streak + 1 : 1;
    this.#streakReason = name;
    return this.#streak < stopAfterRefusals ? null : refusedError({ status, reason }, this.#protocol);
  }

  #look(details: readonly OutcomeDetail[], rejected: number): PealError | null {
    if (this.#badTokens === null) return null;
    this.#badTokens.add(this.#accepted + rejected, details);
    this.#accepted = 0;
    return this.#badTokens.verdict();
  }
}
