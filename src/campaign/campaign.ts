/**
 * A campaign: one message to many recipients, with a journal by which it can be resumed, files of its outcomes, a rate,
 * bounds, and hours. It puts together the rooms beside this file and one send of the library. Made by programs and by the
 * command line; main thread.
 */
import type { PealError } from '../base/errors.js';
import { type CampaignOptions, type CheckedCampaign, checkCampaignOptions } from './campaign-options.js';
import type { CampaignState, CampaignSummary } from './outputs/summary.js';

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
}

/** @internal What the command line wants besides. */
export interface CampaignHooks {
  /** Told of each event worth a sentence: a pause, a rate that was changed, the wait for an hour. */
  readonly onNote?: (sentence: string) => void;
  /** The sentence of an error in the words of its reader. Default: `message`. */
  readonly wordsOf?: (error: PealError) => string;
}

export class Campaign implements AsyncIterable<CampaignProgress> {
  readonly #options: CheckedCampaign;

  /** @throws PealError ERR_PEAL_OPTION that names the option */
  constructor(options: CampaignOptions, hooks: CampaignHooks = {}) {
    this.#options = checkCampaignOptions(options);
    void hooks;
  }

  /** Runs it, once, until all recipients have their outcome or something stops it. */
  async run(): Promise<CampaignReport> {
    throw new Error(`not there yet ${this.#options.title}`);
  }

  /** As of now. */
  get progress(): CampaignProgress {
    throw new Error('not there yet');
  }

  /** The progress about ten times a second, until the run has ended; the last one is of its end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<CampaignProgress, void, void> {}

  /** Stops handing out recipients; what is under way is answered. */
  pause(): void {}

  /** Goes on after a pause. */
  resume(): void {}

  get isPaused(): boolean {
    return false;
  }

  /** The rate as it was written; null: no limit. */
  get rate(): string | null {
    return null;
  }

  /** From now on. Throws PealError ERR_PEAL_OPTION for a text that is no rate. */
  set rate(_rate: string | null) {}

  /** Stops the run: no more is handed out, what is under way is answered (for five seconds), and the rest of the list is read. */
  stop(_why: PealError): void {}
}
