/**
 * The one check of options, driven by tables: what each option may be, and that no others are given. Otherwise a
 * misspelt option would silently have no effect. Called with a table by everything that takes an object of options or
 * of data. Pure, any thread.
 */
import { PealError, type PealErrorCode } from './errors.js';
import { isSameName, nearestName, plainName } from './nearest-name.js';
import { escapeUnprintable } from './text.js';
import { theOption } from './wording.js';

/** What a value has to be. */
export type OptionRule =
  | { readonly kind: 'number'; readonly lowest: number; readonly highest: number; readonly isWhole: boolean }
  | { readonly kind: 'choice'; readonly among: readonly unknown[] }
  | { readonly kind: 'text'; readonly maxCharacters: number; readonly isFilled: boolean }
  | { readonly kind: 'switch' }
  | { readonly kind: 'function' }
  | { readonly kind: 'list'; readonly of: OptionRule; readonly isFilled: boolean }
  | {
      readonly kind: 'object';
      readonly fields: OptionRules;
      readonly hints?: Hints;
      readonly needs?: readonly string[];
    }
  /** Any of these. Where none fits, `allowed` says what would. */
  | { readonly kind: 'either'; readonly of: readonly OptionRule[]; readonly allowed?: string }
  /** A test of one's own; `allowed` completes "must be …". */
  | { readonly kind: 'test'; readonly is: (value: unknown) => boolean; readonly allowed: string }
  /** Checked elsewhere. */
  | { readonly kind: 'any' };

export type OptionRules = Readonly<Record<string, OptionRule>>;

/** Advice for names known from elsewhere: what to write instead. The keys are in lower case, without `-` and `_`. */
export type Hints = Readonly<Record<string, string>>;

/** The function or class that takes the options. */
interface OptionOwner {
  /** The subject of "… has no option "x"": `Session`. */
  readonly name: string;
  /** The path of the object that holds the options: `retry` for `retry.attempts`. Default: none. */
  readonly path?: string;
  readonly hints?: Hints;
  /** Default ERR_PEAL_OPTION. */
  readonly code?: PealErrorCode;
}

export const whole = (lowest: number, highest: number): OptionRule => ({
  kind: 'number',
  lowest,
  highest,
  isWhole: true,
});
export const decimal = (lowest: number, highest: number): OptionRule => ({
  kind: 'number',
  lowest,
  highest,
  isWhole: false,
});
export const choice = (...among: readonly unknown[]): OptionRule => ({ kind: 'choice', among });
/** Text, empty or not. */
export const text = (maxCharacters: number): OptionRule => ({ kind: 'text', maxCharacters, isFilled: false });
/** Text with something in it. */
export const filledText = (maxCharacters: number): OptionRule => ({ kind: 'text', maxCharacters, isFilled: true });
export const flag: OptionRule = { kind: 'switch' };
export const callback: OptionRule = { kind: 'function' };
export const unchecked: OptionRule = { kind: 'any' };
export const list = (of: OptionRule): OptionRule => ({ kind: 'list', of, isFilled: true });
export const anyOf = (...of: readonly OptionRule[]): OptionRule => ({ kind: 'either', of });
export const objectOf = (fields: OptionRules, hints: Hints = {}): OptionRule => ({ kind: 'object', fields, hints });
/** An object in which the fields `needs` have to be given. */
export const objectWith = (needs: readonly string[], fields: OptionRules): OptionRule => ({
  kind: 'object',
  fields,
  needs,
});
export const test = (allowed: string, is: (value: unknown) => boolean): OptionRule => ({ kind: 'test', is, allowed });

/**
 * Checks every property of `options`. A property that is `undefined` counts as not given. Getters are read.
 *
 * @throws PealError that names the option by its path, what it was, and what is allowed or known
 */
export function checkOptions(owner: OptionOwner, options: unknown, rules: OptionRules): void {
  if (!isObject(options)) {
    const what = owner.path === undefined ? `${owner.name} takes its options as` : `${theOption(owner.path)} must be`;
    throw optionError(`${what} an object, not ${shownValue(options)}.`, owner);
  }
  const problem = problemOf(options, { fields: rules, hints: owner.hints ?? {} }, owner.path ?? '', owner.name);
  if (problem !== null) throw optionError(problem, owner);
}

/** Checks a single value. Throws as `checkOptions` does. */
export function checkOption(path: string, value: unknown, rule: OptionRule): void {
  const problem = problemWith(value, rule, path);
  if (problem !== null) throw optionError(problem, {});
}

/** Makes a usage error, with ERR_PEAL_OPTION unless `code` is given. */
export function optionError(
  message: string,
  { code = 'ERR_PEAL_OPTION' }: { readonly code?: PealErrorCode } = {},
): PealError {
  return new PealError(code, message, { origin: 'usage' });
}

/** Returns the value in a form for a sentence: short, and without contents that may be long or secret. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return value === '' ? 'empty' : `"${escapeUnprintable(value, 40)}"`;
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return Number.isNaN(value.valueOf()) ? 'an invalid Date' : 'a Date';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' ? 'a function' : String(value);
}

/**
 * Returns advice about an unknown name, as the rest of a sentence: the name that was meant, or the names that exist.
 *
 * @param hints what to write instead of names that are known from elsewhere
 */
