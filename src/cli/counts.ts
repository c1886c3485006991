/**
 * How many recipients of a run ended how: what progress, summary and JSON lines are made from. Pure; main thread.
 */
import type { PealError, PealErrorCode } from '../base/errors.js';
import type { ExitCode } from './exit-codes.js';

export interface Counts {
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
}

/** The same while the run goes on. */
export interface RunningCounts extends Counts {
  /** Tokens that stood before and were dropped: no recipients, and in none of the counts above. Default 0. */
  readonly duplicate?: number;
}

/** All whose outcome is known by now. */
export function doneOf(counts: Counts): number {
  return counts.accepted + counts.rejected + counts.unsent + counts.unknown + counts.invalid;
}

/** Those that need nothing more: all that are done but for the unsent, which somebody still has to send. */
export function sentOf(counts: Counts): number {
  return doneOf(counts) - counts.unsent;
}

/** What a list's length is compared with: besides those sent, the duplicates, which stand in it and need nothing either. */
export function passedOf(counts: RunningCounts): number {
  return sentOf(counts) + (counts.duplicate ?? 0);
}

/** Everything that a finished (or stopped) run says of itself. */
export interface RunSummary extends Counts {
  /** Tokens and invalid lines that were read; the sum of all outcomes. */
  readonly recipients: number;
  /** Tokens that stood before in the lists, and were dropped: they are no recipients. */
  readonly duplicate: number;
  /** What is wrong with the invalid lines; null where there is no such line. */
  readonly invalidLines: InvalidLines | null;
  /** Lists that were not read to their end. */
  readonly unread: readonly UnreadLines[];
  /** Rejections by Apple's reason ("HTTP 500" where the answer held none), the most frequent first. */
  readonly reasons: readonly ReasonCount[];
  /** Why recipients are unsent or unknown, the most frequent first; their counts sum up to those two. */
  readonly causes: readonly CauseCount[];
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
  /** The code of what ended the run before its lists did; null when it went through. */
  readonly stopped: PealErrorCode | null;
  readonly exitCode: ExitCode;
}

/** The lines that hold no token: where the first one stands, why it holds none, and what its list looks like. */
export interface InvalidLines {
  readonly list: string;
  readonly line: number;
  readonly why: string;
  readonly shape: string | null;
}

/** A list, and the line from which to go on with it, from 1; null where no line can be relied on. */
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

/** The reason of a row as APNs sent it: '' where the answer held none, which the row calls `HTTP 500`. */
export function apnsReason(reason: string): string {
  return /^HTTP \d+$/.test(reason) ? '' : reason;
}

/** How a run ended. */
export interface RunReport {
  readonly exitCode: ExitCode;
  readonly summary: RunSummary;
  /** What ended the run before its lists did, and what else went wrong with files, in that order; usually nothing. */
  readonly problems: readonly PealError[];
  /** Names of the files of --out that are whole and in their place. */
  readonly written: readonly string[];
}
