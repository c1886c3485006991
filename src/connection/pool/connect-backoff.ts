/**
 * Decides when a pool may connect again after connections that came to nothing, and when it gives up. Owned by
 * ConnectionPool; time and chance are handed in.
 *
 *   the connection …                          the next one waits                       it counts as
 *   did not connect                           doubling, with all pools of the address  a failure
 *   ended with requests sent, none answered   doubling                                 a failure
 *   drains, and has answered nothing so far   doubling, until it answers after all     what it is in the end
 *   answered, and nothing that was of use     doubling                                 nothing
 *   brought a few answers and died            doubling, at most 20 s ÷ answers         progress
 *   brought a few answers, was sent away      at most 5 s ÷ answers, or 1 s            progress
 *   served well                               not at all                               progress
 *
 * Every wait is jittered in full. After maxConnectAttempts failures in a row the pool gives up. A gateway that has
 * answered before is likely to come back, whether it refuses connections now, drops them, breaks them off in TLS or
 * answers nothing: maxOutageMs have to pass as well, so that a restart of a few seconds does not end a campaign. After
 * breakerFailures in a row the pool is half open: one connection at a time, and one request on it, until there is an
 * answer; each connection that dies may leave requests unknown.
 *
 * So a gateway that is down, or that says GOAWAY to each connection, sees a few connections a second at most (Apple
 * takes rapid connecting and disconnecting for an attack). A gateway that says GOAWAY after every few answers asks for
 * the next connection itself, and gets it soon: 20,000 recipients at 50 for each connection take about half a minute,
 * and at one for each connection two go out in a second.
 */
import {
  breakerFailures,
  connectBackoffMs,
  maxConnectAttempts,
  maxConnectBackoffMs,
  maxOutageMs,
  minConnectWaitMs,
  minShortLifeWaitMs,
  shortLifeWaitMs,
  successorWaitMs,
} from '../../base/limits.js';
import { AddressBackoff, jitteredWaitMs } from './address-backoff.js';

export class ConnectBackoff {
  readonly #random: () => number;
  readonly #address: AddressBackoff;
  /** Failures since the last answer. */
  #failures = 0;
  #waits = 0;
  #hasAnswered = false;
  #failingSinceMs = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /** `random` as Math.random: at least 0 and below 1. `address`: what pools share. */
  constructor(random: () => number, address: AddressBackoff = new AddressBackoff()) {
    this.#random = random;
    this.#address = address;
  }

  /** The gateway has answered since the pool gave up last. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Connections have failed in a row: the next one has to prove itself. */
  get isHalfOpen(): boolean {
    return this.#failures >= breakerFailures;
  }

  /** How many attempts and connections in a row have failed by now. */
  get failures(): number {
    return this.#failures;
  }

  /** An attempt to connect begins. */
  onAttempt(nowMs: number): void {
    this.#address.onAttempt(nowMs, this.#random);
  }

  /** `tryAgain` is called, once, when another pool has connected to the same address. */
  onWaiting(tryAgain: () => void): void {
    this.#address.waitFor(tryAgain);
  }

  stopWaiting(tryAgain: () => void): void {
    this.#address.stopWaiting(tryAgain);
  }

  /** An attempt has connected. */
  onReached(): void {
    this.#address.onReached();
  }

  /**
   * Records a failed attempt or connection that began at `beganMs`. `isReached`: TCP and TLS had succeeded.
   * `hasWaited`: the wait for it already runs. Returns whether the pool has to give up.
   */
  onFailure(nowMs: number, beganMs: number, isReached: boolean, hasWaited = false): boolean {
    // Connections that a growing pool opened together fail together, and are one attempt.
    const isFurther = beganMs >= this.#failedAtMs || nowMs - this.#failedAtMs >= connectBackoffMs;
    if (isReached && isFurther && !hasWaited) this.#wait(nowMs, maxConnectBackoffMs);
    if (!isReached) this.#address.onUnreached(nowMs, beganMs, this.#random);
    if (this.#failures === 0) this.#failingSinceMs = nowMs;
    if (this.#failures === 0 || isFurther) this.#failures++;
    this.#failedAtMs = nowMs;
    const isPatient = this.#hasAnswered && nowMs - this.#failingSinceMs < maxOutageMs;
    return this.#failures >= maxConnectAttempts && !isPatient;
  }

  /**
   * A connection ended soon; `answers` of its answers were of use. `isInOrder`: the gateway ended it, and nothing is
   * lost.
   */
  onShortLife(nowMs: number, answers: number, isInOrder = false): void {
    if (isInOrder && answers > 0) {
      const longestMs = Math.min(minShortLifeWaitMs, successorWaitMs / answers);
      this.#notBeforeMs = nowMs + Math.max(minConnectWaitMs, this.#random() * longestMs);
      return;
    }
    const longestMs = answers === 0 ? maxConnectBackoffMs : Math.max(minShortLifeWaitMs, shortLifeWaitMs / answers);
    this.#wait(nowMs, longestMs);
  }

  /** The same of a connection that had no answer when it began to drain: the wait that began then is taken back. */
  onAnsweredLate(nowMs: number, answers: number, isInOrder: boolean): void {
    this.#waits = Math.max(0, this.#waits - 1);
    this.onShortLife(nowMs, answers, isInOrder);
  }

  /** A connection got its first answer that was of use. */
  onAnswer(): void {
    this.#hasAnswered = true;
    this.#failures = 0;
  }

  /** A connection served well. */
  onUsefulConnection(): void {
    this.#failures = 0;
    this.#waits = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** The pool has given up. When it is asked again it has all its attempts; the wait stays. */
  onGivenUp(): void {
    this.#hasAnswered = false;
    this.#failures = 0;
  }

  /** Milliseconds until the next attempt may begin; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs, this.#address.waitMs(nowMs));
  }

  #wait(nowMs: number, longestMs: number): void {
    this.#notBeforeMs = nowMs + jitteredWaitMs(this.#waits++, longestMs, this.#random);
  }
}
