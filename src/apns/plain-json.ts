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
  return new PlainWriter().write(value, path);
}

/** A string as JSON. Half of a surrogate pair has no UTF-8; it comes from text that was cut within a character. */
export function jsonString(value: string, path: string): string {
  if (/\p{Cs}/u.test(value)) throw new NotPlainError(path, 'holds half of a surrogate pair: text was cut in between');
  return JSON.stringify(value);
}

class PlainWriter {
  /** The objects that contain the present one. Meeting one of them again means a cycle. */
  readonly #within: object[] = [];
  #values = 0;

  write(value: unknown, path: string): string {
    if (++this.#values > maxPayloadValues) throw new NotPlainError(path, `is one of over ${maxPayloadValues} values`);
    switch (typeof value) {
      case 'string':
        return jsonString(value, path);
      case 'boolean':
        return String(value);
      case 'number':
        if (!Number.isFinite(value)) throw new NotPlainError(path, `is ${value}, which JSON cannot hold`);
        return JSON.stringify(value);
      case 'object':
        return value === null ? 'null' : this.#enter(value, path);
      default:
        throw new NotPlainError(path, `is of the type ${typeof value}, which JSON cannot hold`);
    }
  }

  #enter(value: object, path: string): string {
    if (this.#within.includes(value)) throw new NotPlainError(path, 'contains itself');
    if (this.#within.length >= maxPayloadDepth)
      throw new NotPlainError(path, `lies over ${maxPayloadDepth} levels deep`);
    this.#within.push(value);
    const text = Array.isArray(value) ? this.#array(value, path) : this.#object(value, path);
    this.#within.pop();
    return text;
  }

  #array(array: readonly unknown[], path: string): string {
    const items: string[] = [];
    for (let i = 0; i < array.length; i++) items.push(this.write(ownValue(array, String(i), path), `${path}[${i}]`));
    return `[${items.join(',')}]`;
  }

  #object(object: object, path: string): string {
    const prototype = Object.getPrototypeOf(object) as object | null;
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw new NotPlainError(path, `is an instance of a class (${className(prototype)}), not a plain object`);
    }
    const members: string[] = [];
    for (const name of Object.keys(object)) {
      if (name === '__proto__') throw new NotPlainError(path, 'has a property __proto__');
      const value = ownValue(object, name, path);
      if (name === 'toJSON' && typeof value === 'function') throw new NotPlainError(path, 'has a method toJSON');
      if (value !== undefined) members.push(`${jsonString(name, path)}:${this.write(value, memberPath(path, name))}`);
    }
    return `{${members.join(',')}}`;
  }
}

/** The value of an own data property. Getters are refused without being called. */
function ownValue(object: object, name: string, path: string): unknown {
  const property = Object.getOwnPropertyDescriptor(object, name);
  if (property?.get !== undefined || property?.set !== undefined) {
    throw new NotPlainError(memberPath(path, name), 'is a getter, not a value');
  }
  return property?.value;
}

function className(prototype: object): string {
  const maker = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown;
  return typeof maker === 'function' ? maker.name : 'unnamed';
}

function memberPath(path: string, name: string): string {
  return /^[\w$-]{1,40}$/.test(name) ? `${path}.${name}` : `${path}[…]`;
}

/** JSON text without the blanks between its values. Everything else stays as it was written. */
export function compactJson(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|[ \t\r\n]+/g, (_blank, string: string | undefined) => string ?? '');
}

/**
 * Returns a key that one object of the text has twice, or null. `JSON.parse` silently uses the last of them, and a
 * device may use the first.
 *
 * @param json valid and compact: a string that is followed by a colon is a key
 */
export function keyGivenTwice(json: string): string | null {
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
