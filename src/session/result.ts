/**
 * What became of the recipients of a send. Made by the books of a send once every recipient has its outcome; read,
 * merged and stored by the program. Main thread. Memory grows with what went wrong, not with what was sent.
 */
import { inspect } from 'node:util';
import { PealError } from '../base/errors.js';
import type { Failure } from './failure.js';
import type { Message } from './message.js';
import type { InvalidRecipient } from './recipient.js';
import { RecipientList } from './recipient-list.js';
import { mergeCounts, mergeErrors, mergeMessages, mergeReasons } from './result-merge.js';
import { retryDelay } from './retry.js';

/** Recipients by outcome. Each is in exactly one; a token that was given twice counts twice. */
export interface OutcomeCounts {
  /** All recipients: the sum of the five below. */
  readonly recipients: number;
  /** APNs answered 200. */
  readonly accepted: number;
  /** APNs answered otherwise. */
  readonly rejected: number;
  /** Certainly not processed: safe to send again. */
  readonly unsent: number;
  /** Written and never answered: sending again may show the notification twice. */
  readonly unknown: number;
  /** Failed the local checks; never written. */
  readonly invalid: number;
}

/** A fault that is not one token's: of the message, the credential, the gateway or the way there. */
export interface SendFault {
  /** Apple's reason, or the code of a PealError. */
  readonly reason: string;
  /** One sentence for people: what it means and what to do. */
  readonly explanation: string;
  /** How many recipients it hit. */
  readonly count: number;
}

/** What a result is made of. Its maps and arrays belong to the result from then on. */
export interface ResultParts {
  /** The messages that were sent, one for each notification. Empty only in a result of nothing. */
  readonly messages: readonly Message[];
  readonly counts: OutcomeCounts;
  readonly reasons: ReadonlyMap<string, number>;
  readonly failed: ReadonlyMap<string, Failure>;
  readonly errors: readonly SendFault[];
  readonly invalid: readonly InvalidRecipient[];
  readonly unsent: RecipientList;
  readonly unknown: RecipientList;
  /** Rejected recipients whose fault passes. */
  readonly transient: RecipientList;
  readonly stopped: PealError | null;
}

/** A result as plain JSON data. Holds device tokens whole: it is meant to be stored, not logged. */
export interface ResultData extends OutcomeCounts {
  readonly reasons: Readonly<Record<string, number>>;
  readonly errors: readonly SendFault[];
  readonly failed: Readonly<Record<string, Record<string, unknown>>>;
  readonly unsentTokens: readonly string[];
  readonly unknownTokens: readonly string[];
  readonly invalidRecipients: readonly InvalidRecipient[];
  readonly stopped: { readonly code: string; readonly message: string } | null;
}

const nothing: ResultParts = {
  messages: [],
  counts: { recipients: 0, accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 },
  reasons: new Map(),
  failed: new Map(),
  errors: [],
  invalid: [],
  unsent: RecipientList.empty,
  unknown: RecipientList.empty,
  transient: RecipientList.empty,
  stopped: null,
};

export class Result {
  readonly #parts: ResultParts;
  #gone: ReadonlyMap<string, Date | null> | null = null;

  /** Programs get results from `APNs.send`; without parts it is the result of sending to nobody. */
  constructor(parts: ResultParts = nothing) {
    this.#parts = parts;
  }

