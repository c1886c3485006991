/**
 * A journal as it is read beside the process that writes it, or after it: totals at once, blocks one after another.
 * Made by journal-folder, for the commands that show a campaign; main thread.
 */
import type { LockHolder } from '../../base/files/folder-lock.js';
import { UNKNOWN } from '../../engine/ledger.js';
import { BlockRecord, kinds, NOTED, NOTED_AGAIN } from './block-record.js';
import { type CampaignIdentity, identityError } from './identity.js';
import { KnownBlock } from './known-block.js';
import {
  blockKey,
  blocksFrom,
  changedError,
  damagedError,
  type JournalEvent,
  type JournalProgress,
  numberOf,
  readEvents,
  readIdentity,
  readProgress,
} from './records.js';
import type { ReadableStore } from './store.js';

interface ReaderOptions {
  readonly name: string;
  readonly holder: LockHolder | null;
}

export class JournalReader {
  readonly #store: ReadableStore;
  readonly #name: string;
  /** Blocks that the input has, once that was asked for. */
  #inputBlocks: number | null = null;
  /** The process that writes it; null where none does, so that the campaign is at rest. As of the opening. */
  readonly holder: LockHolder | null;

  constructor(store: ReadableStore, { name, holder }: ReaderOptions) {
    this.#store = store;
    this.#name = name;
    this.holder = holder;
  }

  /** Totals as of the last transaction; null where none was written. Each call reads anew. */
  get progress(): JournalProgress | null {
    return readProgress(this.#store, this.#name);
  }

  /** Null where the process that began the journal ended before its first transaction. */
  get identity(): CampaignIdentity | null {
    return readIdentity(this.#store, this.#name)?.identity ?? null;
  }

  /** What happened to the campaign, in order. */
  get events(): readonly JournalEvent[] {
    return readEvents(this.#store, this.#name);
  }

  /** Every block that was noted, in order: for a report, which counts reasons. All are of one moment. */
  *blocks(): Iterable<readonly [number: number, block: KnownBlock]> {
    for (const [key, bytes] of this.#store.range(...blocksFrom(0))) {
      const number = numberOf(key);
      const record = BlockRecord.decode(bytes, number);
      if (record === null) throw damagedError(this.#name);
      yield [number, new KnownBlock(record)];
    }
  }

  /** Throws PealError ERR_PEAL_OPTION where it is the journal of another campaign, in the words of `openJournal`. */
  check(given: CampaignIdentity): void {
    const { identity } = this;
    const fault = identity === null ? null : identityError(this.#name, identity, given);
    if (fault !== null) throw fault;
  }

  /**
   * What a run that resumed now would know of a block. Recipients that were noted and have no outcome are under way
   * while a process is at work, and otherwise unknown.
   *
   * @throws PealError ERR_PEAL_INPUT where the recipients have changed, as `Journal.block` does
   */
  block(number: number, digest: Uint8Array, count: number): KnownBlock {
    const bytes = this.#store.get(blockKey(number));
    if (bytes === null) {
      this.#inputBlocks ??= this.progress?.inputBlocks ?? Number.POSITIVE_INFINITY;
      if (number < this.#inputBlocks) return new KnownBlock(null);
      throw changedError(this.#name, `goes on after block ${this.#inputBlocks}`);
    }
    const record = BlockRecord.decode(bytes, number);
    if (record === null) throw damagedError(this.#name);
    const isSame = record.count === count && Buffer.compare(record.digest, digest) === 0;
    if (!isSame) throw changedError(this.#name, `differs in block ${number + 1}`);
    if (this.holder === null && record.underWay > 0) {
      const counts = new Float64Array(kinds.length);
      record.states.forEach((state, index) => {
        if (state === NOTED || state === NOTED_AGAIN) record.turn(index, UNKNOWN, counts);
      });
    }
    return new KnownBlock(record);
  }

  /** Throws PealError ERR_PEAL_INPUT where the journal knows blocks behind the last one of the recipients. */
  checkEnd(blocks: number): void {
    for (const [key] of this.#store.range(...blocksFrom(blocks))) {
      throw changedError(this.#name, `ends before block ${numberOf(key) + 1}`);
    }
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}
