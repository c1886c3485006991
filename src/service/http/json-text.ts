/**
 * Reads the JSON of a request. Where the text is not JSON, its sentence says at which line and column, and quotes
 * nothing of it, because it may be a device token. Pure; main thread.
 */
import { refusal } from './answer.js';

/**
 * @throws RefusedRequest (400) that says where the text is not JSON, or has a whole number that would become another
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    const at = faultAt(text);
    if (text.trim() === '') throw refusal(400, 'bad_json', 'The body is empty: send JSON.');
    const where = at >= text.length ? 'it ends too early' : 'the text stops being JSON there';
    throw refusal(400, 'bad_json', `The body is not JSON: look at ${placeOf(text, at)}; ${where}.`);
  }
  const at = longNumeral.test(text) ? inexactAt(text) : -1;
  if (at >= 0) {
    const advice = 'write it as text, or give the payload as text';
    throw refusal(400, 'bad_json', `The number at ${placeOf(text, at)} has more digits than can be kept: ${advice}.`);
  }
  return value;
}

function placeOf(text: string, at: number): string {
  const before = text.slice(0, at);
  return `line ${before.split('\n').length}, column ${at - before.lastIndexOf('\n')}`;
}

/** What a whole number with many digits looks like; also within texts. */
const longNumeral = /[:,[\s]-?\d{16}/;
const textOrNumeral = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs;

/** Where JSON has a whole number that would be sent as another, such as an id of 64 bits; -1: nowhere. */
function inexactAt(text: string): number {
  for (const { 0: piece, index } of text.matchAll(textOrNumeral)) {
    if (piece.length >= 16 && /^-?\d+$/.test(piece) && String(Number(piece)) !== piece) return index;
  }
  return -1;
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
  /**
   * What may come next: a value, a value or the end of a list, a name or the end of an object, a name, what follows.
   */
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
