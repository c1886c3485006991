/**
 * How many recipients of a run ended how: what progress, summary and JSON lines are made from. Pure; main thread.
 */
import type { PealError } from '../base/errors.js';
import type { ExitCode } from './exit-codes.js';

export interface Counts {
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
}

/** All whose outcome is known by now. */
export function doneOf(counts: Counts): number {
  return counts.accepted + counts.rejected + counts.unsent + counts.unknown + counts.invalid;
}

/** Everything that a finished (or stopped) run says of itself. */
export interface RunSummary extends Counts {
  /** Tokens and invalid lines that were read; the sum of all outcomes. */
  readonly recipients: number;
  /** Rejections by Apple's reason ("HTTP 500" where the answer held none), the most frequent first. */
  readonly reasons: readonly ReasonCount[];
  /** Requests that were sent again, beyond the first for each recipient, because a fault was one that passes. */
  readonly resent: number;
  /** From the first connection attempt to the last outcome. */
  readonly seconds: number;
  /** Answered notifications per second of `seconds`. */
  readonly perSecond: number;
  /** Most connections that were open at a time. */
  readonly connections: number;
  /** Worker threads; 0 when everything ran in the main thread. */
  readonly threads: number;
}

export interface ReasonCount {
  readonly reason: string;
  readonly status: number;
  readonly count: number;
}

/** How a run ended. */
export interface RunReport {
  readonly exitCode: ExitCode;
  readonly summary: RunSummary;
  /** Why the run ended before its list did, or never began; null when it went through. */
  readonly cause: PealError | null;
  /** Why recipients of a run that went through are unsent or unknown, in a sentence; null when none is. */
  readonly loss: string | null;
}
