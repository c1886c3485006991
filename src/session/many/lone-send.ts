/**
 * A send of one message to one token, without further options: the most frequent of all. It is a push, and its result
 * is made without books if the notification is accepted. Called by APNs.send; main thread.
 */
import type { PealError } from '../../base/errors.js';
import type { Batch, OutcomeDetail } from '../../engine/batch.js';
import type { Protocol } from '../../push/address.js';
import { pushProtocolOf } from '../../push-services/push-protocols.js';
import type { PushMessage } from '../message/push-message.js';
import { type OutcomeCounts, Result } from '../message/result.js';
import type { RetryState } from '../message/retry-state.js';
import { type Token, textOf } from '../recipients/recipient.js';
import { RecipientList } from '../recipients/recipient-list.js';
import { type LaneBatch, Push } from '../single/lane-batch.js';
import type { Lanes } from '../single/lanes.js';
import { batchOf, type Subject, sentPushOptions } from './sent-push.js';
import { SharedBooks } from './shared-books.js';

const pushOptions = {
  apns: sentPushOptions(pushProtocolOf('http2').retryBudget),
  fcm: sentPushOptions(pushProtocolOf('fcm').retryBudget),
};

/** Whether the message goes to one token that brings nothing of its own. */
export function isLone({ tokens, hasPayload }: PushMessage): boolean {
  if (tokens.length !== 1 || !hasPayload) return false;
  return isToken(tokens[0]);
}

/** Whether a recipient is a token and nothing else. */
export function isToken(recipient: unknown): recipient is Token {
  return typeof recipient === 'string' || recipient instanceof Uint8Array;
}

/**
 * Sends a message that `isLone`.
 *
 * @throws PealError (as a rejection) ERR_PEAL_HEADER for a message that the credential cannot send, and when the engine
 *   cannot be started
 */
export function sendLone(lanes: Lanes, message: PushMessage): Promise<Result> {
  return new Promise((resolve, reject) => {
    const token = message.tokens[0] as Token;
    const why = lanes.begin(new LonePush(message, lanes.protocol, resolve, reject), message.parts, token, false);
    if (why === null) return;
    const books = booksOf(message, lanes.protocol);
    books.addInvalid({ index: 0, text: textOf(token), why });
    resolve(books.close(null));
  });
}

class LonePush extends Push implements Subject {
  readonly position = 0;
  readonly siblings = null;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: PealError) => void;

  constructor(
    readonly message: PushMessage,
    readonly protocol: Protocol,
    resolve: (result: Result) => void,
    reject: (error: PealError) => void,
  ) {
    super(pushOptions[message.parts.service], Number.POSITIVE_INFINITY);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  accepted(_from: LaneBatch, attempts: number): void {
    this.#resolve(acceptedResult(this.message, attempts));
  }

  rejected(from: LaneBatch, answer: OutcomeDetail, attempts: number): void {
    const books = booksOf(this.message, this.protocol);
    books.addRejected(this, this.#recipient(from), 0, answer, attempts, null);
    this.#resolve(books.close(null));
  }

  unanswered(
    from: LaneBatch,
    outcome: 'unsent' | 'unknown',
    error: PealError,
    attempts: number,
    stopped: PealError | null,
  ): void {
    const books = booksOf(this.message, this.protocol);
    books.addUnanswered(this, this.#recipient(from), 0, outcome, error, attempts, stopped);
    this.#resolve(books.close(stopped));
  }

  override notStarted(_from: LaneBatch, error: PealError): void {
    this.#reject(error);
  }

  #recipient(from: LaneBatch): Batch {
    return batchOf(from.tokenAt(this.index).slice(), from.encoding);
  }
}

function booksOf(message: PushMessage, protocol: Protocol): SharedBooks {
  const books = new SharedBooks(true, protocol);
  books.begin(message, 0);
  return books;
}

// What results of one accepted recipient have in common.
const counts: OutcomeCounts = Object.freeze({
  recipients: 1,
  accepted: 1,
  rejected: 0,
  unsent: 0,
  unknown: 0,
  invalid: 0,
});
const none = {
  reasons: new Map(),
  rejections: new Map(),
  errors: Object.freeze([]),
  invalid: Object.freeze([]),
} as const;
const nobody = RecipientList.empty;

function acceptedResult(message: PushMessage, attempts: number): Result {
  const state: RetryState = {
    message,
    unsent: nobody,
    unknown: nobody,
    transient: nobody,
    refused: nobody,
    stopped: null,
    isFruitful: true,
  };
  const { reasons, rejections, errors, invalid } = none;
  return new Result({ counts, reasons, rejections, errors, invalid, resent: attempts - 1, retryStates: [state] });
}
