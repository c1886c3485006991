/**
 * One run of a campaign, from its options to its report: opens nothing itself, but puts the parts together, waits for
 * its time, sends, and closes the books whatever ends it. Made by campaign.ts; main thread.
 *
 *   sender ◀─pulls─ feed ◀─ recipients       steering: pauses, rate        standing: what others read of it
 *      └─▶ sink ─▶ books, files, journal     stats: what the sender does   canary, bounds, timers: what stops it
 */

import { rethrowAssertion } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { lastFlushMs } from '../../base/limits.js';
import { counted } from '../../base/text.js';
import { option } from '../../base/wording.js';
import { BoundsJudge } from '../control/bounds.js';
import type { ControlWatch } from '../control/control-file.js';
import { noLimit, Pacer } from '../control/rate.js';
import type { Journal } from '../journal/journal.js';
import type { OutcomeFiles } from '../outputs/outcome-files.js';
import type { RunRecord } from '../report/run-record.js';
import type { SeriesSample } from '../report/run-series.js';
import type { CampaignSender, RemoteCampaign } from '../senders/campaign-sender.js';
import type { CampaignFacts } from '../view/campaign-facts.js';
import { writeReportOf } from '../view/campaign-view.js';
import type { CampaignBooks } from './campaign-books.js';
import { boundError, inWordsOf, noRecipientsError } from './campaign-faults.js';
import { CampaignFeed } from './campaign-feed.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';
import { CampaignSink } from './campaign-sink.js';
import { CanaryDecision } from './canary-decision.js';
import { LatestStats } from './latest-stats.js';
import { LocalHoursOfRows } from './local-hours.js';
import type { OpenedRun } from './open-run.js';
import { type InvalidRow, RecipientBlocks } from './recipient-blocks.js';
import type { RunFigures } from './run-figures.js';
import type { CampaignHooks, CampaignProgress, CampaignReport } from './run-report.js';
import { RunStanding } from './run-standing.js';
import { RunSteering } from './run-steering.js';
import { RunTimers } from './run-timers.js';
import { SendingTime } from './sending-time.js';

/** How often the sender is asked what it does. */
const statsIntervalMs = 250;

export class CampaignRun {
  readonly #options: CheckedCampaign;
  readonly #hooks: CampaignHooks;
  readonly #clock: Clock;
  readonly #journal: Journal | null;
  readonly #files: OutcomeFiles | null;
  readonly #control: ControlWatch | null;
  readonly #books: CampaignBooks;
  readonly #feed: CampaignFeed;
  readonly #sink: CampaignSink;
  readonly #sender: CampaignSender;
  readonly #record: RunRecord;
  readonly #stats: LatestStats;
  readonly #time: SendingTime;
  readonly #timers: RunTimers;
  readonly #steering: RunSteering;
  readonly #standing: RunStanding;
  readonly #abort = new AbortController();
  /** The first bound that was crossed, in a sentence. */
  #bound: string | null = null;
  #isOver = false;

