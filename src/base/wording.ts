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

/** A text that differs between a program and a command line, such as a value. Holds no marks itself. */
export function either(library: string, commandLine: string): string {
  return `${open}either${next}${library}${next}${commandLine}${close}`;
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

/** Renders `piece`: a mark without its first character, and the text behind the mark. */
function sayPiece(piece: string, words: Words): string {
  const end = piece.indexOf(close);
  if (end < 0) return piece;
  const [kind, first = '', second = ''] = piece.slice(0, end).split(next);
  const rest = piece.slice(end + 1);
  return (kind === 'either' ? words.either(first, second) : words.option(first, second)) + rest;
}
