/** Counts of recipients by outcome, from which progress, summary and JSON lines are made. Pure; main thread. */
import type { PealError, PealErrorCode } from '../../base/errors.js';
import type { ExitCode } from '../shared/exit-codes.js';

export interface Counts {
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

/** Everything that the summary of a finished (or stopped) run contains. */
export interface RunSummary extends Counts {
  /** Tokens and invalid lines that were read; the sum of all outcomes. */
  readonly recipients: number;
  /** Tokens that were dropped because they had been listed before. They do not count as recipients. */
  readonly duplicate: number;
  /** What is wrong with the invalid lines; null if no line is invalid. */
  readonly invalidLines: InvalidLines | null;
  /** Lists that were not read to their end. */
  readonly unread: readonly UnreadLines[];
  /** Rejections by Apple's reason ("HTTP 500" for answers without a reason), the most frequent first. */
  readonly reasons: readonly ReasonCount[];
  /**
   * Why recipients are unsent or unknown, the most frequent cause first. The counts sum up to the numbers of those two.
   */
  readonly causes: readonly CauseCount[];
  /** Requests that were repeated, beyond the first for each recipient, because of a passing fault. */
  readonly resent: number;
  /** From the first connection attempt to the last outcome. */
  readonly seconds: number;
  /** Answered notifications per second of `seconds`. */
  readonly perSecond: number;
  /** Most connections that were open at a time. */
  readonly connections: number;
  /** Worker threads; 0 when everything ran in the main thread. */
  readonly threads: number;
  /** The code of the error that ended the run before its lists did; null if it went through. */
  readonly stopped: PealErrorCode | null;
  readonly exitCode: ExitCode;
}

/** The first line that is not a token: where it is, why it is invalid, and what its list looks like. */
export interface InvalidLines {
  readonly list: string;
  readonly line: number;
  readonly why: string;
  readonly shape: string | null;
}

/** A list, and the line from which to go on with it, from 1; null if no line is reliable. */
interface UnreadLines {
  readonly list: string;
  readonly line: number | null;
}

/** One cause of recipients that are unsent or unknown. */
export interface CauseCount {
  readonly error: PealError;
  readonly unsent: number;
  readonly unknown: number;
}

export interface ReasonCount {
  readonly reason: string;
  readonly status: number;
  readonly count: number;
}

/** The reason of a row as APNs sent it: '' for an answer without a reason, which the row calls `HTTP 500`. */
export function apnsReason(reason: string): string {
  return /^HTTP \d+$/.test(reason) ? '' : reason;
}

/** The result of a run. */
export interface RunReport {
  readonly exitCode: ExitCode;
  readonly summary: RunSummary;
  /** The error that ended the run before its lists did, and then problems with files; usually empty. */
  readonly problems: readonly PealError[];
  /** Names of the files of --out that are complete and in place. */
  readonly written: readonly string[];
}
