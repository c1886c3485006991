/**
 * What became of the recipients of a send. Made by the books of a send once every recipient has its outcome; read,
 * merged and stored by the program. Main thread. Memory grows with what went wrong, not with what was sent.
 */
import { inspect } from 'node:util';
import { PealError } from '../../base/errors.js';
import { checkOptions, flag } from '../../base/options.js';
import type { InvalidRecipient } from '../recipients/recipient.js';
import { RecipientList } from '../recipients/recipient-list.js';
import type { Failure } from './failure.js';
import type { Message } from './message.js';
import type { PushMessage } from './push-message.js';
import {
  canRetry,
  mergeRetryStates,
  nextMessage,
  type RetryChoice,
  type RetryState,
  retryDelay,
} from './retry-state.js';

/** Recipients by outcome. Each is in exactly one; a token that was given twice counts twice. */
export interface OutcomeCounts {
  /** All recipients: the sum of the five below. */
  readonly recipients: number;
  /** The service answered 200. */
  readonly accepted: number;
  /** The service answered otherwise. */
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
  /** The service's reason, or the code of a PealError. */
  readonly reason: string;
  /**
   * The status that came with it: of HTTP (201 to 999, of APNs 400 to 599), or of a binary gateway (1 to 255). Null
   * without an answer.
   */
  readonly status: number | null;
  /** One sentence for people: what it means and what to do. */
  readonly explanation: string;
  /** How many recipients it hit. */
  readonly count: number;
}

/** How the service calls a notification that it accepted; null where its answer did not say. */
export interface AcceptedId {
  /**
   * With APNs a UUID: the recipient's or the message's own, or one that APNs made. With FCM the name of the message.
   */
  readonly apnsId: string | null;
  /** The key of APNs' delivery log, in the development environment only. */
  readonly apnsUniqueId: string | null;
}

/** What a result is made of. Its maps and arrays belong to the result from then on. */
interface ResultParts {
  readonly counts: OutcomeCounts;
  readonly reasons: ReadonlyMap<string, number>;
  readonly rejections: ReadonlyMap<string, Failure>;
  readonly errors: readonly SendFault[];
  readonly invalid: readonly InvalidRecipient[];
  /** Default: none were kept. */
  readonly acceptedIds?: ReadonlyMap<string, AcceptedId>;
  /** Requests that were sent again by the send itself. Default 0. */
  readonly resent?: number;
  /**
   * One for each message that was sent; of many, those that leave anything, and at least two. Empty only in a result of
   * nothing.
   */
  readonly retryStates: readonly RetryState[];
  /** Why a send of many messages ended before its input did. Default null: the states say it. */
  readonly stopped?: PealError | null;
}

/** A result as plain JSON data. Holds device tokens whole: it is meant to be stored, not logged. */
export interface ResultData extends OutcomeCounts {
  readonly reasons: Readonly<Record<string, number>>;
  readonly errors: readonly SendFault[];
  readonly failed: Readonly<Record<string, Record<string, unknown>>>;
  /** Only where the send kept ids. */
  readonly acceptedIds?: Readonly<Record<string, AcceptedId>>;
  readonly unsentTokens: readonly string[];
  readonly unknownTokens: readonly string[];
  readonly invalidRecipients: readonly InvalidRecipient[];
  readonly resent: number;
  readonly stopped: { readonly code: string; readonly message: string } | null;
}

const noIds: ReadonlyMap<string, AcceptedId> = new Map();

const nothing: ResultParts = {
  counts: { recipients: 0, accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 },
  reasons: new Map(),
  rejections: new Map(),
  errors: [],
  invalid: [],
  retryStates: [],
};

/** What a result was made of. For the books of a send of many messages. */
export let partsOfResult: (result: Result) => ResultParts;

export class Result<M extends PushMessage = Message> {
  static {
    partsOfResult = (result) => result.#parts;
  }

  readonly #parts: ResultParts;
  #gone: ReadonlyMap<string, Date | null> | null = null;
  #failed: ReadonlyMap<string, Failure> | null = null;

  /** The result of a send without recipients. Other results come from `APNs.send` and `FCM.send`. */
  constructor();
  /** @internal for the books of a send */
  constructor(parts: ResultParts);
  constructor(parts: ResultParts = nothing) {
    this.#parts = parts;
  }

  /**
   * The result of two sends taken together. Associative, with `new Result()` as its neutral element: the results of
   * slices may be merged in any grouping. Positions of `b`'s invalid recipients count on from `a`'s recipients.
   */
  static merge<M extends PushMessage = Message>(a: Result<M>, b: Result<M>): Result<M> {
    return Result.mergeAll([a, b]);
  }

