/**
 * One run of a campaign, from its options to its report: opens the recipients, the journal and the files, sends, and closes the
 * books whatever ends it. Made by campaign.ts; main thread.
 */
import path from 'node:path';
import { addressUrl } from '../../apns/address.js';
import { rethrowAssertion } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { counted } from '../../base/text.js';
import { option, theOption } from '../../base/wording.js';
import type { EngineStats } from '../../engine/dispatcher/engine-stats.js';
import { LatencyHistogram } from '../../engine/latency-histogram.js';
import type { FieldContext } from '../../session/recipients/own-fields.js';
import { BoundsJudge } from '../control/bounds.js';
import { type ControlCommand, ControlWatch } from '../control/control-file.js';
import { Pacer, parseRate, type Rate } from '../control/rate.js';
import type { Journal } from '../journal/journal.js';
import type { OutcomeFiles } from '../outputs/outcome-files.js';
import type { RunRecord } from '../report/run-record.js';
import type { SeriesSample } from '../report/run-series.js';
import { type CampaignState, type CampaignSummary, latencyFigures } from '../report/summary.js';
import type { CampaignFacts } from '../view/campaign-facts.js';
import { summaryOf, writeReportOf } from '../view/campaign-view.js';
import type { CampaignBooks } from './campaign-books.js';
import { type CampaignEventKind, publishCampaign, type WatchedCampaign } from './campaign-events.js';
import { CampaignFeed } from './campaign-feed.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';
import type { CampaignSender } from './campaign-sender.js';
import { CampaignSink } from './campaign-sink.js';
import { CanaryDecision } from './canary-decision.js';
import { LocalHoursOfRows } from './local-hours.js';
import type { OpenedRun } from './open-run.js';
import { howToGoOn } from './program-faults.js';
import { type InvalidRow, RecipientBlocks } from './recipient-blocks.js';
import type { RunFigures } from './run-figures.js';
import type { CampaignHooks, CampaignProgress, CampaignReport } from './run-report.js';
import { RunTimers } from './run-timers.js';
import { SendingTime } from './sending-time.js';

/** How often the engine is asked what it does. */
const statsIntervalMs = 250;
/** How long a process that ends at once waits for its journal. */
const abandonMs = 1000;
const noLimit: Rate = { text: 'off', entries: [{ fromMinute: 0, perSecond: null }] };
/** Runs that the journal remembers: the first ones, and the latest. */
const maxRuns = 100;

/** How a run ended. */
interface RunEnd {
  readonly state: CampaignState;
  readonly stopped: PealError | null;
  readonly why: string | null;
  readonly wallMs: number;
  /** How long the run has sent. */
  readonly seconds: number;
}

export class CampaignRun {
  readonly #options: CheckedCampaign;
  readonly #hooks: CampaignHooks;
  readonly #clock: Clock;
  readonly #journal: Journal | null;
  readonly #files: OutcomeFiles | null;
  readonly #books: CampaignBooks;
  readonly #feed: CampaignFeed;
  readonly #sink: CampaignSink;
  readonly #pacer: Pacer;
  readonly #sender: CampaignSender;
  readonly #record: RunRecord;
  /** For those who watch. */
  readonly #watched: WatchedCampaign;
  /** How long answers took in earlier runs. */
  readonly #earlierLatencies: LatencyHistogram;
  /** A list that is read once more is counted anew. */
  #mostDuplicates = 0;
  /** What earlier runs have left; null for the first one. */
  readonly #earlier: CampaignFacts | null;
  readonly #abort = new AbortController();
  readonly #expected: number | null;
  readonly #startMs: number;
  readonly #time: SendingTime;
  readonly #timers: RunTimers;
  /** Null without a canary in the options. */
  readonly #canary: CanaryDecision | null;
  /** Until when the run waits before it sends. */
  #isWaiting = true;
  #isPausedByUser = false;
  #why: PealError | null = null;
  /** The first bound that was crossed, in a sentence. */
  #bound: string | null = null;
  #end: RunEnd | null = null;
  /** The files of outcomes are whole. A run that resumes before has to write some of them again. */
  #areFilesWhole = false;
  #exitCode: number | null = null;
  #stats: EngineStats | null = null;
  #interim = { accepted: 0, rejected: 0 };
  #isOver = false;
  readonly #isEnding = (): boolean => this.#isOver || this.#why !== null;

