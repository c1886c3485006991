/**
 * One send, as its caller holds it: a notification on its way to any number of batches of recipients. Counts what is
 * outstanding, hands settled batches to the sink, and knows why it was stopped. Made by Dispatcher.send; on the
 * dispatcher's thread.
 */
import type { Notification } from '../../apns/notification.js';
import type { RetryBudget } from '../../apns/retry-policy.js';
import { assert } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { retryTimeMs } from '../../base/limits.js';
import { type Batch, batchFault, type OutcomeDetail, type OutcomeSink, type SettledBatch } from '../batch.js';
import { UNKNOWN, UNSENT } from '../ledger.js';
import { BadTokenWatch } from './bad-tokens.js';
import { publishBatch } from './diagnostics.js';
import type { InterimCounts } from './interim.js';
import type { RetryTerms } from './retries.js';
import type { Route } from './route.js';

/** What a program does with a send. */
export interface SendJob {
  /**
   * Hands a batch of 1 to 1,024 recipients over, and resolves once a shard has taken it: wait for that before making
   * the next batch, and memory is bounded. The batch must not be changed until the sink has had it. After a stop or a
   * cancellation the batch comes back through the sink as unsent.
   *
   * @throws PealError ERR_PEAL_OPTION (as a rejection) for something that is not a batch, or after `finish`.
   */
  dispatch(batch: Batch): Promise<void>;
  /**
   * Resolves once everything that was dispatched is settled and the sink has taken it. No batch may follow. Rejects
   * with whatever the sink threw.
   */
  finish(): Promise<void>;
  /** What is not yet written becomes unsent, with this cause; what was written still gets its answer. */
  cancel(cause: PealError): void;
  /**
   * Why the job takes nothing more, or null: ERR_PEAL_STOPPED when APNs refused the same way again and again, when it
   * called nearly every token bad, or at the first failure where it stops there (JobOptions; ERR_PEAL_DISCARDED at a
   * shutdown); an error of connecting when no shard gets through, ERR_PEAL_SHARD when no shard is left,
   * ERR_PEAL_CREDENTIAL without a provider token that is accepted; the cause of `cancel`.
   */
  readonly stopped: PealError | null;
  /** Recipients that have their outcome in batches that are not settled yet. Looks at each of them: for now and then. */
  interim(): InterimCounts;
}

export interface JobOptions {
  /**
   * The first failure that a binary gateway reports ends the send: what it discarded, and what was not written yet, is
   * unsent, for the caller to send again. Otherwise it goes on over new connections, which is the default.
   */
  readonly stopsAtFailure?: boolean;
  /** What may be spent on sending again to recipients whose fault passes (apns/retry-policy). Default null: nothing. */
  readonly retry?: RetryBudget | null;
  /**
   * Whether recipients that were written and never answered are sent to again, within the budget of `retry`; they may
   * see the notification twice. Default `'report'`: they are unknown.
   */
  readonly onUnknown?: 'report' | 'resend';
  /** Share of bad tokens among the latest answers (above 0, up to 1) that stops the job. Default null: none does. */
  readonly stopAtBadTokens?: number | null;
  /** Whether the ids of accepted notifications come with the settled batches. Default false. */
  readonly keepIds?: boolean;
  /** Called once when the job is stopped, for whatever reason: its caller may be waiting for recipients. */
  readonly onStopped?: () => void;
}

/** A batch that is under way, as its job sees it (parcel). */
export interface DispatchedBatch {
  /** Adds those of its recipients whose outcome is certain already. */
  addInterim(counts: InterimCounts): void;
  /** As it goes to the sink. `fallbackCause`: why recipients are unsent, where nothing else says so. */
  settled(fallbackCause: PealError | null): SettledBatch;
}

/** What is sent, over which route, and who takes what became of it. */
interface JobSubject {
  readonly id: number;
  readonly route: Route;
  readonly notification: Notification;
  readonly sink: OutcomeSink;
}

/** The dispatcher, as a job sees it. */
export interface JobOwner {
  /** Sends a batch, which it tells the job of (`begin`, `settle`). Resolves once a shard has taken it. */
  take(job: Job, batch: Batch): Promise<void>;
  onStopped(job: Job, cause: PealError): void;
  onFinished(job: Job): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** At least 0 and below 1. */
  random(): number;
}

export class Job implements SendJob {
  readonly id: number;
  readonly route: Route;
  readonly notification: Notification;
  /** By id: shards whose connections for this job's route have given up. */
  readonly excluded = new Set<number>();
  readonly stopsAtFailure: boolean;
  readonly keepsIds: boolean;
  readonly #retry: RetryBudget | null;
  readonly #resendsUnknown: boolean;
  readonly #badTokens: BadTokenWatch | null;
  readonly #onStopped: (() => void) | null;
  readonly #owner: JobOwner;
  readonly #sink: OutcomeSink;
  /** Dispatched, and not handed to the sink. */
  readonly #unsettled = new Set<DispatchedBatch>();
  /** Batches that were dispatched and have not been taken by the sink. */
  #outstanding = 0;
  #stopped: PealError | null = null;
  #sinkFailure: { readonly error: unknown } | null = null;
  #finished: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;