  /**
   * The result of any number of sends taken together, in their order: what merging one after the other gives, at a cost
   * that grows with their number and not with its square.
   */
  static mergeAll<M extends PushMessage = Message>(results: Iterable<Result<M>>): Result<M> {
    const counts = { ...nothing.counts };
    const reasons = new Map<string, number>();
    const rejections = new Map<string, Failure>();
    const errors = new Map<string, SendFault>();
    const invalid: InvalidRecipient[] = [];
    const acceptedIds = new Map<string, AcceptedId>();
    const retryStates: RetryState[] = [];
    let resent = 0;
    let stopped: PealError | null = null;
    for (const result of results) {
      const parts = result.#parts;
      stopped ??= parts.stopped ?? null;
      const before = counts.recipients;
      for (const outcome of outcomes) counts[outcome] += parts.counts[outcome];
      for (const [reason, count] of parts.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + count);
      for (const [token, failure] of parts.rejections) rejections.set(token, failure);
      for (const fault of parts.errors) addFault(errors, fault);
      for (const one of parts.invalid) invalid.push(before === 0 ? one : { ...one, index: one.index + before });
      for (const [token, id] of parts.acceptedIds ?? noIds) acceptedIds.set(token, id);
      for (const state of parts.retryStates) retryStates.push(state);
      resent += parts.resent ?? 0;
    }
    return new Result({
      ...{ counts, reasons, rejections, errors: [...errors.values()], invalid, acceptedIds, resent, stopped },
      retryStates: mergeRetryStates(retryStates),
    });
  }

  get counts(): OutcomeCounts {
    return this.#parts.counts;
  }

  /** How many recipients there were. */
  get recipients(): number {
    return this.#parts.counts.recipients;
  }

  /** How many of them the service accepted. */
  get accepted(): number {
    return this.#parts.counts.accepted;
  }

  /**
   * How many requests the send itself sent again (see the option `retry`), beyond the first for each recipient. What
   * was certainly not processed and went out anew is not among them.
   */
  get resent(): number {
    return this.#parts.resent ?? 0;
  }

  /**
   * Rejected recipients: token (APNs' in lower-case hex) to what was answered, the last answer where there were two. Of
   * a binary gateway's rejections only those that the token itself is to blame for; the others stand in `errors`.
   */
  get failed(): ReadonlyMap<string, Failure> {
    this.#failed ??= failedOf(this.#parts.rejections);
    return this.#failed;
  }

  /** Every rejected recipient, like `failed`, whatever the reason is about. The same map with HTTP/2. */
  get rejections(): ReadonlyMap<string, Failure> {
    return this.#parts.rejections;
  }

  /**
   * Accepted recipients: token (APNs' in lower-case hex) to the ids that the service named. Empty unless the send had
   * `keepIds: true`, and where `outcomes` took the batches.
   */
  get acceptedIds(): ReadonlyMap<string, AcceptedId> {
    return this.#parts.acceptedIds ?? noIds;
  }

  /** How often each reason came. An answer without one counts as `HTTP <status>`. */
  get reasons(): ReadonlyMap<string, number> {
    return this.#parts.reasons;
  }

  /** Faults that are not one token's, each once. */
  get errors(): readonly SendFault[] {
    return this.#parts.errors;
  }

  /**
   * Tokens that are no longer valid, since when (null where the service did not say). Drop those not registered since.
   */
  get gone(): ReadonlyMap<string, Date | null> {
    this.#gone ??= goneOf(this.#parts.rejections);
    return this.#gone;
  }

