/**
 * Whether the connections of one pool may take work at all. Owned by ConnectionPool, asked by each of its connections
 * before it sends and told after each read that brought answers; on their thread.
 *
 *   open ── nothing but transient answers, transientAnswersBeforePause in a row ──▶ paused, from 500 ms to 60 s
 *     │ ◀── time is up (Retry-After is waited for, too); connections begin small ────┘
 *     ├──── TooManyProviderTokenUpdates ──▶ paused, from 10 s to 5 min
 *     └──── provider token missing or expired ──▶ held until there is another one
 *
 * Without the pause a million requests would be burnt against a gateway that is down. Each pause is twice as long as
 * the last until an answer of another kind comes; after maxUnavailableMs without one the pool gives up. What was
 * answered goes to the source in any case: whether those recipients are sent to again is not decided here.
 */
import type { Clock } from '../base/clock.js';
import {
  maxTokenUpdatesPauseMs,
  maxTransientPauseMs,
  maxUnavailableMs,
  tokenUpdatesPauseMs,
  transientAnswersBeforePause,
  transientPauseMs,
} from '../base/limits.js';
import type { AnswerReview } from './connection-health.js';
import { DoublingPause } from './doubling-pause.js';

export interface SendGateEvents {
  /** Requests may be sent again. */
  onGateOpen(): void;
  /** The gateway has answered nothing of use for maxUnavailableMs. */
  onUnavailable(): void;
}

export class SendGate {
  /** A plain field, because it is read before each write. */
  isOpen = true;
  /** Grows with each pause for transient answers: a connection that sees it change begins small again. */
  pauses = 0;
  /** The highest stream limit that a connection of the pool was seen to have. */
  mostStreams = 0;
  /** A connection was replaced because its stream limit stood at 1. */
  hasReplacedForLimit = false;
  readonly #clock: Clock;
  readonly #events: SendGateEvents;
  readonly #transient: DoublingPause;
  readonly #tokenUpdates: DoublingPause;
  #isHeld = false;
  /** Transient answers since the last of another kind. */
  #inRow = 0;
  #retryAfterMs = 0;
  /** When the first of the answers came that were all of no use; null while they are of use. */
  #barrenSinceMs: number | null = null;

  constructor(clock: Clock, events: SendGateEvents) {
    const reopen = (): void => this.#update();
    this.#clock = clock;
    this.#events = events;
    this.#transient = new DoublingPause(clock, transientPauseMs, maxTransientPauseMs, reopen);
    this.#tokenUpdates = new DoublingPause(clock, tokenUpdatesPauseMs, maxTokenUpdatesPauseMs, reopen);
  }

  /** The last answers, on all connections, were transient ones: what is sent now is a trial. */
  get isTroubled(): boolean {
    return this.#inRow >= transientAnswersBeforePause;
  }

  /** Nothing is sent until release(). */
  hold(): void {
    this.#isHeld = true;
    this.isOpen = false;
  }

  release(): void {
    this.#isHeld = false;
    this.#update();
  }

  /** After a read of one connection that brought `answers` answers; `review` says which of them were no good. */
  afterRead(answers: number, review: AnswerReview): void {
    if (review.barren < answers && this.#barrenSinceMs !== null) this.#recover();
    if (review.barren === 0) return;
    this.#barrenSinceMs ??= this.#clock.now();
    if (review.tokenUpdates > 0) this.#pause(this.#tokenUpdates, 0);
    if (review.transient === 0 || review.barren < answers) return;
    this.#inRow += review.transient;
    this.#retryAfterMs = Math.max(this.#retryAfterMs, review.retryAfterMs);
    if (!this.isTroubled || this.#transient.isActive) return;
    this.pauses++;
    this.#pause(this.#transient, this.#retryAfterMs);
    this.#retryAfterMs = 0;
  }

  /** The pool was asked anew after it had given up: a gateway that is down has all its time again. */
  forgive(): void {
    this.#barrenSinceMs = null;
  }

  stop(): void {
    this.#transient.stop();
    this.#tokenUpdates.stop();
  }

  #pause(pause: DoublingPause, atLeastMs: number): void {
    if (pause.isActive) return;
    pause.begin(atLeastMs);
    this.isOpen = false;
    if (this.#clock.now() - this.#barrenSinceMs! >= maxUnavailableMs) this.#events.onUnavailable();
  }

  #recover(): void {
    this.#barrenSinceMs = null;
    this.#inRow = 0;
    this.#retryAfterMs = 0;
    this.#transient.reset();
    this.#tokenUpdates.reset();
  }

  #update(): void {
    const isOpen = !this.#isHeld && !this.#transient.isActive && !this.#tokenUpdates.isActive;
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    if (isOpen) this.#events.onGateOpen();
  }
}
