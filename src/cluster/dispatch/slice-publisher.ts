/**
 * Packs what a campaign hands out into slices, stores each and adds its job. Owned by the ClusterSender; main thread.
 *
 * A slice is known before its job is: a slice that the store does not know has no job, so that nothing of it was sent.
 */
import { createHash } from 'node:crypto';
import type { Clock, TimerHandle } from '../../base/clock.js';
import { maxPublishing, sliceLingerMs } from '../../base/limits.js';
import type { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { SliceJobs } from '../queue/slice-jobs.js';
import { encodeManifest } from '../slices/manifest-codec.js';
import { encodeSlice } from '../slices/slice-codec.js';
import type { ClusterStore, SliceBlobs } from '../store/cluster-store.js';
import { AwaitedBatch, OpenSlice } from './open-slice.js';
import type { OpenSlices } from './open-slices.js';

interface PublisherOptions {
  readonly campaign: string;
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly jobs: SliceJobs;
  readonly clock: Clock;
  readonly slices: OpenSlices;
  /** Recipients of a slice. */
  readonly size: number;
  readonly blockOf: (rows: Rows) => number;
  /** Tries a step until it works, or nobody waits for it any more. */
  readonly persist: <Value>(step: () => Promise<Value>) => Promise<Value>;
}

/** The name of a slice, of its job and of its bytes. */
export const nameOfSlice = (campaign: string, slice: number): string => `${campaign}-s${slice}`;

export class SlicePublisher {
  readonly #options: PublisherOptions;
  #packing: RowBatch[] = [];
  #packed = 0;
  readonly #publishing = new Set<Promise<void>>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes all that is pulled. Resolves when there is nothing more, and all of it has its job. */
  async publishAll(recipients: AsyncIterator<RowBatch>): Promise<void> {
    let pulling: Promise<IteratorResult<RowBatch>> | null = null;
    for (;;) {
      pulling ??= recipients.next();
      const step = this.#packed === 0 ? await pulling : await this.#orLinger(pulling);
      if (step === null) {
        await this.#publish();
        continue;
      }
      pulling = null;
      if (step.done === true) break;
      const { count } = step.value.tokens;
      if (this.#packed + count > this.#options.size) await this.#publish();
      this.#packing.push(step.value);
      this.#packed += count;
      if (this.#packed >= this.#options.size) await this.#publish();
    }
    await this.#publish();
    await Promise.all(this.#publishing);
  }

  /** Adds the job of a slice of an earlier run, if it is not there: its process may have ended before it did. */
  async queueAgain(slice: OpenSlice): Promise<void> {
    const { campaign, blobs, persist } = this.#options;
    const bytes = await persist(() => blobs.get(nameOfSlice(campaign, slice.number)));
    await this.#queue(slice, bytes ?? new Uint8Array(0));
  }

  /** Null where nothing came for a while. */
  async #orLinger(pulling: Promise<IteratorResult<RowBatch>>): Promise<IteratorResult<RowBatch> | null> {
    const { clock } = this.#options;
    let timer: TimerHandle | null = null;
    const lingered = new Promise<null>((resolve) => {
      timer = clock.setTimer(() => resolve(null), sliceLingerMs);
    });
    try {
      return await Promise.race([pulling, lingered]);
    } finally {
      clock.clearTimer(timer);
    }
  }

  async #publish(): Promise<void> {
    if (this.#packed === 0) return;
    const batches = this.#packing;
    this.#packing = [];
    this.#packed = 0;
    const { slices, blockOf } = this.#options;
    const awaited = batches.map((batch) => {
      const { rows, indexes } = batch;
      return new AwaitedBatch({ block: blockOf(rows), count: rows.count, indexes }, batch);
    });
    const slice = new OpenSlice(slices.takeNumber(), awaited);
    slices.add(slice);
    const publishing = this.#publishOne(slice, batches).finally(() => this.#publishing.delete(publishing));
    publishing.catch(() => {});
    this.#publishing.add(publishing);
    if (this.#publishing.size >= maxPublishing) await Promise.race(this.#publishing);
  }

  async #publishOne(slice: OpenSlice, batches: readonly RowBatch[]): Promise<void> {
    const { campaign, store, blobs, persist } = this.#options;
    const bytes = encodeSlice(batches);
    const manifest = encodeManifest(slice.batches.map(({ place }) => place));
    await persist(() => blobs.put(nameOfSlice(campaign, slice.number), bytes));
    await persist(() => store.addSlice(campaign, slice.number, manifest));
    await this.#queue(slice, bytes);
  }

  async #queue(slice: OpenSlice, bytes: Uint8Array): Promise<void> {
    const { campaign, jobs, persist } = this.#options;
    const { number, count: recipients } = slice;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    slice.isQueued = true;
    const job = { campaign, slice: number, recipients, blob: nameOfSlice(campaign, number), sha256 };
    await persist(() => jobs.add(job));
  }
}