  /** Recipients that were certainly not processed. */
  get unsent(): RecipientList {
    return RecipientList.join(this.#parts.retryStates.map(({ unsent }) => unsent));
  }

  /** Recipients that were written and never answered. */
  get unknown(): RecipientList {
    return RecipientList.join(this.#parts.retryStates.map(({ unknown }) => unknown));
  }

  /** Recipients that failed the local checks, with why. */
  get invalid(): readonly InvalidRecipient[] {
    return this.#parts.invalid;
  }

  /**
   * Why the send ended before its input did, or null: `ERR_PEAL_ABORTED` (the signal), `ERR_PEAL_STOPPED` (every
   * answer was the same refusal, or nearly every token is bad), `ERR_PEAL_CONNECT` and its like (no way to the
   * gateway), `ERR_PEAL_INPUT` (the recipients could not be read on).
   */
  get stopped(): PealError | null {
    const { stopped = null, retryStates } = this.#parts;
    return stopped ?? retryStates.find((state) => state.stopped !== null)?.stopped ?? null;
  }

  /**
   * Whether `retry()` has something to send: recipients that were unsent or whose fault passes. False after a stop
   * that the same message would meet again (`stopped.retryable` is false): mend the cause and send to
   * `retry({ mended: true })` then. False, too, after ten sends in a row that were answered and gave no recipient a
   * final answer.
   */
  needsRetry(): boolean {
    return this.#parts.retryStates.some(canRetry);
  }

  /**
   * The same message for the recipients of `needsRetry()`, or null when there is none. `unknown: true` takes the
   * unknown ones in, too, whose devices may then show the notification twice. `mended: true` says that the cause of the
   * stop or of the refusals is mended: it takes in all recipients that a stop kept back, and those that were rejected
   * for the message, the topic or the credential; if the send was stopped for bad tokens, these as well.
   *
   * @throws PealError ERR_PEAL_OPTION for a result of several messages: see {@link retryAll}.
   */
  retry(options: RetryChoice = {}): M | null {
    const retries = this.retryAll(options);
    if (this.#parts.retryStates.length < 2 || retries.length === 0) return retries[0] ?? null;
    const message = 'This result is of several messages: send what retryAll() returns.';
    throw new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
  }

  /** What `retry()` would give for each of the messages that were sent, without those that need none. */
  retryAll(options: RetryChoice = {}): M[] {
    checkOptions({ name: 'retry' }, options, { unknown: flag, mended: flag });
    const retries = this.#parts.retryStates.map((state) => nextMessage(state, options));
    return retries.filter((message) => message !== null) as M[];
  }

  /**
   * How long to wait before `retry()` is sent, in milliseconds. Returns 0 if only unsent recipients go again and the
   * send gave a recipient a final answer or was the first; otherwise an exponential back-off with full jitter, and
   * never less than the gateway asked for; 15 minutes at most.
   *
   * @param random a number from 0 up to 1; default `Math.random`
   */
  retryDelayMs(random: () => number = Math.random): number {
    const waiting = this.#parts.retryStates.filter(canRetry);
    if (waiting.length === 0) return 0;
    const hasTransient = waiting.some(({ transient }) => transient.length > 0);
    const hasToWait = hasTransient || waiting.some(({ stopped }) => stopped?.origin === 'connect');
    if (!hasToWait && waiting.every(({ isFruitful }) => isFruitful)) return 0;
    const attempt = waiting.reduce((most, { message }) => Math.max(most, message.attempt), 1);
    return retryDelay(attempt, hasToWait, hasTransient ? this.#parts.rejections.values() : [], random);
  }

  /** {@link retryDelayMs} by the original library's name. */
  delay(random?: () => number): number {
    return this.retryDelayMs(random);
  }

  toJSON(): ResultData {
    const { counts, reasons, errors, invalid } = this.#parts;
    const { failed, acceptedIds, unsent, unknown, resent, stopped } = this;
    return {
      ...counts,
      reasons: Object.fromEntries(reasons),
      errors,
      failed: Object.fromEntries([...failed].map(([token, failure]) => [token, failure.toJSON()])),
      ...(acceptedIds.size > 0 && { acceptedIds: Object.fromEntries(acceptedIds) }),
      unsentTokens: unsent.toArray(),
      unknownTokens: unknown.toArray(),
      invalidRecipients: invalid,
      resent,
      stopped: stopped === null ? null : { code: stopped.code, message: stopped.message },
    };
  }

  /** Shows counts and reasons, and no token. */
  [inspect.custom](): string {
    const { stopped } = this;
    const { counts, reasons } = this.#parts;
    return `Result ${inspect({ ...counts, reasons: Object.fromEntries(reasons), stopped: stopped?.code ?? null })}`;
  }
}

function goneOf(failed: ReadonlyMap<string, Failure>): ReadonlyMap<string, Date | null> {
  const gone = new Map<string, Date | null>();
  for (const [token, { kind, timestampMs }] of failed) {
    if (kind === 'gone') gone.set(token, timestampMs === null ? null : new Date(timestampMs));
  }
  return gone;
}

function failedOf(rejections: ReadonlyMap<string, Failure>): ReadonlyMap<string, Failure> {
  const isOthersFault = (failure: Failure): boolean => failure.protocol === 'binary' && failure.kind !== 'token';
  if (![...rejections.values()].some(isOthersFault)) return rejections;
  return new Map([...rejections].filter(([, failure]) => !isOthersFault(failure)));
}

const outcomes = ['recipients', 'accepted', 'rejected', 'unsent', 'unknown', 'invalid'] as const;

/** Each fault once, in the order of its first coming and with its first explanation. */
function addFault(faults: Map<string, SendFault>, fault: SendFault): void {
  const known = faults.get(fault.reason);
  faults.set(fault.reason, known === undefined ? fault : { ...known, count: known.count + fault.count });
}
