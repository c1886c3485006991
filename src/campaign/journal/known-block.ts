/**
 * What a journal knows of one block, for a campaign that has just read the block: whom to send to, and whose rows are
 * missing. Made by the journal, as of one moment; main thread.
 */
import { UNKNOWN, UNSENT } from '../../engine/ledger.js';
import {
  areAllAccepted,
  type BlockRecord,
  isFinal,
  kindOf,
  kinds,
  NEW,
  NOTED,
  NOTED_AGAIN,
  type StateKind,
} from './block-record.js';

export class KnownBlock {
  /** By recipient: 0 where nothing is known, or its state as a ledger has it. */
  readonly #states: Uint8Array | null;
  readonly #unwritten: Uint8Array | null;

  /** @param record null where nothing is known of it */
  constructor(record: BlockRecord | null) {
    this.#states = record?.states.slice() ?? null;
    this.#unwritten = record?.unwritten?.slice() ?? null;
  }

  /** Whether nothing is known of it: it is sent to as a whole. */
  get isNew(): boolean {
    return this.#states === null;
  }

  /** Whether all were accepted, and have their rows: the most frequent one, and nothing is to be done for it. */
  get isAllAccepted(): boolean {
    return this.#states !== null && areAllAccepted(this.#states) && this.#unwritten?.includes(1) !== true;
  }

  /** Recipients by what is known of them; those that are new may be invalid. */
  get counts(): Readonly<Record<StateKind, number>> {
    const counts = { new: 0, underWay: 0, accepted: 0, rejected: 0, unsent: 0, unknown: 0 };
    for (const state of this.#states ?? []) counts[kinds[kindOf[state]!]!] += 1;
    return counts;
  }

  /**
   * Those to send to, by index: the new ones (invalid rows among them), the unsent ones, and the unknown ones if they
   * are wanted. Not for a block that is new.
   */
  toSend(resendsUnknown: boolean): Uint16Array {
    return this.#indexes((state) => state === NEW || state === UNSENT || (resendsUnknown && state === UNKNOWN));
  }

  /** Those that an earlier run has noted, and that are under way still (`JournalOptions.keepsNoted`). */
  noted(): Uint16Array {
    return this.#indexes((state) => state === NOTED || state === NOTED_AGAIN);
  }

  /** Those that are unknown, and that no output file has unless this run writes them there. */
  unknown(): Uint16Array {
    return this.#indexes((state) => state === UNKNOWN);
  }

  /** Those with an outcome that stays and a row that is missing in the output files (`Journal.wrote`). */
  unwritten(): Uint16Array {
    return this.#indexes((state, index) => isFinal[state] === 1 && this.#unwritten?.[index] === 1);
  }

  /** The outcome of one recipient as a ledger has it; 0 where none is known. */
  stateAt(index: number): number {
    return this.#states?.[index] ?? NEW;
  }

  #indexes(belongs: (state: number, index: number) => boolean): Uint16Array {
    const found: number[] = [];
    this.#states?.forEach((state, index) => {
      if (belongs(state, index)) found.push(index);
    });
    return Uint16Array.from(found);
  }
}