  constructor(options: CheckedCampaign, hooks: CampaignHooks, parts: OpenedRun) {
    const { gateway, sender } = options;
    const { journal, files, books, record, early, earlier, expected } = parts;
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = gateway.clock;
    this.#journal = journal;
    this.#files = files;
    this.#control = parts.control;
    this.#books = books;
    this.#sender = sender;
    this.#record = record;
    this.#stats = new LatestStats(sender, books);
    this.#time = new SendingTime(this.#clock);
    this.#timers = new RunTimers(this.#clock);
    const canary = this.#canaryOf(earlier);
    early.redirect((row) => {
      books.read += 1;
      this.#noteInvalid(row);
    });
    const pacer = new Pacer(options.rate ?? noLimit, this.#clock);
    this.#sink = this.#makeSink(parts);
    this.#feed = this.#makeFeed(parts, pacer, canary);
    this.#steering = new RunSteering({
      feed: this.#feed,
      pacer,
      time: this.#time,
      remote: sender.remote,
      onNote: (said) => this.#note(said),
      onTurn: (kind) => this.#standing.publish(kind),
    });
    this.#standing = new RunStanding({
      options,
      hooks,
      hasJournal: journal !== null,
      earlier,
      expected,
      books,
      feed: this.#feed,
      record,
      time: this.#time,
      steering: this.#steering,
      stats: this.#stats,
      canary,
    });
    parts.looker.look = () => this.#look();
  }

  /** The sink and the feed call back when the other parts are there. */
  #makeSink({ journal, files, books }: OpenedRun): CampaignSink {
    const { services, accepted } = this.#options;
    return new CampaignSink({
      services,
      journal,
      files,
      books,
      keepsAccepted: accepted === true,
      judge: new BoundsJudge(this.#options),
      observer: this.#hooks.observer ?? null,
      onBound: (why) => this.#stopForBound(why),
      onNews: () => {
        this.#time.noteAnswers();
        this.#feed.wake();
      },
      causeOf: (error) => (error.code === 'ERR_PEAL_ABORTED' ? (this.#standing.why ?? error) : error),
    });
  }

  #makeFeed(
    { blocks, journal, files, books, reading }: OpenedRun,
    pacer: Pacer,
    canary: CanaryDecision | null,
  ): CampaignFeed {
    const { services, onUnknown, sender, localWindow } = this.#options;
    return new CampaignFeed(blocks, {
      clock: this.#clock,
      journal,
      files,
      books,
      sink: this.#sink,
      // Machines keep the pace together, each where it writes.
      pacer: sender.remote === null ? pacer : new Pacer(noLimit, this.#clock),
      remote: sender.remote,
      services,
      hours: localWindow === null ? null : new LocalHoursOfRows(localWindow),
      holds: localWindow?.outside === 'hold',
      resendsUnknown: onUnknown === 'resend',
      canary: canary?.isPassed === true ? null : canary,
      onInvalid: (row) => this.#noteInvalid(row),
      reopen: () => RecipientBlocks.open(this.#options, { ...reading, onInvalid: () => {} }),
      queuedInEngine: () => sender.queued,
      hasConnected: () => this.#stats.hasConnected,
      onHeld: (untilMs) => this.#noteHeld(untilMs),
    });
  }

  /** Runs to the end. Rejects only for faults of this library. */
  async run(): Promise<CampaignReport> {
    this.#journal?.cutWith(() => ({ ...this.#files!.cut(), facts: { ...this.#standing.facts } }));
    let failure: unknown = null;
    try {
      // From here on others see what the campaign is.
      await this.#journal?.flush();
      this.#control?.start({
        onCommand: (command) => this.#steering.obey(command),
        onNote: (said) => this.#note(said),
      });
      this.#record.start();
      this.#watch();
      this.#standing.publish('began');
      await this.#sendAll();
    } catch (error) {
      rethrowAssertion(error);
      failure = error;
    }
    this.#feed.stop(this.#drains);
    await this.#feed.finish();
    this.#control?.stop();
    this.#timers.clear();
    await this.#readStats();
    const report = await this.#close(failure);
    if (failure !== null && !(failure instanceof PealError)) throw failure;
    return report;
  }

  get progress(): CampaignProgress {
    return this.#standing.progress;
  }

  /** For those who watch, as of now. */
  get figures(): RunFigures {
    return this.#standing.figures;
  }

  get isPaused(): boolean {
    return this.#steering.isPaused;
  }

  pause(): void {
    this.#steering.pause();
  }

  resume(): void {
    this.#steering.resume();
  }

  get rate(): string | null {
    return this.#steering.rate;
  }

  set rate(text: string | null) {
    this.#steering.rate = text;
  }

  /** Ends the run: nothing more is handed out, what is written is answered. The first cause stays. */
  stop(why: PealError): void {
    if (this.#isOver) return;
    this.#standing.stop(why);
    this.#feed.stop(this.#drains);
    this.#abort.abort();
  }

  /** @param why which bound, as a sentence with the marks of base/wording */
  #stopForBound(why: string): void {
    this.#bound ??= why;
    this.stop(boundError(why, this.#options));
  }

  /** What is not read by now is left. */
  stopReading(): void {
    this.#feed.stop(false);
  }

  /**
   * For a process that ends at once. Resolves with whether all that was known at the call is in the journal: false
   * where the disk takes longer than a second, or refuses it.
   */
  async abandon(): Promise<boolean> {
    const isKept = new Promise<boolean>((resolve) => {
      this.#timers.after(lastFlushMs, () => resolve(false));
      (this.#journal?.flush() ?? Promise.resolve()).then(
        () => resolve(true),
        () => resolve(false),
      );
    });
    const result = await isKept;
    this.#files?.abandon();
    return result;
  }

  /** Resolves once nothing is under way, or the run is over. */
  async idle(): Promise<void> {
    await this.#feed.until(() => this.#isOver || this.#books.run.recipients >= this.#feed.handed);
  }

  /** A program's stream may have no end; files have one. */
  get #drains(): boolean {
    const { recipients } = this.#options;
    return isFiles(recipients) && (this.#hooks.drains?.() ?? ![recipients.files].flat().includes('-'));
  }

  async #sendAll(): Promise<void> {
    const { services, message, accepted } = this.#options;
    await this.#openRemote();
    try {
      if (!(await this.#feed.probe())) throw this.#nobodyError();
      await this.#untilStart();
    } catch (error) {
      await this.#sender.remote?.leave();
      throw error;
    }
    const isHttp2 = services.areOverHttp2;
    const { stopped } = await this.#sender.send(message, {
      recipients: this.#feed,
      outcomes: this.#sink,
      signal: this.#abort.signal,
      onProgress: (progress) => this.#standing.noteInterim(progress),
      ...(isHttp2 && { latencies: this.#record.latencies }),
      serviceLatencies: this.#record.serviceLatencies,
      ...(accepted === true && isHttp2 && { keepIds: true }),
      ...sendOptionsOf(this.#options),
    });
    if (stopped !== null) this.#standing.stop(stopped);
  }

  /** Before anything is read: what was read before may be under way on other machines. */
  async #openRemote(): Promise<void> {
    const { message, accepted } = this.#options;
    const journal = this.#journal;
    if (this.#sender.remote === null || journal === null) return;
    await this.#sender.remote.open({
      key: journal.key,
      title: this.#standing.title,
      message,
      options: { ...sendOptionsOf(this.#options), ...(accepted === true && { keepIds: true }) },
      isResumed: journal.isResumed,
      flush: () => journal.flush(),
      blockOf: (rows) => this.#sink.blockOf(rows),
      onNote: (said) => this.#note(said),
    });
    this.#steering.tellMachines();
  }

  /** Waits for `notBefore`, and begins. */
  async #untilStart(): Promise<void> {
    const { notBefore, notAfter, maxDurationMs } = this.#options;
    const isEnding = (): boolean => this.#isOver || this.#standing.why !== null;
    if (notBefore !== undefined && notBefore.valueOf() > this.#clock.wallMs()) {
      const why = `The campaign waits until ${notBefore.toISOString()} (${option('notBefore')}).`;
      this.#time.begin('start', why);
      this.#note(why);
      await this.#timers.untilWall(notBefore.valueOf(), isEnding);
      this.#time.end('start');
    }
    if (notAfter !== undefined) {
      const why = `It is after ${notAfter.toISOString()} (${option('notAfter')}).`;
      void this.#timers.untilWall(notAfter.valueOf(), isEnding).then((isSo) => {
        if (isSo) this.#stopForBound(why);
      });
    }
    if (maxDurationMs !== undefined) {
      const judge = new BoundsJudge(this.#options);
      this.#timers.after(maxDurationMs, () => this.#stopForBound(judge.noteTime(maxDurationMs)!));
    }
    this.#steering.begin();
  }

  #canaryOf(earlier: CampaignFacts | null): CanaryDecision | null {
    const { canary } = this.#options;
    if (canary === undefined) return null;
    return new CanaryDecision(canary, earlier?.isCanaryPassed === true, {
      books: this.#books,
      earlierReasons: earlier?.reasons ?? [],
      isStopped: () => this.#standing.why !== null,
      until: (isSo) => this.#feed.until(isSo),
      stop: (why) => this.stop(why),
      stopForBound: (why) => this.#stopForBound(why),
      waits: (why) => {
        if (why === null) this.#time.end('canary');
        else this.#time.begin('canary', why);
        this.#tell();
      },
      flush: async () => this.#journal?.flush(),
      note: (said) => this.#note(said),
    });
  }

  /** @param marked a sentence with the marks of base/wording */
  #note(marked: string): void {
    const said = inWordsOf(this.#hooks, marked);
    this.#record.note(said);
    this.#hooks.onNote?.(said);
    this.#tell();
  }

  /** Lets others see in the journal how it stands now. While nothing is sent, nothing else writes there. */
  #tell(): void {
    if (!this.#isOver) this.#journal?.flush().catch(() => {});
  }

  #noteHeld(untilMs: number | null): void {
    if (untilMs === null) {
      this.#time.end('hours');
      this.#tell();
      return;
    }
    const when = new Date(untilMs).toISOString();
    const why = `${counted(this.#books.held, 'recipient')} wait for their hours, the first of them until ${when}.`;
    this.#time.begin('hours', why);
    this.#note(why);
  }

  #noteInvalid(row: InvalidRow): void {
    this.#books.addInvalid(row);
    this.#files?.invalid(row.line, row.text, row.why, row.list);
  }

  #watch(): void {
    void this.#readStats();
    this.#timers.after(statsIntervalMs, () => this.#watch());
  }

  async #readStats(): Promise<void> {
    this.#steering.tellMachines();
    await this.#stats.read();
    this.#feed.wake();
  }

  /** Once a second. */
  #look(): SeriesSample {
    this.#standing.publish('progress');
    return this.#standing.sample;
  }

  /** Closes the books: files, journal, report. */
  async #close(failure: unknown): Promise<CampaignReport> {
    const standing = this.#standing;
    const inputFailure = this.#feed.failure;
    if (failure instanceof PealError) standing.stop(failure);
    else if (failure === null && inputFailure instanceof PealError) standing.stop(inputFailure);
    this.#isOver = true;
    this.#feed.wake();
    if (failure === null) this.#forgetLateBound();
    if (standing.why !== null) this.#books.addCauseOfRest(standing.why);
    standing.end();
    await this.#record.stop();
    const problems = new Set<PealError>();
    for (const problem of [standing.why, inputFailure]) if (problem instanceof PealError) problems.add(problem);
    for (const problem of await this.#closeFiles()) problems.add(problem);
    standing.publish(standing.ended.state === 'finished' ? 'finished' : 'stopped');
    const { why: stopped, summary } = standing;
    return { summary, stopped, problems: [...problems], causes: this.#books.causes, wasFinished: false };
  }

  /**
   * A bound that was noticed when nothing was left to send has stopped nothing: the campaign is finished, and says so.
   */
  #forgetLateBound(): void {
    if (this.#bound === null || this.#standing.why?.code !== 'ERR_PEAL_BOUND') return;
    if (!this.#feed.isInputRead || this.#books.unsent > 0) return;
    this.#standing.forgetWhy();
    this.#note(`Nothing was left to send when a bound was noticed, so it stopped nothing: ${this.#bound}`);
  }

  /** Resolves with what could not be written. */
  async #closeFiles(): Promise<readonly PealError[]> {
    const { folder } = this.#options;
    const standing = this.#standing;
    const journal = this.#journal;
    if (journal === null || folder === undefined) {
      standing.noteFilesWhole([]);
      return [];
    }
    const problems: PealError[] = [];
    const attempt = async (step: () => Promise<unknown>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        if (!(error instanceof PealError)) throw error;
        if (!problems.some(({ message }) => message === error.message)) problems.push(error);
      }
    };
    await attempt(async () => journal.flush());
    await attempt(async () => this.#files!.finish());
    standing.noteFilesWhole(problems);
    const { state, why, wallMs } = standing.ended;
    journal.event(state, why ?? undefined);
    await attempt(async () => journal.close());
    await attempt(async () => {
      const view = {
        folder,
        facts: standing.facts,
        summary: standing.summary,
        holder: null,
        underWay: 0,
        updatedMs: wallMs,
        events: [],
        series: this.#record.series.toData(),
        latency: this.#record.latencies.toData(),
      };
      await writeReportOf(view, this.#clock.wallMs());
    });
    return problems;
  }

  #nobodyError(): PealError {
    const { isPlain } = this.#feed.blocks;
    const firstProblem = this.#books.firstInvalid(true)?.why ?? null;
    return noRecipientsError(this.#options, { isPlain, invalid: this.#books.invalid, firstProblem });
  }
}

/** How it is sent, as a send is told. */
function sendOptionsOf(campaign: CheckedCampaign): RemoteCampaign['options'] {
  const { retry, onUnknown, stopAtBadTokens, minTokenBytes } = campaign;
  return {
    ...(retry !== undefined && { retry }),
    ...(onUnknown !== undefined && { onUnknown }),
    ...(stopAtBadTokens !== undefined && { stopAtBadTokens }),
    ...(minTokenBytes !== undefined && { minTokenBytes }),
  };
}
