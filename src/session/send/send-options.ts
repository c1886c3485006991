/**
 * Options of one send, checked. Called by session/send/send, on the main thread.
 */
import {
  badTokenShare,
  maxRequestsPerRecipient,
  maxRetryTimeMs,
  minTokenBytes,
  usualTokenBytes,
} from '../../base/limits.js';
import {
  anyOf,
  callback,
  checkOptions,
  choice,
  flag,
  type OptionRules,
  objectOf,
  optionError,
  test,
  whole,
} from '../../base/options.js';
import { option, theOption } from '../../base/wording.js';
import type { OutcomeSink } from '../../engine/batch.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import type { Protocol } from '../../push/address.js';
import type { RetryBudget } from '../../push/retry-policy.js';
import { TokenBlock } from '../../push/token-block.js';
import { pushProtocolOf } from '../../push-services/push-protocols.js';
import type { PushMessage } from '../message/push-message.js';
import { Template } from '../personal/template.js';
import {
  countRecipients,
  type InvalidRecipient,
  type Recipient,
  type StreamedRecipient,
} from '../recipients/recipient.js';
import { RecipientList } from '../recipients/recipient-list.js';
import { Rows } from '../recipients/rows.js';
import type { Progress } from './progress.js';

export interface SendOptions {
  /**
   * Recipients, instead of the message's own tokens. Pulled only as fast as they can be sent, so that a generator may
   * yield any number of them.
   */
  readonly recipients?: Iterable<StreamedRecipient> | AsyncIterable<StreamedRecipient>;
  /**
   * What is said to each recipient of `Rows`: a template with the fields of its row. Other recipients get what the
   * message says. Default: what the message says.
   */
  readonly personal?: Template;
  /** How many recipients there will be, for reports of progress. Default: the message's own, otherwise not known. */
  readonly total?: number;
  /**
   * Ends the send early: no more recipients are taken in, what is not written becomes unsent, and what is written
   * still gets its answer, for a minute at most. The send resolves, with `result.stopped` ERR_PEAL_ABORTED.
   */
  readonly signal?: AbortSignal;
  /**
   * What to do with `recipients`, or messages of an iterable, that were not yet pulled when the send stopped early.
   * `'leave'` (the default) leaves them; `'unsent'` pulls them to the end and counts them as unsent, as long as a
   * stream gives each within five seconds; `'drain'` does the same at whatever pace the stream has, without end if the
   * stream has none. A message's own tokens, and the messages of an array, are always counted.
   */
  readonly afterStop?: 'leave' | 'unsent' | 'drain';
  /**
   * Called at most ten times a second while requests are written or answered, within a batch, too, and once at the end.
   * Counts of outcomes never go back: an answer that may be followed by another request counts once its batch is done.
   */
  readonly onProgress?: (progress: Progress) => void;
  /** Takes invalid recipients one by one; `result.invalid` is empty then. */
  readonly onInvalid?: (recipient: InvalidRecipient) => void;
  /**
   * Takes the outcomes batch by batch instead of the result, whose `failed`, `unsent` and `unknown` are empty then;
   * its counts are not. While a promise that it returns is pending, fewer recipients are taken in.
   */
  readonly outcomes?: OutcomeSink;
  /**
   * What the send itself may spend on recipients whose fault passes (429, 500, 503, an expired provider token …):
   * requests for one recipient in all (`attempts`, 1 to 100, default 3) within `timeMs` (up to an hour, default 60,000)
   * of the first answer; where that of another in its batch of 1,024 keeps it waiting, of that one. `false`: the first
   * answer is final. HTTP/2 only.
   */
  readonly retry?: false | RetryOptions;
  /**
   * What to do with recipients that were written and never answered. `'report'` (the default): they are unknown.
   * `'resend'`: they are sent to again within the limits of `retry`, under the same apns-id, which every recipient
   * without one is given from the first request on; their devices may then show the notification twice. HTTP/2 only.
   */
  readonly onUnknown?: 'report' | 'resend';
  /**
   * The share of answers that call the token bad (BadDeviceToken, DeviceTokenNotForTopic …; not 410) among the latest
   * thousand or so that stops the send: above 0, up to 1; `false`: none does. Default 0.9. HTTP/2 only.
   */
  readonly stopAtBadTokens?: false | number;
  /**
   * Whether the ids that APNs names are kept for accepted recipients, too, in `result.acceptedIds` (215 to 270 bytes of
   * memory for each) or, where `outcomes` takes them, in each settled batch; and the `apns-unique-id` of rejected ones
   * in their `Failure`. Default false, which costs nothing. HTTP/2 only.
   */
  readonly keepIds?: boolean;
  /**
   * Counts how long answers took, from the hand-out of a request to its connection until its answer was read, each
   * request of a recipient for itself. It may be read at any time, and given to several sends. HTTP/2 only.
   */
  readonly latencies?: LatencyHistogram;
  /**
   * Bytes of the shortest device token, 1 to 32; what is shorter is invalid. Default 16: Apple's have 32, and shorter
   * texts are numbers and words. For gateways of one's own.
   */
  readonly minTokenBytes?: number;
}

