/**
 * Tries a step of a store again while the store is away: restarting, cut off, without memory, a replica that is about
 * to become the primary. Steps are such that happen once however often they are given. Used by stores and blobs; main
 * thread.
 */
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import { firstStoreRetryMs, maxStoreRetryMs, storePatienceMs } from '../../base/limits.js';

export interface StoreRetryOptions {
  /** How long a step is tried again. Default 30 seconds. */
  readonly patienceMs?: number;
}

export class StoreRetries {
  readonly #clock: Clock;
  readonly #chance: () => number;
  readonly #patienceMs: number;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(clock: Clock, chance: () => number, { patienceMs = storePatienceMs }: StoreRetryOptions = {}) {
    this.#clock = clock;
    this.#chance = chance;
    this.#patienceMs = patienceMs;
  }

  /** @throws what `step` rejects with, once that is final or it was tried long enough */
  async run<T>(step: () => Promise<T>): Promise<T> {
    const untilMs = this.#clock.now() + this.#patienceMs;
    for (let delayMs = firstStoreRetryMs; ; delayMs = Math.min(2 * delayMs, maxStoreRetryMs)) {
      try {
        return await step();
      } catch (error) {
        const mayPass = error instanceof PealError && error.code === 'ERR_PEAL_STORE' && error.retryable;
        if (!mayPass || this.#isClosed || this.#clock.now() + delayMs > untilMs) throw error;
        await this.#wait((delayMs * (1 + this.#chance())) / 2);
        if (this.#isClosed) throw error;
      }
    }
  }

  /** Steps that wait are not tried again. */
  close(): void {
    this.#isClosed = true;
    for (const wake of this.#waiting) wake();
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#clock.clearTimer(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#clock.setTimer(wake, ms);
      this.#waiting.add(wake);
    });
  }
}
