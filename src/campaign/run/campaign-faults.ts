/**
 * The errors that end a campaign (a fault of the program's own code, a bound, an abort, recipients that are none), and
 * how what a campaign says is put into the words of its reader. Called by everything of a run that calls the program,
 * stops the run or says something; main thread.
 */
import { rethrowAssertion } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { option } from '../../base/wording.js';
import { type CheckedCampaign, isFiles } from './campaign-options.js';

/** What reading has found where nothing is to be sent. */
interface NothingRead {
  /** Whether the lists have no columns. */
  readonly isPlain: boolean;
  readonly invalid: number;
  /** What is wrong with the first invalid one; null where there is none. */
  readonly firstProblem: string | null;
}

/** What the program's own code threw, as ERR_PEAL_INPUT with that as its cause; a PealError stays as it is. */
export function programFault(subject: string, error: unknown): PealError {
  rethrowAssertion(error);
  if (error instanceof PealError) return error;
  const name = error instanceof Error ? error.name : `a value of type ${typeof error}`;
  return new PealError('ERR_PEAL_INPUT', `${subject} threw ${name}: see the cause.`, { origin: 'input', cause: error });
}

/** @param why which bound, as a sentence with the marks of base/wording */
export function boundError(why: string, options: CheckedCampaign): PealError {
  const message = `The campaign was stopped by a bound: ${why}${howToGoOn(options)}`;
  return new PealError('ERR_PEAL_BOUND', message, { origin: 'usage', retryable: true });
}

export function abortError(options: CheckedCampaign): PealError {
  const message = `The campaign was aborted by its signal.${howToGoOn(options)}`;
  return new PealError('ERR_PEAL_ABORTED', message, { origin: 'usage', retryable: true });
}

/** There is nobody to send to. */
export function noRecipientsError(
  { recipients }: CheckedCampaign,
  { isPlain, invalid, firstProblem }: NothingRead,
): PealError {
  const lists = isFiles(recipients) ? [recipients.files].flat() : [];
  const [only] = lists;
  const name = only === '-' ? 'Standard input' : `The file ${only}`;
  const what =
    lists.length === 1
      ? `${name} holds`
      : lists.length > 1
        ? `The lists (${option('recipients')}) hold`
        : 'The recipients of the program hold';
  const why = isFiles(recipients) || firstProblem === null ? '' : ` The first of them ${firstProblem}.`;
  // Rows of a table may have a token and be wrong in another way.
  const isTable = isFiles(recipients) && !isPlain && invalid > 0;
  const none = isTable ? 'no valid row, and nothing was sent.' : 'no device token, and nothing was sent.';
  return new PealError('ERR_PEAL_INPUT', `${what} ${none}${why}`, { origin: 'input' });
}

/** The end of a sentence about a run that was stopped. Without a folder, the next run would send to everybody again. */
function howToGoOn({ folder }: CheckedCampaign): string {
  return folder === undefined ? '' : ' The same campaign goes on where it stopped when it is run again.';
}

/** Who reads what a campaign says; without words of its own, as a program does. */
interface Reader {
  readonly wordsOf?: (error: PealError) => string;
}

/** @param said an error, or a sentence with the marks of base/wording */
export function inWordsOf({ wordsOf }: Reader, said: PealError | string): string {
  const error = typeof said === 'string' ? new PealError('ERR_PEAL_OPTION', said, { origin: 'usage' }) : said;
  return wordsOf?.(error) ?? error.message;
}
