/** A queue of slices in memory, for tests of dispatchers: what is added, a test's worker takes. */
import type { GivenUpSlice, SliceJobs } from '../../src/cluster/queue/slice-jobs.js';
import type { SliceJob } from '../../src/cluster/slices/slice.js';

export class MemorySliceJobs implements SliceJobs {
  /** By `<campaign>-s<slice>`. */
  readonly #jobs = new Map<string, { readonly job: SliceJob; isTaken: boolean }>();
  readonly begun = new Set<string>();
  readonly finished: string[] = [];
  /** Slices that a test gives up. */
  readonly lost = new Set<number>();
  /** Slices that were added, in their order; one that was there is not added again. */
  readonly added: number[] = [];

  async begin(campaign: string): Promise<void> {
    this.begun.add(campaign);
  }

  async add(job: SliceJob): Promise<void> {
    const key = keyOf(job.campaign, job.slice);
    if (this.#jobs.has(key)) return;
    this.#jobs.set(key, { job, isTaken: false });
    this.added.push(job.slice);
  }

  /** A worker takes a job that nobody has. */
  take(): SliceJob | null {
    for (const entry of this.#jobs.values()) {
      if (entry.isTaken) continue;
      entry.isTaken = true;
      return entry.job;
    }
    return null;
  }

  get waiting(): number {
    return [...this.#jobs.values()].filter(({ isTaken }) => !isTaken).length;
  }

  async takeBack(campaign: string, slices: readonly number[]): Promise<readonly number[]> {
    return slices.filter((slice) => {
      const found = this.#jobs.get(keyOf(campaign, slice));
      return found !== undefined && !found.isTaken && this.#jobs.delete(keyOf(campaign, slice));
    });
  }

  async missing(campaign: string, slices: readonly number[]): Promise<readonly number[]> {
    return slices.filter((slice) => !this.#jobs.has(keyOf(campaign, slice)));
  }

  async givenUp(): Promise<readonly GivenUpSlice[]> {
    return [...this.lost].map((slice) => ({ slice, why: 'a test gave it up' }));
  }

  async retry(_campaign: string, slices: readonly number[]): Promise<void> {
    for (const slice of slices) this.lost.delete(slice);
  }

  async remove(campaign: string, slices: readonly number[]): Promise<void> {
    for (const slice of slices) this.#jobs.delete(keyOf(campaign, slice));
  }

  async finish(campaign: string): Promise<void> {
    this.finished.push(campaign);
  }

  async discard(campaign: string): Promise<void> {
    this.begun.delete(campaign);
  }

  async close(): Promise<void> {}
}

const keyOf = (campaign: string, slice: number): string => `${campaign}-s${slice}`;
