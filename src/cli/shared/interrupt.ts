/**
 * Handles Ctrl-C: the first SIGINT (or SIGTERM, or SIGHUP: the terminal or the ssh connection is gone) asks the command
 * to end, the second ends it at once (with a moment for what is known to be kept), and a third without that moment.
 * Main thread. One object at a time handles signals, and each takes over from the one before it without a gap.
 */
import { type ExitCode, exitCodes } from './exit-codes.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type InterruptSignal = (typeof signals)[number];

/** The part of the process that concerns signals. */
export interface SignalSource {
  on(signal: InterruptSignal, listener: (signal: InterruptSignal) => void): unknown;
  off(signal: InterruptSignal, listener: (signal: InterruptSignal) => void): unknown;
}

export class Interrupt implements Disposable {
  static #latest: Interrupt | null = null;
  readonly #source: SignalSource;
  readonly #onFirst: (signal: InterruptSignal) => void;
  readonly #onSecond: (code: ExitCode) => unknown;
  #isEnding = false;
  #received: InterruptSignal | null = null;

  /**
   * `onSecond` has to end the process with the given code within a moment; after another signal the process ends here.
   */
  constructor(source: SignalSource, onFirst: (signal: InterruptSignal) => void, onSecond: (code: ExitCode) => unknown) {
    this.#source = source;
    this.#onFirst = onFirst;
    this.#onSecond = onSecond;
    for (const signal of signals) source.on(signal, this.#take);
    const before = Interrupt.#latest;
    if (before !== null && before.#source === source) before[Symbol.dispose]();
    Interrupt.#latest = this;
  }

  /** The first signal, or null. */
  get signal(): InterruptSignal | null {
    return this.#received;
  }

  /** The exit code for that signal, or null. */
  get exitCode(): ExitCode | null {
    return this.#received === null ? null : exitCodeOfSignal(this.#received);
  }

  readonly #take = (signal: InterruptSignal): void => {
    if (this.#received !== null) {
      if (this.#isEnding) process.exit(exitCodeOfSignal(signal));
      this.#isEnding = true;
      this.#onSecond(exitCodeOfSignal(signal));
      return;
    }
    this.#received = signal;
    this.#onFirst(signal);
  };

  /** Stops handling signals. */
  [Symbol.dispose](): void {
    for (const signal of signals) this.#source.off(signal, this.#take);
    if (Interrupt.#latest === this) Interrupt.#latest = null;
  }
}

const codes = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.hungUp,
} as const;

export function exitCodeOfSignal(signal: InterruptSignal): ExitCode {
  return codes[signal];
}

/**
 * Resolves once every signal that has arrived by now was given to its present listeners. Node 22 and later load modules
 * without a turn of the event loop, so a signal that arrived meanwhile is still undelivered when they are loaded.
 */
export async function deliverPendingSignals(): Promise<void> {
  // Two turns, because the first may have begun behind the phase that reads signals.
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
