/**
 * Handles Ctrl-Z: the first SIGTSTP pauses the work and suspends the process once nothing is under way, so that no
 * connection is left in the middle of a request; the second suspends at once. SIGCONT goes on. Owned by a command, on
 * the main thread.
 */

const signals = ['SIGTSTP', 'SIGCONT'] as const;
type SuspendSignal = (typeof signals)[number];

/** How long what is under way is waited for. */
const patienceMs = 10_000;

/** The part of the process that concerns suspension. */
interface SuspendedProcess {
  readonly pid: number;
  on(signal: SuspendSignal, listener: () => void): unknown;
  off(signal: SuspendSignal, listener: () => void): unknown;
  kill(pid: number, signal: 'SIGSTOP'): unknown;
}

interface SuspendOptions {
  /** Stops handing out work. */
  readonly pause: () => void;
  /** Goes on after a pause. Called only after `pause`. */
  readonly resume: () => void;
  /** Resolves once nothing is under way; asked after `pause`. A rejection counts as the same. */
  readonly idle: () => Promise<unknown>;
  /** Called just before the process stands still: a display leaves the terminal as it found it. Default: nothing. */
  readonly onSuspend?: () => void;
  /** Default 10 seconds. */
  readonly patienceMs?: number;
}

export class Suspend implements Disposable {
  readonly #process: SuspendedProcess;
  readonly #options: SuspendOptions;
  #timer: NodeJS.Timeout | null = null;
  #isPaused = false;
  /** Counts the pauses, so that the end of one that is over suspends nothing. */
  #pauses = 0;

  constructor(source: SuspendedProcess, options: SuspendOptions) {
    this.#process = source;
    this.#options = options;
    source.on('SIGTSTP', this.#onStop);
    source.on('SIGCONT', this.#onContinue);
  }

  readonly #onStop = (): void => {
    if (this.#isPaused) {
      this.#suspend();
      return;
    }
    this.#isPaused = true;
    const pause = ++this.#pauses;
    const { idle, patienceMs: ownPatienceMs = patienceMs } = this.#options;
    this.#options.pause();
    const suspend = (): void => {
      if (this.#timer !== null && pause === this.#pauses) this.#suspend();
    };
    this.#timer = setTimeout(suspend, ownPatienceMs);
    idle().then(suspend, suspend);
  };

  readonly #onContinue = (): void => {
    this.#clearTimer();
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#options.resume();
  };

  #suspend(): void {
    this.#clearTimer();
    this.#options.onSuspend?.();
    this.#process.kill(this.#process.pid, 'SIGSTOP');
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Leaves both signals to the system again. */
  [Symbol.dispose](): void {
    this.#clearTimer();
    this.#process.off('SIGTSTP', this.#onStop);
    this.#process.off('SIGCONT', this.#onContinue);
  }
}
