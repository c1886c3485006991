/** The items and options of sendEach, checked. Called by sendEach, on the main thread. */
import { itemsInFlight, maxItemsInFlight } from '../../base/limits.js';
import { checkOption, checkOptions, type OptionRules, optionError, shownValue, whole } from '../../base/options.js';
import type { Message, MessageOptions } from '../message/message.js';
import type { PushMessage } from '../message/push-message.js';
import type { Token } from '../recipients/recipient.js';
import type { RetryOptions } from '../send/send-options.js';
import { type CheckedPushOptions, type PushOptions, pushRules, withDefaults } from './push-options.js';

/**
 * One notification to one recipient. It may have further properties of the program's own, such as the handle by which a
 * queue is told: the item itself is handed back with its outcome, untouched.
 */
export interface PushItem<M extends PushMessage = Message, Options = MessageOptions> {
  /** Without tokens: `new Message([], …)`, or the options of one. */
  readonly message: M | Options;
  /** As in a push. */
  readonly token: Token;
  /** Instead of the option. */
  readonly timeoutMs?: number;
  /** Instead of the option. */
  readonly retry?: false | RetryOptions;
}

/** An item of any push service. */
export type AnyItem = PushItem<PushMessage, object>;

/** `timeoutMs` and `retry` are for items without their own; `signal` ends the stream. */
export interface SendEachOptions extends PushOptions {
  /** Items that are pulled and whose outcomes are not taken yet: 1 to 100,000, default 1,000. */
  readonly maxInFlight?: number;
}

export interface CheckedSendEachOptions {
  readonly maxInFlight: number;
  readonly given: PushOptions;
  /** Of items without options of their own. */
  readonly usual: CheckedPushOptions;
}

const rules: OptionRules = { ...pushRules, maxInFlight: whole(1, maxItemsInFlight) };

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkSendEachOptions(options: SendEachOptions = {}): CheckedSendEachOptions {
  checkOptions({ name: 'sendEach' }, options, rules);
  const { maxInFlight = itemsInFlight } = options;
  return { maxInFlight, given: options, usual: { ...withDefaults(options), isStreamed: true } };
}

/** Throws PealError ERR_PEAL_OPTION for what cannot be pulled from. */
export function checkSource(source: unknown): void {
  const isObject = typeof source === 'object' && source !== null;
  if (isObject && (Symbol.asyncIterator in source || Symbol.iterator in source)) return;
  throw optionError(`sendEach takes an iterable or async iterable of items, not ${shownValue(source)}.`);
}

/** The options of one item. Throws PealError ERR_PEAL_OPTION for one that is not valid. */
export function itemOptions(item: AnyItem, { given, usual }: CheckedSendEachOptions): CheckedPushOptions {
  if (typeof item !== 'object' || item === null) {
    throw optionError(`An item of sendEach is an object { message, token }, not ${shownValue(item)}.`);
  }
  const { timeoutMs, retry } = item;
  if (timeoutMs === undefined && retry === undefined) return usual;
  if (timeoutMs !== undefined) checkOption('timeoutMs', timeoutMs, pushRules.timeoutMs!);
  if (retry !== undefined) checkOption('retry', retry, pushRules.retry!);
  const own = { ...(timeoutMs !== undefined && { timeoutMs }), ...(retry !== undefined && { retry }) };
  return { ...withDefaults({ ...given, ...own }), isStreamed: true };
}
