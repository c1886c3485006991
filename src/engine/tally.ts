/**
 * Counts by outcome and by reason, derived from settled batches. Its memory does not grow with the counts. Used by
 * results, summaries and progress, on the thread that has the batches. Tallies of several sends can be merged.
 */
import { maxUnlistedReasons } from '../base/limits.js';
import { reasonOf } from '../push-services/reasons.js';
import type { SettledBatch } from './batch.js';
import { ACCEPTED, REJECTED, UNKNOWN, UNSENT } from './ledger.js';

export interface TallyCounts {
  readonly recipients: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  /** How often each reason came, by Apple's name for it, or `HTTP <status>` for an answer without a reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

const otherReasons = 'other reasons';

export class Tally {
  /** Counts by ledger byte. Doubles, because a Uint32Array would overflow in a long-lived service. */
  readonly #counts = new Float64Array(256);
  readonly #unlisted = new Map<string, number>();

  add({ ledger, details }: Pick<SettledBatch, 'ledger' | 'details'>): void {
    const counts = this.#counts;
    let accepted = 0;
    for (let index = 0; index < ledger.length; index++) {
      const outcome = ledger[index]!;
      if (outcome === ACCEPTED) accepted += 1;
      else counts[outcome]! += 1;
    }
    counts[ACCEPTED]! += accepted;
    if (accepted === ledger.length) return;
    for (const { index, status, reason } of details) {
      if (ledger[index] === REJECTED) this.#addUnlisted(reason === '' ? `HTTP ${status}` : reason, 1);
    }
  }

  /** Adds another tally to this one. The order in which tallies are merged makes no difference. */
  merge(other: Tally): void {
    for (let outcome = 0; outcome < 256; outcome++) this.#counts[outcome]! += other.#counts[outcome]!;
    for (const [reason, count] of other.#unlisted) this.#addUnlisted(reason, count);
  }

  get accepted(): number {
    return this.#counts[ACCEPTED]!;
  }

  get unsent(): number {
    return this.#counts[UNSENT]!;
  }

  get unknown(): number {
    return this.#counts[UNKNOWN]!;
  }

  get rejected(): number {
    let rejected = 0;
    for (let outcome = REJECTED; outcome < 256; outcome++) rejected += this.#counts[outcome]!;
    return rejected;
  }

  get recipients(): number {
    return this.accepted + this.rejected + this.unsent + this.unknown;
  }

  /** Returns the reasons with their counts, the most frequent first, then by name. */
  reasons(): [reason: string, count: number][] {
    const rows: [string, number][] = [...this.#unlisted];
    for (let outcome = REJECTED + 1; outcome < 256; outcome++) {
      const count = this.#counts[outcome]!;
      if (count > 0) rows.push([reasonOf(outcome - REJECTED)?.reason ?? `reason ${outcome - REJECTED}`, count]);
    }
    return rows.sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
  }

  toJSON(): TallyCounts {
    const { recipients, accepted, rejected, unsent, unknown } = this;
    return { recipients, accepted, rejected, unsent, unknown, reasons: Object.fromEntries(this.reasons()) };
  }

  #addUnlisted(reason: string, count: number): void {
    const isNew = !this.#unlisted.has(reason);
    const name = isNew && this.#unlisted.size >= maxUnlistedReasons ? otherReasons : reason;
    this.#unlisted.set(name, (this.#unlisted.get(name) ?? 0) + count);
  }
}
