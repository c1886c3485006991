/**
 * The queue of slices as a dispatcher sees it: adds a job for each slice, takes back those that no worker has, and
 * keeps the parent job of a BullMQ flow, which stands for the campaign. Every method may be repeated by a dispatcher
 * that runs after a killed one, and comes to the same. Main thread.
 *
 *   peal-campaign-<id>   campaign-<id>: the parent; waits, and is completed with the summary when the campaign ends
 *   peal-slices          <id>-s<number>: its children, which workers take (slice-worker-queue)
 *
 * Jobs stay when they are completed, until the dispatcher removes them with their slices: as long as a job is there,
 * adding it again adds nothing.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue, Worker } from 'bullmq';
import { PealError } from '../../base/errors.js';
import { maxSliceAttempts, queueEndTimeoutMs, queueLockMs } from '../../base/limits.js';
import type { SliceJob } from '../slices/slice.js';
import {
  backoffName,
  campaignJobId,
  campaignQueue,
  type QueueServer,
  sliceJobId,
  slicesQueue,
} from './queue-server.js';
import type { GivenUpSlice, SliceJobs } from './slice-jobs.js';

/** How often the parent job is looked at while its last children end. */
const pollMs = 50;
/** How often jobs that a worker still holds are tried to be removed at the end. */
const maxLooks = 40;

export class SliceQueue implements SliceJobs, AsyncDisposable {
  readonly #server: QueueServer;
  readonly #slices: Queue<SliceJob>;
  /** Jobs that a worker held when they were to be removed. */
  readonly #held = new Set<string>();

  /** @param server stays open when this is closed */
  constructor(server: QueueServer) {
    this.#server = server;
    this.#slices = new server.bullmq.Queue<SliceJob>(slicesQueue, { connection: server.connection });
    this.#slices.on('error', server.onError);
  }

