/**
 * Makes text from outside fit to be shown: bounded, and without characters that act on a terminal, a log or a
 * line-based file. Pure; any thread.
 */

/** Controls, format characters (bidirectional overrides among them), lone surrogates, line and paragraph separators. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Returns `text` without unprintable characters and without blanks at its ends, at most `maxCharacters` long. */
export function stripUnprintable(text: string, maxCharacters: number): string {
  return cut(text.slice(0, maxCharacters * 8).replace(unprintable, ''), maxCharacters).trim();
}

/**
 * Returns `text` with unprintable characters written as `\u{…}`, at most `maxCharacters` long. A longer text ends
 * in ….
 */
export function escapeUnprintable(text: string, maxCharacters: number): string {
  const escaped = text
    .slice(0, maxCharacters + 1)
    .replace(unprintable, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
  return escaped.length > maxCharacters ? `${cut(escaped, maxCharacters - 1)}…` : escaped;
}

/** The first `maxCharacters` of `text`, without half of a surrogate pair at the end. */
function cut(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const last = text.charCodeAt(maxCharacters - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxCharacters - 1 : maxCharacters);
}