/** Requests for one recipient in all, and how long after the first answers the last may begin, in milliseconds. */
export interface RetryOptions {
  readonly attempts?: number;
  readonly timeMs?: number;
}

/** The same, with defaults filled in and the recipients chosen. */
export interface CheckedSendOptions {
  readonly recipients: Iterable<StreamedRecipient> | AsyncIterable<StreamedRecipient>;
  readonly personal: Template | null;
  readonly total: number | null;
  readonly signal: AbortSignal | null;
  readonly takesRest: boolean;
  /** Then streams may take as long as they like. */
  readonly isPatient: boolean;
  readonly onProgress: ((progress: Progress) => void) | null;
  readonly onInvalid: ((recipient: InvalidRecipient) => void) | null;
  readonly outcomes: OutcomeSink | null;
  /** Null: nothing is sent again. */
  readonly retry: RetryBudget | null;
  readonly onUnknown: 'report' | 'resend';
  readonly stopAtBadTokens: number | null;
  readonly keepIds: boolean;
  readonly latencies: LatencyHistogram | null;
  readonly minTokenBytes: number;
}

const share = test('false or a share above 0 and up to 1, such as 0.9', (value) =>
  value === false || (typeof value === 'number' && value > 0 && value <= 1));

const rules: OptionRules = {
  recipients: test('an iterable of recipients: an array, a generator or a stream', (value) =>
    iterableOf(value) !== null),
  personal: test('a Template', (value) => value instanceof Template),
  total: whole(0, Number.MAX_SAFE_INTEGER),
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
  afterStop: choice('leave', 'unsent', 'drain'),
  onProgress: callback,
  onInvalid: callback,
  outcomes: test('an object with a method settled(batch), and perhaps glimpse(batch, states)', isSink),
  retry: anyOf(
    choice(false),
    objectOf({ attempts: whole(1, maxRequestsPerRecipient), timeMs: whole(0, maxRetryTimeMs) }),
  ),
  onUnknown: choice('report', 'resend'),
  stopAtBadTokens: share,
  minTokenBytes: whole(1, usualTokenBytes),
  keepIds: flag,
  latencies: test('a LatencyHistogram', (value) => value instanceof LatencyHistogram),
};

function isSink(value: unknown): boolean {
  const { settled, glimpse } = (value ?? {}) as Partial<OutcomeSink>;
  return typeof settled === 'function' && (glimpse === undefined || typeof glimpse === 'function');
}

/** Options that a binary gateway has no use for. */
const http2Only = ['retry', 'onUnknown', 'stopAtBadTokens', 'keepIds', 'latencies'] as const;

/** What a send without options does; the same object for all, because small sends are frequent. */
const none: SendOptions = Object.freeze({});

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkSendOptions(
  message: PushMessage,
  options: SendOptions = none,
  protocol: Protocol = 'http2',
): CheckedSendOptions {
  if (options !== none) checkOptions({ name: 'send' }, options, rules);
  const isOwn = options.recipients === undefined;
  if (!isOwn && message.tokens.length > 0) {
    throw optionError(
      `The message has tokens and the option ${option('recipients')} is given: name the recipients once.`,
    );
  }
  checkPersonal(message, options.personal ?? null);
  return {
    ...shared(options, protocol),
    recipients: isOwn ? message.tokens : iterableOf(options.recipients)!,
    total: totalOf(message, options),
    takesRest: isOwn || (options.afterStop ?? 'leave') !== 'leave',
  };
}

