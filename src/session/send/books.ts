/**
 * The books of one send: what became of each recipient. The engine brings settled batches, the packer invalid
 * recipients. Counts always; details of what went wrong only where no other sink takes them. Main thread; one for each
 * send.
 */
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { lastPullMs, maxErrorsKept } from '../../base/limits.js';
import type { Batch, OutcomeSink, SettledBatch } from '../../engine/batch.js';
import type { InterimCounts } from '../../engine/dispatcher/interim.js';
import { ACCEPTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';
import { Tally } from '../../engine/tally.js';
import type { Protocol } from '../../push/address.js';
import { isSendersFault } from '../../push/reason.js';
import { Failure } from '../message/failure.js';
import type { PushMessage } from '../message/push-message.js';
import { type AcceptedId, type OutcomeCounts, Result, type SendFault } from '../message/result.js';
import type { InvalidRecipient } from '../recipients/recipient.js';
import { RecipientCollector } from '../recipients/recipient-collector.js';
import { RecipientList } from '../recipients/recipient-list.js';
import { type Progress, ProgressReporter } from './progress.js';

interface BooksOptions {
  readonly message: PushMessage;
  readonly clock: Clock;
  /** What the gateway speaks. */
  readonly protocol: Protocol;
  /** Whether the ids of accepted notifications are kept, unless `outcomes` takes them. Default false. */
  readonly keepIds?: boolean;
  /** Recipients that are to come, where that is known. */
  readonly total: number | null;
  readonly outcomes: OutcomeSink | null;
  readonly onInvalid: ((recipient: InvalidRecipient) => void) | null;
  readonly onProgress: ((progress: Progress) => void) | null;
  /** Told of each token that is no longer valid, since when. */
  readonly onGone?: (token: string, timestampMs: number | null) => void;
  /** What is known of batches that are not settled, for progress. Default: nothing. */
  readonly interim?: () => InterimCounts;
  /** Called when `outcomes`, `onInvalid` or `onProgress` throws: the send has to stop. */
  readonly onFault: (fault: PealError) => void;
}

/** Where a send stands, batches that are under way included. */
interface Now {
  readonly counts: OutcomeCounts;
  /** Recipients that wait for a connection. */
  readonly queued: number;
}

export class Books implements OutcomeSink {
  readonly #options: BooksOptions;
  readonly #progress: ProgressReporter | null;
  /** Accepted recipients of batches in which all were; the others are in the tally. Most sends need none. */
  #acceptedWhole = 0;
  #tally: Tally | null = null;
  readonly #rejections = new Map<string, Failure>();
  readonly #acceptedIds = new Map<string, AcceptedId>();
  readonly #errors = new Map<string, SendFault>();
  readonly #invalid: InvalidRecipient[] = [];
  readonly #unsent = new RecipientCollector();
  readonly #unknown = new RecipientCollector();
  readonly #transient = new RecipientCollector();
  readonly #refused = new RecipientCollector();
  /** Recipients whose tokens were called bad. If the send stops for that, the sender is at fault and not the tokens. */
  readonly #badTokens = new RecipientCollector();
  #invalidCount = 0;
  #transientCount = 0;
  #resent = 0;
  /** Recipients of the last report: done, and queued. */
  #reported = { recipients: 0, queued: 0 };
  /** Passes on what is certain in batches under way, if `outcomes` asks for it. */
  readonly glimpse?: (batch: Batch, states: Uint8Array) => void;
  /** Resolves when the sink has taken the batch that was settled last. */
  taken: void | Promise<void> = undefined;

  constructor(options: BooksOptions) {
    const { outcomes } = options;
    this.#options = options;
    if (outcomes?.glimpse !== undefined) {
      this.glimpse = (batch, states) => void this.#guard('outcomes', () => outcomes.glimpse?.(batch, states));
    }
    this.#progress =
      options.onProgress === null ? null : new ProgressReporter(options.onProgress, options.clock, options.total);
  }

  get counts(): OutcomeCounts {
    const tally = this.#tally;
    const invalid = this.#invalidCount;
    const accepted = this.#acceptedWhole + (tally?.accepted ?? 0);
    const [rejected, unsent, unknown] = tally === null ? [0, 0, 0] : [tally.rejected, tally.unsent, tally.unknown];
    return {
      recipients: accepted + rejected + unsent + unknown + invalid,
      accepted,
      rejected,
      unsent,
      unknown,
      invalid,
    };
  }

  /** Called by the engine. Never throws: a sink or callback that does is reported to `onFault`. */
  settled(settled: SettledBatch): void | Promise<void> {
    this.#resent += settled.resent;
    if (isAllAccepted(settled)) this.#acceptedWhole += settled.ledger.length;
    else this.#addMixed(settled);
    const { outcomes, keepIds } = this.#options;
    if (keepIds === true && outcomes === null) this.#keepIds(settled);
    if (outcomes !== null) this.taken = this.#guard('outcomes', () => outcomes.settled(settled));
    this.#reportProgress();
    return this.taken;
  }

  #addMixed(settled: SettledBatch): void {
    const { outcomes, protocol } = this.#options;
    this.#tally ??= new Tally();
    this.#tally.add(settled);
    if (settled.cause !== null) this.#noteCause(settled, settled.cause);
    for (const detail of settled.details) {
      const failure = new Failure(detail, protocol);
      this.#noteRejection(settled.batch, detail.index, failure);
      if (outcomes === null) this.#keepRejected(settled.batch, detail.index, failure);
    }
    if (outcomes === null) this.#keepUnanswered(settled);
  }

  /** Called by the packer. */
  addInvalid(recipient: InvalidRecipient): void {
    const { onInvalid } = this.#options;
    this.#invalidCount += 1;
    if (onInvalid === null) this.#invalid.push(recipient);
    else this.#guard('onInvalid', () => onInvalid(recipient));
    this.#reportProgress();
  }

  /** The stream of recipients was asked for one before the stop, and has not answered. */
  noteOpenPull(): void {
    const seconds = lastPullMs / 1000;
    const explanation =
      `The stream of recipients was asked for one when the send stopped, and gave none within ${seconds} seconds. ` +
      'What it gives later is in no outcome: let it end by the same signal.';
    this.#addError('ERR_PEAL_INPUT', null, explanation, 0);
  }

  /** Progress is reported between batches, too, until `endProgress`. */
  beginProgress(): void {
    this.#progress?.start(() => {
      const now = this.#now();
      const { recipients, queued } = this.#reported;
      if (now.counts.recipients > recipients || now.queued !== queued) this.#reportProgress(now);
    });
  }

  endProgress(): void {
    this.#progress?.stop();
  }

  /** The last report of progress: all there is. */
  reportEnd(): void {
    const progress = this.#progress;
    if (progress !== null) this.#guard('onProgress', () => progress.report(this.counts, 0));
  }

  /** With those of batches that are under way. */
  #now(): Now {
    const { counts } = this;
    const { accepted, rejected, queued } = this.#options.interim?.() ?? { accepted: 0, rejected: 0, queued: 0 };
    const withInterim = {
      ...counts,
      recipients: counts.recipients + accepted + rejected,
      accepted: counts.accepted + accepted,
      rejected: counts.rejected + rejected,
    };
    return { counts: withInterim, queued };
  }

  close(cause: PealError | null): Result {
    const { message } = this.#options;
    // A binary gateway stops at the first failure, and only here is known whether the notification is to blame.
    const stopped = cause?.origin === 'gateway' && cause.retryable ? (this.#refusal() ?? cause) : cause;
    const { counts } = this;
    const [unsent, unknown, transient] = [this.#unsent.toList(), this.#unknown.toList(), this.#transient.toList()];
    const refused = RecipientList.concat(
      this.#refused.toList(),
      stopped?.code === 'ERR_PEAL_STOPPED' ? this.#badTokens.toList() : RecipientList.empty,
    );
    const isFruitful = counts.accepted + counts.rejected > this.#transientCount;
    return new Result({
      counts,
      reasons: new Map(this.#tally?.reasons()),
      rejections: this.#rejections,
      acceptedIds: this.#acceptedIds,
      errors: [...this.#errors.values()],
      invalid: this.#invalid,
      resent: this.#resent,
      retryStates: [{ message, unsent, unknown, transient, refused, stopped, isFruitful }],
    });
  }

  /** Why what a binary gateway has not taken would be refused again, or null where it would not. */
  #refusal(): PealError | null {
    for (const { class: kind, reason, explanation } of this.#rejections.values()) {
      if (kind !== 'request') continue;
      const message = `The gateway refuses the notification to every recipient (${reason}). ${explanation}`;
      return new PealError('ERR_PEAL_STOPPED', message, { origin: 'gateway' });
    }
    return null;
  }

  #keepIds({ tokens, ledger, ids = null }: SettledBatch): void {
    for (let index = ledger.indexOf(ACCEPTED); index !== -1; index = ledger.indexOf(ACCEPTED, index + 1)) {
      const apnsId = ids?.apnsIds[index] ?? null;
      this.#acceptedIds.set(tokens.textAt(index), { apnsId, apnsUniqueId: ids?.apnsUniqueIds[index] ?? null });
    }
  }

  #keepRejected(batch: Batch, index: number, failure: Failure): void {
    this.#rejections.set(batch.tokens.textAt(index), failure);
    if (failure.isTransient) this.#transient.add(batch, index);
    else if (isSendersFault(failure.class, false)) this.#refused.add(batch, index);
    else if (isSendersFault(failure.class, true)) this.#badTokens.add(batch, index);
  }

  #keepUnanswered({ batch, ledger }: SettledBatch): void {
    this.#keepOutcome(this.#unsent, batch, ledger, UNSENT);
    this.#keepOutcome(this.#unknown, batch, ledger, UNKNOWN);
  }

  #keepOutcome(into: RecipientCollector, batch: Batch, ledger: Uint8Array, outcome: number): void {
    let index = ledger.indexOf(outcome);
    if (index === 0 && ledger.every((byte) => byte === outcome)) into.addWhole(batch);
    else for (; index !== -1; index = ledger.indexOf(outcome, index + 1)) into.add(batch, index);
  }

  /** A rejection that the token is not to blame for is added to the errors, once for each reason. */
  #noteRejection(batch: Batch, index: number, failure: Failure): void {
    if (failure.isTransient) this.#transientCount += 1;
    const { class: kind, reason, status, explanation, timestampMs } = failure;
    if (kind === 'gone') this.#options.onGone?.(batch.tokens.textAt(index), timestampMs);
    if (kind === 'gone' || kind === 'token') return;
    this.#addError(reason === '' ? `HTTP ${status}` : reason, status, explanation, 1);
  }

  #noteCause({ ledger }: SettledBatch, cause: PealError): void {
    // What was discarded behind a rejection is not an error of its own: the rejection is.
    if (cause.code === 'ERR_PEAL_DISCARDED') return;
    let count = 0;
    for (const outcome of ledger) if (outcome === UNSENT || outcome === UNKNOWN) count += 1;
    this.#addError(cause.code, null, cause.message, count);
  }

  #addError(reason: string, status: number | null, explanation: string, count: number): void {
    const known = this.#errors.get(reason);
    if (known === undefined && this.#errors.size >= maxErrorsKept) return;
    this.#errors.set(reason, {
      reason,
      status,
      explanation: known?.explanation ?? explanation,
      count: count + (known?.count ?? 0),
    });
  }

  #reportProgress(known: Now | null = null): void {
    const progress = this.#progress;
    if (progress?.isDue() !== true) return;
    const { counts, queued } = known ?? this.#now();
    this.#reported = { recipients: counts.recipients, queued };
    this.#guard('onProgress', () => progress.report(counts, queued));
  }

  /** Runs what the program handed in; its failure, at once or later, becomes a fault of the send. */
  #guard(option: string, call: () => void | Promise<void>): void | Promise<void> {
    try {
      const pending = call();
      if (pending !== undefined) return Promise.resolve(pending).catch((error: unknown) => this.#fault(option, error));
    } catch (error) {
      this.#fault(option, error);
    }
  }

  #fault(option: string, error: unknown): void {
    this.#options.onFault(faultOf(`The option ${option} of send`, error));
  }
}

function isAllAccepted({ ledger }: SettledBatch): boolean {
  for (let index = 0; index < ledger.length; index++) if (ledger[index] !== ACCEPTED) return false;
  return true;
}

/** What the program's own code threw, as the cause of a stop; a PealError stays as it is. */
export function faultOf(subject: string, error: unknown): PealError {
  if (error instanceof PealError) return error;
  const name = error instanceof Error ? error.name : `a value of type ${typeof error}`;
  const message = `${subject} threw ${name}: see the cause, and send again to what is unsent.`;
  return new PealError('ERR_PEAL_INPUT', message, { origin: 'input', cause: error });
}
