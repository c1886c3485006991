/**
 * Decides about a canary: whether enough of the first recipients were accepted, and whether somebody who is asked says
 * to go on. Once the answer is yes it holds for all runs of the campaign. Owned by CampaignRun; main thread.
 */
import type { PealError } from '../../base/errors.js';
import { counted, integer } from '../../base/text.js';
import { option, theOption } from '../../base/wording.js';
import type { CountedReason } from '../report/summary.js';
import type { CampaignBooks } from './campaign-books.js';
import { programFault } from './campaign-faults.js';
import type { CanaryOptions, CanaryReport } from './campaign-options.js';

const defaultCanaryShare = 0.9;

/** What the decision needs of its run. */
interface CanaryRun {
  readonly books: CampaignBooks;
  /** What earlier runs have counted. */
  readonly earlierReasons: readonly CountedReason[];
  readonly isStopped: () => boolean;
  /** Resolves once that is so. */
  readonly until: (isSo: () => boolean) => Promise<void>;
  readonly stop: (why: PealError) => void;
  /** `why` with the marks of base/wording. */
  readonly stopForBound: (why: string) => void;
  /** The run waits for somebody, or does so no longer (null). */
  readonly waits: (why: string | null) => void;
  /** Resolves once it is durable that the canary was passed: nobody is asked twice, also after a crash. */
  readonly flush: () => Promise<void>;
  readonly note: (said: string) => void;
}

export class CanaryDecision {
  readonly #options: CanaryOptions;
  readonly #run: CanaryRun;
  #isPassed: boolean;

  constructor(options: CanaryOptions, isPassed: boolean, run: CanaryRun) {
    this.#options = options;
    this.#isPassed = isPassed;
    this.#run = run;
  }

  get recipients(): number {
    return this.#options.recipients;
  }

  get isPassed(): boolean {
    return this.#isPassed;
  }

  /**
   * Resolves once the first `sent` recipients have come back and it is decided: then the run goes on, or is stopped.
   */
  async decide(sent: number): Promise<void> {
    const run = this.#run;
    await run.until(() => run.isStopped() || run.books.run.recipients >= sent);
    if (run.isStopped()) return;
    const { accepted, rejected, unsent, unknown } = run.books.run;
    const minAccepted = this.#options.minAccepted ?? defaultCanaryShare;
    const said = `${integer(accepted)} of the first ${counted(sent, 'recipient')} were accepted`;
    if (accepted < sent * minAccepted) {
      const least = `${Math.round(minAccepted * 1000) / 10} %`;
      run.stopForBound(`Only ${said}, less than ${least} (${option('canary.minAccepted')}).`);
      return;
    }
    const isConfirmed = await this.#isConfirmed({
      recipients: sent,
      accepted,
      rejected,
      others: unsent + unknown,
      reasons: reasonsSince(run.books.reasons, run.earlierReasons),
    });
    if (!isConfirmed) {
      if (!run.isStopped()) run.stopForBound(`${said}, and nobody said to go on (${option('canary.recipients')}).`);
      return;
    }
    this.#isPassed = true;
    await run.flush();
    run.note(`${said}: the campaign goes on.`);
  }

  /** Whether to go on; no, where the run is stopped meanwhile. */
  async #isConfirmed(report: CanaryReport): Promise<boolean> {
    const { confirm } = this.#options;
    if (confirm === undefined) return true;
    const run = this.#run;
    const first = counted(report.recipients, 'recipient');
    run.waits(`The campaign asks whether to go on after the first ${first} (${option('canary.recipients')}).`);
    try {
      return await Promise.race([confirm(report), run.until(run.isStopped).then(() => false)]);
    } catch (error) {
      run.stop(programFault(theOption('canary.confirm'), error));
      return false;
    } finally {
      run.waits(null);
    }
  }
}

/** Those of this run: the books count the reasons of all runs. */
function reasonsSince(all: readonly CountedReason[], earlier: readonly CountedReason[]): CanaryReport['reasons'] {
  const before = new Map(earlier.map(({ reason, count }) => [reason, count]));
  return all
    .map(({ reason, count }) => [reason, count - (before.get(reason) ?? 0)] as const)
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a);
}
