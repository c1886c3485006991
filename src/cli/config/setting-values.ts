/**
 * What is wrong with the value of a setting, and its text on a command line. Files and variables share these rules.
 * Pure; main thread. No sentence holds a value: it may be a secret that stands in the wrong place.
 */
import { InvalidArgumentError } from 'commander';
import type { SettingDefinition } from './definitions.js';

/** Where a secret is given instead. */
const secretVariables: Readonly<Record<string, string>> = {
  proxy: 'PEAL_PROXY',
  redis: 'PEAL_REDIS',
  store: 'PEAL_CREDENTIALS',
  credentials: 'PEAL_CREDENTIALS',
};

/**
 * Returns what is wrong with `value`, as the rest of a sentence that begins with its name and has no full stop; null
 * for nothing.
 */
export function valueProblem(definition: SettingDefinition, value: unknown): string | null {
  const { isSwitch, isRepeated, form } = definition;
  if (value === null || value === undefined) return 'has no value: give it one, or leave it out';
  if (isSwitch) return typeof value === 'boolean' ? null : `has to be true or false${unquoted(value)}`;
  if (Array.isArray(value)) {
    if (!isRepeated && form.isList !== true) return 'has to be one value, not a list';
    if (value.length === 0) return 'is an empty list: give it a value, or leave it out';
    for (const [index, item] of value.entries()) {
      const problem = form.isList === true ? listItemProblem(item) : scalarProblem(definition, item);
      if (problem !== null) return `(value ${index + 1}) ${problem}`;
    }
    return form.isList === true ? scalarProblem(definition, value.join(',')) : null;
  }
  if (typeof value === 'object') {
    return form.isObject === true ? null : `has to be ${isRepeated ? 'text or a list' : 'one value'}, not a mapping`;
  }
  return scalarProblem(definition, value);
}

/** What shells replace in a path, and nobody does in a file. Returns the rest of a sentence, or null. */
function shellProblem({ isPath }: SettingDefinition, text: string): string | null {
  if (!isPath) return null;
  if (/^~(?:\/|$)/.test(text)) return 'begins with ~, which stands for nothing here: write the whole path';
  return /\$\{?[A-Za-z_]/.test(text)
    ? 'names a variable, which is not replaced here: write the path, or set it by its variable'
    : null;
}

/** Its texts, one for each time that the option is given; the value has no problem. */
export function textsOfValue({ form, isRepeated }: SettingDefinition, value: unknown): readonly string[] {
  if (Array.isArray(value)) return isRepeated ? value.map(String) : [value.join(',')];
  if (typeof value === 'object' && form.isObject === true) return [JSON.stringify(value)];
  return [String(value)];
}

function unquoted(value: unknown): string {
  if (value === 'true' || value === 'false') return ', without quotes';
  return typeof value === 'string' && /^(?:yes|no|on|off)$/i.test(value) ? ', not yes, no, on or off' : '';
}

function listItemProblem(item: unknown): string | null {
  if (typeof item !== 'string') return 'has to be text: write it in quotes';
  return item.includes(',') ? 'has to be one name, without commas' : null;
}

function scalarProblem(definition: SettingDefinition, value: unknown): string | null {
  const { form } = definition;
  if (typeof value === 'boolean')
    return 'has to be text or a number, not true or false: write it in quotes if it is text';
  if (typeof value === 'number' && form.numbers === undefined) {
    return textProblem(definition, String(value)) ?? 'has to be text: write it in quotes';
  }
  if (typeof value !== 'string' && typeof value !== 'number') return 'has to be one value';
  return textProblem(definition, String(value));
}

function textProblem(definition: SettingDefinition, text: string): string | null {
  const { choices, option } = definition;
  const problem = secretProblem(definition, text) ?? shellProblem(definition, text);
  if (problem !== null) return problem;
  if (choices !== null) return choices.includes(text) ? null : `has to be ${oneOf(choices)}`;
  if (text.trim() === '' && text !== '\t') return 'is empty: give it a value, or leave it out';
  try {
    (option?.parseArg as ((text: string, before: unknown) => unknown) | undefined)?.(text, undefined);
    return null;
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    return error.message.replace(/^It /, '').replace(/\.$/, '');
  }
}

/** A file is copied, committed and mounted where others read it; and the options end up in journals and reports. */
function secretProblem({ name, flag, isPath }: SettingDefinition, text: string): string | null {
  if (isPath && isKeyText(text)) {
    const variable = `PEAL_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;
    return `holds the text of a key or certificate, and has to be the path of a file: give the text as ${variable}`;
  }
  const variable = Object.hasOwn(secretVariables, name) ? secretVariables[name]! : null;
  if (variable === null || !/^\s*[a-z][a-z0-9+.-]*:\/\/.*@/is.test(text)) return null;
  // A database names its user before the @, which is no secret.
  const isUserAlone = variable === 'PEAL_CREDENTIALS' && !/^[^:]+:\/\/[^/@]*:.*@/s.test(text);
  return isUserAlone ? null : `is a URL with a password, which belongs into the variable ${variable} alone`;
}

/** Whether a text is a key or certificate itself, and not the path of one. */
export function isKeyText(text: string): boolean {
  return /-----BEGIN|[\r\n]|\\n/.test(text) || isKeyInBase64(text);
}

/** The short form of a key on P-256 has 92 characters, and all of DER begin so. A path of that length has a dot. */
export function isKeyInBase64(text: string): boolean {
  return /^(?:MI[A-Za-z0-9+/]{60,}|M[A-Za-z0-9+/]{80,}|[A-Za-z0-9+/]{200,})={0,2}$/.test(text);
}

function oneOf(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}
