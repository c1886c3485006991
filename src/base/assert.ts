/**
 * Promises that the code makes to itself: "called once", "there is room", "never from within its own listener". They hold
 * in every run, so that a broken one ends the send at the place where it broke, instead of in wrong books later. Pure, any
 * thread. Not for input or for what a peer sends (that is a PealError), and not in a loop over notifications.
 */

/** A promise was broken: a fault of peal, never of its user or of a gateway. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/**
 * @param promise what holds at this place, as a sentence without its full stop; a constant text, so that nothing is
 *   put together where it holds
 * @throws AssertionError if `holds` is false
 */
export function assert(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new AssertionError(`peal broke a promise of its own code: ${promise}. Please report this.`);
}

/**
 * For handlers of errors that are expected, or of no interest: a broken promise is neither. In a promise's handler it makes
 * the rejection an unhandled one, and so ends the program or the worker thread.
 *
 * @throws AssertionError if `error` is one
 */
export function rethrowAssertion(error: unknown): void {
  if (error instanceof AssertionError) throw error;
}
