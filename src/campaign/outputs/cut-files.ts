/**
 * The error about files of results that could not be written completely. It names each file and how many of its lines
 * were written; files of unsent recipients come first. Pure; called by what collects results, and by OutputFile.
 */
import { assert } from '../../base/assert.js';
import { PealError } from '../../base/errors.js';
import { counted, integer } from '../../base/text.js';

/** An incomplete file. */
export interface CutFile {
  /** Its name if it were whole. */
  readonly name: string;
  /** Where the written part is; null if the file or its folder was removed. */
  readonly file: string | null;
  /** Whole lines in it, without the heading. */
  readonly lines: number;
  /** Lines that it should hold. */
  readonly of: number;
  /** The reason, as a sentence. */
  readonly failure: PealError;
  /** Whether earlier runs have written lines, too, which are not counted here. */
  readonly hasEarlier?: boolean;
}

/**
 * One error for all of `cut`, which has at least one file, in the given order.
 *
 * @param rest what becomes of the missing lines
 */
export function cutError(cut: readonly CutFile[], rest = 'the missing lines are recorded nowhere'): PealError {
  const [first] = cut;
  assert(first !== undefined, 'an error about cut files names at least one');
  const { code, message, origin, cause } = first.failure;
  const kept = cut.flatMap(({ file, ...counts }) => (file === null ? [] : `${file} holds ${share(counts)}`));
  const gone = cut.flatMap(({ file, name, of }) => (file === null ? `${name} (${counted(of, 'line')})` : []));
  const sentences = [
    message,
    kept.length === 0 ? '' : `${kept.join(', ')}; ${rest}.`,
    gone.length === 0
      ? ''
      : `These files were removed while they were being written, and are lost: ${gone.join(', ')}.`,
  ];
  return new PealError(code, sentences.filter((sentence) => sentence !== '').join(' '), { origin, cause });
}

function share({ lines, of, hasEarlier }: Pick<CutFile, 'lines' | 'of' | 'hasEarlier'>): string {
  return `${integer(lines)} of ${counted(of, 'line')}${hasEarlier === true ? ' of this run' : ''}`;
}
