/**
 * Any number of listeners to one AbortSignal behind a single listener of Node's. A program may hand the same signal to
 * hundreds of sends and readers at once, and Node warns of a leak above ten listeners. Any thread.
 */

class Listeners {
  readonly #signal: AbortSignal;
  readonly #calls = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(call: () => void): void {
    if (this.#calls.size === 0) this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#calls.add(call);
  }

  remove(call: () => void): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) call();
  };
}

const bySignal = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `listener` once when `signal` is aborted, and not at all if it was aborted before. Returns a function that
 * removes the listener; the last removal leaves nothing on the signal.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = bySignal.get(signal) ?? new Listeners(signal);
  bySignal.set(signal, listeners);
  // A new function each time, so that the same listener may be added twice.
  const call = (): void => listener();
  listeners.add(call);
  return () => listeners.remove(call);
}
