/**
 * Options of one push, checked. Called by APNs and by sendEach, on the main thread.
 */
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
import { type Address, addressUrl, isOverHttp2 } from '../../push/address.js';
import type { CompiledMessage } from '../../push/compiled-message.js';
import type { RetryBudget } from '../../push/retry-policy.js';
import { PushMessage } from '../message/push-message.js';
import type { RetryOptions } from '../send/send-options.js';

export interface PushOptions {
  /**
   * How long the push may take, in milliseconds: 1 to 3,600,000, default 30,000. Then it is unsent if its request was
   * not written, and unknown if it was.
   */
  readonly timeoutMs?: number;
  /**
   * What may be spent on an answer whose fault passes (429, 500, 503 …): requests in all (`attempts`, 1 to 100, default
   * 3) within `timeMs` (up to an hour, default `timeoutMs`) of the first answer, and never beyond `timeoutMs`. Default
   * `false`: the first answer is final, but for an expired provider token, which is replaced.
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
   * How long the answer may take once the request is written, and not before; a push that waits for a connection has
   * all the time that the gateway needs. Instead of `timeoutMs`, which is Infinity then.
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

/** The class of the messages of one push service. */
export interface MessageClass<M extends PushMessage, Options> {
  readonly name: string;
  readonly prototype: M;
  /**
   * What is sent of a push that was given by its options. No message is made of it: a push would let it go at once.
   * Missing: no pushes are sent.
   */
  partsForPush?(options: Options): CompiledMessage;
}

/**
 * What is sent of the message of a push, which brings no token of its own. Throws PealError ERR_PEAL_OPTION, and what
 * the constructor of the message throws.
 */
export function partsToPush<M extends PushMessage, Options>(
  message: M | Options,
  kind: MessageClass<M, Options>,
): CompiledMessage {
  if (!(message instanceof PushMessage)) return kind.partsForPush!(message);
  if (!isOfKind(message, kind)) {
    throw optionError(`This service takes no such message: make it with new ${kind.name}([], …), or give its options.`);
  }
  if (message.tokens.length === 0) return message.parts;
  throw optionError(
    `The message of a push brings no tokens: make it with new ${kind.name}([], …), and give the token to push.`,
  );
}

/** Whether it is a message of that class. */
export function isOfKind<M extends PushMessage>(value: unknown, kind: { readonly prototype: M }): value is M {
  return typeof value === 'object' && value !== null && Object.prototype.isPrototypeOf.call(kind.prototype, value);
}

/** Throws PealError ERR_PEAL_ADDRESS. */
export function checkPushProtocol(address: Address): void {
  if (isOverHttp2(address.protocol)) return;
  const instead = address.protocol === 'binary' ? 'use send' : 'read it with feedback()';
  const message = `The gateway ${addressUrl(address)} does not answer each notification, as a push needs: ${instead}.`;
  throw new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
}
