/**
 * How a sentence names an option: by its own name for a program that gave it, as `--flag` for a person at a command
 * line. The author of a sentence marks what is named and does not know who will read it; `PealError` keeps the marks, and
 * each face renders them. Marks are text, so that sentences are put together, carried between threads and cut apart
 * as any other text is. Pure; any thread.
 */

/** Controls, which text from outside never holds: base/text escapes them before they come into a sentence. */
const open = '\u0001';
const next = '\u0002';
const close = '\u0003';

/** How one face says what is marked. */
export interface Words {
  /** An option by its path, such as `retry.attempts`. `before`: what stands before its name in a program's words. */
  readonly option: (path: string, before: string) => string;
  /** The one of two texts that is meant for this face. */
  readonly either: (library: string, commandLine: string) => string;
}

/**
 * Within a sentence, the option at `path`: `topic`, or `--topic`.
 *
 * @param before for a program, such as `option ` or `the option `; the last is kept where a face has no flag to say
 */
export function option(path: string, before = ''): string {
  return `${open}option${next}${path}${next}${before}${close}`;
}

/** At the beginning of one: `The option topic`, or `--topic`. */
export function theOption(path: string): string {
  return option(path, 'The option ');
}

/** What is written differently in a program and on a command line, such as a value. Holds no marks itself. */
export function either(library: string, commandLine: string): string {
  return `${open}either${next}${library}${next}${commandLine}${close}`;
}

/** `text` with every mark said in `words`. */
export function inWords(text: string, words: Words): string {
  const [first = '', ...pieces] = text.split(open);
  return pieces.reduce((said, piece) => said + sayPiece(piece, words), first);
}

/** In a program's words, which every `message` is in. */
export const libraryWords: Words = {
  option: (path, before) => `${before}${path}`,
  either: (library) => library,
};

/** `piece`: a mark without its beginning, and the text behind it. */
function sayPiece(piece: string, words: Words): string {
  const end = piece.indexOf(close);
  if (end < 0) return piece;
  const [kind, first = '', second = ''] = piece.slice(0, end).split(next);
  const rest = piece.slice(end + 1);
  return (kind === 'either' ? words.either(first, second) : words.option(first, second)) + rest;
}