export function adviceForUnknown(name: string, known: readonly string[], hints: Hints = {}): string {
  const plain = plainName(name);
  if (Object.hasOwn(hints, plain)) return hints[plain]!;
  const nearest = nearestName(name, known);
  if (nearest === null) return `it knows ${known.join(', ')}.`;
  return isSameName(name, nearest) ? `write ${nearest}.` : `did you mean ${nearest}?`;
}

interface Fields {
  readonly fields: OptionRules;
  readonly hints?: Hints;
  readonly needs?: readonly string[];
}

/** Returns a whole sentence, or null where nothing is wrong. */
function problemOf(options: object, rule: Fields, path: string, name: string | null): string | null {
  const { fields, hints, needs } = rule;
  for (const field in options) {
    if (!Object.hasOwn(options, field)) continue;
    const value = (options as Record<string, unknown>)[field];
    const ruleOfField = Object.hasOwn(fields, field) ? fields[field]! : null;
    if (ruleOfField === null) {
      const subject = path === '' ? name : theOption(path);
      const shown = `"${escapeUnprintable(field, 40)}"`;
      return `${subject} has no option ${shown}: ${adviceForUnknown(field, Object.keys(fields), hints)}`;
    }
    if (value === undefined) continue;
    const problem = problemWith(value, ruleOfField, path === '' ? field : `${path}.${field}`);
    if (problem !== null) return problem;
  }
  if (needs === undefined) return null;
  const missing = needs.find((field) => (options as Record<string, unknown>)[field] === undefined);
  if (missing === undefined) return null;
  return `${theOption(`${path}.${missing}`)} is missing: it has to be ${allowedBy(fields[missing]!)}.`;
}

function problemWith(value: unknown, rule: OptionRule, path: string): string | null {
  if (rule.kind === 'object' && isObject(value)) return problemOf(value, rule, path, null);
  if (rule.kind === 'list' && Array.isArray(value) && value.length > 0) {
    for (const [index, item] of value.entries()) {
      const problem = problemWith(item, rule.of, `${path}[${index}]`);
      if (problem !== null) return problem;
    }
    return null;
  }
  if (rule.kind === 'either') return problemOfEither(value, rule, path);
  return fits(value, rule) ? null : `${theOption(path)} must be ${allowedBy(rule)}, ${notBut(value)}.`;
}

function notBut(value: unknown): string {
  return value === '' ? 'but is empty' : `not ${shownValue(value)}`;
}

/** An object that fits no form is compared with the form that is an object, because that says more. */
function problemOfEither(value: unknown, rule: OptionRule & { kind: 'either' }, path: string): string | null {
  if (rule.of.some((one) => problemWith(value, one, path) === null)) return null;
  const kind = Array.isArray(value) ? 'list' : isObject(value) ? 'object' : null;
  const alike = rule.of.find((one) => one.kind === kind);
  if (alike !== undefined && !(Array.isArray(value) && value.length === 0)) return problemWith(value, alike, path);
  return `${theOption(path)} must be ${allowedBy(rule)}, ${notBut(value)}.`;
}

function fits(value: unknown, rule: OptionRule): boolean {
  switch (rule.kind) {
    case 'number':
      if (typeof value !== 'number' || !(value >= rule.lowest && value <= rule.highest)) return false;
      return !rule.isWhole || Number.isInteger(value);
    case 'choice':
      return rule.among.includes(value);
    case 'text':
      return typeof value === 'string' && value.length <= rule.maxCharacters && !(rule.isFilled && value.trim() === '');
    case 'switch':
      return typeof value === 'boolean';
    case 'function':
      return typeof value === 'function';
    case 'list':
      return Array.isArray(value) && (value.length > 0 || !rule.isFilled);
    case 'object':
      return isObject(value);
    case 'test':
      return rule.is(value);
    default:
      return true;
  }
}

/** Completes a sentence that ends in "must be". */
function allowedBy(rule: OptionRule): string {
  switch (rule.kind) {
    case 'number':
      return `a ${rule.isWhole ? 'whole ' : ''}number from ${rule.lowest} to ${rule.highest}`;
    case 'choice':
      return oneOf(rule.among.map((item) => (typeof item === 'string' ? `'${item}'` : String(item))));
    case 'text':
      return `text of ${rule.isFilled ? '1 to' : 'at most'} ${rule.maxCharacters} characters`;
    case 'switch':
      return 'true or false';
    case 'function':
      return 'a function';
    case 'list':
      return rule.isFilled ? 'a list with something in it' : 'a list';
    case 'object':
      return `an object { ${Object.keys(rule.fields).join(', ')} }`;
    case 'either':
      return rule.allowed ?? oneOf(rule.of.map(allowedBy));
    case 'test':
      return rule.allowed;
    default:
      return 'anything';
  }
}

function oneOf(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
