/**
 * How a sentence names an option: by its own name for a program, as `--flag` for a person at a command line. The author
 * of a sentence marks the name and does not know who will read it. `PealError` keeps the marks, and each reader's
 * side renders them. Marks are text, so that sentences can be joined, cut and carried between threads as any other
 * text. Pure; any thread.
 */

/**
 * Control characters. Text from outside never holds them: base/text escapes them before the text becomes part of a
 * sentence.
 */
const open = '\u0001';
const next = '\u0002';
const close = '\u0003';

/** How the library or the command line renders the marks. */
export interface Words {
  /**
   * An option by its path, such as `retry.attempts`. `before` is what stands before its name in the words of the
   * library.
   */
  readonly option: (path: string, before: string) => string;
  /** Returns the one of two texts that is meant for these words. */
  readonly either: (library: string, commandLine: string) => string;
  /** Whether values are left out of sentences, because they are a recipient's. Default false: they are quoted. */
  readonly hidesValues?: boolean;
}

/**
 * Within a sentence, the option at `path`: `topic`, or `--topic`.
 *
 * @param before for a program, such as `option ` or `the option `; it is kept on a command line where no flag stands
 *   for the option
 */
export function option(path: string, before = ''): string {
  return `${open}option${next}${path}${next}${before}${close}`;
}

/** At the beginning of a sentence: `The option topic`, or `--topic`. */
export function theOption(path: string): string {
  return option(path, 'The option ');
}

/**
 * A text that differs between a program and a command line, such as a value. Holds no marks itself.
 *
 * @param withoutValue for words that hide values. Default: the same text
 */
export function either(library: string, commandLine: string, withoutValue?: string): string {
  const hidden = withoutValue === undefined ? '' : `${next}${withoutValue}`;
  return `${open}either${next}${library}${next}${commandLine}${hidden}${close}`;
}

/**
 * A text that quotes a value, and what stands for it where the value is a recipient's: such a value may be a whole
 * device token. Neither holds marks.
 */
export function quoting(text: string, withoutValue: string): string {
  return either(text, text, withoutValue);
}

/** Returns `text` with every mark rendered in `words`. */
export function inWords(text: string, words: Words): string {
  const [first = '', ...pieces] = text.split(open);
  return pieces.reduce((said, piece) => said + sayPiece(piece, words), first);
}

/** The words of the library, in which every `message` is written. */
export const libraryWords: Words = {
  option: (path, before) => `${before}${path}`,
  either: (library) => library,
};

/**
 * The words in which a program reads what is wrong with a recipient: they quote nothing of it. Such sentences come into
 * files and logs, and a field may hold a device token.
 */
export const recipientWords: Words = { ...libraryWords, hidesValues: true };

/** The same for a recipient that is a row, whose fields are all text. */
export const rowWords: Words = { ...recipientWords, either: (_library, commandLine) => commandLine };

/** Renders `piece`: a mark without its first character, and the text behind the mark. */
function sayPiece(piece: string, words: Words): string {
  const end = piece.indexOf(close);
  if (end < 0) return piece;
  const [kind, first = '', second = '', withoutValue] = piece.slice(0, end).split(next);
  const rest = piece.slice(end + 1);
  if (words.hidesValues === true && withoutValue !== undefined) return withoutValue + rest;
  return (kind === 'either' ? words.either(first, second) : words.option(first, second)) + rest;
}
