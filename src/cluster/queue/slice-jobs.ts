/**
 * What a dispatcher asks of the queue. Implemented on BullMQ, and by a double for tests. Each method may be repeated,
 * also by another process after a crash. Main thread.
 */
import type { SliceJob } from '../slices/slice.js';

/** A slice whose job was given up. */
export interface GivenUpSlice {
  readonly slice: number;
  readonly why: string;
}

export interface SliceJobs {
  /** Makes the job that stands for the campaign, if it is not there: the parent of its slices. */
  begin(campaign: string, title: string): Promise<void>;
  /** Adds the job of a slice; one that is there already stays as it is. */
  add(job: SliceJob): Promise<void>;
  /** Removes jobs that no worker has. Resolves with the slices whose jobs are gone. */
  takeBack(campaign: string, slices: readonly number[]): Promise<readonly number[]>;
  /** Those of these slices that have no job, whatever its state. */
  missing(campaign: string, slices: readonly number[]): Promise<readonly number[]>;
  /** Slices whose jobs nobody will take again: workers have died with them too often. */
  givenUp(campaign: string): Promise<readonly GivenUpSlice[]>;
  /** Gives these to workers once more. */
  retry(campaign: string, slices: readonly number[]): Promise<void>;
  /** Removes jobs of slices whose outcomes are in the books. */
  remove(campaign: string, slices: readonly number[]): Promise<void>;
  /** Completes the job of the campaign: all its slices have ended. `summary` is kept as its value. */
  finish(campaign: string, summary: unknown): Promise<void>;
  /** Removes all that is left of a campaign that has finished. */
  discard(campaign: string): Promise<void>;
  close(): Promise<void>;
}
