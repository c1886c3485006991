/**
 * A journal as it is read beside the process that writes it, or after it: totals at once, blocks one after another. Made by
 * journal-folder, for the commands that show a campaign; main thread.
 */
import type { LockHolder } from '../../base/folder-lock.js';
import { BlockRecord } from './block-record.js';
import type { CampaignIdentity } from './identity.js';
import { KnownBlock } from './known-block.js';
import {
  blocksFrom,
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

  async close(): Promise<void> {
    await this.#store.close();
  }
}
