/**
 * Options of one send, checked. Called by session/send, on the main thread.
 */
import { TokenBlock } from '../apns/token-block.js';
import type { OutcomeSink } from '../engine/outcome-sink.js';
import type { Message } from './message.js';
import { optionError, refuseUnknown, wholeNumber } from './options.js';
import type { Progress } from './progress.js';
import { countRecipients, type InvalidRecipient, type Recipient } from './recipient.js';
import { RecipientList } from './recipient-list.js';

export interface SendOptions {
  /**
   * Recipients, instead of the message's own tokens. Pulled only as fast as they can be sent, so that a generator may
   * yield any number of them.
   */
  readonly recipients?: Iterable<Recipient> | AsyncIterable<Recipient>;
  /** How many recipients there will be, for reports of progress. Default: the message's own, otherwise not known. */
  readonly total?: number;
  /**
   * Ends the send early: no more recipients are taken in, what is not written becomes unsent, and what is written
   * still gets its answer, for a minute at most. The send resolves, with `result.stopped` ERR_PEAL_ABORTED.
   */
  readonly signal?: AbortSignal;
  /**
   * What to do with `recipients` that were not yet pulled when the send stopped early. `'leave'` (the default) leaves
   * them; `'unsent'` pulls them to the end and counts them as unsent. A message's own tokens are always counted.
   */
  readonly afterStop?: 'leave' | 'unsent';
  /** Called at most ten times a second while outcomes come in, and once at the end. */
  readonly onProgress?: (progress: Progress) => void;
  /** Takes invalid recipients one by one; `result.invalid` is empty then. */
  readonly onInvalid?: (recipient: InvalidRecipient) => void;
  /**
   * Takes the outcomes batch by batch instead of the result, whose `failed`, `unsent` and `unknown` are empty then;
   * its counts are not. While a promise that it returns is pending, fewer recipients are taken in.
   */
  readonly outcomes?: OutcomeSink;
}

/** The same, with defaults filled in and the recipients chosen. */
export interface CheckedSendOptions {
  readonly recipients: Iterable<Recipient> | AsyncIterable<Recipient>;
  readonly total: number | null;
  readonly signal: AbortSignal | null;
  readonly takesRest: boolean;
  readonly onProgress: ((progress: Progress) => void) | null;
  readonly onInvalid: ((recipient: InvalidRecipient) => void) | null;
  readonly outcomes: OutcomeSink | null;
}

const known = ['recipients', 'total', 'signal', 'afterStop', 'onProgress', 'onInvalid', 'outcomes'];
const functions = ['onProgress', 'onInvalid'] as const;

/** What a send without options does; the same object for all, because small sends are frequent. */
const none: SendOptions = Object.freeze({});

/** Throws PealError ERR_PEAL_OPTION that names the option. */
export function checkSendOptions(message: Message, options: SendOptions = none): CheckedSendOptions {
  if (options !== none) checkShape(options);
  const isOwn = options.recipients === undefined;
  if (!isOwn && message.tokens.length > 0) {
    throw optionError('The message has tokens and the option recipients is given: name the recipients once.');
  }
  return {
    recipients: isOwn ? message.tokens : iterableOf(options.recipients),
    total: totalOf(message, options),
    signal: options.signal ?? null,
    takesRest: isOwn || options.afterStop === 'unsent',
    onProgress: options.onProgress ?? null,
    onInvalid: options.onInvalid ?? null,
    outcomes: options.outcomes ?? null,
  };
}

function checkShape(options: SendOptions): void {
  if (typeof options !== 'object' || options === null) throw optionError('send takes its options as an object.');
  refuseUnknown('send', options, known);
  for (const name of functions) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw optionError(`The option ${name} must be a function.`);
    }
  }
  const { signal, outcomes, afterStop } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw optionError('The option signal must be an AbortSignal.');
  if (outcomes !== undefined && typeof outcomes?.settled !== 'function') {
    throw optionError('The option outcomes must be an object with a method settled(batch).');
  }
  if (afterStop !== undefined && afterStop !== 'leave' && afterStop !== 'unsent') {
    throw optionError("The option afterStop must be 'leave' or 'unsent'.");
  }
}

function totalOf(message: Message, options: SendOptions): number | null {
  if (options.total !== undefined) return wholeNumber('total', options.total, 0, Number.MAX_SAFE_INTEGER, 0);
  if (options.recipients === undefined && options.onProgress !== undefined) return countRecipients(message.tokens);
  return Array.isArray(options.recipients) ? countRecipients(options.recipients) : null;
}

/** Texts, bytes and blocks are one recipient (or one list) and not an iterable of recipients, whatever they inherit. */
function iterableOf(recipients: unknown): Iterable<Recipient> | AsyncIterable<Recipient> {
  if (recipients instanceof TokenBlock || recipients instanceof RecipientList) return [recipients];
  if (typeof recipients === 'object' && recipients !== null && !(recipients instanceof Uint8Array)) {
    if (Symbol.asyncIterator in recipients) return recipients as AsyncIterable<Recipient>;
    if (Symbol.iterator in recipients) return recipients as Iterable<Recipient>;
  }
  throw optionError('The option recipients must be an iterable of recipients: an array, a generator or a stream.');
}
