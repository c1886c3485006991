/**
 * Options of one push, checked. Called by APNs and by sendEach, on the main thread.
 */
import { type Address, addressUrl } from '../../apns/address.js';
import type { RetryBudget } from '../../apns/retry-policy.js';
import { PealError } from '../../base/errors.js';
import {
  maxPushTimeoutMs,
  maxRequestsPerRecipient,
  maxRetryTimeMs,
  pushTimeoutMs,
  requestsPerRecipient,
} from '../../base/limits.js';
import {
  anyOf,
  checkOptions,
  choice,
  type OptionRules,
  objectOf,
  optionError,
  test,
  whole,
} from '../../base/options.js';
import { Message, type MessageOptions } from '../message/message.js';
import type { RetryOptions } from '../send/send-options.js';

export interface PushOptions {
  /**
   * How long the push may take, in milliseconds: 1 to 3,600,000, default 30,000. Then it is unsent if its request was not
   * written, and unknown if it was.
   */
  readonly timeoutMs?: number;
  /**
   * What may be spent on an answer whose fault passes (429, 500, 503 …): requests in all (`attempts`, 1 to 100, default 3)
   * within `timeMs` (up to an hour, default `timeoutMs`) of the first answer, and never beyond `timeoutMs`. Default `false`:
   * the first answer is final, but for an expired provider token, which is replaced.
   */
  readonly retry?: false | RetryOptions;
  /**
   * Ends the wait early: a push that is not written becomes unsent; one that is written still gets its answer within
   * `timeoutMs`.
   */
  readonly signal?: AbortSignal;
}

export interface CheckedPushOptions {
  readonly timeoutMs: number;
  /**
   * How long the answer may take once the request is written, and not before; a push that waits for a connection has all
   * the time that the gateway needs. Instead of `timeoutMs`, which is Infinity then.
   */
  readonly answerTimeoutMs?: number;
  /** Null: the first answer is final. */
  readonly budget: RetryBudget | null;
  readonly signal: AbortSignal | null;
  /** Whether the stream that it belongs to listens to the signal, once for all of its pushes. */
  readonly isStreamed: boolean;
}

export const pushRules: OptionRules = {
  timeoutMs: whole(1, maxPushTimeoutMs),
  retry: anyOf(
    choice(false),
    objectOf({ attempts: whole(1, maxRequestsPerRecipient), timeMs: whole(0, maxRetryTimeMs) }),
  ),
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
};

const usual: CheckedPushOptions = { timeoutMs: pushTimeoutMs, budget: null, signal: null, isStreamed: false };

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkPushOptions(options: PushOptions | undefined): CheckedPushOptions {
  if (options === undefined) return usual;
  checkOptions({ name: 'push' }, options, pushRules);
  return withDefaults(options);
}

/** What was checked, with a value for each option. */
export function withDefaults(options: PushOptions): CheckedPushOptions {
  const { timeoutMs = pushTimeoutMs, retry = false, signal = null } = options;
  const budget =
    retry === false ? null : { attempts: retry.attempts ?? requestsPerRecipient, timeMs: retry.timeMs ?? timeoutMs };
  return { timeoutMs, budget, signal, isStreamed: false };
}

/**
 * The message of a push, which brings no token of its own. Throws PealError ERR_PEAL_OPTION, and what the constructor of
 * Message throws.
 */
export function messageToPush(message: Message | MessageOptions): Message {
  if (!(message instanceof Message)) return Message.forPush(message);
  if (message.tokens.length === 0) return message;
  throw optionError(
    'The message of a push brings no tokens: make it with new Message([], …), and give the token to push.',
  );
}

/** Throws PealError ERR_PEAL_ADDRESS. */
export function checkPushProtocol(address: Address): void {
  if (address.protocol === 'http2') return;
  const instead = address.protocol === 'binary' ? 'use send' : 'read it with feedback()';
  const message = `The gateway ${addressUrl(address)} does not answer each notification, as a push needs: ${instead}.`;
  throw new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
}
