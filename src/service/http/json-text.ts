/**
 * Reads the JSON of a request. Where the text is not JSON, its sentence says at which line and column, and quotes nothing
 * of it, because it may be a device token. Pure; main thread.
 */
import { refusal } from './answer.js';

/** @throws RefusedRequest (400) that says where the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const at = faultAt(text);
    if (text.trim() === '') throw refusal(400, 'bad_json', 'The body is empty: send JSON.');
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const column = at - before.lastIndexOf('\n');
    const where = at >= text.length ? 'it ends too early' : 'the text stops being JSON there';
    throw refusal(400, 'bad_json', `The body is not JSON: look at line ${line}, column ${column}; ${where}.`);
  }
}

const literal = /(?:true|false|null)(?![\w])/y;
const numeral = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const quoted = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const blanks = /[ \t\n\r]*/y;

/** Where a text stops being JSON; its length where it ends too early, or is JSON. */
function faultAt(text: string): number {
  let at = 0;
  /** `{` and `[` that are open. */
  const open: string[] = [];
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  /** What may come next: a value, a value or the end of a list, a name or the end of an object, a name, what follows. */
  let next: 'value' | 'item' | 'field' | 'name' | 'rest' = 'value';
  for (;;) {
    take(blanks);
    const sign = text[at];
    if (sign === undefined) return text.length;
    if (next === 'rest') {
      const inner = open.at(-1);
      if (inner === undefined) return at;
      if (sign === ',') next = inner === '{' ? 'name' : 'value';
      else if (sign === (inner === '{' ? '}' : ']')) open.pop();
      else return at;
      at += 1;
    } else if (next === 'name' || next === 'field') {
      if (next === 'field' && sign === '}') {
        open.pop();
        at += 1;
        next = 'rest';
      } else {
        if (!take(quoted)) return faultInText(text, at);
        take(blanks);
        if (text[at] !== ':') return at;
        at += 1;
        next = 'value';
      }
    } else if (next === 'item' && sign === ']') {
      open.pop();
      at += 1;
      next = 'rest';
    } else if (sign === '{' || sign === '[') {
      open.push(sign);
      at += 1;
      next = sign === '{' ? 'field' : 'item';
    } else if (sign === '"') {
      if (!take(quoted)) return faultInText(text, at);
      next = 'rest';
    } else {
      if (!take(literal) && !take(numeral)) return at;
      next = 'rest';
    }
  }
}

const quotedStart = /"(?:[^"\\\p{Cc}]|[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/uy;

/** Where a quoted text goes wrong, which begins at `at` or has to. */
function faultInText(text: string, at: number): number {
  quotedStart.lastIndex = at;
  return quotedStart.test(text) ? quotedStart.lastIndex : at;
}
