/**
 * One send, as its caller holds it: a notification on its way to any number of batches of recipients. Counts
 * outstanding batches, hands settled ones to the sink, and keeps why it was stopped. Made by Dispatcher.send; on the
 * dispatcher's thread.
 */
import { assert, rethrowAssertion } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { maxBatchRecipients, retryTimeMs } from '../../base/limits.js';
import type { Notification } from '../../push/notification.js';
import type { RetryBudget } from '../../push/retry-policy.js';
import { type Batch, batchFault, type OutcomeDetail, type SettledBatch, type TellingSink } from '../batch.js';
import type { LatencyHistogram } from '../latency-histogram.js';
import { UNKNOWN, UNSENT } from '../ledger.js';
import { BadTokenWatch } from './bad-tokens.js';
import { publishBatch } from './diagnostics.js';
import type { InterimCounts } from './interim.js';
import type { RetryTerms } from './retries.js';
import type { Route } from './route.js';

/** The calls that a program makes on a send. */
export interface SendJob {
  /**
   * Dispatches a batch of 1 to 1,024 recipients, and resolves once a shard has taken it. Wait for that before making
   * the next batch, to keep memory bounded. The batch must not be changed until the sink has had it. After a stop or
   * a cancellation the batch comes back through the sink as unsent.
   *
   * @throws PealError ERR_PEAL_OPTION (as a rejection) for something that is not a batch, or after `finish`.
   */
  dispatch(batch: Batch): Promise<void>;
  /**
   * Resolves once every dispatched batch is settled and the sink has taken it. No batch may follow. Rejects with what
   * the sink threw.
   */
  finish(): Promise<void>;
  /**
   * Takes one recipient of a batch under way back, for sinks with a method `told`: it becomes unsent, unless its
   * request is under way. Returns what is certain by now: an outcome, WRITTEN if it is too late, or QUEUED if a shard
   * has yet to say; it is told then.
   */
  withdraw(batch: Batch, index: number): number;
  /** Whether the request to one recipient of a batch under way is not written yet. */
  isQueued(batch: Batch, index: number): boolean;
  /** Requests not yet written become unsent, with this cause. Written requests still get their answers. */
  cancel(cause: PealError): void;
  /**
   * Why the job takes no more batches, or null. ERR_PEAL_STOPPED when APNs refused the same way again and again, when
   * it called nearly every token bad, or at the first failure of a job that stops there (JobOptions;
   * ERR_PEAL_DISCARDED at a shutdown). An error of connecting when no shard reaches the gateway, ERR_PEAL_SHARD when
   * no shard is left, ERR_PEAL_CREDENTIAL without an accepted provider token. Otherwise the cause of `cancel`.
   */
  readonly stopped: PealError | null;
  /**
   * Recipients of batches that are not settled yet: those that have their outcome, and those that wait for a
   * connection. It reads each of them, so call it only now and then.
   */
  interim(): InterimCounts;
}

export interface JobOptions {
  /**
   * Whether the first failure that a binary gateway reports ends the send. Requests that the gateway discarded, and
   * requests not yet written, are then unsent, for the caller to send again. Default: the send goes on over new
   * connections.
   */
  readonly stopsAtFailure?: boolean;
  /** The budget for sending again to recipients whose fault passes (apns/retry-policy). Default null: no retries. */
  readonly retry?: RetryBudget | null;
  /**
   * Whether recipients whose request was written and never answered are sent to again, within the budget of `retry`.
   * They may get the notification twice. Default `'report'`: they are unknown.
   */
  readonly onUnknown?: 'report' | 'resend';
  /**
   * Share of bad tokens among the latest answers (above 0, up to 1) that stops the job. Default null: no share does.
   */
  readonly stopAtBadTokens?: number | null;
  /** Whether the ids of accepted notifications come with the settled batches. Default false. */
  readonly keepIds?: boolean;
  /** Counts how long answers took. Default null: the time is not taken. */
  readonly latencies?: LatencyHistogram | null;
  /** Whether the job does not keep the process alive: its caller does, while it waits for an outcome. Default false. */
  readonly isStanding?: boolean;
  /** Called once when the job is stopped, for any reason, because its caller may be waiting for recipients. */
  readonly onStopped?: () => void;
}

