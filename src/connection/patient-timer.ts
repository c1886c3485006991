/**
 * A timer for a verdict about the other side. When it is due, what has arrived by then is read first: a thread that was
 * busy for a while finds the timer and the octets that make it void at once, and an event loop has the timer first.
 * Owned by connections, on their thread.
 *
 *     due ─▶ the loop reads ─ something came ─▶ once more, up to `turns` times ─▶ verdict
 *                           └ nothing ────────────────────────────────────────▶ verdict
 */
import type { Clock } from '../base/clock.js';
import { Timer } from './timer.js';

/** Turns of the loop in which octets may still come: as many as a status of the binary protocol has, and two. */
const turns = 8;

export class PatientTimer {
  readonly #clock: Clock;
  readonly #timer: Timer;
  readonly #heard: () => number;
  readonly #callback: () => void;
  /** Differs each time that the timer is set or cleared. */
  #setting = 0;
  #isListening = false;

  /** `heard`: octets read so far. */
  constructor(clock: Clock, heard: () => number, callback: () => void) {
    this.#clock = clock;
    this.#heard = heard;
    this.#callback = callback;
    this.#timer = new Timer(clock, () => this.#listen(turns));
  }

  /** Until the verdict is given. */
  get isSet(): boolean {
    return this.#timer.isSet || this.#isListening;
  }

  /** Calls back once, `delayMs` from now or soon after; what was set before no longer holds. */
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
