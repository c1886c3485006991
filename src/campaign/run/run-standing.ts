/**
 * How a run of a campaign stands, for all who look: its progress and its events, the figures of a scrape, a sample for
 * the record, what the journal keeps (its facts), and its summary. Owns why the run is stopped and how it has ended,
 * which all of these say. Owned by CampaignRun; main thread.
 */

import path from 'node:path';
import { assert } from '../../base/assert.js';
import type { PealError } from '../../base/errors.js';
import { maxRunsKept } from '../../base/limits.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import { addressUrl } from '../../push/address.js';
import type { RunRecord } from '../report/run-record.js';
import type { SeriesSample } from '../report/run-series.js';
import { type CampaignState, type CampaignSummary, latencyFigures } from '../report/summary.js';
import type { CampaignFacts } from '../view/campaign-facts.js';
import { summaryOf } from '../view/campaign-view.js';
import type { CampaignBooks } from './campaign-books.js';
import { type CampaignEventKind, publishCampaign, type WatchedCampaign } from './campaign-events.js';
import { inWordsOf } from './campaign-faults.js';
import type { CampaignFeed } from './campaign-feed.js';
import type { CheckedCampaign } from './campaign-options.js';
import type { CanaryDecision } from './canary-decision.js';
import type { LatestStats } from './latest-stats.js';
import type { RunFigures } from './run-figures.js';
import type { CampaignHooks, CampaignProgress } from './run-report.js';
import type { RunSteering } from './run-steering.js';
import type { SendingTime } from './sending-time.js';

/** What it reads. */
interface StandingRun {
  readonly options: CheckedCampaign;
  readonly hooks: CampaignHooks;
  /** Whether a journal counts, for all runs. */
  readonly hasJournal: boolean;
  /** What earlier runs have left; null for the first one. */
  readonly earlier: CampaignFacts | null;
  /** How many recipients there will be; null where that is not known. */
  readonly expected: number | null;
  readonly books: CampaignBooks;
  readonly feed: CampaignFeed;
  readonly record: RunRecord;
  readonly time: SendingTime;
  readonly steering: RunSteering;
  readonly stats: LatestStats;
  /** Null without a canary in the options. */
  readonly canary: CanaryDecision | null;
}

/** How a run ended. */
interface RunEnd {
  readonly state: CampaignState;
  readonly why: string | null;
  readonly wallMs: number;
  /** How long the run has sent. */
  readonly seconds: number;
}

export class RunStanding {
  readonly #run: StandingRun;
  /** For those who watch. */
  readonly #watched: WatchedCampaign;
  readonly #startMs: number;
  /** How long answers took in earlier runs. */
  readonly #earlierLatencies: LatencyHistogram;
  #why: PealError | null = null;
  #end: RunEnd | null = null;
  /** The files of outcomes are whole. A run that resumes before has to write some of them again. */
  #areFilesWhole = false;
  #exitCode: number | null = null;
  /** What the send has said of itself: without a journal, outcomes are known before their batches come back. */
  #interim = { accepted: 0, rejected: 0 };
  /** A list that is read once more is counted anew. */
  #mostDuplicates = 0;