/** A batch under way, as its job sees it (parcel). */
export interface DispatchedBatch {
  readonly batch: Batch;
  /** Adds its recipients whose outcome is certain already, and those that wait for a connection. */
  addInterim(counts: InterimCounts): void;
  /** Recipients that wait for a connection: about so many, and 0 exactly where none does. */
  readonly queued: number;
  /** Notes that a recipient is not sent to any more; see SendJob.withdraw. */
  withdraw(index: number): number;
  isQueued(index: number): boolean;
  /** Copies the certain outcomes; false if there are no new ones. */
  glimpse(states: Uint8Array): boolean;
  /** Returns the batch as the sink gets it. `fallbackCause`: why recipients are unsent, if there is no other cause. */
  settled(fallbackCause: PealError | null): SettledBatch;
}

/** The notification, its route, and the sink of its outcomes. */
interface JobSubject {
  readonly id: number;
  readonly route: Route;
  readonly notification: Notification;
  readonly sink: TellingSink;
}

/** The dispatcher as a job sees it. */
export interface JobOwner {
  /** Sends a batch, and tells the job about it (`begin`, `settle`). Resolves once a shard has taken it. */
  take(job: Job, batch: Batch): Promise<void>;
  /** Takes one recipient of a batch under way back; see SendJob.withdraw. */
  withdraw(batch: DispatchedBatch, index: number): number;
  onStopped(job: Job, cause: PealError): void;
  onFinished(job: Job): void;
  /** Monotonic milliseconds. */
  now(): number;
  /** At least 0 and below 1, as Math.random. */
  random(): number;
}

/** What a sink is told at a glimpse: the same memory for all. */
const glimpsed = new Uint8Array(maxBatchRecipients);

export class Job implements SendJob {
  readonly id: number;
  readonly route: Route;
  readonly notification: Notification;
  /** Ids of the shards whose connections for this job's route have given up. */
  readonly excluded = new Set<number>();
  readonly stopsAtFailure: boolean;
  readonly keepsIds: boolean;
  readonly latencies: LatencyHistogram | null;
  readonly isStanding: boolean;
  readonly #retry: RetryBudget | null;
  readonly #resendsUnknown: boolean;
  readonly #badTokens: BadTokenWatch | null;
  readonly #onStopped: (() => void) | null;
  readonly #owner: JobOwner;
  readonly #sink: TellingSink;
  /** Batches that were dispatched and not yet handed to the sink. */
  readonly #unsettled = new Set<DispatchedBatch>();
  /** The same by the program's object; only where recipients may be withdrawn. */
  readonly #byBatch = new Map<Batch, DispatchedBatch>();
  /** Number of batches that were dispatched and not yet taken by the sink. */
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
    this.latencies = options.latencies ?? null;
    this.isStanding = options.isStanding ?? false;
    this.#resendsUnknown = options.onUnknown === 'resend';
    // A binary gateway closes after each refusal, and its sender goes on with the next notification. Nothing is retried
    // unless the program asks for it.
    this.#retry = route.protocol === 'binary' ? null : (options.retry ?? null);
    this.#badTokens = stopAtBadTokens === null ? null : new BadTokenWatch(stopAtBadTokens, route.protocol);
    this.#onStopped = options.onStopped ?? null;
    this.#sink = sink;
    this.#owner = owner;
    assert(!this.tells || this.#retry === null, 'what is told is not sent again');
  }

  get stopped(): PealError | null {
    return this.#stopped;
  }

  async dispatch(batch: Batch): Promise<void> {
    const fault = this.#finished === null ? batchFault(batch) : 'dispatch() was called after finish()';
    if (fault !== null) throw new PealError('ERR_PEAL_OPTION', `Cannot dispatch: ${fault}.`, { origin: 'usage' });
    await this.#owner.take(this, batch);
  }

