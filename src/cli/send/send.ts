/**
 * `peal send`: one run of a campaign, from the options to the exit code. The campaign keeps the books; this shows it,
 * asks about the canary, and passes signals on. Main thread.
 */
import path from 'node:path';
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { wants } from '../../base/log.js';
import { counted, integer } from '../../base/text.js';
import { Campaign } from '../../campaign/campaign.js';
import { findFiles } from '../../campaign/input/find-files.js';
import type { CanaryReport } from '../../campaign/run/campaign-options.js';
import type { CampaignHooks, CampaignReport } from '../../campaign/run/run-report.js';
import type { CampaignSender } from '../../campaign/senders/campaign-sender.js';
import type { MetricsSource } from '../../metrics/metrics-source.js';
import type { Address } from '../../push/address.js';
import type { Session } from '../../session/session.js';
import type { GivenOption } from '../shared/command-options.js';
import { type ExitCode, exitCodeOf, exitCodes } from '../shared/exit-codes.js';
import { exitCodeOfSignal, Interrupt, type InterruptSignal } from '../shared/interrupt.js';
import { openLog } from '../shared/log-flags.js';
import { type CommandMetrics, startMetrics } from '../shared/metrics-flags.js';
import { Suspend } from '../shared/suspend.js';
import { printable, printError, printNote, type Terminal, writeJsonLine } from '../shared/terminal.js';
import { commandMessage } from '../shared/wording.js';
import { checkQuestion } from './campaign-rules.js';
import { doneOf, type RunReport } from './counts.js';
import { nothing, writeRefusal } from './json-lines.js';
import { PipeEnds } from './pipe-ends.js';
import { noProgress, type ProgressDisplay, progressFor } from './progress.js';
import type { SendLog } from './send-log.js';
import type { SendFlags } from './send-options.js';
import { campaignOptionsOf, type KeptCommand, planSend } from './send-plan.js';
import { printRun } from './send-report.js';
import { checkSendFlags, inputFiles } from './send-rules.js';

/**
 * After an interrupt: how long answers may take, and how long the rest of the list may take to be read into unsent.txt.
 * Then the session is shut down, which takes up to five more seconds.
 */
const graceAfterInterruptMs = 5_000;

/** Machines that send instead of this process. */
export interface Machines {
  /** @param gateways one, or that of each service */
  open(gateways: readonly Address[]): Promise<OpenMachines>;
}

export interface OpenMachines {
  /** By gateway. */
  readonly senders: readonly CampaignSender[];
  /** What is measured of them. */
  readonly metrics: MetricsSource;
  close(): Promise<void>;
}

/** What a run gets beside its options. */
export interface SendExtras {
  /** The options as they were written, for the report. */
  readonly settings?: readonly GivenOption[];
  /** The command line, for a campaign that is resumed. */
  readonly kept?: KeptCommand;
  /** Sees every answer; for the demo. */
  readonly observer?: NonNullable<CampaignHooks['observer']>;
  readonly machines?: Machines;
}

/**
 * Runs the command and prints what its options ask for.
 *
 * @throws PealError ERR_PEAL_OPTION when the options cannot be run at all
 */
export async function runSend(flags: SendFlags, terminal: Terminal, extras: SendExtras = {}): Promise<RunReport> {
  checkSendFlags(flags, systemClock.wallMs(), extras.machines !== undefined);
  checkQuestion(flags, terminal);
  const logged = await openLog(flags, terminal, { campaign: campaignName(flags) });
  let run: SendRun | null = null;
  using interrupt = new Interrupt(
    process,
    () => run?.interrupted(),
    (code) => (run === null ? process.exit(code) : run.leaveAtOnce(code)),
  );
  if (flags.out !== undefined) {
    const { refuseOwnFiles } = await import('./own-files.js');
    const lists = await findFiles(flags.tokens, flags.out).catch(() => []);
    await refuseOwnFiles(flags.out, [...inputFiles(flags), ...lists]);
  }
  run = new SendRun(flags, logged, extras, interrupt);
  using _suspend = process.platform === 'win32' ? null : run.suspend();
  return await run.run();
}

/** As the report calls the campaign. */
function campaignName({ out }: SendFlags): string {
  return out === undefined ? 'Campaign' : path.basename(path.resolve(out));
}

class SendRun {
  readonly #flags: SendFlags;
  readonly #terminal: Terminal;
  readonly #extras: SendExtras;
  readonly #interrupt: Interrupt;
  readonly #pipeEnds = new PipeEnds();
  /** Ends the question about the canary. */
  readonly #asking = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #session: Session | null = null;
  #campaign: Campaign | null = null;
  /** Ends a dry run. */
  #dryStop: AbortController | null = null;
  #display: ProgressDisplay = noProgress;
  #log: SendLog | null = null;
  #metrics: CommandMetrics | null = null;
  /** Ends the wait for the last scrape. */
  readonly #lingering = new AbortController();
  #isOver = false;

