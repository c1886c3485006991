/**
 * `peal send`: one run, from the options to the exit code. Every recipient that could be read is in the books at the
 * end, whatever stopped the run. Main thread.
 */
import { systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { APNs } from '../session/apns.js';
import type { Session } from '../session/session.js';
import { doneOf, type RunReport, type RunSummary } from './counts.js';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.js';
import { Interrupt } from './interrupt.js';
import { integer } from './numbers.js';
import { Outputs } from './outputs.js';
import { type Progress, progressFor } from './progress.js';
import { SendBooks, type Witness } from './send-books.js';
import { checkSendOptions, inputFiles, type SendOptions } from './send-options.js';
import { planSend, type SendPlan } from './send-plan.js';
import { printRun } from './send-report.js';
import { retryOptionsOf } from './send-retry.js';
import { printNote, type Terminal } from './terminal.js';
import { TokenInput } from './token-input.js';

/**
 * After an interrupt: how long answers may take, and the rest of the list to be read into unsent.txt. Then the session
 * is shut down, which takes another five seconds at most.
 */
const graceAfterInterruptMs = 5_000;
const progressIntervalMs = 100;
/** How often the number of connections is asked for. */
const statsIntervalMs = 500;

/**
 * Runs the command and prints what its options ask for.
 *
 * @param witness sees every answer; for the demo
 * @throws PealError ERR_PEAL_OPTION when the options cannot be run at all
 */
export async function runSend(
  options: SendOptions,
  terminal: Terminal,
  witness: Witness | null = null,
): Promise<RunReport> {
  checkSendOptions(options);
  let run: SendRun | null = null;
  using interrupt = new Interrupt(
    process,
    () => run?.interrupted(),
    (code) => (run === null ? process.exit(code) : run.leaveAtOnce(code)),
  );
  const outputs = options.out === undefined ? null : await Outputs.open(options.out, inputFiles(options));
  run = new SendRun(options, terminal, outputs, new SendBooks(outputs, witness), interrupt);
  return await run.run();
}

class SendRun {
  readonly #options: SendOptions;
  readonly #terminal: Terminal;
  readonly #outputs: Outputs | null;
  readonly #books: SendBooks;
  readonly #input: TokenInput;
  readonly #interrupt: Interrupt;
  readonly #abort = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #session: Session | null = null;
  #seconds = 0;
  #connections = 0;
  /** Why recipients are unsent or unknown; null where none is. */
  #loss: string | null = null;

  constructor(
    options: SendOptions,
    terminal: Terminal,
    outputs: Outputs | null,
    books: SendBooks,
    interrupt: Interrupt,
  ) {
    this.#interrupt = interrupt;
    this.#options = options;
    this.#terminal = terminal;
    this.#outputs = outputs;
    this.#books = books;
    this.#input = new TokenInput({
      sources: options.tokens,
      onInvalid: ({ line, text, why }, source) => books.addInvalid(line, text, why, source),
      pressure: () => outputs?.pressure() ?? null,
    });
  }

  async run(): Promise<RunReport> {
    const interrupt = this.#interrupt;
    if (interrupt.exitCode !== null) this.interrupted();
    let cause: PealError | null = null;
    let fault: { readonly error: unknown } | null = null;
    try {
      await this.#readFirst();
      cause = await this.#send(await planSend(this.#options, this.#terminal));
    } catch (error) {
      if (error instanceof PealError) cause = error;
      else fault = { error };
      if (interrupt.exitCode === null) cause = (await this.#keepRest()) ?? cause;
    }
    for (const timer of this.#timers) clearTimeout(timer);
    cause = (await this.#closeOutputs(cause)) ?? cause;
    const summary = this.#summary();
    const exitCode = interrupt.exitCode ?? exitCodeFor(cause, summary);
    const isOver = interrupt.exitCode !== null;
    const report = { exitCode, summary, cause: isOver ? null : cause, loss: isOver ? null : this.#loss };
    printRun(this.#terminal, this.#options, report);
    if (fault !== null) throw fault.error;
    return report;
  }

  /** Whether the list can be read and holds anything is known before anybody is connected to. */
  async #readFirst(): Promise<void> {
    await this.#input.probe();
    if (!this.#input.isDone || this.#books.counts.invalid > 0) return;
    const names = this.#options.tokens.map((name) => (name === '-' ? 'Standard input' : `The file ${name}`));
    const what = names.length === 1 ? `${names[0]} holds` : 'The lists (--tokens) hold';
    throw new PealError('ERR_PEAL_INPUT', `${what} no device tokens: nothing was sent.`, { origin: 'input' });
  }

  /** Resolves with what stopped the send, or null. */
  async #send({ gateway, message, session, estimated }: SendPlan): Promise<PealError | null> {
    this.#session = session;
    const progress = await progressFor(this.#options, this.#terminal, systemClock);
    const watching = this.#watch(progress, estimated);
    const stats = setInterval(() => void this.#countConnections(), statsIntervalMs);
    const startedMs = systemClock.now();
    try {
      const apns = new APNs(gateway);
      const { signal } = this.#abort;
      const result = await apns.send(message, {
        recipients: this.#input,
        afterStop: 'unsent',
        outcomes: this.#books,
        signal,
        ...retryOptionsOf(this.#options),
      });
      // Faults of the way there have no status; those of answers are among the reasons.
      this.#loss = result.errors.find(({ status }) => status === null)?.explanation ?? null;
      return result.stopped;
    } finally {
      this.#seconds = (systemClock.now() - startedMs) / 1000;
      clearInterval(stats);
      clearInterval(watching);
      await this.#countConnections();
      progress.update(this.#books.counts, doneOf(this.#books.counts));
      progress.stop();
      await session.shutdown();
    }
  }

  #watch(progress: Progress, estimated: number | null): NodeJS.Timeout {
    const show = (): void => {
      const { invalid } = this.#books.counts;
      const total = this.#input.isDone ? this.#input.tokens + invalid : estimated;
      progress.update(this.#books.counts, total === null ? null : Math.max(total, doneOf(this.#books.counts)));
    };
    show();
    return setInterval(show, progressIntervalMs);
  }

  async #countConnections(): Promise<void> {
    const stats = await this.#session?.stats().catch(() => null);
    this.#connections = Math.max(this.#connections, stats?.connections ?? 0);
  }

  /** Nothing was or will be sent: what can be read is unsent. Resolves with what went wrong with that, or null. */
  async #keepRest(): Promise<PealError | null> {
    const { out, json } = this.#options;
    if (out === undefined && json !== true) return null;
    if (this.#isTyped) return null;
    let cause: PealError | null = null;
    while (!this.#input.isDone) {
      try {
        for await (const block of this.#input) await this.#books.addUnsent(block);
      } catch (error) {
        cause ??= asPealError(error);
      }
    }
    return cause;
  }

  /** Whether somebody types the list: there is no end to wait for. */
  get #isTyped(): boolean {
    return this.#options.tokens.includes('-') && this.#terminal.stdin.isTTY === true;
  }

  async #closeOutputs(cause: PealError | null): Promise<PealError | null> {
    if (this.#outputs === null) return null;
    const isEmpty = doneOf(this.#books.counts) === 0;
    try {
      await (isEmpty && cause !== null ? this.#outputs.discard() : this.#outputs.publish());
      return null;
    } catch (error) {
      return asPealError(error);
    }
  }

  #summary(): RunSummary {
    const { counts, reasons, resent } = this.#books;
    const answered = counts.accepted + counts.rejected;
    return {
      ...counts,
      recipients: doneOf(counts),
      reasons,
      resent,
      seconds: this.#seconds,
      perSecond: this.#seconds > 0 ? answered / this.#seconds : 0,
      connections: this.#connections,
      threads: this.#session?.threads ?? 0,
    };
  }

  /** The first Ctrl-C. */
  interrupted(): void {
    printNote(this.#terminal, 'stopping: waiting for answers; press Ctrl-C again to leave at once');
    this.#abort.abort();
    this.#timers.push(
      setTimeout(() => void this.#session?.shutdown(), graceAfterInterruptMs),
      setTimeout(() => this.#input.close(), this.#isTyped ? 0 : graceAfterInterruptMs),
    );
  }

  /** The second. */
  leaveAtOnce(code: ExitCode): never {
    const files = this.#outputs === null ? '' : `; the files in ${this.#outputs.folder} are not whole (*.partial)`;
    const done = integer(doneOf(this.#books.counts));
    // What the progress bar changed: line wrapping, and the cursor.
    if (this.#terminal.stderr.isTTY === true) this.#terminal.stderr.write('\u001b[?7h\u001b[?25h\n');
    printNote(this.#terminal, `left at once after ${done} outcomes${files}`);
    process.exit(code);
  }
}

function exitCodeFor(cause: PealError | null, summary: RunSummary): ExitCode {
  if (cause !== null) return exitCodeOf(cause);
  return summary.accepted === summary.recipients ? exitCodes.accepted : exitCodes.notAllAccepted;
}

function asPealError(error: unknown): PealError {
  if (error instanceof PealError) return error;
  throw error;
}