  constructor({ id, route, notification, sink }: JobSubject, owner: JobOwner, options: JobOptions = {}) {
    const { stopAtBadTokens = null } = options;
    this.id = id;
    this.route = route;
    this.notification = notification;
    this.stopsAtFailure = options.stopsAtFailure ?? false;
    this.keepsIds = options.keepIds ?? false;
    this.#resendsUnknown = options.onUnknown === 'resend';
    // A binary gateway closes at each refusal, and its sender goes on behind it: nothing is sent again unasked.
    this.#retry = route.protocol === 'binary' ? null : (options.retry ?? null);
    this.#badTokens = stopAtBadTokens === null ? null : new BadTokenWatch(stopAtBadTokens, route.protocol);
    this.#onStopped = options.onStopped ?? null;
    this.#sink = sink;
    this.#owner = owner;
  }

  get stopped(): PealError | null {
    return this.#stopped;
  }

  async dispatch(batch: Batch): Promise<void> {
    const fault = this.#finished === null ? batchFault(batch) : 'dispatch() was called after finish()';
    if (fault !== null) throw new PealError('ERR_PEAL_OPTION', `Cannot dispatch: ${fault}.`, { origin: 'usage' });
    await this.#owner.take(this, batch);
  }

  /** A batch of this job is under way from now on, until `settle`. */
  begin(batch: DispatchedBatch): void {
    this.#outstanding += 1;
    this.#unsettled.add(batch);
  }

  interim(): InterimCounts {
    const counts = { accepted: 0, rejected: 0 };
    for (const batch of this.#unsettled) batch.addInterim(counts);
    return counts;
  }

  finish(): Promise<void> {
    this.#finished ??= this.#untilIdle();
    return this.#finished;
  }

  cancel(cause: PealError): void {
    this.stop(cause);
  }

  /** As cancel; the first cause stays. */
  stop(cause: PealError): void {
    if (this.#stopped !== null) return;
    this.#stopped = cause;
    this.#owner.onStopped(this, cause);
    this.#onStopped?.();
  }

  /** What is spent on a recipient is also spent on a provider token that APNs calls one too many. */
  get tokenUpdatesTimeMs(): number {
    return this.#retry?.timeMs ?? retryTimeMs;
  }

  /** Monotonic milliseconds of the dispatcher's clock. */
  nowMs(): number {
    return this.#owner.now();
  }

  /** What decides whether recipients are sent to again; null when none is. */
  retryTerms(): RetryTerms | null {
    if (this.#retry === null || this.#stopped !== null) return null;
    const { now, random } = this.#owner;
    return { budget: this.#retry, resendsUnknown: this.#resendsUnknown, nowMs: now(), random };
  }

  /** The answers to a batch as it came back first; `hasUnanswered`: some recipients may have none. */
  countAnswers(ledger: Uint8Array, details: readonly OutcomeDetail[], hasUnanswered: boolean): void {
    if (this.#badTokens === null || this.#stopped !== null) return;
    let answers = ledger.length;
    if (hasUnanswered) for (const outcome of ledger) if (outcome === UNSENT || outcome === UNKNOWN) answers -= 1;
    this.#badTokens.add(answers, details);
    const verdict = this.#badTokens.verdict();
    if (verdict !== null) this.stop(verdict);
  }

  /** Gives a settled batch to the sink; `onTaken` runs once the sink is done with it, however that ends. */
  settle(batch: DispatchedBatch, onTaken: () => void): void {
    const done = (): void => {
      this.#outstanding -= 1;
      onTaken();
      if (this.#outstanding === 0) this.#onIdle?.();
    };
    const failed = (error: unknown): void => {
      this.#failSink(error);
      done();
    };
    assert(this.#unsettled.delete(batch), 'a batch goes to the sink of the job that it was dispatched for, and once');
    try {
      const settled = batch.settled(this.#stopped);
      publishBatch(this.route, settled);
      const taking = this.#sink.settled(settled);
      if (taking === undefined) done();
      else taking.then(done, failed);
    } catch (error) {
      failed(error);
    }
  }

  #failSink(error: unknown): void {
    this.#sinkFailure ??= { error };
    this.stop(
      new PealError('ERR_PEAL_ABORTED', 'The send was stopped, because its outcomes could not be taken.', {
        origin: 'usage',
        cause: error,
      }),
    );
  }

  async #untilIdle(): Promise<void> {
    if (this.#outstanding > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#owner.onFinished(this);
    if (this.#sinkFailure !== null) throw this.#sinkFailure.error;
  }
}
