/**
 * A campaign: one message to many recipients, with a journal by which it can be resumed, files of its outcomes, a rate,
 * bounds, and hours. It puts together the rooms beside this file and one send of the library. Made by programs and by
 * the command line; main thread.
 */
import { onAbort } from '../base/abort-listeners.js';
import type { Clock, TimerHandle } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import { progressIntervalMs } from '../base/limits.js';
import { checkOption, optionError } from '../base/options.js';
import { heldUntil } from '../base/process-hold.js';
import { theOption } from '../base/wording.js';
import { parseRate } from './control/rate.js';
import type { CampaignSummary } from './report/summary.js';
import { abortError } from './run/campaign-faults.js';
import { type CampaignOptions, type CheckedCampaign, checkCampaignOptions, rateRule } from './run/campaign-options.js';
import type { CampaignRun } from './run/campaign-run.js';
import type { RunFigures } from './run/run-figures.js';
import type { CampaignHooks, CampaignProgress, CampaignReport } from './run/run-report.js';

type State =
  | { readonly phase: 'new' }
  | { readonly phase: 'opening' }
  | { readonly phase: 'running'; readonly run: CampaignRun }
  | { readonly phase: 'over' };

export class Campaign implements AsyncIterable<CampaignProgress> {
  readonly #options: CheckedCampaign;
  readonly #hooks: CampaignHooks;
  readonly #clock: Clock;
  #state: State = { phase: 'new' };
  #progress: CampaignProgress = noProgress;
  #isPaused = false;
  /** A rate that was set before the run began. */
  #rate: string | null | undefined = undefined;
  #hasBegun = false;
  /** Those of the run that is over. */
  #figures: RunFigures | null = null;
  #why: PealError | null = null;
  /** Ends the wait for the first recipients. */
  readonly #opening = new AbortController();
  /** Wakes those who wait for the next progress. */
  readonly #waiting = new Set<() => void>();

  /** @throws PealError ERR_PEAL_OPTION that names the option */
  constructor(options: CampaignOptions);
  /** @internal */
  constructor(options: CampaignOptions, hooks: CampaignHooks);
  constructor(options: CampaignOptions, hooks: CampaignHooks = {}) {
    this.#options = checkCampaignOptions(options);
    this.#hooks = hooks;
    this.#clock = options.gateway.clock;
  }

  /**
   * Runs it, once: until all recipients have their outcome, or something stops it. With `folder` it goes on where an
   * earlier run has stopped.
   *
   * What APNs answers, a gateway that cannot be reached, a bound and an abort are no exceptions: they stand in the
   * report.
   *
   * @throws PealError (as a rejection, and before anything is sent) for recipients, files, a folder or a journal that
   *   cannot be
   * used, and for a campaign that is another one than that of the folder
   */
  async run(): Promise<CampaignReport> {
    if (this.#state.phase !== 'new') throw optionError('A campaign runs once: make another one to resume it.');
    this.#state = { phase: 'opening' };
    const { signal } = this.#options;
    const onAborted = (): void => this.stop(abortError(this.#options));
    const stopListening = signal === undefined ? null : onAbort(signal, onAborted);
    if (signal?.aborted === true) onAborted();
    try {
      const { openRun } = await import('./run/open-run.js');
      const opened = await heldUntil(openRun(this.#options, this.#hooks, this.#opening.signal));
      if ('summary' in opened) {
        this.#progress = progressOf(opened.summary);
        return opened;
      }
      const { CampaignRun } = await import('./run/campaign-run.js');
      const run = new CampaignRun(this.#options, this.#hooks, opened);
      this.#state = { phase: 'running', run };
      this.#hasBegun = true;
      if (this.#isPaused) run.pause();
      if (this.#rate !== undefined) run.rate = this.#rate;
      if (this.#why !== null) run.stop(this.#why);
      const report = await heldUntil(run.run());
      this.#progress = run.progress;
      return report;
    } catch (error) {
      this.#progress = { ...this.progress, state: 'stopped' };
      throw error;
    } finally {
      stopListening?.();
      this.#figures = this.figures;
      this.#rate = this.rate;
      this.#isPaused = this.isPaused;
      this.#state = { phase: 'over' };
      for (const wake of this.#waiting) wake();
    }
  }

  /** As of now. */
  get progress(): CampaignProgress {
    return this.#run?.progress ?? this.#progress;
  }

  /** The progress about ten times a second until the run has ended; the last one is of its end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<CampaignProgress, void, void> {
    while (this.#state.phase !== 'over') {
      yield this.progress;
      await this.#tick();
    }
    yield this.progress;
  }

  /** Hands out nothing more until `resume`; what is under way is answered. */
  pause(): void {
    this.#isPaused = true;
    this.#run?.pause();
  }

  /** Goes on after a pause. */
  resume(): void {
    this.#isPaused = false;
    this.#run?.resume();
  }

  get isPaused(): boolean {
    return this.#run?.isPaused ?? this.#isPaused;
  }

  /** The rate as it was written; null: no limit. */
  get rate(): string | null {
    if (this.#run !== null) return this.#run.rate;
    return this.#rate === undefined ? (this.#options.rate?.text ?? null) : this.#rate;
  }

  /** From now on. Throws PealError ERR_PEAL_OPTION for a text that is no rate. */
  set rate(rate: string | null) {
    if (rate !== null) {
      checkOption('rate', rate, rateRule);
      const parsed = parseRate(rate);
      if (typeof parsed === 'string') throw optionError(`${theOption('rate')} ${parsed}.`);
    }
    this.#rate = rate;
    if (this.#run !== null) this.#run.rate = rate;
  }

  /** @internal Whether the recipients and the journal were opened. Before that, nothing is sent. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** @internal For those who watch; null before its recipients and its journal were opened. */
  get figures(): RunFigures | null {
    return this.#run?.figures ?? this.#figures;
  }

  /** @internal Stops the run, for this reason. */
  stop(why: PealError): void {
    this.#why ??= why;
    if (this.#run === null) this.#opening.abort();
    else this.#run.stop(why);
  }

  /** @internal What is not read by now is left. */
  stopReading(): void {
    this.#run?.stopReading();
  }

  /** @internal Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await this.#run?.idle();
  }

  /**
   * @internal For a process that ends at once: resolves, within a second, with whether the journal has what was known.
   */
  async abandon(): Promise<boolean> {
    return (await this.#run?.abandon()) ?? true;
  }

  get #run(): CampaignRun | null {
    return this.#state.phase === 'running' ? this.#state.run : null;
  }

  async #tick(): Promise<void> {
    const clock = this.#clock;
    let timer: TimerHandle | null = null;
    let wake = (): void => {};
    await new Promise<void>((resolve) => {
      timer = clock.setTimer(resolve, progressIntervalMs);
      wake = resolve;
      this.#waiting.add(resolve);
    });
    this.#waiting.delete(wake);
    clock.clearTimer(timer);
  }
}

const noProgress: CampaignProgress = {
  state: 'running',
  accepted: 0,
  rejected: 0,
  unsent: 0,
  unknown: 0,
  invalid: 0,
  duplicate: 0,
  held: 0,
  read: 0,
  isInputRead: false,
  expected: null,
  resumed: 0,
};

function progressOf(summary: CampaignSummary): CampaignProgress {
  const { state, accepted, rejected, unsent, unknown, invalid, duplicate, expected, recipients } = summary;
  const counts = { accepted, rejected, unsent, unknown, invalid, duplicate };
  return {
    ...noProgress,
    ...counts,
    state,
    expected,
    read: recipients,
    isInputRead: true,
    resumed: accepted + rejected,
  };
}
