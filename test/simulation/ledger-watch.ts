/**
 * Follows the ledger of a shard byte by byte, by the sheets that come with its batches: after each event of the world
 * every byte has either stayed or moved along an allowed edge (engine/ledger.ts). A slot that is given to another batch
 * begins anew.
 */
import {
  ACCEPTED,
  QUEUED,
  REJECTED,
  tagIndexMask,
  tagShift,
  UNKNOWN,
  UNSENT,
  WRITTEN,
} from '../../src/engine/ledger.js';
import type { BatchMessage } from '../../src/engine/messages.js';

/** What one slot holds, and what it held after the last event; in words, because this is looked at very often. */
interface WatchedSlot {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly seen: Int32Array;
}

export class LedgerWatch {
  readonly #slots = new Map<number, WatchedSlot>();
  #watched: WatchedSlot[] = [];
  readonly #violate: (what: string) => void;

  constructor(violate: (what: string) => void) {
    this.#violate = violate;
  }

  /** A batch is put into its slot. */
  begin({ slot, ledger, count }: BatchMessage): void {
    const words = new Int32Array(ledger, 0, Math.ceil(count / 4));
    this.#slots.set(slot, { bytes: new Uint8Array(ledger, 0, count), words, seen: words.slice() });
    this.#watched = [...this.#slots.values()];
  }

  /** The byte of a recipient of the latest batch in its slot; undefined where there was none. */
  stateAt(tag: number): number | undefined {
    return this.#slots.get(tag >>> tagShift)?.bytes[tag & tagIndexMask];
  }

  /** After an event. */
  look(): void {
    for (const { words, seen } of this.#watched) {
      for (let at = 0; at < words.length; at++) {
        if (words[at] === seen[at]) continue;
        this.#check(seen[at]!, words[at]!);
        seen[at] = words[at]!;
      }
    }
  }

  #check(before: number, after: number): void {
    for (let shift = 0; shift < 32; shift += 8) {
      const from = (before >>> shift) & 0xff;
      const to = (after >>> shift) & 0xff;
      if (from !== to && !isEdge(from, to)) this.#violate(`a ledger byte went from ${from} to ${to}`);
    }
  }
}

function isEdge(from: number, to: number): boolean {
  if (from === QUEUED) return to === WRITTEN || to === UNSENT;
  if (from !== WRITTEN) return false;
  return to === ACCEPTED || to === QUEUED || to === UNSENT || to === UNKNOWN || to >= REJECTED;
}
