/**
 * Promises that the code makes to itself: "called once", "there is room", "never from within its own listener". They
 * hold in every run, so that a broken one ends the send at the place where it broke, instead of in wrong books later.
 * Pure, any thread. Not for input or for what a peer sends (that is a PealError), and not in a loop over notifications.
 */

const beginning = 'peal broke a promise of its own code';

/** Says that a promise of peal's own code is broken. The fault is peal's, never the user's or the gateway's. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';

  constructor(promise: string) {
    super(`${beginning}: ${promise}. Please report this.`);
  }
}

/**
 * @param promise what holds at this place, as a sentence without its full stop; a constant text, so that nothing is
 *   built where the promise holds
 * @throws AssertionError if `holds` is false
 */
export function assert(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new AssertionError(promise);
}

/**
 * Returns the message of a broken promise, also of one that came from another thread and lost its class on the way;
 * null for any other error.
 */
export function brokenPromise(error: unknown): string | null {
  const message: unknown = error instanceof Error ? error.message : null;
  return typeof message === 'string' && message.startsWith(beginning) ? message : null;
}

/**
 * For handlers that ignore an expected error: a broken promise must not be ignored with it. Thrown from a promise's
 * handler, it becomes an unhandled rejection and ends the program or the worker thread.
 *
 * @throws AssertionError if `error` is an AssertionError
 */
export function rethrowAssertion(error: unknown): void {
  if (error instanceof AssertionError) throw error;
}
