/**
 * How many requests one connection keeps in flight while the gateway finds fault with them. Owned by AnswerMonitor;
 * pure.
 *
 * APNs slows a connection down that draws many 4xx answers, and closes it when they do not end, soonest for
 * BadDeviceToken (410 does not count). So a stretch with more bad answers than good ones halves what may be in flight,
 * and good answers give it back, each one request: within one round trip as much as was in flight. A stretch has
 * paceWindowAnswers at least, because a gateway that writes each answer on its own makes reads of one. Never fewer
 * than minPacedRequests: a list of bad tokens goes on, slowly.
 *
 * The same for streams that are refused, so that requests and refusals do not chase each other by the thousand.
 * Costs a comparison for each read while nothing is bad.
 */
import { maxStreamsPerConnection, minPacedRequests, paceWindowAnswers } from '../../base/limits.js';

export class ErrorPace {
  /** Most requests in flight; Infinity while nothing limits them. */
  #cap = Number.POSITIVE_INFINITY;
  /** The stretch that is being looked at: it began with a bad answer. */
  #bad = 0;
  #answers = 0;
  /** Answers to come before the cap is raised. */
  #held = 0;
  /** The cap is that of a new connection: nothing was bad so far. */
  #isStart = false;

  get isActive(): boolean {
    return this.#cap !== Number.POSITIVE_INFINITY;
  }

  /** Whether bad answers, losses or refusals are why less is in flight than could be. */
  get isSlowed(): boolean {
    return this.isActive && !this.#isStart;
  }

  /** Whether less is in flight than could be because the connection is new. */
  get isStarting(): boolean {
    return this.isActive && this.#isStart;
  }

  /** What is left of `credit` with so many requests in flight; 0 or less: nothing. */
  limit(credit: number, inFlight: number): number {
    return Math.min(credit, this.#cap - inFlight);
  }

  /** After a read with `answers` answers, `bad` of them bad; `inFlight` as it was before the read. */
  afterRead(answers: number, bad: number, inFlight: number): void {
    if (bad === 0 && this.#bad === 0 && !this.isActive) return;
    if (bad > 0 || this.#bad > 0) this.#look(answers, bad, inFlight);
    if (!this.isActive) return;
    if (this.#held > 0) this.#held -= answers;
    else if (bad * 2 <= answers) this.#raise(answers - bad);
  }

  /** At most so many in flight from now on, until `holdAnswers` answers have come and more of them give it back. */
  limitTo(requests: number, holdAnswers = 0): void {
    this.#cap = requests;
    this.#held = holdAnswers;
    this.#isStart = false;
  }

  /** The same for a new connection. */
  start(requests: number, holdAnswers: number): void {
    this.limitTo(requests, holdAnswers);
    this.#isStart = true;
  }

  #look(answers: number, bad: number, inFlight: number): void {
    this.#answers += answers;
    this.#bad += bad;
    if (this.#answers < paceWindowAnswers) return;
    if (this.#bad * 2 > this.#answers) {
      this.#isStart = false;
      const least = Math.min(this.#cap, minPacedRequests);
      this.#cap = Math.max(least, Math.floor(Math.min(this.#cap, inFlight) / 2));
    }
    this.#answers = 0;
    this.#bad = 0;
  }

  #raise(good: number): void {
    this.#cap += good;
    if (this.#cap >= maxStreamsPerConnection) this.#cap = Number.POSITIVE_INFINITY;
  }
}