  constructor(options: CheckedCampaign, hooks: CampaignHooks, parts: OpenedRun) {
    const { gateway, personal, message, onUnknown, sender } = options;
    const { journal, files, blocks, books, record, early } = parts;
    const { protocol } = gateway.address;
    this.#options = options;
    this.#hooks = hooks;
    this.#clock = gateway.clock;
    this.#journal = journal;
    this.#files = files;
    this.#books = books;
    this.#earlier = parts.earlier;
    this.#expected = parts.expected;
    this.#startMs = this.#clock.wallMs();
    this.#time = new SendingTime(this.#clock);
    this.#timers = new RunTimers(this.#clock);
    this.#canary = this.#canaryOf(parts.earlier);
    const onInvalid = (row: InvalidRow): void => this.#noteInvalid(row);
    early.redirect((row) => {
      books.read += 1;
      onInvalid(row);
    });
    this.#sender = sender;
    this.#pacer = new Pacer(options.rate ?? noLimit, this.#clock);
    this.#sink = new CampaignSink({
      protocol,
      journal,
      files,
      books,
      keepsAccepted: options.accepted === true,
      judge: new BoundsJudge(options),
      observer: hooks.observer ?? null,
      onBound: (why) => this.#stopForBound(why),
      onNews: () => {
        this.#time.noteAnswers();
        this.#feed.wake();
      },
      causeOf: (error) => (error.code === 'ERR_PEAL_ABORTED' && this.#why !== null ? this.#why : error),
    });
    const context: FieldContext = { pushType: message.pushType, protocol, clock: this.#clock };
    const { localWindow } = options;
    this.#feed = new CampaignFeed(blocks, {
      clock: this.#clock,
      journal,
      files,
      books,
      sink: this.#sink,
      // Machines keep the pace together, each where it writes.
      pacer: sender.remote === null ? this.#pacer : new Pacer(noLimit, this.#clock),
      remote: sender.remote,
      template: personal ?? null,
      context,
      hours: localWindow === null ? null : new LocalHoursOfRows(localWindow),
      holds: localWindow?.outside === 'hold',
      resendsUnknown: onUnknown === 'resend',
      canary: this.#canary?.isPassed === true ? null : this.#canary,
      onInvalid,
      reopen: () => RecipientBlocks.open(options, { ...parts.reading, onInvalid: () => {} }),
      queuedInEngine: () => sender.queued,
      hasConnected: () => this.#hasConnected,
      onHeld: (untilMs) => this.#noteHeld(untilMs),
    });
    this.#record = record;
    this.#watched = Object.freeze({
      title: titleOf(options),
      folder: options.folder ?? null,
      gateway: addressUrl(gateway.address),
    });
    this.#earlierLatencies = LatencyHistogram.fromData(record.latencies.toData());
    parts.looker.look = () => this.#look();
    this.#feed.pause();
  }

  /** Runs to the end. Rejects only for faults of this library. */
  async run(): Promise<CampaignReport> {
    const { folder } = this.#options;
    this.#journal?.cutWith(() => ({ ...this.#files!.cut(), facts: { ...this.#facts() } }));
    const control =
      folder === undefined
        ? null
        : new ControlWatch(
            folder,
            this.#clock,
            (command) => this.#obey(command),
            (said) => this.#note(said),
          );
    let failure: unknown = null;
    try {
      // From here on others see what the campaign is.
      await this.#journal?.flush();
      control?.start();
      this.#record.start();
      this.#watch();
      this.#publish('began');
      await this.#sendAll();
    } catch (error) {
      rethrowAssertion(error);
      failure = error;
    }
    this.#feed.stop(this.#drains);
    await this.#feed.finish();
    control?.stop();
    this.#timers.clear();
    await this.#readStats();
    const report = await this.#close(failure);
    if (failure !== null && !(failure instanceof PealError)) throw failure;
    return report;
  }

  get progress(): CampaignProgress {
    const { counts, held, invalid, read, neverNoted, resumed } = this.#books;
    const hasJournal = this.#journal !== null;
    return {
      state: this.#end?.state ?? (this.#isPausedByUser ? 'paused' : 'running'),
      accepted: hasJournal ? counts.accepted : Math.max(counts.accepted, this.#interim.accepted),
      rejected: hasJournal ? counts.rejected : Math.max(counts.rejected, this.#interim.rejected),
      unsent: counts.unsent + neverNoted,
      unknown: counts.unknown,
      invalid,
      duplicate: this.#feed.blocks.duplicates,
      held,
      read,
      isInputRead: this.#feed.isInputRead,
      expected: this.#feed.isInputRead ? read : this.#expected === null ? null : Math.max(this.#expected, read),
      resumed,
    };
  }

  /** For those who watch, as of now. */
  get figures(): RunFigures {
    const { run, left, invalid, resent, resentBefore } = this.#books;
    const hasJournal = this.#journal !== null;
    this.#mostDuplicates = Math.max(this.#mostDuplicates, this.#feed.blocks.duplicates);
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
      latencies: { all: this.#record.latencies, earlier: this.#earlierLatencies },
      underWay: hasJournal ? this.#books.counts.underWay : null,
      window: hasJournal && this.#sender.remote === null ? this.#feed.window : null,
      queued: this.#sender.queued,
      perSecond: this.#pacer.rate === noLimit ? null : this.#pacer.perSecond,
      whyNot: this.#whyNot,
    };
  }

  get #whyNot(): string | null {
    if (this.#end !== null) return `The campaign is ${this.#end.state}.`;
    if (this.#why !== null) return 'The campaign is being stopped.';
    if (this.#isPausedByUser) return 'The campaign is paused.';
    if (this.#waitsFor !== null) return this.#waitsFor;
    if ((this.#stats?.connections ?? 0) > 0) return null;
    const isRemote = this.#sender.remote !== null;
    return isRemote ? 'No worker has a connection to the gateway.' : 'No connection to the gateway is open.';
  }

  get isPaused(): boolean {
    return this.#isPausedByUser;
  }

  pause(): void {
    if (this.#isPausedByUser) return;
    this.#isPausedByUser = true;
    this.#feed.pause();
    this.#steer();
    this.#time.begin('pause');
    this.#note('The campaign was paused.');
    this.#publish('paused');
  }

  resume(): void {
    if (!this.#isPausedByUser) return;
    this.#isPausedByUser = false;
    if (!this.#isWaiting) this.#feed.resume();
    this.#steer();
    this.#time.end('pause');
    this.#note('The campaign goes on.');
    this.#publish('resumed');
  }

  get rate(): string | null {
    return this.#pacer.rate === noLimit ? null : this.#pacer.rate.text;
  }

  set rate(text: string | null) {
    const rate = text === null ? noLimit : parseRate(text);
    if (typeof rate === 'string') {
      throw new PealError('ERR_PEAL_OPTION', `${theOption('rate')} ${rate}.`, { origin: 'usage' });
    }
    this.#pacer.rate = rate;
    this.#steer();
    this.#feed.wake();
    this.#note(`${rate.text === noLimit.text ? 'There is no limit of the rate' : `The rate is ${rate.text}`} now.`);
  }

  /** Ends the run: nothing more is handed out, what is written is answered. The first cause stays. */
  stop(why: PealError): void {
    if (this.#isOver) return;
    this.#why ??= why;
    this.#feed.stop(this.#drains);
    this.#abort.abort();
  }

  /** @param why which bound, as a sentence with the marks of base/wording */
  #stopForBound(why: string): void {
    this.#bound ??= why;
    this.stop(this.#boundError(why));
  }

  /** What is not read by now is left. */
  stopReading(): void {
    this.#feed.stop(false);
  }

  /**
   * For a process that ends at once. Resolves with whether all that was known at the call is in the journal: false where
   * the disk takes longer than a second, or refuses it.
   */
  async abandon(): Promise<boolean> {
    const isKept = new Promise<boolean>((resolve) => {
      this.#timers.after(abandonMs, () => resolve(false));
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
    await this.#feed.until(() => this.#isOver || this.#settled >= this.#feed.handed);
  }

  /** A program's stream may have no end; files have one. */
  get #drains(): boolean {
    const { recipients } = this.#options;
    return isFiles(recipients) && (this.#hooks.drains?.() ?? ![recipients.files].flat().includes('-'));
  }

  /** Whether a connection stands, or has stood. */
  get #hasConnected(): boolean {
    const { accepted, rejected, unknown } = this.#books.run;
    return (this.#stats?.connections ?? 0) > 0 || accepted + rejected + unknown > 0;
  }

  /** Recipients of this run that came back. */
  get #settled(): number {
    const { accepted, rejected, unsent, unknown } = this.#books.run;
    return accepted + rejected + unsent + unknown;
  }

  async #sendAll(): Promise<void> {
    const { gateway, message, retry, onUnknown, stopAtBadTokens, minTokenBytes, accepted } = this.#options;
    await this.#openRemote();
    if (!(await this.#feed.probe())) throw this.#emptyError();
    await this.#untilStart();
    const isHttp2 = gateway.address.protocol === 'http2';
    const result = await this.#sender.send(message, {
      recipients: this.#feed,
      outcomes: this.#sink,
      signal: this.#abort.signal,
      onProgress: (progress) => {
        this.#interim = progress;
      },
      ...(isHttp2 && { latencies: this.#record.latencies }),
      ...(accepted === true && isHttp2 && { keepIds: true }),
      ...(minTokenBytes !== undefined && { minTokenBytes }),
      ...(retry !== undefined && { retry }),
      ...(onUnknown !== undefined && { onUnknown }),
      ...(stopAtBadTokens !== undefined && { stopAtBadTokens }),
    });
    this.#why ??= result.stopped;
  }

  /** Before anything is read: what was read before may be under way on other machines. */
  async #openRemote(): Promise<void> {
    const { message, retry, onUnknown, stopAtBadTokens, minTokenBytes, accepted, title, folder } = this.#options;
    const journal = this.#journal;
    if (this.#sender.remote === null || journal === null) return;
    await this.#sender.remote.open({
      key: journal.key,
      title: title ?? path.basename(path.resolve(folder!)),
      message,
      options: {
        ...(retry !== undefined && { retry }),
        ...(onUnknown !== undefined && { onUnknown }),
        ...(stopAtBadTokens !== undefined && { stopAtBadTokens }),
        ...(minTokenBytes !== undefined && { minTokenBytes }),
        ...(accepted === true && { keepIds: true }),
      },
      isResumed: journal.isResumed,
      flush: () => journal.flush(),
      blockOf: (rows) => this.#sink.blockOf(rows),
      onNote: (said) => this.#note(said),
    });
    this.#steer();
  }

  #steer(): void {
    this.#sender.remote?.steer(this.#pacer.perSecond, this.#isPausedByUser);
  }

  /** Waits for `notBefore`, and begins. */
  async #untilStart(): Promise<void> {
    const { notBefore, notAfter, maxDurationMs } = this.#options;
    if (notBefore !== undefined && notBefore.valueOf() > this.#clock.wallMs()) {
      const why = `The campaign waits until ${notBefore.toISOString()} (${option('notBefore')}).`;
      this.#time.begin('start', why);
      this.#note(why);
      await this.#timers.untilWall(notBefore.valueOf(), this.#isEnding);
      this.#time.end('start');
    }
    if (notAfter !== undefined) {
      const why = `It is after ${notAfter.toISOString()} (${option('notAfter')}).`;
      void this.#timers.untilWall(notAfter.valueOf(), this.#isEnding).then((isSo) => {
        if (isSo) this.#stopForBound(why);
      });
    }
    if (maxDurationMs !== undefined) {
      const judge = new BoundsJudge(this.#options);
      this.#timers.after(maxDurationMs, () => this.#stopForBound(judge.noteTime(maxDurationMs)!));
    }
    this.#isWaiting = false;
    if (!this.#isPausedByUser) this.#feed.resume();
  }

  #canaryOf(earlier: CampaignFacts | null): CanaryDecision | null {
    const { canary } = this.#options;
    if (canary === undefined) return null;
    return new CanaryDecision(canary, earlier?.isCanaryPassed === true, {
      books: this.#books,
      earlierReasons: earlier?.reasons ?? [],
      isStopped: () => this.#why !== null,
      settled: () => this.#settled,
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

  #obey(command: ControlCommand): void {
    if ('rate' in command) this.rate = command.rate;
    else if ('pause' in command) this.pause();
    else this.resume();
  }

  #note(marked: string): void {
    const said = this.#said(new PealError('ERR_PEAL_OPTION', marked, { origin: 'usage' }));
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

  #said(error: PealError): string {
    return this.#hooks.wordsOf?.(error) ?? error.message;
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
    this.#steer();
    this.#stats = (await this.#sender.stats().catch(() => null)) ?? this.#stats;
    this.#feed.wake();
  }

  #publish(kind: CampaignEventKind): void {
    publishCampaign(kind, () => ({
      campaign: this.#watched,
      progress: this.progress,
      error: kind === 'stopped' ? this.#why : null,
    }));
  }

  /** Once a second. */
  #look(): SeriesSample {
    this.#publish('progress');
    const limit = this.#stats?.streamLimit ?? null;
    const { accepted, rejected, unknown } = this.#books.run;
    return {
      accepted,
      rejected,
      unknown,
      connections: this.#stats?.connections ?? 0,
      // A gateway need not name one.
      streamLimit: limit !== null && Number.isFinite(limit) ? limit : null,
      inFlight: this.#stats?.inFlight ?? 0,
      hasWork: this.#feed.hasWork,
      pace: this.#time.isWaiting ? 0 : this.#pacer.perSecond,
    };
  }

  /** Closes the books: files, journal, report. */
  async #close(failure: unknown): Promise<CampaignReport> {
    const problems = new Set<PealError>();
    const inputFailure = this.#feed.failure;
    const firstFailure = failure ?? (this.#why === null ? inputFailure : null);
    if (firstFailure instanceof PealError) this.#why ??= firstFailure;
    this.#isOver = true;
    this.#feed.wake();
    const { neverNoted, counts } = this.#books;
    const unsent = counts.unsent + neverNoted;
    if (failure === null) this.#forgetLateBound(unsent);
    // Those that were never handed out, or taken back, have no cause yet.
    const explained = this.#books.causes.reduce((sum, cause) => sum + cause.unsent, 0);
    if (this.#why !== null) this.#books.addCause(this.#why, Math.max(0, unsent - explained), 0);
    const cause = this.#why ?? (unsent > 0 ? (this.#books.causes[0]?.error ?? null) : null);
    this.#end = {
      state: this.#why === null && unsent === 0 ? 'finished' : 'stopped',
      stopped: this.#why,
      why: cause === null ? null : this.#said(cause),
      wallMs: this.#clock.wallMs(),
      seconds: this.#time.seconds,
    };
    await this.#record.stop();
    for (const problem of [this.#why, inputFailure]) if (problem instanceof PealError) problems.add(problem);
    for (const problem of await this.#closeFiles()) problems.add(problem);
    const causes = this.#books.causes;
    this.#publish(this.#end.state === 'finished' ? 'finished' : 'stopped');
    return { summary: this.#summary(), stopped: this.#why, problems: [...problems], causes, wasFinished: false };
  }

  /** A bound that was noticed when nothing was left to send has stopped nothing: the campaign is finished, and says so. */
  #forgetLateBound(unsent: number): void {
    if (this.#bound === null || this.#why?.code !== 'ERR_PEAL_BOUND') return;
    if (!this.#feed.isInputRead || unsent > 0) return;
    this.#why = null;
    this.#note(`Nothing was left to send when a bound was noticed, so it stopped nothing: ${this.#bound}`);
  }

  /** Resolves with what could not be written. */
  async #closeFiles(): Promise<readonly PealError[]> {
    const { folder } = this.#options;
    if (this.#journal === null || folder === undefined) {
      this.#areFilesWhole = true;
      this.#exitCode = this.#hooks.exitCodeOf?.(this.#why, []) ?? null;
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
    await attempt(async () => this.#journal!.flush());
    await attempt(async () => this.#files!.finish());
    this.#areFilesWhole = true;
    if (problems.length > 0) this.#end = { ...this.#end!, state: 'stopped' };
    this.#exitCode = this.#hooks.exitCodeOf?.(this.#why, problems) ?? null;
    this.#journal.event(this.#end!.state, this.#end!.why ?? undefined);
    await attempt(async () => this.#journal!.close());
    await attempt(async () => {
      const view = {
        folder,
        facts: this.#facts(),
        summary: this.#summary(),
        holder: null,
        underWay: 0,
        updatedMs: this.#end!.wallMs,
        events: [],
        series: this.#record.series.toData(),
        latency: this.#record.latencies.toData(),
      };
      await writeReportOf(view, this.#clock.wallMs());
    });
    return problems;
  }

  #summary(): CampaignSummary {
    return summaryOf({
      facts: this.#facts(),
      counts: this.#books.counts,
      latency: latencyFigures(this.#record.latencies),
      isHeld: this.#end === null,
      willReport: this.#end !== null,
      folder: this.#options.folder ?? null,
    });
  }

  #facts(): CampaignFacts {
    const { settings, kept, gateway } = this.#options;
    const { invalid, neverNoted, reasons, causes, resent } = this.#books;
    const blocks = this.#feed.blocks;
    const { state, expected } = this.progress;
    return {
      version: 1,
      title: this.#watched.title,
      protocol: gateway.address.protocol,
      settings: settings ?? [],
      kept: kept ?? {},
      state: this.#end === null || this.#areFilesWhole ? state : 'running',
      why: this.#end === null ? this.#waitsFor : this.#end.why,
      stopped: this.#end?.stopped?.code ?? null,
      exitCode: this.#exitCode,
      neverNoted,
      invalid,
      duplicate: blocks.duplicates,
      expected,
      reasons,
      causes: causes.map(({ error, unsent, unknown }) => ({
        code: error.code,
        message: this.#said(error),
        unsent,
        unknown,
      })),
      invalidLines: this.#books.firstInvalid(blocks.isPlain),
      unread: this.#end === null ? [] : blocks.unread,
      resent,
      runs: this.#runs(),
      connections: Math.max(this.#earlier?.connections ?? 0, this.#record.mostConnections),
      threads: gateway.threads,
      isCanaryPassed: this.#canary?.isPassed ?? this.#earlier?.isCanaryPassed ?? false,
      rate: this.rate,
    };
  }

  #runs(): CampaignFacts['runs'] {
    const earlier = this.#earlier?.runs ?? [];
    const run = {
      startMs: this.#startMs,
      endMs: this.#end?.wallMs ?? null,
      seconds: this.#end?.seconds ?? this.#time.seconds,
      answered: this.#books.run.accepted + this.#books.run.rejected + this.#books.run.unknown,
      end: this.#end === null ? null : (this.#end.why ?? 'It went through.'),
    };
    const kept =
      earlier.length < maxRuns ? earlier : [...earlier.slice(0, maxRuns / 2), ...earlier.slice(1 - maxRuns / 2)];
    return [...kept, run];
  }

  /** Why nothing is sent at present, as one sentence; else null. */
  get #waitsFor(): string | null {
    const { why } = this.#time;
    return why === null ? null : this.#said(new PealError('ERR_PEAL_OPTION', why, { origin: 'usage' }));
  }

  #emptyError(): PealError {
    const { recipients } = this.#options;
    const lists = isFiles(recipients) ? [recipients.files].flat() : [];
    const [only] = lists;
    const name = only === '-' ? 'Standard input' : `The file ${only}`;
    const what =
      lists.length === 1
        ? `${name} holds`
        : lists.length > 1
          ? `The lists (${option('recipients')}) hold`
          : 'The recipients of the program hold';
    const first = isFiles(recipients) ? null : this.#books.firstInvalid(true);
    const why = first === null ? '' : ` The first of them ${first.why}.`;
    // Rows of a table may have a token and be wrong in another way.
    const isTable = isFiles(recipients) && !this.#feed.blocks.isPlain && this.#books.invalid > 0;
    const none = isTable ? 'no valid row, and nothing was sent.' : 'no device token, and nothing was sent.';
    return new PealError('ERR_PEAL_INPUT', `${what} ${none}${why}`, { origin: 'input' });
  }

  #boundError(why: string): PealError {
    const message = `The campaign was stopped by a bound: ${why}${howToGoOn(this.#options)}`;
    return new PealError('ERR_PEAL_BOUND', message, { origin: 'usage', retryable: true });
  }
}

function titleOf({ title, folder }: CheckedCampaign): string {
  return title ?? (folder === undefined ? 'Campaign' : path.basename(path.resolve(folder)));
}
