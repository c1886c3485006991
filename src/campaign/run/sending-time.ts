/**
 * The time of a run without its waits: for a time, for an hour, for an answer about the canary, and in a pause. What
 * was handed out before a wait is still being sent until its last answer. Owned by a run of a campaign; main thread.
 */
import type { Clock } from '../../base/clock.js';

type Wait = 'start' | 'canary' | 'hours' | 'pause';

export class SendingTime {
  readonly #clock: Clock;
  /** By wait, what it waits for, as one sentence; '' for a wait that needs none. */
  readonly #waits = new Map<Wait, string>();
  /** Sending time up to `#sinceMs`. While it waits, what follows counts only if an answer comes. */
  #pastMs = 0;
  #sinceMs: number;

  /** It runs from now on. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.now();
  }

  /** Nothing is sent until this wait is over. */
  begin(wait: Wait, why = ''): void {
    if (!this.isWaiting) {
      this.#pastMs += this.#clock.now() - this.#sinceMs;
      this.#sinceMs = this.#clock.now();
    }
    this.#waits.set(wait, why);
  }

  /** An answer has come: up to now something was sent, whatever is waited for. */
  noteAnswers(): void {
    if (!this.isWaiting) return;
    this.#pastMs += this.#clock.now() - this.#sinceMs;
    this.#sinceMs = this.#clock.now();
  }

  /** This wait is over; other ones may go on. */
  end(wait: Wait): void {
    if (this.#waits.delete(wait) && !this.isWaiting) this.#sinceMs = this.#clock.now();
  }

  get isPaused(): boolean {
    return this.#waits.has('pause');
  }

  /** Whether it waits for anything, a pause included. */
  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  /** What is waited for, as one sentence; null where nothing is, or nothing is to be said of it. */
  get why(): string | null {
    for (const why of this.#waits.values()) if (why !== '') return why;
    return null;
  }

  get seconds(): number {
    return (this.#pastMs + (this.isWaiting ? 0 : this.#clock.now() - this.#sinceMs)) / 1000;
  }
}
