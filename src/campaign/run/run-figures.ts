/**
 * What a watcher of a campaign reads now and then, such as a scrape of metrics: the counts of this run by themselves,
 * which only grow, and how the run stands. Made by a run when it is asked; main thread.
 */
import type { LatencyHistogram } from '../../engine/latency-histogram.js';
import type { CampaignProgress } from './run-report.js';

export interface RunFigures {
  /** Counts of all runs. */
  readonly progress: CampaignProgress;
  /** What became of recipients in this run. */
  readonly run: {
    readonly accepted: number;
    readonly unsent: number;
    readonly unknown: number;
    readonly invalid: number;
    readonly duplicate: number;
    /** Rejections by reason, in the words of `Tally`. */
    readonly reasons: readonly (readonly [reason: string, count: number])[];
    /** Requests beyond the first for each recipient. */
    readonly resent: number;
  };
  /** How long the answers of this run took; those of earlier runs are to be taken off. */
  readonly latencies: { readonly all: LatencyHistogram; readonly earlier: LatencyHistogram };
  /** Recipients that are noted in the journal and have no outcome yet; null without a journal. */
  readonly underWay: number | null;
  /** How many of those there may be at present; null without a journal, and where other machines send. */
  readonly window: number | null;
  /** Recipients that the sender has, and has not written yet: about so many. */
  readonly queued: number;
  /** Recipients a second that the rate allows now; null without a limit. */
  readonly perSecond: number | null;
  /** Why nothing is sent at present, as one sentence; null while it sends. */
  readonly whyNot: string | null;
}
