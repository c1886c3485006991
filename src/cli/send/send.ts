/**
 * `peal send`: one run, from the options to the exit code. Every recipient that could be read is in the books at the
 * end, however the run ended. Main thread.
 */
import { systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { counted, integer } from '../../base/text.js';
import { SeenTokens } from '../../campaign/recipients/seen-tokens.js';
import { APNs } from '../../session/apns.js';
import type { Session } from '../../session/session.js';
import type { GivenOption } from '../shared/command-options.js';
import { type ExitCode, exitCodeOf, exitCodes } from '../shared/exit-codes.js';
import { exitCodeOfSignal, Interrupt, type InterruptSignal } from '../shared/interrupt.js';
import { printable, printNote, type Terminal } from '../shared/terminal.js';
import { doneOf, type RunReport, type RunSummary } from './counts.js';
import { Outputs } from './outputs.js';
import { progressFor } from './progress.js';
import { type AnswerObserver, SendBooks } from './send-books.js';
import type { SendFlags } from './send-options.js';
import { type KeptCommand, planSend, retryOptionsOf, type SendPlan } from './send-plan.js';
import { printRun } from './send-report.js';
import { checkSendFlags, inputFiles } from './send-rules.js';
import { SendWatch } from './send-watch.js';
import { TokenInput } from './token-input.js';

/**
 * After an interrupt: how long answers may take, and how long the rest of the list may take to be read into unsent.txt.
 * Then the session is shut down, which takes up to five more seconds.
 */
const graceAfterInterruptMs = 5_000;

/** What a run gets beside its options. */
export interface SendExtras {
  /** The options as they were written, for the report. */
  readonly settings?: readonly GivenOption[];
  /** The command line, for a campaign that is resumed. */
  readonly kept?: KeptCommand;
  /** Sees every answer; for the demo. */
  readonly observer?: AnswerObserver | null;
}

/**
 * Runs the command and prints what its options ask for.
 *
 * @throws PealError ERR_PEAL_OPTION when the options cannot be run at all
 */
export async function runSend(
  options: SendFlags,
  terminal: Terminal,
  { observer = null }: SendExtras = {},
): Promise<RunReport> {
  checkSendFlags(options);
  let run: SendRun | null = null;
  using interrupt = new Interrupt(
    process,
    () => run?.interrupted(),
    (code) => (run === null ? process.exit(code) : run.leaveAtOnce(code)),
  );
  const outputs = options.out === undefined ? null : await openOutputs(options.out, options, terminal);
  run = new SendRun(options, terminal, outputs, new SendBooks(outputs, observer), interrupt);
  return await run.run();
}

async function openOutputs(out: string, options: SendFlags, terminal: Terminal): Promise<Outputs> {
  const outputs = await Outputs.open(out, inputFiles(options), {
    force: options.force === true,
    accepted: options.accepted === true,
  });
  if (outputs.removed > 0 && options.quiet !== true) {
    const what = counted(outputs.removed, 'unfinished file');
    printNote(terminal, `removed ${what} from ${out}: an earlier run was killed before it was finished`);
  }
  return outputs;
}

class SendRun {
  readonly #options: SendFlags;
  readonly #terminal: Terminal;
  readonly #outputs: Outputs | null;
  readonly #books: SendBooks;
  readonly #input: TokenInput;
  readonly #interrupt: Interrupt;
  readonly #abort = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #session: Session | null = null;
  readonly #watch: SendWatch;
  #seconds = 0;
  #isOver = false;

  constructor(options: SendFlags, terminal: Terminal, outputs: Outputs | null, books: SendBooks, interrupt: Interrupt) {
    this.#interrupt = interrupt;
    this.#options = options;
    this.#terminal = terminal;
    this.#outputs = outputs;
    this.#books = books;
    const seen = options.keepDuplicates === true ? null : new SeenTokens();
    this.#input = new TokenInput({
      sources: options.tokens,
      onInvalid: (invalid, source) => books.addInvalid(invalid, source),
      seen,
      minTokenBytes: options.minTokenBytes,
      pressure: () => outputs?.pressure() ?? null,
    });
    this.#watch = new SendWatch(this.#input, books, seen);
  }

  async run(): Promise<RunReport> {
    const interrupt = this.#interrupt;
    if (interrupt.exitCode !== null) this.interrupted();
    let stopped: PealError | null = null;
    let fault: { readonly error: unknown } | null = null;
    try {
      await this.#readFirst();
      stopped = await this.#send(await planSend(this.#options, this.#terminal));
    } catch (error) {
      if (error instanceof PealError) stopped = error;
      else fault = { error };
    }
    await this.#keepRest().catch((error: unknown) => {
      fault ??= { error };
    });
    for (const timer of this.#timers) clearTimeout(timer);
    // A signal has no effect from here on: only the files are still to be written.
    this.#isOver = true;
    const { signal } = interrupt;
    const interrupted = signal === null ? null : this.#interruption(signal);
    if (interrupted !== null && isAbort(stopped)) stopped = interrupted;
    const filesProblem = await this.#closeOutputs(stopped !== null || fault !== null);
    const all = new Set([interrupted, stopped, this.#input.failure, filesProblem]);
    const problems = [...all].filter((problem) => problem !== null);
    const exitCode = fault === null ? this.#exitCodeFor(problems, signal) : exitCodes.fault;
    const written = this.#outputs?.written ?? [];
    const report = { exitCode, summary: this.#summary(stopped, exitCode), problems, written };
    printRun(this.#terminal, this.#options, report);
    if (fault !== null) throw fault.error;
    return report;
  }

  /** Incomplete files come first, then the reason why the run ended early, then single recipients. */
  #exitCodeFor(problems: readonly PealError[], signal: InterruptSignal | null): ExitCode {
    if (problems.some(({ code }) => code === 'ERR_PEAL_INPUT')) return exitCodes.input;
    if (signal !== null) return exitCodeOfSignal(signal);
    if (problems.length > 0) return exitCodeOf(problems[0]);
    const { counts } = this.#books;
    return counts.accepted === doneOf(counts) ? exitCodes.accepted : exitCodes.notAllAccepted;
  }

  /** Throws if the lists cannot be read or hold no token, before any connection is opened. */
  async #readFirst(): Promise<void> {
    await this.#input.probe();
    if (!this.#input.isDone) return;
    const { signal } = this.#interrupt;
    if (signal !== null && !this.#input.isWhole) throw this.#interruption(signal);
    const names = this.#options.tokens.map((name) => (name === '-' ? 'Standard input' : `The file ${name}`));
    const what = names.length === 1 ? `${names[0]} holds` : 'The lists (--tokens) hold';
    throw new PealError('ERR_PEAL_INPUT', `${what} no device token, and nothing was sent.`, { origin: 'input' });
  }

  /** Resolves with what stopped the send, or null. */
  async #send({ gateway, said, session, estimated }: SendPlan): Promise<PealError | null> {
    this.#session = session;
    await this.#outputs?.sending();
    const display = await progressFor(this.#options, this.#terminal, systemClock);
    if (this.#interrupt.signal !== null) display.interrupted(() => {});
    this.#watch.start(display, session, estimated);
    const startedMs = systemClock.now();
    try {
      const apns = new APNs(gateway);
      const { signal } = this.#abort;
      const { minTokenBytes } = this.#options;
      const result = await apns.send(said.message, {
        recipients: this.#input,
        // An interrupt ends the input by itself, after a time limit of its own.
        afterStop: 'drain',
        outcomes: this.#books,
        onProgress: (counts) => this.#watch.note(counts),
        ...(this.#options.accepted === true && { keepIds: true }),
        signal,
        ...(minTokenBytes === undefined ? {} : { minTokenBytes }),
        ...retryOptionsOf(this.#options),
      });
      return result.stopped;
    } finally {
      this.#seconds = (systemClock.now() - startedMs) / 1000;
      await this.#watch.stop();
      await session.shutdown();
    }
  }

  /** After the send: counts the rest of the lists, as far as it can be read, as unsent. */
  async #keepRest(): Promise<void> {
    const { out, json } = this.#options;
    if (out === undefined && json !== true) return;
    while (!this.#input.isDone && !this.#isTyped) {
      try {
        for await (const block of this.#input) await this.#books.addUnsent(block);
      } catch (error) {
        // The input keeps the error of a list and goes on with the next list.
        if (!(error instanceof PealError)) throw error;
      }
    }
  }

  /** Whether the list is typed at a terminal. Its end is not awaited. */
  get #isTyped(): boolean {
    return this.#options.tokens.includes('-') && this.#terminal.stdin.isTTY === true;
  }

  async #closeOutputs(isStopped: boolean): Promise<PealError | null> {
    if (this.#outputs === null) return null;
    const { counts } = this.#books;
    const hasSentNothing = isStopped && doneOf(counts) === counts.invalid;
    try {
      if (hasSentNothing && (counts.invalid === 0 || this.#outputs.hasEarlier)) {
        await this.#outputs.discard();
        if (counts.invalid > 0 && this.#options.quiet !== true) {
          printNote(
            this.#terminal,
            `the files of an earlier run in ${printable(this.#outputs.folder)} were kept: this run sent nothing`,
          );
        }
      } else {
        await this.#outputs.publish();
      }
      return null;
    } catch (error) {
      return asPealError(error);
    }
  }

  #summary(stopped: PealError | null, exitCode: ExitCode): RunSummary {
    const { counts, reasons, resent } = this.#books;
    const answered = counts.accepted + counts.rejected;
    return {
      ...counts,
      recipients: doneOf(counts),
      duplicate: this.#watch.duplicates,
      invalidLines: this.#books.invalidLines,
      unread: this.#input.unread.map(({ source, line }) => ({ list: listName(source), line })),
      reasons,
      causes: this.#books.causes(stopped),
      resent,
      seconds: this.#seconds,
      perSecond: this.#seconds > 0 ? answered / this.#seconds : 0,
      connections: this.#watch.mostConnections,
      threads: this.#session?.threads ?? 0,
      stopped: stopped?.code ?? null,
      exitCode,
    };
  }

  /** The first Ctrl-C. */
  interrupted(): void {
    if (this.#isOver) return;
    this.#watch.interrupted(() => {
      printNote(this.#terminal, 'stopping: waiting for answers; press Ctrl-C again to end at once');
    });
    this.#input.interrupted();
    this.#abort.abort();
    this.#timers.push(
      setTimeout(() => void this.#session?.shutdown(), graceAfterInterruptMs),
      setTimeout(() => this.#input.close(), this.#isTyped ? 0 : graceAfterInterruptMs),
    );
  }

  #interruption(signal: InterruptSignal): PealError {
    const { counts } = this.#books;
    const left = `${counted(counts.unsent, 'recipient')} unsent, ${integer(counts.unknown)} unknown`;
    const message = `The run was interrupted (${signal}): ${left}.${this.#unreadSentences()}`;
    return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
  }

  /** Where to go on with each list that was not read to its end. */
  #unreadSentences(): string {
    if (this.#input.isWhole) return '';
    const isOne = this.#options.tokens.length === 1;
    const sentences = this.#input.unread.map(({ source, line }) => {
      if (line === null) return '';
      const name = source === '-' ? 'Standard input' : `The list ${printable(source)}`;
      if (line === 1) return ` ${isOne ? 'The list' : name} was not read.`;
      const cut = isOne ? 'The list was not read to its end' : `${name} was not read to its end`;
      return ` ${cut}: go on with line ${integer(line)} of it (tail -n +${line}).`;
    });
    return sentences.join('');
  }

  /** The second Ctrl-C. */
  leaveAtOnce(code: ExitCode): never {
    this.#outputs?.abandon();
    const files =
      this.#outputs === null
        ? ''
        : ` The outcomes known by now are in ${this.#outputs.folder} (*.partial). These files are incomplete.`;
    const { counts } = this.#books;
    const known = `${counted(doneOf(counts), 'outcome')}, ${integer(counts.accepted)} of them accepted`;
    const who =
      this.#outputs?.keepsAccepted === true ? 'which other recipients were sent to' : 'which recipients were sent to';
    this.#watch.leave();
    printNote(
      this.#terminal,
      `ended at once after ${known}. Nothing records ${who}. ` +
        `If the list is sent again, devices may show the notification twice.${files}`,
    );
    process.exit(code);
  }
}

function listName(source: string): string {
  return source === '-' ? 'standard input' : printable(source);
}

/** Whether only an interruption ended the run. */
function isAbort(stopped: PealError | null): boolean {
  return stopped === null || stopped.code === 'ERR_PEAL_ABORTED' || stopped.code === 'ERR_PEAL_CLOSED';
}

function asPealError(error: unknown): PealError {
  if (error instanceof PealError) return error;
  throw error;
}
