/**
 * Writes plain data as compact JSON, and refuses everything else. What `JSON.stringify` would call (`toJSON`, getters),
 * drop (functions, undefined within arrays) or change (NaN, Infinity) must not get into a payload that millions of
 * devices read. Pure; main thread.
 */
import { maxPayloadDepth, maxPayloadValues } from '../base/limits.js';
import { option } from '../base/wording.js';

/** Where and why data is not plain. The caller makes its own error of it. */
export class NotPlainError extends Error {
  /** The same with the marks of base/wording. */
  readonly marked: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.marked = `${option(path)} ${problem}`;
  }
}

/**
 * `value` as JSON. Properties that are `undefined` are left out, as in `JSON.stringify`.
 *
 * @param path names the value in the error: `payload`, `extra`
 * @throws NotPlainError "extra.user.age is NaN"
 */
export function plainJson(value: unknown, path: string): string {
  return new PlainWriter(path).write(value);
}

/** A string as JSON. Half of a surrogate pair has no UTF-8; it comes from text that was cut within a character. */
export function jsonString(value: string, path: string): string {
  return quoted(value) ?? cutText(path);
}

function cutText(path: string): never {
  throw new NotPlainError(path, 'holds half of a surrogate pair: text was cut in between');
}

/** Returns a string as JSON, or null where it holds half of a surrogate pair. */
function quoted(value: string): string | null {
  if (!value.isWellFormed()) return null;
  // JSON.stringify makes two texts on its way to one: most texts need nothing but their quotes.
  return needsEscape.test(value) ? JSON.stringify(value) : `"${value}"`;
}

/** What JSON escapes in a text without half of a surrogate pair (RFC 8259 §7). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const needsEscape = /["\\\u0000-\u001f]/;

class PlainWriter {
  /** The objects that contain the present one. Meeting one of them again means a cycle. */
  readonly #within: object[] = [];
  /** The way from the outermost value to the present one: names and indexes. Read for errors only. */
  readonly #way: (string | number)[] = [];
  readonly #root: string;
  #values = 0;

  constructor(root: string) {
    this.#root = root;
  }

  write(value: unknown): string {
    if (++this.#values > maxPayloadValues) throw this.#error(`is one of over ${maxPayloadValues} values`);
    switch (typeof value) {
      case 'string':
        return quoted(value) ?? cutText(this.#path());
      case 'boolean':
        return value ? 'true' : 'false';
      case 'number':
        if (!Number.isFinite(value)) throw this.#error(`is ${value}, which JSON cannot hold`);
        return JSON.stringify(value);
      case 'object':
        return value === null ? 'null' : this.#enter(value);
      default:
        throw this.#error(`is of the type ${typeof value}, which JSON cannot hold`);
    }
  }

  #enter(value: object): string {
    if (this.#within.includes(value)) throw this.#error('contains itself');
    if (this.#within.length >= maxPayloadDepth) throw this.#error(`lies over ${maxPayloadDepth} levels deep`);
    this.#within.push(value);
    const text = Array.isArray(value) ? this.#array(value) : this.#object(value);
    this.#within.pop();
    return text;
  }

  #array(array: readonly unknown[]): string {
    let items = '';
    for (let i = 0; i < array.length; i++) {
      const value = this.#ownValue(array, String(i));
      this.#way.push(i);
      items += i === 0 ? this.write(value) : `,${this.write(value)}`;
      this.#way.pop();
    }
    return `[${items}]`;
  }

  #object(object: object): string {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw this.#error(`is an instance of a class (${className(prototype)}), not a plain object`);
    }
    let members = '';
    for (const name of Object.keys(object)) {
      if (name === '__proto__') throw this.#error('has a property __proto__');
      const value = this.#ownValue(object, name);
      if (name === 'toJSON' && typeof value === 'function') throw this.#error('has a method toJSON');
      if (value === undefined) continue;
      const key = quoted(name) ?? cutText(this.#path());
      this.#way.push(name);
      const member = `${key}:${this.write(value)}`;
      members += members === '' ? member : `,${member}`;
      this.#way.pop();
    }
    return `{${members}}`;
  }

  /** The value of an own data property. Getters are refused without being called. */
  #ownValue(object: object, name: string): unknown {
    const property = Object.getOwnPropertyDescriptor(object, name);
    if (property?.get !== undefined || property?.set !== undefined) {
      throw new NotPlainError(memberPath(this.#path(), name), 'is a getter, not a value');
    }
    return property?.value;
  }

  #error(problem: string): NotPlainError {
    return new NotPlainError(this.#path(), problem);
  }

  #path(): string {
    let path = this.#root;
    for (const step of this.#way) path = typeof step === 'number' ? `${path}[${step}]` : memberPath(path, step);
    return path;
  }
}

function className(prototype: object): string {
  const maker = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
  return typeof maker === 'function' ? maker.name : 'unnamed';
}

function memberPath(path: string, name: string): string {
  return /^[\w$-]{1,40}$/.test(name) ? `${path}.${name}` : `${path}[…]`;
}

/**
 * JSON text without the blanks between its values. Everything else stays as it was written.
 *
 * @param text valid JSON
 */
export function compactJson(text: string): string {
  if (!hasBlanksBetween(text)) return text;
  return text.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_blank, string: string | undefined) => string ?? '');
}

function hasBlanksBetween(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20) return true;
    if (code === QUOTE) i = endOfString(text, i);
  }
  return false;
}

const QUOTE = 0x22;

/** Returns where the string ends that begins at `start`: the index of its closing quote. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** Returns whether an odd number of backslashes stands before `index`. */
function isEscaped(text: string, index: number): boolean {
  let before = index;
  while (text.charCodeAt(before - 1) === 0x5c) before--;
  return (index - before) % 2 === 1;
}

/**
 * Returns a key that one object of the text has twice, or null. `JSON.parse` silently uses the last of them, and a
 * device may use the first.
 *
 * @param json valid and compact: a string that is followed by a colon is a key
 * @param value what `JSON.parse` makes of it
 */
export function keyGivenTwice(json: string, value: unknown): string | null {
  if (countKeysOf(value) === countKeysIn(json)) return null;
  const objects: Set<string>[] = [];
  for (const { 0: part, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (part === '{') objects.push(new Set());
    else if (part === '}') objects.pop();
    else if (json[index + part.length] === ':') {
      const key = JSON.parse(part) as string;
      const keys = objects.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return null;
}

/** How many keys the text has, counted as often as they stand there. */
function countKeysIn(json: string): number {
  let keys = 0;
  for (let start = json.indexOf('"'); start >= 0; start = json.indexOf('"', start + 1)) {
    start = endOfString(json, start);
    if (json.charCodeAt(start + 1) === 0x3a) keys++;
  }
  return keys;
}

/** How many keys all objects within the value have. Its depth is what `JSON.parse` allows: no limit but the text's. */
function countKeysOf(value: unknown): number {
  let keys = 0;
  const rest: unknown[] = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next !== 'object' || next === null) continue;
    const isList = Array.isArray(next);
    for (const name of Object.keys(next)) {
      if (!isList) keys++;
      rest.push((next as Record<string, unknown>)[name]);
    }
  }
  return keys;
}
