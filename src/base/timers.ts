/**
 * Timers on a clock. Connections, pools and streams make them and run them on their thread. Timer is set and cleared
 * many times. PatientTimer lets the loop read before it gives a verdict. DoublingPause lasts longer each time.
 */
import type { Clock, TimerHandle } from './clock.js';

/** One timer that can be set, set again and cleared many times. */
export class Timer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #handle: TimerHandle | null = null;
  #dueAtMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  get isSet(): boolean {
    return this.#handle !== null;
  }

  /** Runs the callback once, `delayMs` from now. Replaces the earlier setting. */
  set(delayMs: number): void {
    this.clear();
    this.#dueAtMs = this.#clock.now() + delayMs;
    this.#handle = this.#clock.setTimer(this.#onDue, delayMs);
  }

  /** As set(), unless the timer is set and due sooner. */
  setNoLaterThan(delayMs: number): void {
    if (this.#clock.now() + delayMs < this.#dueAtMs) this.set(delayMs);
  }

  clear(): void {
    if (this.#handle === null) return;
    this.#clock.clearTimer(this.#handle);
    this.#forget();
  }

  readonly #onDue = (): void => {
    this.#forget();
    this.#callback();
  };

  #forget(): void {
    this.#handle = null;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
  }
}

/** Turns of the loop in which bytes may still come: the bytes of one status of the binary protocol, and two. */
const readTurns = 8;

/**
 * A timer for a verdict about the peer. When it is due, what has arrived by then is read first: a thread that was busy
 * finds the timer and the bytes that refute it at the same time, and the event loop runs the timer first.
 *
 *     due ─▶ the loop reads ─ something came ─▶ once more, up to `readTurns` times ─▶ verdict
 *                           └ nothing ────────────────────────────────────────────▶ verdict
 */
export class PatientTimer {
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #heard: () => number;
  readonly #callback: () => void;
  /** Another number after each set and clear, so that an old turn knows that it is outdated. */
  #setting = 0;
  #isListening = false;

  /** `heard`: bytes read so far. */
  constructor(clock: Clock, heard: () => number, callback: () => void) {
    this.#clock = clock;
    this.#heard = heard;
    this.#callback = callback;
    this.#timer = new Timer(clock, () => this.#listen(readTurns));
  }

  /** True until the verdict is given. */
  get isSet(): boolean {
    return this.#timer.isSet || this.#isListening;
  }

  /** Calls back once, `delayMs` from now or a few turns of the loop later. Replaces the earlier setting. */
  set(delayMs: number): void {
    this.clear();
    this.#timer.set(delayMs);
  }

  /** As set(), unless the timer is set and due sooner. */
  setNoLaterThan(delayMs: number): void {
    if (!this.#isListening) this.#timer.setNoLaterThan(delayMs);
  }

  clear(): void {
    this.#setting++;
    this.#isListening = false;
    this.#timer.clear();
  }

  #listen(turnsLeft: number): void {
    const setting = this.#setting;
    const heard = this.#heard();
    this.#isListening = true;
    this.#clock.defer(() => {
      if (setting !== this.#setting) return;
      if (turnsLeft > 0 && this.#heard() !== heard) {
        this.#listen(turnsLeft - 1);
        return;
      }
      this.#isListening = false;
      this.#callback();
    });
  }
}

/** A pause that is twice as long each time it begins again, up to a bound, until something good resets it. */
export class DoublingPause {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #timer: Timer;
  #pauseMs = 0;

  /** `onOver`: the pause has ended by itself. */
  constructor(clock: Clock, firstMs: number, longestMs: number, onOver: () => void) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#timer = new Timer(clock, onOver);
  }

  get isActive(): boolean {
    return this.#timer.isSet;
  }

  /** Begins the next pause, at least `atLeastMs` long if the bound allows. Does nothing during a pause. */
  begin(atLeastMs = 0): void {
    if (this.#timer.isSet) return;
    this.#pauseMs = Math.min(this.#longestMs, this.#pauseMs === 0 ? this.#firstMs : this.#pauseMs * 2);
    this.#timer.set(Math.min(this.#longestMs, Math.max(this.#pauseMs, atLeastMs)));
  }

  /** Back to the first length. Does not end a running pause. */
  reset(): void {
    this.#pauseMs = 0;
  }

  stop(): void {
    this.#timer.clear();
  }
}
