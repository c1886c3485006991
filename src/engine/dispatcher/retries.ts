/**
 * The recipients of a parcel that are sent to again: one entry for each of them, so that only trouble costs memory.
 * Asks the policy, and makes sure that the final outcome of a recipient accounts for *all* of its requests. Owned by a
 * parcel, on the dispatcher's thread.
 *
 *   returned ──review──▶ due at a time ──release──▶ out (QUEUED in the ledger) ──account──▶ answered, or
 *                                                      └──restore──▶ as before: it was not sent after all
 *
 * While an entry waits, the ledger keeps the recipient's last outcome, so that a stop meanwhile settles it with that
 * outcome.
 */

import type { Protocol } from '../../push/address.js';
import { isForGood } from '../../push/reason.js';
import { type RetryBudget, type RetryKind, retryAfterMs } from '../../push/retry-policy.js';
import { classOf, retryKindOf } from '../../push-services/reasons.js';
import type { OutcomeDetail } from '../batch.js';
import { QUEUED, REJECTED, UNKNOWN, UNSENT } from '../ledger.js';

/** The rules for a parcel that came back. */
export interface RetryTerms {
  readonly budget: RetryBudget;
  /** Whether recipients whose request was never answered are sent to again. */
  readonly resendsUnknown: boolean;
  readonly nowMs: number;
  readonly random: () => number;
}

interface Entry {
  /** Requests that were answered, or never answered. */
  requests: number;
  readonly firstMs: number;
  /** Retries of the two kinds that have a count of their own. */
  expired: number;
  connection: number;
  /** When it is sent again; null while a request is out, and once it is final. */
  dueMs: number | null;
  isOut: boolean;
  /** Whether it is unknown for good. Rejections need no such mark, because the policy is asked about each only once. */
  isFinal: boolean;
  /** Whether some request of it was never answered: it may have been processed. */
  wasUnknown: boolean;
  /** Its outcome before the retry: its ledger byte, and its detail if it was rejected. */
  outcome: number;
  detail: OutcomeDetail | null;
}

export class Retries {
  readonly #ledger: Uint8Array;
  readonly #protocol: Protocol;
  readonly #entries = new Map<number, Entry>();
  #resent = 0;
  /** How long after the policy was first asked about it a recipient may be sent to again. */
  #timeMs = 0;
  #hasReleased = false;

  /** `ledger`: the parcel's own; `protocol`: of its gateway. */
  constructor(ledger: Uint8Array, protocol: Protocol = 'http2') {
    this.#ledger = ledger;
    this.#protocol = protocol;
  }

  /** Whether any recipients were released to be sent again. */
  get hasReleased(): boolean {
    return this.#hasReleased;
  }

  /** Number of repeated requests so far. */
  get resent(): number {
    return this.#resent;
  }

  /** Number of recipients with an entry. */
  get size(): number {
    return this.#entries.size;
  }

  /** When the time of the first recipient that has a request out is up; null if none has one out. */
  get endMs(): number | null {
    let earliest: number | null = null;
    for (const { isOut, firstMs } of this.#entries.values()) {
      if (isOut && (earliest === null || firstMs < earliest)) earliest = firstMs;
    }
    return earliest === null ? null : earliest + this.#timeMs;
  }

  /** When the next recipient is due; null if none is. */
  get dueMs(): number | null {
    let earliest: number | null = null;
    for (const { dueMs } of this.#entries.values()) {
      if (dueMs !== null && (earliest === null || dueMs < earliest)) earliest = dueMs;
    }
    return earliest;
  }

  /** Asks the policy about the recipients that were rejected (`details` of this return) or, if wanted, are unknown. */
  review(details: readonly OutcomeDetail[], terms: RetryTerms): void {
    const drawn = terms.random();
    this.#timeMs = terms.budget.timeMs;
    const random = (): number => drawn;
    for (const { index, status, reason, retryAfterSeconds } of details) {
      const kind = this.#ledger[index]! < REJECTED ? null : retryKindOf(status, reason, this.#protocol);
      if (kind !== null) this.#ask(index, kind, retryAfterSeconds, { ...terms, random });
    }
    if (!terms.resendsUnknown) return;
    for (let index = this.#ledger.indexOf(UNKNOWN); index !== -1; index = this.#ledger.indexOf(UNKNOWN, index + 1)) {
      this.#ask(index, 'unknown', null, { ...terms, random });
    }
  }

