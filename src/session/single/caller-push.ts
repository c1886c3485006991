/**
 * A push whose outcome is given to its caller as it is. Made by lanes for `push` and `sendEach`; main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { OutcomeDetail } from '../../engine/batch.js';
import { type LaneBatch, Push } from './lane-batch.js';
import type { CheckedPushOptions } from './push-options.js';
import { acceptedOutcome, type PushOutcome, rejectedOutcome, unansweredOutcome } from './push-outcome.js';

export class CallerPush extends Push {
  readonly #done: (outcome: PushOutcome) => void;

  constructor(options: CheckedPushOptions, deadlineMs: number, done: (outcome: PushOutcome) => void) {
    super(options, deadlineMs);
    this.#done = done;
  }

  accepted(from: LaneBatch, attempts: number, id: string | null): void {
    this.#done(acceptedOutcome(from.apnsIdAt(this.index) ?? id ?? '', attempts));
  }

  rejected(from: LaneBatch, answer: OutcomeDetail, attempts: number): void {
    this.#done(rejectedOutcome(answer, from.apnsIdAt(this.index) ?? answer.apnsId ?? '', attempts));
  }

  unanswered(from: LaneBatch, outcome: 'unsent' | 'unknown', error: PealError, attempts: number): void {
    this.#done(unansweredOutcome(outcome, error, from.apnsIdAt(this.index), attempts));
  }
}
