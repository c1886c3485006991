/**
 * Takes the outcomes of a campaign from the engine: writes the rows of its files, tells the journal, counts, and judges
 * whether the campaign has to stop. Rows and journal are told without a pause between (journal/journal). Main thread.
 */

import { assert } from '../../base/assert.js';
import type { PealError } from '../../base/errors.js';
import type { Batch, OutcomeSink, SettledBatch } from '../../engine/batch.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';
import { classOf, reasonOf } from '../../push-services/reasons.js';
import { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { BoundsJudge } from '../control/bounds.js';
import type { Journal } from '../journal/journal.js';
import type { OutcomeFiles } from '../outputs/outcome-files.js';
import type { CampaignServices } from '../senders/campaign-services.js';
import type { CampaignBooks } from './campaign-books.js';

/** A block that recipients were handed out of. */
export interface BlockInHand {
  readonly number: number;
  readonly digest: Uint8Array;
  readonly count: number;
}

/** Sees every answer, besides the books. */
export interface AnswerObserver {
  accepted(rows: Rows, row: number): void;
  rejected(rows: Rows, row: number, reason: string): void;
}

interface SinkOptions {
  readonly services: CampaignServices;
  readonly journal: Journal | null;
  readonly files: OutcomeFiles | null;
  readonly books: CampaignBooks;
  /** Whether accepted recipients have a file. */
  readonly keepsAccepted: boolean;
  readonly judge: BoundsJudge;
  readonly observer: AnswerObserver | null;
  /** The judge wants the campaign to stop. */
  readonly onBound: (why: string) => void;
  /** Something has an outcome: more may be handed out. */
  readonly onNews: () => void;
  /** What stands for the error of the send: a campaign knows better why it was aborted. */
  readonly causeOf: (error: PealError) => PealError;
}

export class CampaignSink implements OutcomeSink {
  readonly #options: SinkOptions;
  readonly #blocks = new WeakMap<Rows, BlockInHand>();
  /** Takes what is certain in batches under way; only a journal wants it. */
  readonly glimpse?: (batch: Batch, states: Uint8Array) => void;

  constructor(options: SinkOptions) {
    this.#options = options;
    const { journal } = options;
    if (journal === null) return;
    this.glimpse = (batch, states) => {
      const { rows, indexes } = batch as RowBatch;
      journal.glimpse(this.#blockOf(rows).number, states, indexes);
      options.onNews();
    };
  }

  /** From now on rows of this block may come back. */
  expect(rows: Rows, block: BlockInHand): void {
    if (this.#options.journal !== null) this.#blocks.set(rows, block);
  }

  settled(settled: SettledBatch): void | Promise<void> {
    const { journal, files, books, judge, onBound, onNews, causeOf } = this.#options;
    const { batch, ledger, cause } = settled;
    assert(batch instanceof RowBatch, 'a campaign hands out batches of rows');
    if (files !== null) this.#write(settled, batch, files);
    this.#observe(settled, batch);
    journal?.settle(this.#blockOf(batch.rows).number, ledger, batch.indexes);
    const { accepted, rejected, unknown } = books.run;
    books.settle(settled, cause === null ? null : causeOf(cause));
    const why = judge.note({
      accepted: books.run.accepted - accepted,
      rejected: books.run.rejected - rejected,
      unknown: books.run.unknown - unknown,
      reasons: reasonsIn(settled),
    });
    if (why !== null) onBound(why);
    onNews();
    return this.pressure()?.then(() => {});
  }

  /** Recipients that were noted, and that nothing will be sent to in this run. */
  takeBack(batch: RowBatch): void {
    const { journal, files, books } = this.#options;
    files?.unsent(batch.rows, batch.indexes);
    const states = new Uint8Array(batch.tokens.count).fill(UNSENT);
    journal?.settle(this.#blockOf(batch.rows).number, states, batch.indexes);
    books.left += states.length;
    if (journal === null) books.addNeverNoted(states.length, batch.tokens.encoding);
  }

  /** The rows of recipients that an earlier run has answered without writing them down. */
  writeMissing(rows: Rows, indexes: ArrayLike<number>, stateAt: (index: number) => number): void {
    const { journal, files, books } = this.#options;
    const block = this.#blockOf(rows);
    for (let place = 0; place < indexes.length; place++) {
      const row = indexes[place]!;
      const state = stateAt(row);
      if (state === ACCEPTED) {
        files?.accepted(rows, row, null, null);
        continue;
      }
      const reason = reasonOf(state - REJECTED);
      const name = reason?.reason ?? 'a reason that is not known any more';
      books.addReason(name, reason?.status ?? null, rows.tokens.encoding);
      if (reason?.class === 'gone') files?.gone(rows, row, name, null);
      else files?.rejected(rows, row, reason?.status ?? null, name);
    }
    journal?.wrote(block.number, block.digest, block.count, indexes);
  }

  /** Null while there is room; otherwise a promise to wait for. */
  pressure(): Promise<unknown> | null {
    const { journal, files } = this.#options;
    const [files_, journal_] = [files?.pressure() ?? null, journal?.pressure() ?? null];
    return files_ === null ? journal_ : journal_ === null ? files_ : Promise.all([files_, journal_]);
  }

  /** The number of the block that these rows are. */
  blockOf(rows: Rows): number {
    return this.#blockOf(rows).number;
  }

  #blockOf(rows: Rows): BlockInHand {
    const block = this.#blocks.get(rows);
    assert(block !== undefined, 'outcomes come for rows that were handed out');
    return block;
  }

  #write({ ledger, details, ids = null, cause }: SettledBatch, batch: RowBatch, files: OutcomeFiles): void {
    const { rows } = batch;
    const { protocol } = this.#options.services.of(batch.tokens).context;
    for (const { index, status, reason, timestampMs, detail = null } of details) {
      if (ledger[index]! < REJECTED) continue;
      const row = batch.rowOf(index);
      const name = reason === '' ? `HTTP ${status}` : reason;
      if (classOf(status, reason, protocol) === 'gone') files.gone(rows, row, name, timestampMs);
      else files.rejected(rows, row, status, name, detail);
    }
    if (this.#options.keepsAccepted) {
      for (let index = ledger.indexOf(ACCEPTED); index !== -1; index = ledger.indexOf(ACCEPTED, index + 1)) {
        const apnsId = ids?.apnsIds[index] ?? null;
        files.accepted(rows, batch.rowOf(index), apnsId, ids?.apnsUniqueIds[index] ?? null);
      }
    }
    if (cause === null) return;
    const unsent = rowsWith(batch, ledger, UNSENT);
    if (unsent === null || unsent.length > 0) files.unsent(rows, unsent);
    const unknown = rowsWith(batch, ledger, UNKNOWN);
    if (unknown === null || unknown.length > 0) files.unknown(rows, unknown);
  }

  #observe({ ledger, details }: SettledBatch, batch: RowBatch): void {
    const { observer } = this.#options;
    if (observer === null) return;
    for (const { index, reason } of details) {
      if (ledger[index]! >= REJECTED) observer.rejected(batch.rows, batch.rowOf(index), reason);
    }
    for (let index = ledger.indexOf(ACCEPTED); index !== -1; index = ledger.indexOf(ACCEPTED, index + 1)) {
      observer.accepted(batch.rows, batch.rowOf(index));
    }
  }
}

/** The rows with this outcome; null where it is that of all rows. */
function rowsWith(batch: RowBatch, ledger: Uint8Array, outcome: number): Uint16Array | null {
  const rows: number[] = [];
  for (let index = ledger.indexOf(outcome); index !== -1; index = ledger.indexOf(outcome, index + 1)) {
    rows.push(batch.rowOf(index));
  }
  return rows.length === batch.rows.count && batch.indexes === null ? null : Uint16Array.from(rows);
}

const noReasons: ReadonlyMap<string, number> = new Map();

function reasonsIn({ ledger, details }: SettledBatch): ReadonlyMap<string, number> {
  if (details.length === 0) return noReasons;
  const reasons = new Map<string, number>();
  for (const { index, reason } of details) {
    if (ledger[index]! >= REJECTED) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}