  /**
   * Marks the due recipients as QUEUED, and returns their indices. Their details, among `details`, are no longer valid.
   */
  release(nowMs: number, details: readonly OutcomeDetail[]): ReadonlySet<number> {
    const released = new Set<number>();
    for (const [index, entry] of this.#entries) {
      if (entry.dueMs === null || entry.dueMs > nowMs) continue;
      entry.dueMs = null;
      entry.isOut = true;
      entry.outcome = this.#ledger[index]!;
      entry.detail = null;
      if (entry.outcome === UNKNOWN) entry.wasUnknown = true;
      this.#ledger[index] = QUEUED;
      released.add(index);
    }
    this.#hasReleased ||= released.size > 0;
    for (const detail of details) if (released.has(detail.index)) this.#entries.get(detail.index)!.detail = detail;
    return released;
  }

  /**
   * Counts the requests that came back with an answer, or without one. Recipients that are UNSENT or QUEUED stay out.
   */
  account(): void {
    for (const [index, entry] of this.#entries) {
      const state = this.#ledger[index]!;
      if (!entry.isOut || state === UNSENT || state === QUEUED) continue;
      entry.isOut = false;
      entry.requests += 1;
      this.#resent += 1;
    }
  }

  /** Ends the waits. Recipients that were due keep their outcome. */
  abandon(): void {
    for (const entry of this.#entries.values()) entry.dueMs = null;
  }

  /**
   * Restores the former outcome of retries that were never sent, and adds its detail to `details`. Turns a rejection
   * into UNKNOWN if an earlier request of the recipient was lost, unless the rejection (token, gone, request) applies
   * to that request as well. Returns the indices of those recipients, whose details are no longer valid.
   */
  conclude(details: OutcomeDetail[]): ReadonlySet<number> {
    const turned = new Set<number>();
    for (const [index, entry] of this.#entries) {
      if (!entry.isOut || this.#ledger[index] !== UNSENT) continue;
      entry.isOut = false;
      this.#ledger[index] = entry.outcome;
      if (entry.detail !== null) details.push(entry.detail);
    }
    for (const { index, status, reason } of details) {
      if (this.#entries.get(index)?.wasUnknown !== true || isForGood(classOf(status, reason, this.#protocol))) continue;
      this.#ledger[index] = UNKNOWN;
      turned.add(index);
    }
    return turned;
  }

  #ask(index: number, kind: RetryKind, retryAfterSeconds: number | null, terms: RetryTerms): void {
    const { budget, nowMs, random } = terms;
    const known = this.#entries.get(index);
    // The policy was asked before, and no request went out since.
    if (known !== undefined && (known.dueMs !== null || known.isOut || known.isFinal)) return;
    const entry = known ?? newEntry(nowMs);
    const repeats = kind === 'expired' || kind === 'connection' ? entry[kind] : 0;
    const elapsedMs = nowMs - entry.firstMs;
    const it = { kind, attempt: entry.requests, repeats, elapsedMs, retryAfterSeconds };
    const waitMs = retryAfterMs(it, budget, random);
    if (waitMs === null) {
      if (kind !== 'unknown') return;
      entry.isFinal = true;
      this.#entries.set(index, entry);
      return;
    }
    if (kind === 'expired' || kind === 'connection') entry[kind] += 1;
    entry.dueMs = nowMs + waitMs;
    this.#entries.set(index, entry);
  }
}

function newEntry(firstMs: number): Entry {
  return {
    requests: 1,
    firstMs,
    expired: 0,
    connection: 0,
    dueMs: null,
    isOut: false,
    isFinal: false,
    wasUnknown: false,
    outcome: UNKNOWN,
    detail: null,
  };
}
