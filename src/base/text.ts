/**
 * Makes values fit to be shown: numbers, the same in every locale, so that output can be compared; and text from
 * outside, bounded, and without characters that act on a terminal, a log or a line-based file. Pure; any thread.
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

/** 1234567 → "1,234,567". Without Intl, whose data of all languages costs each command 7 MB. */
export function integer(value: number): string {
  return value.toFixed(0).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A share of a whole, which is "100 %" only when it is all, and "0 %" only when it is nothing. */
export function percentage(part: number, whole: number): string {
  if (whole === 0 || part === 0) return '0 %';
  if (part === whole) return '100 %';
  const percent = (100 * part) / whole;
  if (percent < 0.01) return '< 0.01 %';
  if (percent > 99.99) return '> 99.99 %';
  return `${percent.toFixed(2)} %`;
}

/** The share in whole percent, rounded down: 100 only when it is all. */
export function wholePercent(part: number, whole: number): number {
  return Math.min(100, Math.floor((100 * part) / whole));
}

/** Seconds as m:ss or h:mm:ss. */
export function minutesAndSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** "1 connection", "2 connections". */
export function counted(count: number, noun: string): string {
  return `${integer(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns `text` as one word of a shell's command line, such as a path. Never as a flag. */
export function shellWord(text: string): string {
  const word = text.startsWith('-') ? `./${text}` : text;
  if (/^[\w./@%+-]+$/.test(word)) return word;
  if (word.search(unprintable) < 0) return `'${word.replaceAll("'", "'\\''")}'`;
  const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
  const escaped = word
    .replace(/[\\']/g, '\\$&')
    .replace(unprintable, (each) => [...Buffer.from(each)].map(hex).join(''));
  return `$'${escaped}'`;
}

/** What a value is, for sentences: `null`, `an array`, `of type object`. */
export function typeNameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'an array' : `of type ${typeof value}`;
}