  constructor(run: StandingRun) {
    const { gateway, folder } = run.options;
    this.#run = run;
    this.#startMs = gateway.clock.wallMs();
    this.#earlierLatencies = LatencyHistogram.fromData(run.record.latencies.toData());
    this.#watched = Object.freeze({
      title: titleOf(run.options),
      folder: folder ?? null,
      gateway: addressUrl(gateway.address),
    });
  }

  get title(): string {
    return this.#watched.title;
  }

  /** Why the run is stopped; null while it is not. */
  get why(): PealError | null {
    return this.#why;
  }

  /** The first cause stays. */
  stop(why: PealError): void {
    this.#why ??= why;
  }

  /** It turned out that the cause had stopped nothing. */
  forgetWhy(): void {
    this.#why = null;
  }

  noteInterim(counts: { readonly accepted: number; readonly rejected: number }): void {
    this.#interim = counts;
  }

  /** Every recipient has its outcome. */
  end(): void {
    const { books, time, options, hooks } = this.#run;
    const cause = this.#why ?? (books.unsent > 0 ? (books.causes[0]?.error ?? null) : null);
    this.#end = {
      state: this.#why === null && books.unsent === 0 ? 'finished' : 'stopped',
      why: cause === null ? null : inWordsOf(hooks, cause),
      wallMs: options.gateway.clock.wallMs(),
      seconds: time.seconds,
    };
  }

  /**
   * Every row is in its file, as far as that went.
   *
   * @param problems what could not be written
   */
  noteFilesWhole(problems: readonly PealError[]): void {
    this.#areFilesWhole = true;
    if (problems.length > 0) this.#end = { ...this.ended, state: 'stopped' };
    this.#exitCode = this.#run.hooks.exitCodeOf?.(this.#why, problems) ?? null;
  }

  /** How the run ended. */
  get ended(): RunEnd {
    assert(this.#end !== null, 'only a run that has ended is asked how');
    return this.#end;
  }

  get progress(): CampaignProgress {
    const { books, feed, expected, steering, hasJournal } = this.#run;
    const { counts, held, invalid, read, resumed } = books;
    return {
      state: this.#end?.state ?? (steering.isPaused ? 'paused' : 'running'),
      accepted: hasJournal ? counts.accepted : Math.max(counts.accepted, this.#interim.accepted),
      rejected: hasJournal ? counts.rejected : Math.max(counts.rejected, this.#interim.rejected),
      unsent: books.unsent,
      unknown: counts.unknown,
      invalid,
      duplicate: feed.blocks.duplicates,
      held,
      read,
      isInputRead: feed.isInputRead,
      expected: feed.isInputRead ? read : expected === null ? null : Math.max(expected, read),
      resumed,
    };
  }

  /** For those who watch, as of now. */
  get figures(): RunFigures {
    const { books, feed, record, steering, hasJournal, options } = this.#run;
    const { run, left, invalid, resent, resentBefore } = books;
    const { sender } = options;
    this.#mostDuplicates = Math.max(this.#mostDuplicates, feed.blocks.duplicates);
    return {
      progress: this.progress,
      run: {
        accepted: run.accepted,
        unsent: run.unsent + left,
        unknown: run.unknown,
        invalid,
        duplicate: this.#mostDuplicates,
        reasons: run.reasons(),
        resent: resent - resentBefore,
      },
      latencies: { all: record.latencies, earlier: this.#earlierLatencies },
      underWay: hasJournal ? books.counts.underWay : null,
      window: hasJournal && sender.remote === null ? feed.window : null,
      queued: sender.queued,
      perSecond: steering.perSecond,
      whyNot: this.#whyNot,
    };
  }

  /** For the record, once a second. */
  get sample(): SeriesSample {
    const { books, feed, time, steering, stats } = this.#run;
    const { accepted, rejected, unknown } = books.run;
    return {
      accepted,
      rejected,
      unknown,
      connections: stats.connections,
      streamLimit: stats.streamLimit,
      inFlight: stats.inFlight,
      hasWork: feed.hasWork,
      pace: time.isWaiting ? 0 : steering.perSecond,
    };
  }

  /** What the journal keeps. */
  get facts(): CampaignFacts {
    const { options, hooks, books, feed, earlier, record, canary, steering } = this.#run;
    const { settings, kept, gateway, sender } = options;
    const { invalid, neverNoted, reasons, causes, resent, services } = books;
    const { blocks } = feed;
    const { state, expected } = this.progress;
    return {
      version: 1,
      title: this.title,
      protocol: gateway.address.protocol,
      settings: settings ?? [],
      kept: kept ?? {},
      state: this.#end === null || this.#areFilesWhole ? state : 'running',
      why: this.#end === null ? this.#waitsFor : this.#end.why,
      stopped: this.#end === null ? null : (this.#why?.code ?? null),
      exitCode: this.#exitCode,
      neverNoted,
      invalid,
      duplicate: blocks.duplicates,
      expected,
      ...(services !== undefined && { services }),
      reasons,
      causes: causes.map(({ error, unsent, unknown }) => ({
        code: error.code,
        message: inWordsOf(hooks, error),
        unsent,
        unknown,
      })),
      invalidLines: books.firstInvalid(blocks.isPlain),
      unread: this.#end === null ? [] : blocks.unread,
      resent,
      runs: this.#runs(),
      isSentElsewhere: sender.remote !== null,
      connections: Math.max(earlier?.connections ?? 0, record.mostConnections),
      threads: gateway.threads,
      isCanaryPassed: canary?.isPassed ?? earlier?.isCanaryPassed ?? false,
      rate: steering.rate,
    };
  }

  get summary(): CampaignSummary {
    const { books, record, options } = this.#run;
    return summaryOf({
      facts: this.facts,
      counts: books.counts,
      parts: books.parts,
      latency: latencyFigures(record.latencies),
      serviceLatencies: record.serviceLatencies.map(latencyFigures),
      isHeld: this.#end === null,
      willReport: this.#end !== null,
      folder: options.folder ?? null,
    });
  }

  /** Tells those who watch over node:diagnostics_channel. */
  publish(kind: CampaignEventKind): void {
    publishCampaign(kind, () => ({
      campaign: this.#watched,
      progress: this.progress,
      error: kind === 'stopped' ? this.#why : null,
    }));
  }

  /** Why nothing is sent at present, as one sentence; null while it sends. */
  get #whyNot(): string | null {
    const { steering, stats, options } = this.#run;
    if (this.#end !== null) return `The campaign is ${this.#end.state}.`;
    if (this.#why !== null) return 'The campaign is being stopped.';
    if (steering.isPaused) return 'The campaign is paused.';
    if (this.#waitsFor !== null) return this.#waitsFor;
    if (stats.isConnected) return null;
    const isRemote = options.sender.remote !== null;
    return isRemote ? 'No worker has a connection to the gateway.' : 'No connection to the gateway is open.';
  }

  /** What the run waits for, as one sentence; null where it waits for nothing, or is paused. */
  get #waitsFor(): string | null {
    const { time, hooks } = this.#run;
    return time.why === null ? null : inWordsOf(hooks, time.why);
  }

  #runs(): CampaignFacts['runs'] {
    const { books, time } = this.#run;
    const { answeredByService } = books;
    const earlier = this.#run.earlier?.runs ?? [];
    const run = {
      startMs: this.#startMs,
      endMs: this.#end?.wallMs ?? null,
      seconds: this.#end?.seconds ?? time.seconds,
      answered: books.answered + books.run.unknown,
      ...(answeredByService !== undefined && { answeredByService }),
      end: this.#end === null ? null : (this.#end.why ?? 'It went through.'),
    };
    const kept =
      earlier.length < maxRunsKept
        ? earlier
        : [...earlier.slice(0, maxRunsKept / 2), ...earlier.slice(1 - maxRunsKept / 2)];
    return [...kept, run];
  }
}

function titleOf({ title, folder }: CheckedCampaign): string {
  return title ?? (folder === undefined ? 'Campaign' : path.basename(path.resolve(folder)));
}