  /**
   * Before its slices: a child without its parent is refused.
   *
   * @param title what a person sees in a view of the queue
   */
  async begin(campaign: string, title: string): Promise<void> {
    await this.#withParent(campaign, async (queue) => {
      await queue.add('campaign', { campaign, title }, { jobId: campaignJobId(campaign) });
    });
  }

  /** Once the bytes of the slice are stored. */
  async add(job: SliceJob): Promise<void> {
    const parent = { id: campaignJobId(job.campaign), queue: this.#parentKey(job.campaign) };
    const options = { jobId: sliceJobId(job), attempts: maxSliceAttempts, backoff: { type: backoffName }, parent };
    await this.#server.within(this.#slices.add('slice', job, options));
  }

  /**
   * Removes jobs that no worker has, those that were given up among them. A worker may have had a slice before and
   * handed it back, so its records still say who was sent to.
   *
   * @returns the slices that have no job now; one whose job is completed has ended, and is left out
   */
  async takeBack(campaign: string, slices: readonly number[]): Promise<readonly number[]> {
    const taken: number[] = [];
    for (const slice of slices) {
      const id = sliceJobId({ campaign, slice });
      const job = await this.#server.within(this.#slices.getJob(id));
      const state = job === undefined ? 'unknown' : await this.#server.within(job.getState());
      if (state === 'active' || state === 'completed') continue;
      // A worker that took it meanwhile has locked it: then this removes nothing.
      if ((await this.#server.within(this.#slices.remove(id))) === 1) taken.push(slice);
    }
    return taken;
  }

  async missing(campaign: string, slices: readonly number[]): Promise<readonly number[]> {
    const jobs = slices.map((slice) => this.#slices.getJob(sliceJobId({ campaign, slice })));
    const found = await this.#server.within(Promise.all(jobs));
    return slices.filter((_, at) => found[at] === undefined);
  }

  /** Removes the jobs of slices that have ended. One that a worker still holds is removed by a later call. */
  async remove(campaign: string, slices: readonly number[]): Promise<void> {
    const ids = [...this.#held, ...slices.map((slice) => sliceJobId({ campaign, slice }))];
    await this.#server.within(
      Promise.all(
        ids.map(async (id) => {
          if ((await this.#slices.remove(id)) === 1) this.#held.delete(id);
          else this.#held.add(id);
        }),
      ),
    );
  }

  /** The jobs of a campaign that nobody will take again (`retry`). */
  async givenUp(campaign: string): Promise<GivenUpSlice[]> {
    const failed = await this.#server.within(this.#slices.getFailed());
    return failed
      .filter((job) => job?.data?.campaign === campaign)
      .map(({ data, failedReason }) => ({ slice: data.slice, why: failedReason }));
  }

  /** Gives jobs that were given up to workers once more. */
  async retry(campaign: string, slices: readonly number[]): Promise<void> {
    for (const slice of slices) {
      const job = await this.#server.within(this.#slices.getJob(sliceJobId({ campaign, slice })));
      if (job !== undefined && (await this.#server.within(job.isFailed()))) await this.#server.within(job.retry());
    }
  }

  /** Jobs by their state, of all campaigns. */
  async counts(): Promise<{
    readonly waiting: number;
    readonly active: number;
    readonly delayed: number;
    readonly failed: number;
  }> {
    const counts = await this.#server.within(this.#slices.getJobCounts('wait', 'active', 'delayed', 'failed'));
    const { wait = 0, waiting = wait, active = 0, delayed = 0, failed = 0 } = counts;
    return { waiting, active, delayed, failed };
  }

  /** The queue's own metrics, as text for Prometheus. */
  metrics(): Promise<string> {
    return this.#server.within(this.#slices.exportPrometheusMetrics());
  }

  /**
   * Ends the flow of a campaign: its parent job is completed once all of its slices' jobs are, or are removed.
   *
   * @param summary becomes the job's return value: plain JSON
   * @throws PealError ERR_PEAL_STORE, retryable, where jobs of the campaign are still open after a while
   */
  async finish(campaign: string, summary: unknown): Promise<void> {
    await this.#withParent(campaign, async (queue) => {
      const worker = new this.#server.bullmq.Worker(queue.name, null, {
        connection: this.#server.connection,
        autorun: false,
        lockDuration: queueLockMs,
        stalledInterval: queueLockMs / 3,
        maxStalledCount: maxSliceAttempts,
      });
      worker.on('error', this.#server.onError);
      try {
        // A dispatcher that was killed in the midst of this has left the job active.
        await worker.startStalledCheckTimer();
        await this.#complete(queue, worker, campaign, summary);
      } finally {
        await worker.close();
      }
    });
  }

  async discard(campaign: string, slices: readonly number[] = []): Promise<void> {
    await this.remove(campaign, slices);
    // A worker is about to say that it has done with it.
    for (let looks = 0; this.#held.size > 0 && looks < maxLooks; looks++) {
      await sleep(pollMs);
      await this.remove(campaign, []);
    }
    this.#held.clear();
    await this.#withParent(campaign, (queue) => queue.obliterate({ force: true }));
  }

  async close(): Promise<void> {
    await this.#slices.close().catch(this.#server.onError);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #complete(queue: Queue, worker: Worker, campaign: string, summary: unknown): Promise<void> {
    const token = randomUUID();
    const endMs = performance.now() + queueEndTimeoutMs;
    while (performance.now() < endMs) {
      const parent = await queue.getJob(campaignJobId(campaign));
      if (parent === undefined || (await parent.isCompleted())) return;
      const job = await worker.getNextJob(token, { block: false });
      if (job !== undefined && !(await job.moveToWaitingChildren(token))) {
        await job.moveToCompleted(summary, token, false);
        return;
      }
      await sleep(pollMs);
    }
    const message = 'Jobs of the campaign are still open in the queue of slices, so its own job is left open.';
    throw new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true });
  }

  async #withParent<T>(campaign: string, step: (queue: Queue) => Promise<T>): Promise<T> {
    const { bullmq, connection, onError } = this.#server;
    const queue = new bullmq.Queue(campaignQueue(campaign), { connection });
    queue.on('error', onError);
    try {
      return await this.#server.within(step(queue), queueEndTimeoutMs * 2);
    } finally {
      await queue.close().catch(onError);
    }
  }

  /** The key of a campaign's queue, as BullMQ names it. */
  #parentKey(campaign: string): string {
    return this.#slices.qualifiedName.replace(/[^:]*$/, campaignQueue(campaign));
  }
}