  /** Notes that a batch of this job is under way, until `settle`. */
  begin(batch: DispatchedBatch): void {
    this.#outstanding += 1;
    this.#unsettled.add(batch);
    if (this.tells) this.#byBatch.set(batch.batch, batch);
  }

  interim(): InterimCounts {
    const counts = { accepted: 0, rejected: 0, queued: 0 };
    for (const batch of this.#unsettled) batch.addInterim(counts);
    return counts;
  }

  /** Recipients of batches under way that wait for a connection: about so many, and 0 exactly where none does. */
  get queued(): number {
    let queued = 0;
    for (const batch of this.#unsettled) queued += batch.queued;
    return queued;
  }

  /** Whether the sink is told each outcome as it comes. */
  get tells(): boolean {
    return this.#sink.told !== undefined;
  }

  /** Tells the sink of one recipient; see TellingSink.told. */
  tell(
    batch: Batch,
    index: number,
    outcome: number,
    detail: OutcomeDetail | null,
    cause: PealError | null,
    id: string | null = null,
  ): void {
    this.#sink.told?.(batch, index, outcome, detail, cause, id);
  }

  withdraw(batch: Batch, index: number): number {
    const underWay = this.#byBatch.get(batch);
    assert(underWay !== undefined, 'a recipient is withdrawn from a batch that is under way');
    return this.#owner.withdraw(underWay, index);
  }

  isQueued(batch: Batch, index: number): boolean {
    return this.#byBatch.get(batch)?.isQueued(index) === true;
  }

  /** Whether the sink wants to know what is certain in batches under way. */
  get hasGlimpses(): boolean {
    return this.#sink.glimpse !== undefined;
  }

  /** Tells the sink which outcomes have become certain in batches under way. */
  glimpse(): void {
    if (this.#sinkFailure !== null) return;
    try {
      for (const parcel of this.#unsettled) {
        const { batch } = parcel;
        const states = glimpsed.subarray(0, batch.tokens.count);
        if (parcel.glimpse(states)) this.#sink.glimpse?.(batch, states);
      }
    } catch (error) {
      rethrowAssertion(error);
      this.#failSink(error);
    }
  }

  finish(): Promise<void> {
    this.#finished ??= this.#untilIdle();
    return this.#finished;
  }

  cancel(cause: PealError): void {
    this.stop(cause);
  }

  /** Like cancel. The first cause stays. */
  stop(cause: PealError): void {
    if (this.#stopped !== null) return;
    this.#stopped = cause;
    this.#owner.onStopped(this, cause);
    this.#onStopped?.();
  }

  /** The time for retries of one recipient is also the time that APNs may answer TooManyProviderTokenUpdates. */
  get tokenUpdatesTimeMs(): number {
    return this.#retry?.timeMs ?? retryTimeMs;
  }

  /** Monotonic milliseconds of the dispatcher's clock. */
  nowMs(): number {
    return this.#owner.now();
  }

  /** The rules for retries; null if there are none. */
  retryTerms(): RetryTerms | null {
    if (this.#retry === null || this.#stopped !== null) return null;
    const { now, random } = this.#owner;
    return { budget: this.#retry, resendsUnknown: this.#resendsUnknown, nowMs: now(), random };
  }

  /** Counts the answers to a batch when it comes back first. `hasUnanswered`: some recipients may have no answer. */
  countAnswers(ledger: Uint8Array, details: readonly OutcomeDetail[], hasUnanswered: boolean): void {
    if (this.#badTokens === null || this.#stopped !== null) return;
    let answers = ledger.length;
    if (hasUnanswered) for (const outcome of ledger) if (outcome === UNSENT || outcome === UNKNOWN) answers -= 1;
    this.#badTokens.add(answers, details);
    const verdict = this.#badTokens.verdict();
    if (verdict !== null) this.stop(verdict);
  }

  /** Gives a settled batch to the sink. `onTaken` runs once the sink is done with it, also after a failure. */
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
      // Until here, because a subscriber may abort a signal.
      if (this.tells) this.#byBatch.delete(batch.batch);
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
      new PealError('ERR_PEAL_ABORTED', 'The send was stopped, because its outcomes could not be stored.', {
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
