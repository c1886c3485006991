/**
 * Reads what became of slices, gives it to the sink of the campaign, and removes slices and outcomes from the store
 * once they are in the books for good. Owned by the ClusterSender; main thread.
 */

import { PealError } from '../../base/errors.js';
import { maxBatchRecipients, outcomesPerRead } from '../../base/limits.js';
import type { SenderOptions } from '../../campaign/senders/campaign-sender.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { UNKNOWN } from '../../engine/ledger.js';
import type { SliceJobs } from '../queue/slice-jobs.js';
import { decodeOutcome } from '../slices/outcome-codec.js';
import type { SliceOutcome } from '../slices/slice.js';
import type { ClusterStore, SliceBlobs, SliceClaim } from '../store/cluster-store.js';
import { type OpenSlice, statesByBatch } from './open-slice.js';
import type { OpenSlices } from './open-slices.js';
import { nameOfSlice } from './slice-publisher.js';

interface CollectorOptions {
  readonly campaign: string;
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly jobs: SliceJobs;
  readonly slices: OpenSlices;
  readonly sink: Pick<SenderOptions, 'outcomes' | 'latencies'>;
  /** Resolves once what the sink was told is durable. */
  readonly flush: () => Promise<void>;
  /** Why recipients that nobody sends to are unsent; null where nothing has stopped the campaign. */
  readonly stopped: () => PealError | null;
}

/** An outcome that was read and waits: its block was not read again yet. */
interface ReadOutcome {
  readonly outcome: SliceOutcome;
  isTaken: boolean;
}

const unknownStates = new Uint8Array(maxBatchRecipients).fill(UNKNOWN);

export class OutcomeCollector {
  readonly #options: CollectorOptions;
  /** Outcomes that were read and are in the store still, in their order. */
  #read: ReadOutcome[] = [];
  /** Slices that no worker has any more; null: the store has nothing of them. */
  readonly #claimed = new Map<number, SliceClaim | null>();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Nobody tells anything more of this slice: once all that was told is taken, its records say what the rest is. */
  close(slice: number, claim: SliceClaim | null): void {
    this.#claimed.set(slice, claim);
  }

  isClosed(slice: number): boolean {
    return this.#claimed.has(slice);
  }

  /** One look. Resolves with how many outcomes were read. */
  async collect(): Promise<number> {
    const { campaign, store } = this.#options;
    const fresh = await store.outcomes(campaign, this.#read.length, outcomesPerRead);
    for (const bytes of fresh) this.#read.push({ outcome: decodeOutcome(bytes), isTaken: false });
    // Slices of which an outcome waits: blocks are read again meanwhile, and what ends a slice comes last.
    const waiting = new Set<number>();
    for (const read of this.#read) {
      const { outcome } = read;
      if (read.isTaken) continue;
      if (!this.#isReady(outcome) || (outcome.kind === 'end' && waiting.has(outcome.slice))) {
        waiting.add(outcome.slice);
        continue;
      }
      await this.#take(outcome);
      read.isTaken = true;
    }
    if (fresh.length === 0) await this.#closeClaimed(waiting);
    await this.#forget();
    return fresh.length;
  }

  #isReady(outcome: SliceOutcome): boolean {
    const slice = this.#options.slices.get(outcome.slice);
    if (slice === null) return true;
    return outcome.kind === 'end' ? slice.isAdopted : (slice.batches[outcome.batch]?.isAdopted ?? true);
  }

  async #take(outcome: SliceOutcome): Promise<void> {
    const { slices, sink } = this.#options;
    const slice = slices.get(outcome.slice);
    if (slice === null) return;
    if (outcome.kind === 'batch') {
      const settled = slice.batches[outcome.batch]?.take(outcome) ?? null;
      if (settled !== null) await sink.outcomes.settled(settled);
      return;
    }
    slice.hasEnded = true;
    if (outcome.latencies !== null) sink.latencies?.merge(LatencyHistogram.fromData(outcome.latencies));
    await this.#closeSlice(slice, null);
  }

  async #closeClaimed(waiting: ReadonlySet<number>): Promise<void> {
    for (const [number, claim] of [...this.#claimed]) {
      const slice = this.#options.slices.get(number);
      if (slice !== null && (!slice.isAdopted || waiting.has(number))) continue;
      this.#claimed.delete(number);
      if (slice === null || slice.hasEnded) continue;
      const isKnown = claim !== null || !slice.isQueued;
      await this.#closeSlice(slice, isKnown ? statesByBatch(claim?.records ?? []) : null);
      slice.hasEnded = true;
    }
  }

  /** @param states of what was noted, by batch; null: nothing is known */
  async #closeSlice(slice: OpenSlice, states: ReadonlyMap<number, Uint8Array> | null): Promise<void> {
    const { sink, stopped } = this.#options;
    for (const [index, batch] of slice.batches.entries()) {
      const known = states === null ? unknownStates : (states.get(index) ?? null);
      for (const settled of batch.takeRest(known, stopped() ?? lostError(), lostError())) {
        await sink.outcomes.settled(settled);
      }
    }
  }

  /** Removes what is in the books for good. */
  async #forget(): Promise<void> {
    const { campaign, store, blobs, jobs, slices, flush } = this.#options;
    let count = this.#read.findIndex(({ isTaken }) => !isTaken);
    if (count === -1) count = this.#read.length;
    const ended = [...slices].filter(({ hasEnded, left }) => hasEnded && left === 0).map(({ number }) => number);
    if (count === 0 && ended.length === 0) return;
    await flush();
    if (count > 0) {
      await store.removeOutcomes(campaign, count);
      this.#read = this.#read.slice(count);
    }
    if (ended.length === 0) return;
    await jobs.remove(campaign, ended);
    await store.removeSlices(campaign, ended);
    await blobs.remove(ended.map((slice) => nameOfSlice(campaign, slice)));
    slices.remove(ended);
  }
}

function lostError(): PealError {
  const message = 'The worker that had these notifications ended, or was cut off, before it told what became of them.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store', retryable: true });
}
