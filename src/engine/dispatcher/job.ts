/**
 * One send, as its caller holds it: a notification on its way to any number of batches of recipients. Counts what is
 * outstanding, hands settled batches to the sink, and knows why it was stopped. Made by Dispatcher.send; on the
 * dispatcher's thread.
 */
import type { Notification } from '../../apns/notification.js';
import { PealError } from '../../base/errors.js';
import type { Batch } from '../batch.js';
import type { OutcomeSink } from '../outcome-sink.js';
import type { Mailbox } from './mailbox.js';
import { batchFault, Parcel } from './parcel.js';
import type { Route } from './route.js';

/** What a program does with a send. */
export interface SendJob {
  /**
   * Hands a batch of 1 to 1,024 recipients over, and resolves once a shard has taken it: wait for that before making
   * the next batch, and memory is bounded. The batch must not be changed until the sink has had it. After a stop or a
   * cancellation the batch comes back through the sink as unsent.
   *
   * @throws PealError ERR_PEAL_OPTION (as a rejection) for a batch that is none, or after `finish`.
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
   * Why the job takes nothing more, or null: ERR_PEAL_STOPPED when APNs refused the same way again and again,
   * also at the first failure where it stops there (JobOptions; ERR_PEAL_DISCARDED at a shutdown), an error of connecting when no shard gets through, ERR_PEAL_SHARD when no shard is left, the cause of `cancel`.
   */
  readonly stopped: PealError | null;
}

export interface JobOptions {
  /**
   * The first failure that a binary gateway reports ends the send: what it discarded, and what was not written yet, is
   * unsent, for the caller to send again. Otherwise it goes on over new connections, which is the default.
   */
  readonly stopsAtFailure?: boolean;
}

/** The dispatcher, as a job sees it. */
export interface JobOwner {
  take(parcel: Parcel): Promise<void>;
  onStopped(job: Job, cause: PealError): void;
  onFinished(job: Job): void;
}

export class Job implements SendJob {
  /** Shards whose connections for this job's route have given up, with the latest reason. */
  readonly excluded = new Set<Mailbox>();
  readonly stopsAtFailure: boolean;
  readonly #owner: JobOwner;
  readonly #sink: OutcomeSink;
  #outstanding = 0;
  #stopped: PealError | null = null;
  #sinkFailure: { readonly error: unknown } | null = null;
  #finished: Promise<void> | null = null;
  #onIdle: (() => void) | null = null;

  constructor(
    readonly id: number,
    readonly route: Route,
    readonly notification: Notification,
    sink: OutcomeSink,
    owner: JobOwner,
    options: JobOptions = {},
  ) {
    this.stopsAtFailure = options.stopsAtFailure ?? false;
    this.#sink = sink;
    this.#owner = owner;
  }

  get stopped(): PealError | null {
    return this.#stopped;
  }

  /** Batches that were dispatched and have not been taken by the sink. */
  get outstanding(): number {
    return this.#outstanding;
  }

  async dispatch(batch: Batch): Promise<void> {
    const fault = this.#finished === null ? batchFault(batch) : 'dispatch() was called after finish()';
    if (fault !== null) throw new PealError('ERR_PEAL_OPTION', `Cannot dispatch: ${fault}.`, { origin: 'usage' });
    this.#outstanding += 1;
    await this.#owner.take(new Parcel(this, batch));
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
  }

  /** Gives a settled parcel to the sink; `onTaken` runs once the sink is done with it, however that ends. */
  settle(parcel: Parcel, onTaken: () => void): void {
    const done = (): void => {
      this.#outstanding -= 1;
      onTaken();
      if (this.#outstanding === 0) this.#onIdle?.();
    };
    const failed = (error: unknown): void => {
      this.#failSink(error);
      done();
    };
    try {
      const taking = this.#sink.settled(parcel.settled(this.#stopped));
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
