/**
 * What a campaign tells of itself, while it runs and at its end, and what the command line wants of it besides. Made by
 * a run; read by programs and by the command line; main thread.
 */
import type { Clock } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import type { CampaignIdentity } from '../journal/identity.js';
import type { Journal } from '../journal/journal.js';
import type { CampaignState, CampaignSummary } from '../report/summary.js';
import type { AnswerObserver } from './campaign-sink.js';

/** Where a campaign stands. Counts of all its runs. */
export interface CampaignProgress {
  readonly state: CampaignState;
  readonly accepted: number;
  readonly rejected: number;
  readonly unsent: number;
  readonly unknown: number;
  readonly invalid: number;
  readonly duplicate: number;
  /** Recipients that wait for their hours in this run (`localWindow.outside`: `hold`). */
  readonly held: number;
  /** Recipients and invalid rows that were read in this run. */
  readonly read: number;
  /** Whether the recipients were read to their end. */
  readonly isInputRead: boolean;
  /** How many recipients there will be; null where that is not known. */
  readonly expected: number | null;
  /** Recipients that were known from earlier runs when this one began. */
  readonly resumed: number;
}

/** Why recipients are unsent or unknown. */
export interface CampaignCause {
  readonly error: PealError;
  readonly unsent: number;
  readonly unknown: number;
}

/** How a run ended. */
export interface CampaignReport {
  readonly summary: CampaignSummary;
  /** What ended the run before its recipients did; null if it went through. */
  readonly stopped: PealError | null;
  /** That, and problems with files; usually empty. */
  readonly problems: readonly PealError[];
  readonly causes: readonly CampaignCause[];
  /** Whether an earlier run had finished the campaign, so that this one had nothing to do. */
  readonly wasFinished: boolean;
}

/** @internal What the command line and tests want besides. */
export interface CampaignHooks {
  /** Told of each event worth a sentence: a pause, a rate that was changed, the wait for an hour. */
  readonly onNote?: (sentence: string) => void;
  /** The sentence of an error in the words of its reader. Default: `message`. */
  readonly wordsOf?: (error: PealError) => string;
  /** The exit code of the command, once it is known how the run ended. */
  readonly exitCodeOf?: (stopped: PealError | null, problems: readonly PealError[]) => number;
  /** Sees every answer. */
  readonly observer?: AnswerObserver;
  /** As in `InputOptions`. */
  readonly isEndCertain?: (file: string, isLineOpen: boolean) => boolean | Promise<boolean>;
  /** Whether a pipe ended because of an interruption, so that it was not read to its end. */
  readonly wasCut?: (file: string) => boolean;
  /** Whether lists are read to their end after a stop. Default: files are, and standard input is not. */
  readonly drains?: () => boolean;
  /** For tests: a journal with a store of their own. */
  readonly openJournal?: (identity: CampaignIdentity, clock: Clock) => Promise<Journal>;
}
