/**
 * Reads device tokens, one a line, from a file, standard input or a stream as packed blocks (read-source). Called by
 * programs and the command line. Main thread.
 */
import { usualTokenBytes } from '../../base/limits.js';
import { callback, checkOptions, type OptionRules, test, whole } from '../../base/options.js';
import type { TokenBlock } from '../../push/token-block.js';
import type { ByteSource } from './byte-source.js';
import { type ListPlace, readSource } from './read-source.js';
import { SeenTokens } from './seen-tokens.js';
import { hexForm } from './token-form.js';
import { type InvalidLine, TokenLineParser } from './token-lines.js';

export interface ReadTokensOptions {
  /**
   * Called for each line that holds no token. A returned promise is awaited before more is read. Default: such lines
   * are skipped.
   */
  readonly onInvalid?: (invalid: InvalidLine) => void | Promise<void>;
  /**
   * Ends the reading, also while it waits for input. Tokens of complete lines are still handed out. Default: no signal.
   */
  readonly signal?: AbortSignal;
  /** Bytes of the shortest token, 1 to 32. A shorter token makes its line invalid. Default 16. */
  readonly minTokenBytes?: number;
  /**
   * Drops tokens that this set holds, and adds the others to it. The same set may serve several lists. It counts what
   * it drops. Costs about 22 bytes of memory for each different token (at most 24, from 100,000 on). Default: a token
   * that is listed twice is handed out twice.
   */
  readonly seen?: SeenTokens;
  /**
   * Called once the source ends. `isLineOpen`: its last line has no line end. Returns false if the program that wrote
   * it may have been interrupted, so that such a line is not used. Default: returns true.
   */
  readonly isEndCertain?: (isLineOpen: boolean) => boolean | Promise<boolean>;
}

const rules: OptionRules = {
  onInvalid: callback,
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
  minTokenBytes: whole(1, usualTokenBytes),
  seen: test('a SeenTokens', (value) => value instanceof SeenTokens),
  isEndCertain: callback,
};

/**
 * Reads a list of device tokens, one a line, in the forms of `parseDeviceToken`. Empty lines are skipped.
 *
 * @param source a path, `-` for standard input, or a stream of bytes. gzip and zstd are recognised by their first
 *   bytes.
 * @returns blocks of at most 1,024 tokens of one length, in the order of the list for each length. One that is not full
 * is handed out when the source pauses.
 * @throws PealError ERR_PEAL_OPTION that names an option, with the first block; ERR_PEAL_INPUT while reading: missing,
 *   unreadable, a directory, damaged or cut off, or a kind of file that is not a list. It names the file and, if the
 *   lines before it are reliable, the line from which to go on. Their tokens have been handed out by then.
 */
export function readTokens(
  source: string | URL | ByteSource,
  options: ReadTokensOptions = {},
): AsyncGenerator<TokenBlock, void, void> {
  return readList(source, options, { next: 1, isWhole: false });
}

/** `readTokens`, which keeps `place` up to date. */
async function* readList(
  source: string | URL | ByteSource,
  options: ReadTokensOptions,
  place: ListPlace,
): AsyncGenerator<TokenBlock, void, void> {
  checkOptions({ name: 'readTokens' }, options, rules);
  const { onInvalid, signal, minTokenBytes, isEndCertain, seen } = options;
  yield* readSource<TokenBlock>(
    source,
    {
      onInvalid,
      signal,
      isEndCertain,
      readerOf: ({ onBlock, onInvalid: onInvalidLine }) => {
        const onNew = (block: TokenBlock): void => {
          const fresh = seen === undefined ? block : seen.unique(block);
          if (fresh.count > 0) onBlock(fresh);
        };
        return new TokenLineParser({ onBlock: onNew, onInvalid: onInvalidLine }, hexForm(minTokenBytes));
      },
    },
    place,
  );
}
