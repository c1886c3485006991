/**
 * The books of a campaign: what became of its recipients, in this run and in all. With a journal the journal counts; without
 * one the run does. Fed by the sink and the feed, read for progress, facts and bounds; main thread.
 */
import type { PealError, PealErrorCode } from '../../base/errors.js';
import type { SettledBatch } from '../../engine/batch.js';
import { REJECTED } from '../../engine/ledger.js';
import { Tally } from '../../engine/tally.js';
import type { Journal } from '../journal/journal.js';
import { listShape } from '../recipients/list-shape.js';
import type { CountedReason } from '../report/summary.js';
import { type InvalidRow, listName } from './recipient-blocks.js';

/** Recipients by outcome, of all runs; those that are read and sent later are in none. */
interface OutcomesSoFar {
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  /** Noted, and without an outcome. */
  readonly underWay: number;
}

interface Cause {
  readonly error: PealError;
  unsent: number;
  unknown: number;
}

/** What is wrong with the first invalid row, and what its list looks like. */
interface FirstInvalid {
  readonly list: string;
  readonly line: number;
  readonly why: string;
  readonly shape: string | null;
}

/** Most reasons that are counted apart: a gateway may make up its own. */
const maxReasons = 200;
const others = 'other reasons';
/** Invalid lines by which a list is recognised. */
const linesOfShape = 3;

export class CampaignBooks {
  readonly #journal: Journal | null;
  /** Outcomes of this run. */
  readonly run = new Tally();
  readonly #reasons = new Map<string, { readonly status: number | null; count: number }>();
  readonly #causes = new Map<PealErrorCode, Cause>();
  readonly #firstInvalid: InvalidRow[] = [];
  /** Recipients and invalid rows that were read in this run. */
  read = 0;
  invalid = 0;
  /** Recipients that were read and never noted. */
  neverNoted = 0;
  /** Recipients that were read in this run, and that it did not send to: unsent ones beside those of `run`. */
  left = 0;
  /** Recipients that wait for their hours. */
  held = 0;
  /** Recipients that an earlier run had answered, as this one has read them. */
  resumed = 0;
  resent = 0;
  /** Of `resent`, those of earlier runs. */
  readonly resentBefore: number;

  /** @param reasons of earlier runs */
  constructor(journal: Journal | null, reasons: readonly CountedReason[], resent: number) {
    this.#journal = journal;
    this.resent = resent;
    this.resentBefore = resent;
    for (const { reason, status, count } of reasons) this.#reasons.set(reason, { status, count });
  }

  get counts(): OutcomesSoFar {
    if (this.#journal !== null) return this.#journal.counts;
    const { accepted, rejected, unsent, unknown } = this.run;
    return { accepted, rejected, unsent, unknown, underWay: 0 };
  }

  /** Rejections of all runs, the most frequent reason first. */
  get reasons(): readonly CountedReason[] {
    return [...this.#reasons]
      .map(([reason, { status, count }]) => ({ reason, status, count }))
      .sort((a, b) => b.count - a.count);
  }

  /** Why recipients of this run are unsent or unknown, the most frequent cause first. */
  get causes(): readonly Cause[] {
    return [...this.#causes.values()].sort((a, b) => b.unsent + b.unknown - a.unsent - a.unknown);
  }

  /** @param isPlain whether the lists have no columns: then the line may tell what the list is */
  firstInvalid(isPlain: boolean): FirstInvalid | null {
    const first = this.#firstInvalid[0];
    if (first === undefined) return null;
    const lines = this.#firstInvalid.map(({ line, text, why }) => ({ line: line ?? 0, text, why }));
    return {
      list: listName(first.list),
      line: first.line ?? 0,
      why: first.why,
      shape: isPlain ? listShape(lines) : null,
    };
  }

  /** Takes a batch. `error` is why its recipients are unsent or unknown, where there are such. */
  settle(settled: SettledBatch, error: PealError | null): void {
    const { unsent, unknown } = this.run;
    this.run.add(settled);
    this.resent += settled.resent;
    for (const { index, reason, status } of settled.details) {
      if (settled.ledger[index]! >= REJECTED) this.addReason(reason, status);
    }
    if (error !== null) this.addCause(error, this.run.unsent - unsent, this.run.unknown - unknown);
  }

  addReason(reason: string, status: number | null): void {
    const name = reason === '' ? `HTTP ${status ?? 'unknown'}` : reason;
    const known = this.#reasons.get(name) ?? (this.#reasons.size < maxReasons ? undefined : this.#reasons.get(others));
    if (known === undefined) this.#reasons.set(this.#reasons.size < maxReasons ? name : others, { status, count: 1 });
    else known.count += 1;
  }

  addCause(error: PealError, unsent: number, unknown: number): void {
    if (unsent + unknown === 0) return;
    let cause = this.#causes.get(error.code);
    if (cause === undefined) {
      cause = { error, unsent: 0, unknown: 0 };
      this.#causes.set(error.code, cause);
    }
    cause.unsent += unsent;
    cause.unknown += unknown;
  }

  addInvalid(row: InvalidRow): void {
    this.invalid += 1;
    const first = this.#firstInvalid[0];
    const isOfSameList = first === undefined || first.list === row.list;
    if (isOfSameList && this.#firstInvalid.length < linesOfShape) this.#firstInvalid.push(row);
  }
}
