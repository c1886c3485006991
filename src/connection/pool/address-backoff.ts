/**
 * When a gateway's address may be tried again after attempts that did not connect. One for each address (host:port),
 * shared by all pools of a thread: ten credentials at one gateway that is down are one reason to wait, not ten. Time
 * and chance are handed in.
 *
 * The wait doubles with each attempt that fails (full jitter: anything between 0 and the bound). Once some have failed
 * the pools take turns: each attempt puts the next one off, and the first that connects lets all of them go on.
 */
import type { Clock } from '../../base/clock.js';
import { connectBackoffMs, maxConnectBackoffMs, minConnectWaitMs } from '../../base/limits.js';

/** Returns the wait before an attempt: full jitter under a bound that doubles, and at least minConnectWaitMs. */
export function jitteredWaitMs(failures: number, longestMs: number, random: () => number): number {
  const boundMs = Math.min(longestMs, connectBackoffMs * 2 ** Math.min(failures, 30));
  return Math.max(minConnectWaitMs, random() * boundMs);
}

export class AddressBackoff {
  readonly #waiting = new Set<() => void>();
  #failures = 0;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  /** Milliseconds until the next attempt may begin; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  /** An attempt begins. */
  onAttempt(nowMs: number, random: () => number): void {
    if (this.#failures > 0) this.#putOff(nowMs, random);
  }

  /** An attempt that began at `beganMs` did not connect. Attempts of several pools at once are one failure. */
  onUnreached(nowMs: number, beganMs: number, random: () => number): void {
    if (beganMs < this.#failedAtMs) return;
    this.#failedAtMs = nowMs;
    this.#putOff(nowMs, random);
    this.#failures++;
  }

  /** An attempt connected: the pools that wait may try. */
  onReached(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#notBeforeMs = Number.NEGATIVE_INFINITY;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const tryAgain of waiting) tryAgain();
  }

  /** `tryAgain` is called, once, when an attempt of any pool has connected. */
  waitFor(tryAgain: () => void): void {
    this.#waiting.add(tryAgain);
  }

  stopWaiting(tryAgain: () => void): void {
    this.#waiting.delete(tryAgain);
  }

  #putOff(nowMs: number, random: () => number): void {
    this.#notBeforeMs = nowMs + jitteredWaitMs(this.#failures, maxConnectBackoffMs, random);
  }
}

/** The addresses of one clock: of a thread, as all that runs on it has the same one. */
const byClock = new WeakMap<Clock, Map<string, AddressBackoff>>();

/** What all pools on this clock share for the gateway at `where` (`host:port`). */
export function sharedAddressBackoff(clock: Clock, where: string): AddressBackoff {
  const byAddress = byClock.get(clock) ?? new Map<string, AddressBackoff>();
  byClock.set(clock, byAddress);
  const backoff = byAddress.get(where) ?? new AddressBackoff();
  byAddress.set(where, backoff);
  return backoff;
}