/**
 * Options of a send of many messages, which have tokens of their own. Throws PealError ERR_PEAL_OPTION that names the
 * option.
 */
export function checkManyOptions(options: SendOptions = none, protocol: Protocol = 'http2'): CheckedSendOptions {
  if (options !== none) checkOptions({ name: 'send' }, options, rules);
  if (options.recipients !== undefined) {
    throw optionError(`${theOption('recipients')} goes with one message: of several each has its own tokens.`);
  }
  return {
    ...shared(options, protocol),
    recipients: noRecipients,
    total: options.total ?? null,
    takesRest: (options.afterStop ?? 'leave') !== 'leave',
  };
}

const noRecipients: readonly never[] = [];

function shared(
  options: SendOptions,
  protocol: Protocol,
): Omit<CheckedSendOptions, 'recipients' | 'total' | 'takesRest'> {
  return {
    personal: options.personal ?? null,
    signal: options.signal ?? null,
    isPatient: options.afterStop === 'drain',
    onProgress: options.onProgress ?? null,
    onInvalid: options.onInvalid ?? null,
    outcomes: options.outcomes ?? null,
    retry: budgetOf(options, protocol),
    onUnknown: options.onUnknown ?? 'report',
    stopAtBadTokens: options.stopAtBadTokens === false ? null : (options.stopAtBadTokens ?? badTokenShare),
    keepIds: options.keepIds ?? false,
    latencies: options.latencies ?? null,
    minTokenBytes: options.minTokenBytes ?? minTokenBytes,
  };
}

/** Refuses what a gateway of `protocol` cannot do. Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkProtocolOptions(protocol: Protocol, options: SendOptions = none): void {
  const name = protocol === 'binary' ? http2Only.find((each) => options[each] !== undefined) : undefined;
  if (name === undefined) return;
  throw optionError(`${theOption(name)} is for HTTP/2: a binary gateway answers too little for it.`);
}

/** Throws PealError ERR_PEAL_PAYLOAD for a template that does not go with the message. */
export function checkPersonal(message: PushMessage, personal: Template | null): void {
  if (personal === null) return;
  personal.checkFor(message.parts);
  if (message.pushType !== null) personal.check(message.pushType);
}

function budgetOf({ retry, onUnknown }: SendOptions, protocol: Protocol): RetryBudget | null {
  const { retryBudget } = pushProtocolOf(protocol);
  if (retry === undefined) return retryBudget;
  if (retry === false) {
    if (onUnknown !== 'resend') return null;
    throw optionError(`${theOption('onUnknown')}: 'resend' goes by the limits of ${option('retry')}, which is false.`);
  }
  return { attempts: retry.attempts ?? retryBudget.attempts, timeMs: retry.timeMs ?? retryBudget.timeMs };
}

function totalOf(message: PushMessage, options: SendOptions): number | null {
  if (options.total !== undefined) return options.total;
  if (options.recipients === undefined && options.onProgress !== undefined) return countRecipients(message.tokens);
  return Array.isArray(options.recipients)
    ? countRecipients(options.recipients as readonly (Recipient | Rows)[])
    : null;
}

/**
 * Texts, bytes and blocks are one recipient (or one list) and not an iterable of recipients, whatever they inherit.
 * Null for a value that is not one.
 */
function iterableOf(recipients: unknown): Iterable<StreamedRecipient> | AsyncIterable<StreamedRecipient> | null {
  if (recipients instanceof TokenBlock || recipients instanceof RecipientList || recipients instanceof Rows) {
    return [recipients];
  }
  if (typeof recipients === 'object' && recipients !== null && !(recipients instanceof Uint8Array)) {
    if (Symbol.asyncIterator in recipients) return recipients as AsyncIterable<StreamedRecipient>;
    if (Symbol.iterator in recipients) return recipients as Iterable<StreamedRecipient>;
  }
  return null;
}
