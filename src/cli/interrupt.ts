/**
 * What Ctrl-C does: the first SIGINT (or SIGTERM) asks the command to come to an end, the second ends it at once.
 * Main thread; one at a time: each takes over from the one before it, so that there is no moment without.
 */
import { type ExitCode, exitCodes } from './exit-codes.js';

export type InterruptSignal = 'SIGINT' | 'SIGTERM';

/** The process, as far as signals go. */
export interface SignalSource {
  on(signal: InterruptSignal, listener: (signal: InterruptSignal) => void): unknown;
  off(signal: InterruptSignal, listener: (signal: InterruptSignal) => void): unknown;
}

export class Interrupt implements Disposable {
  static #latest: Interrupt | null = null;
  readonly #source: SignalSource;
  readonly #onFirst: (signal: InterruptSignal) => void;
  readonly #onSecond: (code: ExitCode) => void;
  #received: InterruptSignal | null = null;

  /** `onSecond` is expected to end the process with the code that it is given. */
  constructor(source: SignalSource, onFirst: (signal: InterruptSignal) => void, onSecond: (code: ExitCode) => void) {
    this.#source = source;
    this.#onFirst = onFirst;
    this.#onSecond = onSecond;
    source.on('SIGINT', this.#take);
    source.on('SIGTERM', this.#take);
    const before = Interrupt.#latest;
    if (before !== null && before.#source === source) before[Symbol.dispose]();
    Interrupt.#latest = this;
  }

  /** The exit code that follows from what came; null when nothing did. */
  get exitCode(): ExitCode | null {
    return this.#received === null ? null : codeOf(this.#received);
  }

  readonly #take = (signal: InterruptSignal): void => {
    if (this.#received !== null) {
      this.#onSecond(codeOf(signal));
      return;
    }
    this.#received = signal;
    this.#onFirst(signal);
  };

  /** Gives the signals back. */
  [Symbol.dispose](): void {
    this.#source.off('SIGINT', this.#take);
    this.#source.off('SIGTERM', this.#take);
    if (Interrupt.#latest === this) Interrupt.#latest = null;
  }
}

function codeOf(signal: InterruptSignal): ExitCode {
  return signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
}

/**
 * Resolves once every signal that has come by now was given to its listeners of this moment. Node 22 and later load
 * modules without a turn of the event loop, so a signal that came meanwhile is still unheard when they are loaded.
 */
export async function signalsHeard(): Promise<void> {
  // Twice: the first turn may have been in the middle of the loop, behind the place where signals are read.
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