  constructor(flags: SendFlags, terminal: Terminal, extras: SendExtras, interrupt: Interrupt) {
    this.#flags = flags;
    this.#terminal = terminal;
    this.#extras = extras;
    this.#interrupt = interrupt;
  }

  async run(): Promise<RunReport> {
    try {
      return await this.#run();
    } finally {
      await this.#metrics?.[Symbol.asyncDispose]();
      this.#log?.[Symbol.dispose]();
    }
  }

  async #run(): Promise<RunReport> {
    let report: CampaignReport;
    try {
      if (this.#flags.dryRun === true) return await this.#dryRun();
      report = await this.#send();
    } catch (error) {
      this.#isOver = true;
      if (!(error instanceof PealError)) throw error;
      return this.#refused(error);
    }
    // A signal has no effect from here on.
    this.#isOver = true;
    const told = this.#told(report);
    if (report.wasFinished) this.#sayFinished();
    printRun(this.#terminal, this.#flags, told);
    if (this.#interrupt.signal === null) await this.#metrics?.linger(this.#lingering.signal);
    return told;
  }

  /** Everything but the sending. */
  async #dryRun(): Promise<RunReport> {
    const { gateway, said, platforms } = await planSend(this.#flags, this.#terminal);
    const stop = new AbortController();
    this.#dryStop = stop;
    if (this.#interrupt.signal !== null) stop.abort();
    const [{ dryRun }, { dryRunLines, dryRunMessage }] = await Promise.all([
      import('../../campaign/dry-run.js'),
      import('./dry-run-report.js'),
    ]);
    const options = campaignOptionsOf(this.#flags, { gateway, said, platforms, nowMs: systemClock.wallMs() });
    const found = await dryRun({ ...options, signal: stop.signal });
    const { stdout } = this.#terminal;
    if (this.#flags.json === true) writeJsonLine(stdout, dryRunMessage(found));
    else if (this.#flags.quiet !== true) {
      const { rate = null, localWindow, outsideWindow = 'later' } = this.#flags;
      const outside = localWindow === undefined ? null : outsideWindow;
      const lines = dryRunLines(found, { columns: stdout.columns ?? 80, rate, outside });
      stdout.write(lines.map((line) => `${line}\n`).join(''));
    }
    const exitCode = found.invalid === 0 ? exitCodes.accepted : exitCodes.notAllAccepted;
    return { exitCode, summary: nothing, problems: [], causes: [] };
  }

  /** Resolves once the campaign has ended. Throws what keeps it from beginning. */
  async #send(): Promise<CampaignReport> {
    const { machines } = this.#extras;
    const { session, gateway, said, platforms } = await planSend(this.#flags, this.#terminal, machines !== undefined);
    this.#session = session;
    this.#metrics = await this.#startMetrics(session, machines !== undefined);
    const addresses = [gateway, ...(platforms === null ? [] : [platforms.gateway])].map(({ address }) => address);
    const opened = (await machines?.open(addresses)) ?? null;
    const options = campaignOptionsOf(this.#flags, {
      gateway,
      said,
      platforms,
      nowMs: systemClock.wallMs(),
      ...(opened !== null && { senders: opened.senders }),
      ...(this.#extras.settings !== undefined && { settings: this.#extras.settings }),
      ...(this.#extras.kept !== undefined && { kept: this.#extras.kept }),
      confirm: (canary) => this.#ask(canary),
    });
    const campaign = new Campaign(options, this.#hooks());
    this.#campaign = campaign;
    if (this.#metrics !== null) {
      const { CampaignSource } = await import('../../metrics/campaign-source.js');
      if (opened !== null) this.#metrics.add(opened.metrics);
      this.#metrics.add(new CampaignSource(campaign, gateway, campaignName(this.#flags)));
    }
    await this.#startLog();
    this.#display = await progressFor(this.#flags, this.#terminal, systemClock);
    if (this.#interrupt.signal !== null) this.interrupted();
    const watching = this.#watch(campaign);
    try {
      const report = await campaign.run();
      this.#log?.ended(campaign, report);
      return report;
    } finally {
      await watching;
      for (const timer of this.#timers) clearTimeout(timer);
      await Promise.all([session.shutdown(), opened?.close()]);
    }
  }

  /** Before anything is opened: a port that is taken ends the run. Other machines have connections of their own. */
  async #startMetrics(session: Session, hasMachines: boolean): Promise<CommandMetrics | null> {
    const sources = async (): Promise<readonly MetricsSource[]> => {
      if (hasMachines) return [];
      const { EngineSource } = await import('../../metrics/engine-source.js');
      return [new EngineSource(session)];
    };
    return await startMetrics(this.#flags, sources, this.#terminal);
  }

  async #startLog(): Promise<void> {
    const { log } = this.#terminal;
    if (log === undefined) return;
    const { SendLog } = await import('./send-log.js');
    this.#log = new SendLog(log.logger, systemClock);
    log.around = (print) => this.#display.above(print);
  }

  #hooks(): CampaignHooks {
    const { observer } = this.#extras;
    return {
      onNote: (sentence) => {
        const { log } = this.#terminal;
        this.#log?.note(sentence);
        if (log !== undefined && (log.isJson || wants(log.logger, 'info'))) return;
        if (this.#flags.quiet !== true) this.#display.above(() => printNote(this.#terminal, sentence));
      },
      wordsOf: commandMessage,
      exitCodeOf: (stopped, problems) => this.#exitCodeOf([...(stopped === null ? [] : [stopped]), ...problems]),
      isEndCertain: (file, isLineOpen) => this.#pipeEnds.isCertain(file, isLineOpen),
      wasCut: (file) => this.#pipeEnds.wasCut(file),
      // The end of a list that is typed is not awaited.
      drains: () => !this.#isTyped,
      ...(observer !== undefined && { observer }),
    };
  }

  /** Ctrl-Z pauses the campaign, and the process stands still once nothing is under way. */
  suspend(): Suspend {
    let wasPaused = false;
    return new Suspend(process, {
      pause: () => {
        wasPaused = this.#campaign?.isPaused ?? false;
        this.#campaign?.pause();
      },
      resume: () => {
        this.#display.show();
        if (!wasPaused) this.#campaign?.resume();
      },
      idle: async () => await this.#campaign?.idle(),
      onSuspend: () => this.#display.hide(),
    });
  }

  /** Keeps the display up to date until the campaign has ended. */
  async #watch(campaign: Campaign): Promise<void> {
    for await (const progress of campaign) {
      this.#log?.look(campaign);
      const { expected, state, duplicate, read } = progress;
      // The lists are still being opened.
      if (expected === null && read === 0) continue;
      const counts = { ...progress, isPaused: state === 'paused' };
      // What the lists hold, duplicates included.
      this.#display.update(counts, expected === null ? null : Math.max(expected, doneOf(progress) + duplicate));
    }
    this.#display.stop();
  }

  async #ask(canary: CanaryReport): Promise<boolean> {
    const { askToGoOn } = await import('./canary-question.js');
    this.#display.hide();
    try {
      return await askToGoOn(canary, this.#terminal, this.#asking.signal);
    } finally {
      this.#display.show();
    }
  }

  /** The report as it is printed: an interruption is told with what it left. */
  #told({ summary, stopped, problems, causes }: CampaignReport): RunReport {
    const { signal } = this.#interrupt;
    const interruption = signal === null ? null : this.#interruption(signal, summary);
    const isAbort = (error: PealError): boolean =>
      interruption !== null && (error.code === 'ERR_PEAL_ABORTED' || error.code === 'ERR_PEAL_CLOSED');
    const others = problems.filter((problem) => !isAbort(problem));
    const isFirst = stopped === null || isAbort(stopped);
    const all = interruption === null ? others : isFirst ? [interruption, ...others] : [...others, interruption];
    const told = causes.map((cause) => (isAbort(cause.error) ? { ...cause, error: interruption! } : cause));
    const code = interruption !== null && isFirst ? interruption.code : summary.stopped;
    return {
      exitCode: this.#exitCodeOf(all),
      summary: {
        ...summary,
        stopped: code,
        why: isFirst && interruption !== null ? interruption.message : summary.why,
      },
      problems: all,
      causes: told,
    };
  }

  /** Incomplete files come first, then the reason why the run ended early, then single recipients. */
  #exitCodeOf(problems: readonly PealError[]): ExitCode {
    if (problems.some(({ code }) => code === 'ERR_PEAL_INPUT')) return exitCodes.input;
    const { signal } = this.#interrupt;
    if (signal !== null) return exitCodeOfSignal(signal);
    if (problems.length > 0) return exitCodeOf(problems[0]);
    const { progress } = this.#campaign!;
    return progress.accepted === doneOf(progress) + progress.held ? exitCodes.accepted : exitCodes.notAllAccepted;
  }

  /** The run ended before its campaign began: prints why. */
  #refused(error: PealError): RunReport {
    const { signal } = this.#interrupt;
    const problem = signal === null ? error : this.#interruption(signal, nothing);
    const exitCode = signal === null ? exitCodeOf(problem) : exitCodeOfSignal(signal);
    if (this.#flags.json === true) writeRefusal(this.#terminal.stdout, problem, exitCode);
    printError(this.#terminal, problem);
    return { exitCode, summary: { ...nothing, stopped: problem.code, exitCode }, problems: [problem], causes: [] };
  }

  #sayFinished(): void {
    if (this.#flags.quiet === true) return;
    printNote(
      this.#terminal,
      `the campaign in ${this.#folder} is finished: nothing was left to send, and these are its totals. ` +
        'To send it once more, give --force or another directory',
    );
  }

  /** The first Ctrl-C. */
  interrupted(): void {
    const campaign = this.#campaign;
    this.#lingering.abort();
    this.#dryStop?.abort();
    if (this.#isOver || campaign === null) return;
    this.#asking.abort();
    this.#display.interrupted(() => {
      printNote(this.#terminal, 'stopping: waiting for answers; press Ctrl-C again to end at once');
    });
    this.#pipeEnds.interrupted();
    const message = `The run was interrupted (${this.#interrupt.signal}).`;
    campaign.stop(new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true }));
    this.#timers.push(
      setTimeout(() => void this.#session?.shutdown(), graceAfterInterruptMs),
      setTimeout(() => campaign.stopReading(), this.#isTyped ? 0 : graceAfterInterruptMs),
    );
  }

  /** Whether the list is typed at a terminal. Its end is not awaited. */
  get #isTyped(): boolean {
    return this.#flags.tokens.includes('-') && this.#terminal.stdin.isTTY === true;
  }

  #interruption(signal: InterruptSignal, { unsent, unknown, unread }: RunReport['summary']): PealError {
    const left = `${counted(unsent, 'recipient')} unsent, ${integer(unknown)} unknown`;
    const goOn = this.#flags.out === undefined ? '' : ` ${this.#goOnSentence}`;
    const message = `The run was interrupted (${signal}): ${left}.${this.#unreadSentences(unread)}${goOn}`;
    return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
  }

  get #goOnSentence(): string {
    // Its journal may not be there yet.
    if (!this.#hasBegun) return 'Nothing was sent: give the same command again.';
    const isPipe = this.#flags.tokens.includes('-');
    const same = isPipe ? 'The same command with the same list goes on.' : 'The same command goes on';
    return isPipe ? same : `${same}, and so does peal resume ${this.#folder}.`;
  }

  /** Whether the recipients and the journal are open. Before that, nothing is sent. */
  get #hasBegun(): boolean {
    return this.#campaign?.hasBegun === true;
  }

  get #folder(): string {
    return printable(this.#flags.out ?? '');
  }

  /** Where to go on with each list that was not read to its end. */
  #unreadSentences(unread: RunReport['summary']['unread']): string {
    const isOne = this.#flags.tokens.length === 1;
    const sentences = unread.map(({ list, line }) => {
      const name = isOne ? 'The list' : list === 'standard input' ? 'Standard input' : `The list ${printable(list)}`;
      if (line === 1) return ` ${name} was not read.`;
      const cut = `${name} was not read to its end`;
      // A campaign with a journal reads its lists from their beginning.
      if (line === null || this.#flags.out !== undefined) return ` ${cut}.`;
      return ` ${cut}: go on with line ${integer(line)} of it (tail -n +${line}).`;
    });
    return sentences.join('');
  }

  /** The second Ctrl-C. */
  async leaveAtOnce(code: ExitCode): Promise<never> {
    const { out } = this.#flags;
    this.#display.stop();
    if (this.#campaign === null || !this.#hasBegun) {
      printNote(this.#terminal, 'ended at once: nothing was sent');
      process.exit(code);
    }
    const { progress } = this.#campaign;
    const isKept = await this.#campaign.abandon();
    const known = `${counted(progress.accepted + progress.rejected, 'answer')}, ${integer(progress.accepted)} of them accepted`;
    const rest =
      out === undefined
        ? 'Nothing records which recipients were sent to. If the list is sent again, devices may show the ' +
          'notification twice.'
        : `${isKept ? 'The journal has what was known; those' : 'The journal could not be written in time: the latest of them, and those'} ` +
          `under way become unknown when the campaign goes on: they may have been delivered. ${this.#goOnSentence}`;
    printNote(this.#terminal, `ended at once after ${known}. ${rest}`);
    process.exit(code);
  }
}
