/**
 * Decides when a pool may connect again after connections that came to nothing. Owned by ConnectionPool; time and
 * chance are handed in.
 *
 * A failure is an attempt that did not connect, or a connection that ended with requests sent and none answered: the
 * wait doubles with each (full jitter: anything between 0 and the bound), and after maxConnectAttempts the pool gives
 * up. A gateway that has answered before and cannot be reached now is likely to come back: maxOutageMs have to pass as
 * well, so that a restart of a few seconds does not end a campaign. A connection that ended after a few answers makes
 * its successor wait too, but is progress and no reason to give up. So neither a gateway that is down nor one that says GOAWAY to everybody sees more than a few connections a
 * second (Apple: rapid connecting and disconnecting is taken for an attack).
 */
import { connectBackoffMs, maxConnectAttempts, maxConnectBackoffMs, maxOutageMs } from '../base/limits.js';

export class ConnectBackoff {
  readonly #random: () => number;
  #attempts = 0;
  #waits = 0;
  /** The gateway has answered since the pool gave up last. */
  #hasAnswered = false;
  #failingSinceMs = 0;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /** `random` as Math.random: at least 0 and below 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** An attempt or a connection came to nothing; `isReached`: it had connected. True: it was the last of the row. */
  onFailure(nowMs: number, isReached: boolean): boolean {
    this.onShortLife(nowMs);
    if (this.#attempts++ === 0) this.#failingSinceMs = nowMs;
    const isPatient = this.#hasAnswered && !isReached && nowMs - this.#failingSinceMs < maxOutageMs;
    return this.#attempts >= maxConnectAttempts && !isPatient;
  }

  /** A connection ended soon, though not without an answer. */
  onShortLife(nowMs: number): void {
    const boundMs = Math.min(maxConnectBackoffMs, connectBackoffMs * 2 ** Math.min(this.#waits++, 30));
    this.#notBeforeMs = nowMs + this.#random() * boundMs;
  }

  /** A connection got its first answer. */
  onAnswer(): void {
    this.#hasAnswered = true;
    this.#attempts = 0;
  }

  /** A connection served well. */
  onUsefulConnection(): void {
    this.#attempts = 0;
    this.#waits = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
  }

  /** The pool has given up: the next time it is asked it has all its attempts again, though the wait stays. */
  onGivenUp(): void {
    this.#hasAnswered = false;
    this.#attempts = 0;
  }

  /** Milliseconds until the next attempt may begin; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }
}
