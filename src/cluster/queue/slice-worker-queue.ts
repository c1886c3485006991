/**
 * The queue of slices as a worker sees it: hands out a job for each free slot, and keeps the locks of those that run.
 * BullMQ gives the job of a worker that keeps no lock to another one. What a lock cannot promise, the claim does: a
 * lost lock only means that somebody else may have the slice by now (worker/slice-run). Main thread.
 */
import type { Job, Worker } from 'bullmq';
import {
  firstSliceBackoffMs,
  maxSliceBackoffMs,
  maxStalledSlices,
  queueLockMs,
  queueStalledMs,
} from '../../base/limits.js';
import type { SliceJob } from '../slices/slice.js';
import { type QueueServer, sliceJobId, slicesQueue } from './queue-server.js';

/** A slice that a worker has got. */
export interface SliceTask {
  readonly job: SliceJob;
  /** Attempts that have failed before. */
  readonly failures: number;
  /** When its lock was asked for, by the wall clock of this machine. */
  readonly takenMs: number;
  /** Aborted when another worker may have got the slice. */
  readonly lost: AbortSignal;
}

/** What became of it. */
export type SliceTaskEnd =
  /** Nothing is left to do for it. */
  | { readonly kind: 'done' }
  /** It is for another time, or another worker; that does not count as a failure. */
  | { readonly kind: 'later'; readonly delayMs: number }
  /** It is tried again after a growing wait; `why` is shown beside the job. */
  | { readonly kind: 'failed'; readonly why: string };

interface SliceWorkerQueueOptions {
  /** How others see this worker. */
  readonly name: string;
  /** Slices at a time. */
  readonly slots: number;
  /** Takes a slice. A rejection is a fault, and counts as a failed attempt. */
  readonly run: (task: SliceTask) => Promise<SliceTaskEnd>;
  /** Chance, from 0 to before 1. Default: Math.random. */
  readonly chance?: () => number;
}

export class SliceWorkerQueue implements AsyncDisposable {
  readonly #server: QueueServer;
  readonly #options: SliceWorkerQueueOptions;
  readonly #worker: Worker<SliceJob>;
  /** By the id of its job. */
  readonly #running = new Map<string, AbortController>();

  /** Takes jobs from now on. */
  constructor(server: QueueServer, options: SliceWorkerQueueOptions) {
    const chance = options.chance ?? Math.random;
    this.#server = server;
    this.#options = options;
    this.#worker = new server.bullmq.Worker<SliceJob>(slicesQueue, (job, token) => this.#process(job, token), {
      connection: server.connection,
      name: options.name,
      concurrency: options.slots,
      lockDuration: queueLockMs,
      // Several tries while Redis is restarted and the lock lasts.
      lockRenewTime: queueLockMs / 5,
      stalledInterval: queueStalledMs,
      maxStalledCount: maxStalledSlices,
      runRetryDelay: firstSliceBackoffMs,
      settings: { backoffStrategy: (failures) => backoffMs(failures, chance()) },
    });
    this.#worker.on('error', server.onError);
    this.#worker.on('lockRenewalFailed', (ids) => {
      for (const id of ids) this.#running.get(id)?.abort();
    });
  }

  /** Slices that this worker has now. */
  get running(): number {
    return this.#running.size;
  }

  /** Takes no more jobs; resolves at once. */
  async pause(): Promise<void> {
    await this.#worker.pause(true);
  }

  /** Takes no more jobs, and resolves once those that run have ended, or `withinMs` has passed. */
  async close(withinMs: number): Promise<void> {
    const closing = this.#worker.close();
    try {
      await this.#server.within(closing, withinMs);
    } catch (error) {
      this.#server.onError(error as Error);
      await this.#worker.close(true).catch(this.#server.onError);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(queueLockMs);
  }

  async #process(job: Job<SliceJob>, token: string | undefined): Promise<null> {
    const id = job.id ?? sliceJobId(job.data);
    const lost = new AbortController();
    this.#running.set(id, lost);
    try {
      const { data, attemptsMade: failures, processedOn = Date.now() } = job;
      const end = await this.#options.run({ job: data, failures, takenMs: processedOn, lost: lost.signal });
      if (end.kind === 'failed') throw new Error(end.why);
      if (end.kind === 'later') {
        await job.moveToDelayed(Date.now() + end.delayMs, token);
        throw new this.#server.bullmq.DelayedError();
      }
      return null;
    } finally {
      if (this.#running.get(id) === lost) this.#running.delete(id);
    }
  }
}

/** The wait before another attempt: it doubles up to a bound, and half of it is left to chance. */
function backoffMs(failures: number, chance: number): number {
  const longest = Math.min(maxSliceBackoffMs, firstSliceBackoffMs * 2 ** Math.min(failures, 16));
  return Math.round((longest * (1 + chance)) / 2);
}
