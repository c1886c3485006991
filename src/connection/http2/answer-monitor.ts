/**
 * Tells connection-health, error-pace and send-gate of the answers of one HTTP/2 connection, and the connection what
 * follows from them: whether it is of further use, when its first answers came, and how much may be in flight. Owned by
 * Http2Connection, told before each write and after each read; on its thread.
 *
 * Costs a few comparisons for each read while all is well, and nothing for a single answer.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import type { Answer } from '../../push/answer.js';
import type { Http2PushProtocol } from '../../push/push-protocol.js';
import { ConnectionHealth, type Wedge } from '../connection-health.js';
import type { RequestCounts } from '../request-counts.js';
import type { SendGate } from '../send-gate.js';
import type { StartLimit } from '../start-limit.js';
import { ErrorPace } from './error-pace.js';

export class AnswerMonitor {
  /** An answer of the last read said that the provider token has expired. */
  isTokenExpired = false;
  readonly #clock: Clock;
  readonly #gate: SendGate;
  readonly #counts: RequestCounts;
  readonly #health: ConnectionHealth;
  readonly #pace = new ErrorPace();
  #firstSentAtMs: number | null = null;
  /** Of the gate's pauses, those that this connection has taken into account. */
  #pausesSeen: number;

  /** `counts` learns which answers are inconclusive and when the first came. `start`: the limit to begin with. */
  constructor(clock: Clock, gate: SendGate, counts: RequestCounts, start: StartLimit, service: Http2PushProtocol) {
    this.#health = new ConnectionHealth(service);
    this.#pace.start(start.requests, start.holdAnswers);
    this.#counts = counts;
    this.#clock = clock;
    this.#gate = gate;
    this.#pausesSeen = gate.isTroubled ? -1 : gate.pauses;
  }

  /** Why the connection is of no further use; null while it is. */
  get wedge(): Wedge | null {
    return this.#health.wedge;
  }

  /** Whether the connection sends less than it could, because the gateway finds fault with what it sends. */
  get isSlowed(): boolean {
    return this.#pace.isSlowed;
  }

  /** Whether it sends less than it could because it is new, and nothing was bad so far. */
  get isStarting(): boolean {
    return this.#pace.isStarting;
  }

  /** Requests are about to be written. */
  sending(): void {
    this.#firstSentAtMs ??= this.#clock.now();
    if (this.#pausesSeen === this.#gate.pauses) return;
    this.#pausesSeen = this.#gate.pauses;
    this.#pace.limitTo(this.#gate.trialRequests);
  }

  /** Returns what is left of `credit` with so many requests in flight; 0 or less: nothing. */
  limit(credit: number, inFlight: number): number {
    const most = this.#pace.limit(credit, inFlight);
    return most <= 0 ? most : Math.min(most, this.#gate.mostInFlight(this.#counts) - inFlight);
  }

  /** From within a read: an answer other than 200, which has been counted; `isRetry` as RequestSource has it. */
  rejected(answer: Answer, isRetry: boolean): void {
    this.#health.rejected(this.#counts.answers, answer, isRetry);
  }

  /** After a read that brought nothing but so many refused streams: as many would be refused again. */
  refused(count: number): void {
    this.#gate.afterRefusals();
    this.#pace.afterRead(count, count, this.#counts.inFlight + count);
  }

  /** After a read in which so many streams were reset: what was written on them is unknown. */
  lost(count: number): void {
    this.#gate.afterLosses(count, this.#counts.progress > 0);
    this.#pace.afterRead(count, count, this.#counts.inFlight + count);
  }

  /** After a read with answers. Returns whether the first that settled a recipient of this connection is among them. */
  afterRead(answers: number): boolean {
    assert(answers > 0, 'answers are judged after a read that brought some');
    const health = this.#health;
    const counts = this.#counts;
    counts.noteInconclusive(health.inconclusive);
    this.isTokenExpired = health.isTokenExpired;
    this.#gate.afterRead(answers, health);
    this.#pace.afterRead(answers, health.bad, counts.inFlight + answers);
    health.forgetRead();
    const now = this.#clock.now();
    return counts.noteFirstAnswers(now, now - (this.#firstSentAtMs ?? now));
  }
}
