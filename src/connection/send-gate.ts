/**
 * Whether the connections of one pool may take work at all. Owned by ConnectionPool, asked by each of its connections
 * before it sends and told after each read that brought answers; on their thread.
 *
 *   open ── nothing but transient answers, transientAnswersBeforePause in a row ──▶ paused, from 500 ms to 60 s
 *     │ ◀── time is up (Retry-After is waited for, too); connections begin small ────┘
 *     ├──── requests are lost, more than good answers make up for (loss-record): the same; trials are single requests,
 *     │     of one connection at a time
 *     ├──── TooManyProviderTokenUpdates ──▶ paused, from 10 s to 5 min
 *     └──── provider token missing or expired ──▶ held until there is another one
 *
 * Without the pause a gateway that is down would get a million requests in vain. Each pause is twice as long as the
 * last until an answer of another kind comes. After maxUnavailableMs without one the pool gives up. It also gives up if
 * every connection is ended by what its answers say (Shutdown, IdleTimeout …); connect-backoff slows those down. The
 * source gets every answer in any case: whether a recipient is sent to again is not decided here.
 *
 * Only first requests are evidence. Otherwise a recipient that always gets a fault would, once nothing else is left to
 * send, make a gateway look unavailable that serves all others.
 */
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import {
  maxTokenUpdatesPauseMs,
  maxTransientPauseMs,
  maxUnavailableMs,
  minPacedRequests,
  requestTimeoutMs,
  tokenUpdatesPauseMs,
  transientAnswersBeforePause,
  transientPauseMs,
  unprovenRequests,
} from '../base/limits.js';
import { DoublingPause } from '../base/timers.js';
import type { AnswerReview } from './connection-health.js';
import { LossRecord } from './loss-record.js';
import type { RequestCounts } from './request-counts.js';

export interface SendGateEvents {
  /** Requests may be sent again. */
  onGateOpen(): void;
  /** Only refused streams came back. Others should go next, or the same recipients are refused each time. */
  onRefusals(): void;
  /** The gateway has done nothing of use for maxUnavailableMs; `how`: what it did instead, the last time. */
  onUnavailable(how: Trouble): void;
}

/** What a gateway does instead of answering usefully: it answers with faults, refuses streams, or loses requests. */
export type Trouble = 'faults' | 'refusals' | 'losses';

