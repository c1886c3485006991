/** Counts of recipients by outcome, from which progress, summary and JSON lines are made. Pure; main thread. */
import type { PealError } from '../../base/errors.js';
import type { CampaignSummary } from '../../campaign/report/summary.js';
import type { CampaignCause } from '../../campaign/run/run-report.js';
import type { ExitCode } from '../shared/exit-codes.js';

interface Counts {
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
}

/** The same while the run goes on. */
export interface RunningCounts extends Counts {
  /** Tokens that were dropped because they had been listed before. The counts above leave them out. Default 0. */
  readonly duplicate?: number;
  /** Recipients that wait for their hours. Default 0. */
  readonly held?: number;
  /** Whether nothing is handed out until somebody says to go on. Default false. */
  readonly isPaused?: boolean;
}

/** Recipients that have an outcome by now. */
export function doneOf(counts: Counts): number {
  return counts.accepted + counts.rejected + counts.unsent + counts.unknown + counts.invalid;
}

/** Recipients that need nothing more: all that have an outcome, without the unsent. */
export function sentOf(counts: Counts): number {
  return doneOf(counts) - counts.unsent;
}

/** Lines of the lists that need nothing more: recipients as in `sentOf`, and duplicates. */
export function passedOf(counts: RunningCounts): number {
  return sentOf(counts) + (counts.duplicate ?? 0);
}

/** The reason of a row as APNs sent it: '' for an answer without a reason, which the row calls `HTTP 500`. */
export function apnsReason(reason: string): string {
  return /^HTTP \d+$/.test(reason) ? '' : reason;
}

/** The result of a run. */
export interface RunReport {
  readonly exitCode: ExitCode;
  readonly summary: CampaignSummary;
  /** The error that ended the run before its lists did, and then problems with files; usually empty. */
  readonly problems: readonly PealError[];
  /** Why recipients are unsent or unknown, the most frequent cause first. */
  readonly causes: readonly CampaignCause[];
}
