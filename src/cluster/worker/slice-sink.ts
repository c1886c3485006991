/**
 * Takes the outcomes of a slice from the engine, tells the journal of the slice, and makes what the dispatcher is told:
 * both become part of one commit. Made by slice-run; main thread.
 *
 * A recipient is told once it has an outcome that stays for this slice. Unsent ones are told when the slice ends,
 * because until then another attempt, here or elsewhere, may send to them; so are unknown ones where these are sent to
 * again.
 */
import { assert } from '../../base/assert.js';
import type { PealError } from '../../base/errors.js';
import type { Cut, Journal } from '../../campaign/journal/journal.js';
import type { AcceptedIds, Batch, OutcomeDetail, OutcomeSink, SettledBatch } from '../../engine/batch.js';
import type { LatencyData } from '../../engine/latency-histogram.js';
import { REJECTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';
import type { Tally } from '../../engine/tally.js';
import { reasonOf } from '../../push-services/reasons.js';
import { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import { encodeOutcome } from '../slices/outcome-codec.js';
import type { BatchOutcomes } from '../slices/slice.js';
import type { SliceStore } from './slice-store.js';

interface SliceSinkOptions {
  readonly slice: number;
  readonly epoch: number;
  readonly store: SliceStore;
  readonly journal: Journal;
  /** Of the whole worker: counts what is told. */
  readonly tally: Tally;
  readonly resendsUnknown: boolean;
  /** Something became certain. */
  readonly onNews: () => void;
  /** What stands for the error of the send: a run knows better why it was aborted. */
  readonly causeOf: (error: PealError) => PealError;
}

/** What is told of recipients of one batch. */
type Told = Pick<BatchOutcomes, 'batch' | 'indexes' | 'ledger' | 'details' | 'ids' | 'cause' | 'resent'>;

const noDetails: readonly OutcomeDetail[] = [];

export class SliceSink implements OutcomeSink {
  readonly #options: SliceSinkOptions;
  readonly #numbers = new Map<Rows, number>();
  /** Why recipients of a batch were not sent to, as far as the engine has said. */
  readonly #causes = new Map<number, PealError>();
  #waiting: Uint8Array[] = [];
  #hasEnded = false;

  constructor(options: SliceSinkOptions) {
    this.#options = options;
    options.journal.cutWith(() => this.#cut());
  }

  /** From now on recipients of this batch may come back. */
  expect(rows: Rows, batch: number): void {
    this.#numbers.set(rows, batch);
  }

  settled(settled: SettledBatch): void | Promise<void> {
    const { batch, ledger, details, cause, resent, ids = null } = settled;
    const { journal, causeOf, onNews } = this.#options;
    assert(batch instanceof RowBatch, 'a slice hands out batches of rows');
    const number = this.#numberOf(batch.rows);
    const why = cause === null ? null : causeOf(cause);
    if (why !== null) this.#causes.set(number, why);
    journal.settle(number, ledger, batch.indexes);
    const indexes = batch.indexes;
    const all = { batch: number, indexes, ledger, details, ids, cause: why?.toRecord() ?? null, resent };
    this.#tell(why === null ? all : this.#withoutOpen(all));
    onNews();
    return journal.pressure() ?? undefined;
  }

  glimpse(batch: Batch, states: Uint8Array): void {
    const { rows, indexes } = batch as RowBatch;
    this.#options.journal.glimpse(this.#numberOf(rows), states, indexes);
    this.#options.onNews();
  }

  /** Recipients that were noted, and that this run sends nothing to. */
  takeBack({ rows, indexes, tokens }: RowBatch): void {
    this.#options.journal.settle(this.#numberOf(rows), new Uint8Array(tokens.count).fill(UNSENT), indexes);
  }

  /** Recipients that an earlier claim has noted, and told nothing of: they may have got the notification. */
  lose(batch: number, indexes: Uint16Array, cause: PealError): void {
    const ledger = new Uint8Array(indexes.length).fill(UNKNOWN);
    this.#causes.set(batch, cause);
    this.#options.journal.settle(batch, ledger, indexes);
    if (this.#options.resendsUnknown) return;
    this.#tell({ batch, indexes, ledger, details: noDetails, ids: null, cause: cause.toRecord(), resent: 0 });
  }

  /** Recipients that an earlier claim knew the answers of, and has not told them. */
  tellMissing(batch: number, digest: Uint8Array, count: number, indexes: Uint16Array, ledger: Uint8Array): void {
    const details: OutcomeDetail[] = [];
    ledger.forEach((state, index) => {
      if (state < REJECTED) return;
      const known = reasonOf(state - REJECTED);
      const reason = known?.reason ?? 'a reason that is not known any more';
      details.push({
        index,
        status: known?.status ?? 0,
        reason,
        timestampMs: null,
        apnsId: null,
        retryAfterSeconds: null,
      });
    });
    this.#options.journal.wrote(batch, digest, count, indexes);
    this.#tell({ batch, indexes, ledger, details, ids: null, cause: null, resent: 0 });
  }

  /** Recipients of a slice that ends which were not told before: unsent, or unknown. */
  tellRest(batch: number, indexes: Uint16Array, ledger: Uint8Array, cause: PealError): void {
    const why = (this.#causes.get(batch) ?? cause).toRecord();
    this.#tell({ batch, indexes, ledger, details: noDetails, ids: null, cause: why, resent: 0 });
  }

  /** The slice ends with the next commit. */
  end(worker: string, latencies: LatencyData | null): void {
    const { slice, epoch } = this.#options;
    this.#waiting.push(encodeOutcome({ kind: 'end', slice, epoch, worker, latencies }));
    this.#hasEnded = true;
  }

  /** Called by the journal when a transaction begins. */
  #cut(): Cut {
    this.#options.store.stage(this.#waiting, this.#hasEnded);
    this.#waiting = [];
    return { files: {}, written: null };
  }

  #tell(told: Told | null): void {
    if (told === null) return;
    const { slice, epoch, tally } = this.#options;
    this.#waiting.push(encodeOutcome({ kind: 'batch', slice, epoch, ...told }));
    tally.add(told);
  }

  /** What is left to tell when those are left out that may be sent to again; null where that is nothing. */
  #withoutOpen(told: Told): Told | null {
    const { resendsUnknown } = this.#options;
    const { ledger, indexes, details, ids } = told;
    const places: number[] = [];
    ledger.forEach((state, place) => {
      if (state !== UNSENT && !(state === UNKNOWN && resendsUnknown)) places.push(place);
    });
    if (places.length === ledger.length) return told;
    if (places.length === 0) return null;
    const newPlaces = new Map(places.map((place, index) => [place, index]));
    return {
      ...told,
      indexes: Uint16Array.from(places, (place) => indexes?.[place] ?? place),
      ledger: Uint8Array.from(places, (place) => ledger[place]!),
      details: details.flatMap((detail) => {
        const index = newPlaces.get(detail.index);
        return index === undefined ? [] : [{ ...detail, index }];
      }),
      ids: ids === null ? null : pickIds(ids, places),
    };
  }

  #numberOf(rows: Rows): number {
    const number = this.#numbers.get(rows);
    assert(number !== undefined, 'outcomes come for batches that were handed out');
    return number;
  }
}

function pickIds({ apnsIds, apnsUniqueIds }: AcceptedIds, places: readonly number[]): AcceptedIds {
  return {
    apnsIds: places.map((place) => apnsIds[place] ?? null),
    apnsUniqueIds: places.map((place) => apnsUniqueIds[place] ?? null),
  };
}
