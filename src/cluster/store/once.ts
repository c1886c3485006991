/**
 * What makes steps of a store happen once that are given again because their answer was lost: commits of each claim
 * have numbers, of which the store remembers the last one that it has applied; removals of outcomes say where these
 * begin. Used by all kinds of stores; main thread.
 */
import { assert } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import type { SliceClaim, SliceCommit } from './cluster-store.js';

export class CommitNumbers {
  readonly #last = new WeakMap<SliceClaim, { number: number; open: SliceCommit | null }>();

  /** From 1 on; the same commit has the same number until it is done. */
  of(claim: SliceClaim, commit: SliceCommit): number {
    const last = this.#last.get(claim) ?? { number: 0, open: null };
    this.#last.set(claim, last);
    if (last.open === null) {
      last.number += 1;
      last.open = commit;
    }
    assert(last.open === commit, 'a commit that may hold is given again before the next one of its claim');
    return last.number;
  }

  done(claim: SliceClaim, commit: SliceCommit): void {
    const last = this.#last.get(claim);
    if (last?.open === commit) last.open = null;
  }
}

/** Where the outcomes of a campaign begin in the store, by how many were removed before. */
interface OutcomeHead {
  /** As the caller knows it: it counts from here. */
  readonly low: number;
  /** Higher where a removal may have happened whose answer was lost. */
  readonly high: number;
}

/** What this store object knows of where outcomes begin. Elsewhere they do once another dispatcher has removed some. */
export class OutcomeHeads {
  readonly #known = new Map<string, OutcomeHead>();

  /** Null before the first read. */
  expected(campaign: string, from: number): OutcomeHead | null {
    if (from === 0) return null;
    const known = this.#known.get(campaign);
    assert(known !== undefined, 'outcomes are read from the first one on');
    return known;
  }

  /** Outcomes were read from the first one on. */
  read(campaign: string, head: number): void {
    this.#known.set(campaign, { low: head, high: head });
  }

  /** Before `count` are removed. */
  removing(campaign: string, count: number): OutcomeHead {
    const known = this.#known.get(campaign);
    assert(known !== undefined, 'outcomes are removed once they were read');
    const head = { low: known.low, high: Math.max(known.high, known.low + count) };
    this.#known.set(campaign, head);
    return head;
  }

  removed(campaign: string, count: number): void {
    const known = this.#known.get(campaign);
    if (known !== undefined) this.read(campaign, known.low + count);
  }

  forget(campaign: string): void {
    this.#known.delete(campaign);
  }
}

/** The slice belongs to another worker now. */
export function fencedError({ campaign, slice, epoch }: SliceClaim): PealError {
  const message =
    `Slice ${slice} of campaign ${campaign} was claimed by another worker, or removed, since this one claimed it ` +
    `(claim ${epoch}): this one tells and sends nothing more of it.`;
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store' });
}

/** The claim came late: the slice belongs to another worker. */
export function lateClaimError(campaign: string, slice: number): PealError {
  const message =
    `Slice ${slice} of campaign ${campaign} was claimed while this worker was about to claim it: whoever has it goes on with ` +
    'it.';
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store' });
}

/** Another dispatcher goes on with the campaign. */
export function outcomesTakenError(campaign: string): PealError {
  const message = `Outcomes of campaign ${campaign} were taken by another dispatcher: only one may run it at a time.`;
  return new PealError('ERR_PEAL_FENCED', message, { origin: 'store' });
}
