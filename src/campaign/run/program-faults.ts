/**
 * What a campaign says where code of the program has thrown, and how a campaign that was stopped is gone on with. Called by
 * everything of a run that calls the program; main thread.
 */
import { rethrowAssertion } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';

/** What the program's own code threw, as ERR_PEAL_INPUT with that as its cause; a PealError stays as it is. */
export function programFault(subject: string, error: unknown): PealError {
  rethrowAssertion(error);
  if (error instanceof PealError) return error;
  const name = error instanceof Error ? error.name : `a value of type ${typeof error}`;
  return new PealError('ERR_PEAL_INPUT', `${subject} threw ${name}: see the cause.`, { origin: 'input', cause: error });
}

/** The end of a sentence about a run that was stopped. Without a folder, the next run would send to everybody again. */
export function howToGoOn({ folder }: { readonly folder?: string }): string {
  return folder === undefined ? '' : ' The same campaign goes on where it stopped when it is run again.';
}
