/**
 * A slice that is out: which recipients of the campaign its batches have, and which of them have come back. It takes
 * outcomes that come twice, or late, once. Owned by the ClusterSender; main thread.
 */
import { PealError } from '../../base/errors.js';
import { maxBatchRecipients } from '../../base/limits.js';
import { BlockRecord, NEW, NOTED, NOTED_AGAIN } from '../../campaign/journal/block-record.js';
import { numberOf } from '../../campaign/journal/records.js';
import type { Entry } from '../../campaign/journal/store.js';
import type { OutcomeDetail, SettledBatch } from '../../engine/batch.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from '../../engine/ledger.js';
import { bareAnswer } from '../../push/answer.js';
import { reasonOf } from '../../push-services/reasons.js';
import { RowBatch } from '../../session/recipients/row-batch.js';
import type { Rows } from '../../session/recipients/rows.js';
import type { BatchOutcomes, BatchPlace } from '../slices/slice.js';

/** One batch of a slice. */
export class AwaitedBatch {
  readonly place: BatchPlace;
  /** Null until its block was read again. */
  #batch: RowBatch | null;
  /** By recipient: 1 where it has come back, or its outcome is known from an earlier run. */
  readonly #isDone: Uint8Array;
  #left: number;

  constructor(place: BatchPlace, batch: RowBatch | null) {
    this.place = place;
    this.#batch = batch;
    const count = place.indexes?.length ?? place.count;
    this.#isDone = new Uint8Array(count);
    this.#left = count;
  }

  get count(): number {
    return this.#isDone.length;
  }

  /** Recipients that have not come back. */
  get left(): number {
    return this.#left;
  }

  get isAdopted(): boolean {
    return this.#batch !== null;
  }

  /**
   * Its block was read again.
   *
   * @param noted by index in the block: 1 for recipients whose outcome is not known
   * @returns how many of them are here; those are marked with 0
   */
  adopt(rows: Rows, noted: Uint8Array): number {
    const { indexes } = this.place;
    this.#batch = new RowBatch(rows, indexes, null);
    let found = 0;
    for (let at = 0; at < this.#isDone.length; at++) {
      const index = indexes === null ? at : indexes[at]!;
      if (noted[index] === 1) {
        noted[index] = 0;
        found += 1;
      } else this.#isDone[at] = 1;
    }
    this.#left = found;
    return found;
  }

  /** What came back, as the engine would settle it; null where all of it was known. */
  take(outcomes: BatchOutcomes): SettledBatch | null {
    const { ledger, details, ids, cause, resent } = outcomes;
    const count = ledger.length;
    const places: number[] = [];
    for (let at = 0; at < count; at++) {
      const recipient = outcomes.indexes === null ? at : outcomes.indexes[at]!;
      if (this.#isDone[recipient] !== 0) continue;
      this.#isDone[recipient] = 1;
      places.push(at);
    }
    this.#left -= places.length;
    if (places.length === 0) return null;
    const error = cause === null ? null : PealError.fromRecord(cause);
    if (places.length === count) return this.#settled(outcomes.indexes, { ledger, details, ids, cause: error, resent });
    // Some of it had come before.
    const newPlace = new Map(places.map((place, at) => [place, at]));
    const kept = details.flatMap((detail) => {
      const index = newPlace.get(detail.index);
      return index === undefined ? [] : [{ ...detail, index }];
    });
    const picked = {
      ledger: Uint8Array.from(places, (place) => ledger[place]!),
      details: kept,
      ids: ids && {
        apnsIds: places.map((place) => ids.apnsIds[place] ?? null),
        apnsUniqueIds: places.map((place) => ids.apnsUniqueIds[place] ?? null),
      },
      cause: error,
      resent,
    };
    return this.#settled(
      Uint16Array.from(places, (place) => outcomes.indexes?.[place] ?? place),
      picked,
    );
  }

  /**
   * All that have not come back, by what the records of the slice say of them. Nobody else has the slice any more.
   *
   * @param states by recipient, as in a journal; null: nothing of the batch was noted, so nothing was sent
   */
  takeRest(states: Uint8Array | null, unsent: PealError, unknown: PealError): SettledBatch[] {
    const rest: number[] = [];
    for (let at = 0; at < this.#isDone.length; at++) if (this.#isDone[at] === 0) rest.push(at);
    this.#isDone.fill(1);
    this.#left = 0;
    if (rest.length === 0) return [];
    const outcomeAt = (at: number): number => outcomeOf(states?.[at] ?? NEW);
    const settled: SettledBatch[] = [];
    for (const [cause, belongs] of [
      [null, (outcome: number) => outcome !== UNSENT && outcome !== UNKNOWN],
      [unsent, (outcome: number) => outcome === UNSENT],
      [unknown, (outcome: number) => outcome === UNKNOWN],
    ] as const) {
      const some = rest.filter((at) => belongs(outcomeAt(at)));
      if (some.length === 0) continue;
      const ledger = Uint8Array.from(some, outcomeAt);
      settled.push(
        this.#settled(Uint16Array.from(some), { ledger, details: detailsOf(ledger), ids: null, cause, resent: 0 }),
      );
    }
    return settled;
  }

  #settled(
    recipients: Uint16Array | null,
    outcome: Pick<SettledBatch, 'ledger' | 'details' | 'ids' | 'cause' | 'resent'>,
  ): SettledBatch {
    const whole = this.#batch!;
    const batch =
      recipients === null
        ? whole
        : new RowBatch(
            whole.rows,
            recipients.map((recipient) => whole.rowOf(recipient)),
            null,
          );
    return { batch, tokens: batch.tokens, personal: null, ...outcome };
  }
}

export class OpenSlice {
  readonly number: number;
  readonly batches: readonly AwaitedBatch[];
  /** Its job may be in the queue. */
  isQueued = false;
  /** Nobody tells anything more of it. */
  hasEnded = false;

  constructor(number: number, batches: readonly AwaitedBatch[]) {
    this.number = number;
    this.batches = batches;
  }

  get left(): number {
    return this.batches.reduce((sum, { left }) => sum + left, 0);
  }

  get count(): number {
    return this.batches.reduce((sum, { count }) => sum + count, 0);
  }

  get isAdopted(): boolean {
    return this.batches.every(({ isAdopted }) => isAdopted);
  }
}

/**
 * The states of recipients by batch, out of the records of a slice. Of a damaged one nobody knows anything: all are
 * unknown.
 */
export function statesByBatch(records: readonly Entry[]): Map<number, Uint8Array> {
  const states = new Map<number, Uint8Array>();
  for (const [key, value] of records) {
    if (key[0] !== blockLetter) continue;
    const number = numberOf(key);
    const record = BlockRecord.decode(value, number);
    states.set(number, record?.states ?? new Uint8Array(maxBatchRecipients).fill(UNKNOWN));
  }
  return states;
}

const blockLetter = 0x62;

/** What becomes of a recipient whose slice nobody has any more. */
function outcomeOf(state: number): number {
  if (state === ACCEPTED || state >= REJECTED) return state;
  return state === NOTED || state === NOTED_AGAIN || state === UNKNOWN ? UNKNOWN : UNSENT;
}

/** The answers of rejected recipients, as far as a ledger byte tells them. */
function detailsOf(ledger: Uint8Array): OutcomeDetail[] {
  const details: OutcomeDetail[] = [];
  ledger.forEach((outcome, index) => {
    if (outcome < REJECTED) return;
    const reason = reasonOf(outcome - REJECTED);
    details.push({ index, ...bareAnswer(reason?.status ?? 0, reason?.reason ?? '') });
  });
  return details;
}
