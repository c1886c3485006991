/**
 * Turns the text of one command-line option into its value. Pure; called by the option tables of the commands.
 * Each throws commander's InvalidArgumentError, whose message follows the name of the option. Beside that, each says in
 * which forms a configuration file may hold the value (`valueFormOf`).
 */
import { InvalidArgumentError, type Option } from 'commander';
import { durationText, parseDuration, parseTime, timeForms } from '../../base/duration.js';
import { hasPlaceholder } from '../../session/personal/placeholders.js';

/** In which forms a configuration file may hold the value of an option. Text that the parser takes is always one. */
export interface ValueForm {
  /** A number. */
  readonly numbers?: { readonly min: number; readonly max: number; readonly isWhole: boolean };
  /** Texts that have a meaning of their own, such as `auto`. */
  readonly words?: readonly string[];
  /** What a text has to look like; null where only the parser knows. Default: null. */
  readonly pattern?: RegExp | null;
  readonly examples?: readonly string[];
  /** A list, whose texts stand with commas between them on the command line. */
  readonly isList?: boolean;
  /** A JSON object, which is JSON text on the command line. */
  readonly isObject?: boolean;
}

const forms = new WeakMap<object, ValueForm>();

/** The same parser, of which the form is known. */
export function inForm<Parse extends (text: string, before: never) => unknown>(form: ValueForm, parse: Parse): Parse {
  forms.set(parse, form);
  return parse;
}

/** The form of what a parser reads; empty for text. */
export function valueFormOf(parse: object | undefined): ValueForm {
  return (parse === undefined ? undefined : forms.get(parse)) ?? {};
}

/** Digits, in a file where a number stands in quotes. */
const digits = /^\d{1,15}$/;

/** A whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return inForm({ numbers: { min, max, isWhole: true }, pattern: digits }, (text) => {
    const value = digits.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It has to be a whole number from ${min} to ${max}.`);
  });
}

/** A word that stands for a value of its own, such as `off`, or what `parse` takes. */
export function orWord<W extends string, V, T>(word: W, value: V, parse: (text: string) => T): (text: string) => T | V {
  const { words = [], ...form } = valueFormOf(parse);
  return inForm({ ...form, words: [...words, word] }, (text) => (text === word ? value : parse(text)));
}

