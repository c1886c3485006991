/**
 * The sends of a session that have no result yet, so that its shutdown can wait for them: their books are in order only
 * then. One for each session, shared by its gateways. Main thread.
 */
import type { Clock } from '../../base/clock.js';
import { shutdownWaitMs } from '../../base/limits.js';

export class OpenSends {
  readonly #open = new Set<Promise<unknown>>();
  readonly #streams = new Set<() => void>();

  /** Returns `send` itself. */
  add<T>(send: Promise<T>): Promise<T> {
    this.#open.add(send);
    const forget = (): void => {
      this.#open.delete(send);
    };
    send.then(forget, forget);
    return send;
  }

  /**
   * Calls `stop` when the session shuts down: a stream that has nothing under way must not begin anything, either.
   * Returns a function that takes it back.
   */
  onShutdown(stop: () => void): () => void {
    this.#streams.add(stop);
    return () => this.#streams.delete(stop);
  }

  /** Has the streams stop. Then the same as `ended`. */
  async shutdown(clock: Clock): Promise<void> {
    for (const stop of [...this.#streams]) stop();
    await this.ended(clock);
  }

  /**
   * Resolves once every send that is open now has its result, and its caller has had a turn to take it. After
   * `shutdownWaitMs` it resolves all the same: what a send waits for may itself wait for the shutdown.
   */
  async ended(clock: Clock): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(resolve, shutdownWaitMs);
      void Promise.allSettled(this.#open).then(() => {
        clock.clearTimer(timer);
        clock.defer(resolve);
      });
    });
  }
}
