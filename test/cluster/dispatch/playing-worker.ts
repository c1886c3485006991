/**
 * A worker of a cluster without an engine and a gateway: it claims slices, and answers each recipient by its token. It
 * keeps books of its own, with which a test compares those of the campaign.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PealError } from '../../../src/base/errors.js';
import { BlockRecord, NOTED } from '../../../src/campaign/journal/block-record.js';
import { blockKey } from '../../../src/campaign/journal/records.js';
import { encodeOutcome } from '../../../src/cluster/slices/outcome-codec.js';
import type { SliceJob } from '../../../src/cluster/slices/slice.js';
import { decodeSlice } from '../../../src/cluster/slices/slice-codec.js';
import type { ClusterStore, SliceBlobs } from '../../../src/cluster/store/cluster-store.js';
import { ACCEPTED, REJECTED, UNSENT } from '../../../src/engine/ledger.js';
import { bareAnswer } from '../../../src/push/answer.js';
import type { MemorySliceJobs } from '../../support/memory-slice-jobs.js';

export interface Cluster {
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly jobs: MemorySliceJobs;
}

/** How a slice goes: through; it is only noted, and the worker says nothing more; or nothing at all happens to it. */
type Way = 'through' | 'noted' | 'twice' | 'nothing';

export class PlayingWorker {
  /** Tokens that were answered, by how often. */
  readonly answered = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #wayOf: (job: SliceJob) => Way;
  #isOver = false;

  constructor(cluster: Cluster, wayOf: (job: SliceJob) => Way = () => 'through') {
    this.#cluster = cluster;
    this.#wayOf = wayOf;
  }

  /** Takes slices until `stop`. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      const job = this.#cluster.jobs.take();
      if (job === null) await sleep(5);
      else await this.#send(job);
    }
  }

  /** A step of the store, given again while it is away. */
  async #again<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof PealError && error.retryable) || this.#isOver) throw error;
        await sleep(5);
      }
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  async #send(job: SliceJob): Promise<void> {
    const { store, blobs } = this.#cluster;
    const way = this.#wayOf(job);
    if (way === 'nothing') return;
    const claim = await this.#again(() => store.claim(job.campaign, job.slice, 'player'));
    if (claim === null) return;
    const batches = decodeSlice((await this.#again(() => blobs.get(job.blob)))!);
    const { epoch } = claim;
    for (const [batch, { tokens }] of batches.entries()) {
      const { count } = tokens;
      if (way === 'noted') {
        const record = BlockRecord.fresh(Buffer.from('d'), count);
        record.states.fill(NOTED, 0, count >> 1);
        const changes = [{ key: blockKey(batch), value: record.encode(batch) }];
        const note = { changes, outcomes: [], hasEnded: false };
        await this.#again(() => store.commit(claim, note));
        continue;
      }
      const { stopped } = (await this.#again(() => store.steering(job.campaign)))!;
      const ledger = new Uint8Array(count).fill(stopped === null ? ACCEPTED : UNSENT);
      const details = [];
      for (let index = 0; stopped === null && index < count; index++) {
        const token = tokens.textAt(index);
        this.answered.set(token, (this.answered.get(token) ?? 0) + 1);
        if (!isBad(token)) continue;
        ledger[index] = REJECTED + 1;
        details.push({ index, ...bareAnswer(410, 'Unregistered') });
      }
      const shared = { kind: 'batch', slice: job.slice, epoch, batch, indexes: null, ids: null, resent: 0 } as const;
      const outcome = encodeOutcome({ ...shared, ledger, details, cause: stopped });
      const outcomes = way === 'twice' ? [outcome, outcome] : [outcome];
      const told = { changes: [], outcomes, hasEnded: false };
      await this.#again(() => store.commit(claim, told));
    }
    if (way === 'noted') return;
    const end = { kind: 'end', slice: job.slice, epoch, worker: 'player', latencies: null } as const;
    const last = { changes: [], outcomes: [encodeOutcome(end)], hasEnded: true };
    await this.#again(() => store.commit(claim, last));
  }
}

/** One in sixteen. */
export const isBad = (token: string): boolean => token.startsWith('0');

export const awayError = (): PealError =>
  new PealError('ERR_PEAL_STORE', 'The store is away.', { origin: 'store', retryable: true });