export class SendGate {
  /** A plain field, because it is read before each write. */
  isOpen = true;
  /** Grows with each pause for transient answers: a connection that sees it change begins small again. */
  pauses = 0;
  /** Good answers have come since the pool began and, where a connection has died, since then. */
  #isProven = false;
  /** Of the connection that makes the trials while requests are lost. */
  #trier: RequestCounts | null = null;
  readonly #clock: Clock;
  readonly #events: SendGateEvents;
  readonly #transient: DoublingPause;
  readonly #tokenUpdates: DoublingPause;
  #isHeld = false;
  #isStopped = false;
  /** Transient answers since the last of another kind. */
  #inRow = 0;
  #retryAfterMs = 0;
  /** When the first of the answers came that were all of no use; null while they are of use. */
  #inconclusiveSinceMs: number | null = null;
  /** When the last of them came. */
  #inconclusiveAtMs = Number.NEGATIVE_INFINITY;
  readonly #losses = new LossRecord();
  /** Since when more was lost than good answers made up for; null while it was not. */
  #losingSinceMs: number | null = null;
  #lostAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, events: SendGateEvents) {
    const reopen = (): void => this.#update();
    this.#clock = clock;
    this.#events = events;
    this.#transient = new DoublingPause(clock, transientPauseMs, maxTransientPauseMs, reopen);
    this.#tokenUpdates = new DoublingPause(clock, tokenUpdatesPauseMs, maxTokenUpdatesPauseMs, reopen);
  }

  /** The last answers, on all connections, were transient ones: what is sent now is a trial. */
  get isTroubled(): boolean {
    return this.#inRow >= transientAnswersBeforePause || this.#losses.isTroubled;
  }

  /** How many requests a connection may risk after a pause. */
  get trialRequests(): number {
    return this.#losses.isTroubled ? 1 : minPacedRequests;
  }

  /**
   * Returns how many requests a connection may have in flight, after what has been lost so far. `counts` are those of a
   * connection that has requests to write: while losses last it makes the trials, unless another one is making them.
   */
  mostInFlight(counts: RequestCounts): number {
    if (this.#losses.isTroubled) {
      if (this.#trier !== counts && this.#trier !== null && this.#trier.inFlight > 0) return 0;
      this.#trier = counts;
    }
    return this.#isProven || counts.progress > 0 ? Number.POSITIVE_INFINITY : unprovenRequests;
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
    if (this.#isStopped) return;
    if (review.inconclusive < answers) this.#isProven = true;
    this.#makeUpForLosses(answers - review.inconclusive);
    if (review.inconclusive < answers && this.#inconclusiveSinceMs !== null) this.#recover();
    if (review.inconclusive === review.repeated) return;
    this.#noteInconclusive();
    if (review.tokenUpdates > 0) this.#pause(this.#tokenUpdates, 0);
    if (review.inconclusive < answers) return;
    if (review.transient === 0) {
      if (review.tokenUpdates === 0) this.#giveUpWhenDue('faults');
      return;
    }
    this.#inRow += review.transient;
    this.#retryAfterMs = Math.max(this.#retryAfterMs, review.retryAfterMs);
    if (this.#inRow < transientAnswersBeforePause || this.#transient.isActive) return;
    this.pauses++;
    this.#pause(this.#transient, this.#retryAfterMs);
    this.#retryAfterMs = 0;
  }

  /** After a read that brought nothing but refused streams. */
  afterRefusals(): void {
    if (this.#isStopped) return;
    this.#noteInconclusive();
    this.#events.onRefusals();
    this.#giveUpWhenDue('refusals');
  }

  /** So many requests were lost in one read of a connection; `hasServed`: it has brought good answers before. */
  afterLosses(count: number, hasServed: boolean): void {
    if (this.#isStopped) return;
    this.#noteLosses();
    this.#losses.reset(count, hasServed);
    this.#pauseForLosses();
  }

  /** A connection died with `count` requests under way. */
  afterDeath(count: number): void {
    if (this.#isStopped) return;
    this.#isProven = false;
    this.#noteLosses();
    this.#losses.died(count);
    this.#pauseForLosses();
  }

  /** Losses that are long past do not count together with new ones. */
  #noteLosses(): void {
    const now = this.#clock.now();
    if (now - this.#lostAtMs > maxTokenUpdatesPauseMs + requestTimeoutMs) this.#forgetLosses();
    this.#lostAtMs = now;
  }

  #makeUpForLosses(good: number): void {
    this.#losses.answered(good);
    if (this.#losingSinceMs === null || this.#losses.isTroubled) return;
    this.#losingSinceMs = null;
    this.#transient.reset();
    this.#endTrials();
  }

  #forgetLosses(): void {
    this.#losses.forget();
    this.#losingSinceMs = null;
  }

  /** The other connections may send again, too. In a later turn, because this is called from within a read. */
  #endTrials(): void {
    this.#trier = null;
    this.#clock.defer(() => {
      if (this.isOpen && !this.#isStopped) this.#events.onGateOpen();
    });
  }

  #pauseForLosses(): void {
    if (!this.#losses.isTroubled) return;
    const now = this.#clock.now();
    this.#losingSinceMs ??= now;
    if (this.#transient.isActive) return;
    this.pauses++;
    this.#transient.begin();
    this.isOpen = false;
    if (now - this.#losingSinceMs >= maxUnavailableMs) this.#events.onUnavailable('losses');
  }

  /** The pool was asked anew after it had given up: a gateway in trouble gets all its time again. */
  forgive(): void {
    this.#inconclusiveSinceMs = null;
    this.#forgetLosses();
  }

  /** The pool closes. Answers may still come; there is nothing to pause any more. */
  stop(): void {
    this.#isStopped = true;
    this.#transient.stop();
    this.#tokenUpdates.stop();
  }

  /** Faults that are long past, with nothing sent since, do not count together with new ones. */
  #noteInconclusive(): void {
    const now = this.#clock.now();
    if (now - this.#inconclusiveAtMs > maxTokenUpdatesPauseMs + requestTimeoutMs) {
      if (now - this.#lostAtMs > maxTokenUpdatesPauseMs + requestTimeoutMs) this.#forgetLosses();
      this.#recover();
    }
    this.#inconclusiveAtMs = now;
    this.#inconclusiveSinceMs ??= now;
  }

  #pause(pause: DoublingPause, atLeastMs: number): void {
    if (pause.isActive) return;
    pause.begin(atLeastMs);
    this.isOpen = false;
    this.#giveUpWhenDue('faults');
  }

  #giveUpWhenDue(trouble: Trouble): void {
    assert(this.#inconclusiveSinceMs !== null, 'trouble is noted before it is judged');
    if (this.#clock.now() - this.#inconclusiveSinceMs >= maxUnavailableMs) this.#events.onUnavailable(trouble);
  }

  #recover(): void {
    this.#inconclusiveSinceMs = null;
    this.#inRow = 0;
    this.#retryAfterMs = 0;
    if (!this.#losses.isTroubled) this.#transient.reset();
    this.#tokenUpdates.reset();
  }

  #update(): void {
    const isOpen = !this.#isHeld && !this.#transient.isActive && !this.#tokenUpdates.isActive;
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    if (isOpen) this.#events.onGateOpen();
  }
}