  /**
   * The result of two sends taken together. Associative, with `new Result()` as its neutral element: the results of
   * slices may be merged in any grouping. Positions of `b`'s invalid recipients count on from `a`'s recipients.
   */
  static merge(a: Result, b: Result): Result {
    const [x, y] = [a.#parts, b.#parts];
    const shifted = y.invalid.map((one) => ({ ...one, index: one.index + x.counts.recipients }));
    return new Result({
      messages: mergeMessages(x.messages, y.messages),
      counts: mergeCounts(x.counts, y.counts),
      reasons: mergeReasons(x.reasons, y.reasons),
      failed: new Map([...x.failed, ...y.failed]),
      errors: mergeErrors(x.errors, y.errors),
      invalid: [...x.invalid, ...shifted],
      unsent: RecipientList.concat(x.unsent, y.unsent),
      unknown: RecipientList.concat(x.unknown, y.unknown),
      transient: RecipientList.concat(x.transient, y.transient),
      stopped: x.stopped ?? y.stopped,
    });
  }

  get counts(): OutcomeCounts {
    return this.#parts.counts;
  }

  /** How many recipients there were. */
  get recipients(): number {
    return this.#parts.counts.recipients;
  }

  /** How many of them APNs accepted. */
  get accepted(): number {
    return this.#parts.counts.accepted;
  }

  /** Rejected recipients: device token (lower-case hex) to what APNs answered, the last answer where there were two. */
  get failed(): ReadonlyMap<string, Failure> {
    return this.#parts.failed;
  }

  /** How often each reason came. An answer without one counts as `HTTP <status>`. */
  get reasons(): ReadonlyMap<string, number> {
    return this.#parts.reasons;
  }

  /** Faults that are not one token's, each once. */
  get errors(): readonly SendFault[] {
    return this.#parts.errors;
  }

  /** Tokens that are no longer valid, since when (null where APNs did not say). Drop those not registered since. */
  get gone(): ReadonlyMap<string, Date | null> {
    this.#gone ??= goneOf(this.#parts.failed);
    return this.#gone;
  }

  /** Recipients that were certainly not processed. */
  get unsent(): RecipientList {
    return this.#parts.unsent;
  }

  /** Recipients that were written and never answered. */
  get unknown(): RecipientList {
    return this.#parts.unknown;
  }

  /** Recipients that failed the local checks, with why. */
  get invalid(): readonly InvalidRecipient[] {
    return this.#parts.invalid;
  }

  /**
   * Why the send ended before its input did, or null: `ERR_PEAL_ABORTED` (the signal), `ERR_PEAL_STOPPED` (every
   * answer was the same refusal), `ERR_PEAL_CONNECT` and its like (no way to the gateway), `ERR_PEAL_INPUT` (the
   * recipients could not be read on).
   */
  get stopped(): PealError | null {
    return this.#parts.stopped;
  }

  /**
   * Whether `retry()` has something to send: recipients that were unsent or whose fault passes. False after a stop
   * that the same message would meet again (`stopped.retryable` is false); mend the cause and send to
   * `message.withTokens(result.unsent)` then.
   */
  needsRetry(): boolean {
    const { stopped, unsent, transient } = this.#parts;
    return (stopped === null || stopped.retryable) && unsent.length + transient.length > 0;
  }

  /**
   * The same message for the recipients of `needsRetry()`, or null when there is none. `unknown: true` takes the
   * unknown ones in, too, whose devices may then show the notification twice.
   *
   * @throws PealError ERR_PEAL_OPTION where results of different messages were merged.
   */
  retry(options: { readonly unknown?: boolean } = {}): Message | null {
    const { messages, unsent, transient, unknown } = this.#parts;
    const lists = this.needsRetry() ? [unsent, transient] : [];
    if (options.unknown === true) lists.push(unknown);
    const recipients = RecipientList.concat(...lists);
    return recipients.length === 0 ? null : onlyMessage(messages).nextAttempt(recipients);
  }

  /**
   * How long to wait before `retry()` is sent, in milliseconds: 0 where only unsent recipients go again for the first
   * time, otherwise an exponential back-off with full jitter, and never less than the gateway asked for.
   *
   * @param random a number from 0 up to 1; default `Math.random`
   */
  delay(random: () => number = Math.random): number {
    const { messages, failed, stopped, transient } = this.#parts;
    if (!this.needsRetry()) return 0;
    const attempt = Math.max(1, ...messages.map((message) => message.attempt));
    const hasToWait = transient.length > 0 || stopped?.origin === 'connect';
    return retryDelay(attempt, hasToWait, transient.length === 0 ? [] : failed.values(), random);
  }

  toJSON(): ResultData {
    const { counts, reasons, errors, failed, unsent, unknown, invalid, stopped } = this.#parts;
    return {
      ...counts,
      reasons: Object.fromEntries(reasons),
      errors,
      failed: Object.fromEntries([...failed].map(([token, failure]) => [token, failure.toJSON()])),
      unsentTokens: unsent.toArray(),
      unknownTokens: unknown.toArray(),
      invalidRecipients: invalid,
      stopped: stopped === null ? null : { code: stopped.code, message: stopped.message },
    };
  }

  /** Shows counts and reasons, and no token. */
  [inspect.custom](): string {
    const { counts, reasons, stopped } = this.#parts;
    return `Result ${inspect({ ...counts, reasons: Object.fromEntries(reasons), stopped: stopped?.code ?? null })}`;
  }
}

function goneOf(failed: ReadonlyMap<string, Failure>): ReadonlyMap<string, Date | null> {
  const gone = new Map<string, Date | null>();
  for (const [token, { class: kind, timestampMs }] of failed) {
    if (kind === 'gone') gone.set(token, timestampMs === null ? null : new Date(timestampMs));
  }
  return gone;
}

function onlyMessage(messages: readonly Message[]): Message {
  if (messages.length === 1) return messages[0]!;
  const message = 'This result was merged from sends of different messages: retry each of them by its own result.';
  throw new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}
