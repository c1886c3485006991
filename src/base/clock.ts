/** The clock, which is passed in, so that everything that decides by time runs in tests without waiting. */

/** A timer that was set. Only the clock that made it reads it. */
export type TimerHandle = unknown;

export interface Clock {
  /** Monotonic milliseconds, with fractions; only differences mean anything. */
  now(): number;
  /** Milliseconds since the Unix epoch, as the machine's wall clock says. */
  wallMs(): number;
  setTimer(callback: () => void, delayMs: number): TimerHandle;
  clearTimer(timer: TimerHandle): void;
  /** Runs the callback after the I/O that is pending now. */
  defer(callback: () => void): void;
}

/**
 * The process's own clock. Its timers do not keep the process alive, because some of them only watch idle connections.
 * What keeps the process alive while a result is awaited is process-hold.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  defer: (callback) => {
    setImmediate(callback);
  },
};

/**
 * Now, in milliseconds that all threads of the process have in common: each thread counts performance.now() from an
 * origin of its own. Any other clock is one thread's.
 */
export function processMs(clock: Clock): number {
  return clock === systemClock ? Number(process.hrtime.bigint()) / 1e6 : clock.now();
}
