/**
 * What Ctrl-C does to `peal channels` and `peal broadcast`: the first stops what is not written and waits for the
 * answers to what is, for a few seconds; the second ends the command at once. Main thread.
 */

import type { ExitCode } from '../shared/exit-codes.js';
import { Interrupt, type InterruptSignal } from '../shared/interrupt.js';
import { printNote, type Terminal } from '../shared/terminal.js';

/** How long the answers to what was written are waited for. */
const graceMs = 5_000;

export class Stopping implements Disposable {
  readonly #stop = new AbortController();
  readonly #interrupt: Interrupt;
  #timer: NodeJS.Timeout | null = null;

  /** @param onLate what ends the wait for answers */
  constructor(terminal: Terminal, onLate: () => void) {
    this.#interrupt = new Interrupt(
      process,
      () => {
        printNote(terminal, 'stopping: waiting for answers; press Ctrl-C again to end at once');
        this.#stop.abort();
        this.#timer = setTimeout(onLate, graceMs);
      },
      (code) => {
        printNote(terminal, 'ended at once: requests that were under way may have been carried out');
        process.exit(code);
      },
    );
  }

  /** Aborted by the first Ctrl-C. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isAsked(): boolean {
    return this.#stop.signal.aborted;
  }

  /** The first signal; null without one. */
  get signalName(): InterruptSignal | null {
    return this.#interrupt.signal;
  }

  /** The exit code for the signal; null without one. */
  get exitCode(): ExitCode | null {
    return this.#interrupt.exitCode;
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#interrupt[Symbol.dispose]();
  }
}
