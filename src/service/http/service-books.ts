/**
 * What a service counts of itself: plain numbers, which metrics pull and tests compare. Main thread.
 */
import type { PushOutcome } from '../../session/single/push-outcome.js';

/** A copy of the numbers. */
export interface ServiceStats {
  /** Requests by the status of their answer. */
  readonly answers: Readonly<Record<number, number>>;
  /** Pushes that were begun, and their outcomes. */
  readonly begun: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
  /** Rejections by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Answers whose client had left before they were written. Their pushes went on. */
  readonly unheard: number;
  readonly requestsInFlight: number;
  readonly pushesInFlight: number;
  /** Bytes of bodies at hand. */
  readonly bodyBytes: number;
  /** Ids of pushes that nobody waits for: those without an outcome, and those whose outcome is kept. */
  readonly pendingIds: number;
  readonly keptIds: number;
  readonly runningCampaigns: number;
  readonly isDraining: boolean;
}

/** Reasons beyond that many count together. */
const maxReasons = 200;

export class ServiceBooks {
  readonly answers = new Map<number, number>();
  readonly reasons = new Map<string, number>();
  begun = 0;
  readonly outcomes = { accepted: 0, rejected: 0, unsent: 0, unknown: 0, invalid: 0 };
  unheard = 0;
  requestsInFlight = 0;
  pushesInFlight = 0;
  bodyBytes = 0;

  answered(status: number): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
  }

  settled({ outcome, reason, status }: PushOutcome): void {
    this.outcomes[outcome] += 1;
    if (outcome !== 'rejected') return;
    const name = reason || `HTTP ${status}`;
    const key = this.reasons.has(name) || this.reasons.size < maxReasons ? name : 'other';
    this.reasons.set(key, (this.reasons.get(key) ?? 0) + 1);
  }
}
