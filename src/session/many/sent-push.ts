/**
 * The pushes of a send: one recipient of one message that shares batches with those of other messages. Made by
 * `sendLone` and by SendMany; main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { Batch, OutcomeDetail } from '../../engine/batch.js';
import type { RetryBudget } from '../../push/retry-policy.js';
import { TokenBlock, type TokenEncoding } from '../../push/token-block.js';
import type { PushMessage } from '../message/push-message.js';
import { type LaneBatch, Push } from '../single/lane-batch.js';
import type { CheckedPushOptions } from '../single/push-options.js';

/** Whether any recipient of a message has got a final answer; shared by its recipients. */
export interface Siblings {
  isFruitful: boolean;
}

/** A recipient as the books of a send need it. */
export interface Subject {
  readonly message: PushMessage;
  /** Its position among the recipients of all messages. */
  readonly position: number;
  /** Null if it is the only recipient of its message. */
  readonly siblings: Siblings | null;
}

/** Who has to know what became of a recipient. */
export interface PushOwner {
  /** Whether nothing more is sent. */
  readonly isStopped: boolean;
  accepted(subject: Subject, attempts: number): void;
  /** @param recipients the recipient as it was given, at `index` there */
  rejected(subject: Subject, recipients: Batch, index: number, answer: OutcomeDetail, attempts: number): void;
  unanswered(
    subject: Subject,
    recipients: Batch,
    index: number,
    outcome: 'unsent' | 'unknown',
    error: PealError,
    attempts: number,
    stopped: PealError | null,
  ): void;
}

export class SentPush extends Push implements Subject {
  /** What it was packed into, if it brings anything of its own. */
  #source: Batch | null = null;
  #sourceIndex = 0;

  constructor(
    readonly owner: PushOwner,
    readonly message: PushMessage,
    readonly position: number,
    readonly siblings: Siblings | null,
    options: CheckedPushOptions,
  ) {
    super(options, Number.POSITIVE_INFINITY);
  }

  /** Names the batch in which the recipient stands as it was given. */
  comesFrom(source: Batch, index: number): void {
    this.#source = source;
    this.#sourceIndex = index;
  }

  override get maySendAgain(): boolean {
    return !this.owner.isStopped;
  }

  accepted(_from: LaneBatch, attempts: number): void {
    this.owner.accepted(this, attempts);
  }

  rejected(from: LaneBatch, answer: OutcomeDetail, attempts: number): void {
    this.owner.rejected(this, this.#recipients(from), this.#sourceIndex, answer, attempts);
  }

  unanswered(
    from: LaneBatch,
    outcome: 'unsent' | 'unknown',
    error: PealError,
    attempts: number,
    stopped: PealError | null,
  ): void {
    this.owner.unanswered(this, this.#recipients(from), this.#sourceIndex, outcome, error, attempts, stopped);
  }

  /** The memory of a lane's batch is used again, so the token is copied. */
  #recipients(from: LaneBatch): Batch {
    return this.#source ?? batchOf(from.tokenAt(this.index).slice(), from.encoding);
  }
}

/** One token as a batch. */
export function batchOf(token: Uint8Array<ArrayBuffer>, encoding: TokenEncoding): Batch {
  return { tokens: new TokenBlock(token, token.length, 1, encoding), personal: null };
}

/** The options of a send's pushes: they have the time that their connections give them. */
export function sentPushOptions(retry: RetryBudget | null): CheckedPushOptions {
  return { timeoutMs: Number.POSITIVE_INFINITY, budget: retry ?? onlyOnce, signal: null, isStreamed: false };
}

/** Of a push an expired provider token is replaced without a budget; of a send it is not. */
const onlyOnce: RetryBudget = { attempts: 1, timeMs: 0 };