/** A number from `min` to `max`, fractions allowed. */
export function decimalNumber(min: number, max: number): (text: string) => number {
  const decimal = /^\d{1,15}(\.\d{1,9})?$/;
  return inForm({ numbers: { min, max, isWhole: false }, pattern: decimal }, (text) => {
    const value = decimal.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It has to be a number from ${min} to ${max}.`);
  });
}

/** `auto`, or a whole number from 0 to `max`. */
export function threadCount(max: number): (text: string) => number | 'auto' {
  const form = { numbers: { min: 0, max, isWhole: true }, words: ['auto'], pattern: digits };
  return inForm(form, (text) => {
    if (text === 'auto') return text;
    const value = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
    if (value <= max) return value;
    throw new InvalidArgumentError(`It has to be "auto" or a whole number from 0 to ${max}.`);
  });
}

const percents = { min: 0, max: 100, isWhole: false };

/** `off` (false), or a percentage above 0 as a share of 1. */
export const percentOrOff = inForm({ numbers: percents, words: ['off'] }, (text: string): number | false => {
  if (text === 'off') return false;
  const value = /^\d{1,3}(\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 100) return value / 100;
  throw new InvalidArgumentError('It has to be "off" or a number above 0 and up to 100.');
});

/** A percentage from 0 to 100, as a share of 1. */
export const percent = inForm({ numbers: percents, examples: ['90%'] }, (text: string): number => {
  const value = /^\d{1,3}(\.\d{1,9})?\s?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (value <= 100) return value / 100;
  throw new InvalidArgumentError('It has to be a percentage from 0 to 100.');
});

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
};

/** A size of `min` bytes or more: `64MiB`, `1GiB`, `500MB`, or bytes. */
export function byteSize(min: number): (text: string) => number {
  const numbers = { min, max: Number.MAX_SAFE_INTEGER, isWhole: true };
  return inForm({ numbers, examples: ['64MiB', '1GiB'] }, (text) => {
    const [, amount = '', unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?)\s?([a-z]*)$/i.exec(text) ?? [];
    const bytes =
      amount === '' ? Number.NaN : Math.round(Number(amount) * (sizeUnits[unit.toLowerCase()] ?? Number.NaN));
    if (bytes >= min && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
    throw new InvalidArgumentError(`It has to be a size of ${min / 2 ** 20}MiB or more, such as 64MiB or 1GiB.`);
  });
}

/** Names with commas between them. */
export const commaSeparated = inForm({ isList: true }, (text: string): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return [...new Set(names)];
  throw new InvalidArgumentError('It has to be one name, or several with commas between them.');
});

/** JSON text of an object, which the message reads. */
export const jsonText = inForm({ isObject: true }, (text: string): string => text);

/**
 * Leaves a text that `read` understands as it is.
 *
 * @param read returns what is wrong with a text: the rest of a sentence that begins with what it is for
 */
export function readBy(read: (text: string) => object | string): (text: string) => string {
  return (text) => {
    const problem = read(text);
    if (typeof problem !== 'string') return text;
    throw new InvalidArgumentError(`It ${problem}.`);
  };
}

/** What `parse` takes, or a text with `{{columns}}`, which is left as it is. */
export function orTemplate<T>(parse: (text: string) => T): (text: string) => T | string {
  const form = { ...valueFormOf(parse), pattern: null };
  return inForm(form, (text) => (hasPlaceholder(text) ? text : parse(text)));
}

/**
 * A duration from `min` to `max` in the forms of parseDuration, in milliseconds.
 *
 * @param bareMs milliseconds that a number without a unit counts. Default: 1,000
 */
export function durationBetween(min: number, max: number, bareMs = 1000): (text: string) => number {
  const numbers = { min: min / bareMs, max: max / bareMs, isWhole: false };
  return inForm({ numbers, examples: ['90s', '5m', '1h'] }, (text) => {
    const ms = parseDuration(text, bareMs);
    if (ms !== null && ms >= min && ms <= max) return ms;
    const unit = bareMs === 1 ? 'milliseconds' : 'seconds';
    const most = durationText(max / 1000);
    throw new InvalidArgumentError(`It has to be a duration up to ${most}, such as 90 (${unit}), 90s, 5m or 1h.`);
  });
}

/** A time, checked and left as text, because the message reads it. */
export const timeText = inForm(
  { numbers: { min: 0, max: Number.MAX_SAFE_INTEGER, isWhole: true }, examples: ['1h', '2031-01-31T12:00:00Z'] },
  (text: string): string => {
    if (parseTime(text, 0) !== null) return text;
    throw new InvalidArgumentError(`It has to be ${timeForms}.`);
  },
);

/** How often progress is shown: a duration up to a day, in milliseconds; 0 for never. */
export const progressInterval = inForm(
  { numbers: { min: 0, max: 86_400, isWhole: false }, examples: ['30s', '5m'] },
  (text: string): number => {
    const milliseconds = parseDuration(text);
    if (milliseconds !== null && milliseconds <= 86_400_000 && (milliseconds === 0 || milliseconds >= 100)) {
      return milliseconds;
    }
    throw new InvalidArgumentError('It has to be 0 (none) or a duration from 100ms to 1d, such as 10, 30s or 5m.');
  },
);

/**
 * Collects the values of an option that may be given several times. With every other parser an option may be given
 * once.
 */
export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Options under one heading of the help. */
export interface OptionGroup {
  readonly heading: string;
  readonly options: readonly Option[];
}

/** apns-priority. */
export const priority = inForm(
  { numbers: { min: 1, max: 10, isWhole: true }, pattern: /^(?:10|5|1)$/ },
  (text: string): 1 | 5 | 10 => {
    if (text === '1' || text === '5' || text === '10') return Number(text) as 1 | 5 | 10;
    throw new InvalidArgumentError('It has to be 10, 5 or 1.');
  },
);
