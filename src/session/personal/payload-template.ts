/**
 * A payload with placeholders, compiled once into octets and slots, and written for one recipient after another: no
 * string and no object for any of them. Owned by a template, on the main thread.
 *
 *   {"aps":{"alert":"Hi {{name}}","badge":"{{badge:number|0}}"}}
 *   literals  {"aps":{"alert":"Hi        ","badge":        }}
 *   slots                          name            badge
 */
import { checkPayloadContent, type RawPayload } from '../../apns/payload.js';
import type { PayloadContent } from '../../apns/payload-content.js';
import type { PushType } from '../../apns/push-type.js';
import { PealError } from '../../base/errors.js';
import type { Rows, TextColumn } from '../recipients/rows.js';
import { apnsForm, type PayloadForm } from './payload-form.js';
import { hasPlaceholder, type Placeholder, parseTemplate, templateError } from './placeholders.js';

/** A cell of a number or JSON value is at most so long: longer ones are looked at as text alone. */
const maxValueBytes = 4096;
/** Copied by a loop up to here; longer runs by `set`, which has a price of its own. */
const maxLoopBytes = 16;
/** A byte of text becomes at most so many in JSON: `\u001f`. */
const maxEscapedBytes = 6;

interface Slot extends Placeholder {
  /** The fallback as it stands in the payload; null without one. */
  readonly fallbackBytes: Uint8Array | null;
}

/** Payloads end to end, with as many offsets as there are and one for the end. Grows as needed; used again. */
export class PayloadBuffer {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(64 * 1024);
  length = 0;

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

export class PayloadTemplate {
  readonly #literals: readonly Uint8Array[];
  readonly #slots: readonly Slot[];
  readonly #literalBytes: number;
  readonly #fallbackBytes: number;
  /** What it says, with an example in each slot: for the push type and its rules. Null where its service has none. */
  readonly content: PayloadContent | null;

  /**
   * @param payload plain data, or JSON as text or UTF-8
   * @param form that of its service. Default: of APNs
   * @throws PealError ERR_PEAL_PAYLOAD for a payload that could not be sent either way, and for placeholders that are
   *   not
   * well-formed
   */
  constructor(payload: RawPayload, form: PayloadForm = apnsForm) {
    const json = form.textOf(payload);
    const { literals, slots } = cutJson(json, form);
    this.#literals = literals;
    this.#slots = slots;
    this.#literalBytes = literals.reduce((sum, literal) => sum + literal.length, 0);
    this.#fallbackBytes = slots.reduce((sum, { fallbackBytes }) => sum + (fallbackBytes?.length ?? 0), 0);
    this.content = contentOfExample(json, slots, form);
  }

  /** The columns that it needs, each once. */
  get fields(): readonly string[] {
    return [...new Set(this.#slots.map(({ field }) => field))];
  }

  /** Those of them that have a default, each once. */
  get fieldsWithDefault(): readonly string[] {
    return [...new Set(this.#slots.filter(({ fallbackBytes }) => fallbackBytes !== null).map(({ field }) => field))];
  }

  /** Throws PealError ERR_PEAL_PAYLOAD where the payload does not go with the push type. */
  check(pushType: PushType): void {
    if (this.content !== null) checkPayloadContent(this.content, pushType);
  }

  /** The columns of `rows` in the order of the slots; null where there is none. To be handed to `write`. */
  columnsOf(rows: Rows): readonly (TextColumn | null)[] {
    return this.#slots.map(({ field }) => rows.columns.get(field) ?? null);
  }

  /**
   * Writes the payload of one recipient to the end of `into`.
   *
   * @returns null, or why there is none: the rest of a sentence about the recipient
   */
  write(columns: readonly (TextColumn | null)[], index: number, into: PayloadBuffer): string | null {
    const slots = this.#slots;
    let cells = 0;
    for (let slot = 0; slot < slots.length; slot++) {
      const column = columns[slot]!;
      if (column === null) continue;
      const at = column.first + index * column.step;
      cells += column.spans[at + 1]! - column.spans[at]!;
    }
    into.reserve(this.#literalBytes + this.#fallbackBytes + cells * maxEscapedBytes);
    const bytes = into.bytes;
    let at = copy(this.#literals[0]!, bytes, into.length);
    for (let number = 0; number < slots.length; number++) {
      const slot = slots[number]!;
      const column = columns[number]!;
      const place = column === null ? 0 : column.first + index * column.step;
      const start = column === null ? 0 : column.spans[place]!;
      const end = column === null ? 0 : column.spans[place + 1]!;
      if (start === end) {
        if (slot.fallbackBytes === null) return `has no ${slot.field}, and the template has no default for it`;
        at = copy(slot.fallbackBytes, bytes, at);
      } else if (slot.form === 'text') {
        at = escapeTo(column!.bytes, start, end, bytes, at);
      } else {
        const problem = problemWithValue(column!.bytes.subarray(start, end), slot);
        if (problem !== null) return problem;
        at = copy(column!.bytes.subarray(start, end), bytes, at);
      }
      at = copy(this.#literals[number + 1]!, bytes, at);
    }
    into.length = at;
    return null;
  }
}

/** Copies `from` to `to` at `at`; returns where it ends. */
function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  const { length } = from;
  if (length > maxLoopBytes) to.set(from, at);
  else for (let i = 0; i < length; i++) to[at + i] = from[i]!;
  return at + length;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
/** Escapes of one letter (RFC 8259 §7), by control character. */
const shortEscapes: Readonly<Record<number, number>> = { 8: 0x62, 9: 0x74, 10: 0x6e, 12: 0x66, 13: 0x72 };
/** 1 for what may not stand in a JSON string as it is. */
const needsEscape = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < FIRST_PRINTABLE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);

/** Writes UTF-8 as the inside of a JSON string; returns where it ends. */
function escapeTo(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  let next = at;
  for (let i = start; i < end; i++) {
    const byte = from[i]!;
    if (needsEscape[byte] === 0) to[next++] = byte;
    else next = escapeByte(byte, to, next);
  }
  return next;
}

function escapeByte(byte: number, to: Uint8Array, at: number): number {
  to[at] = BACKSLASH;
  const short = byte < FIRST_PRINTABLE ? shortEscapes[byte] : byte;
  if (short !== undefined) {
    to[at + 1] = short;
    return at + 2;
  }
  const digits = `u00${byte.toString(16).padStart(2, '0')}`;
  for (let i = 0; i < digits.length; i++) to[at + 1 + i] = digits.charCodeAt(i);
  return at + 1 + digits.length;
}

const jsonNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function problemWithValue(cell: Uint8Array, { field, form }: Placeholder): string | null {
  const text = Buffer.from(cell.buffer, cell.byteOffset, Math.min(cell.length, maxValueBytes + 1)).toString('utf8');
  return valueProblem(text, field, form);
}

function valueProblem(text: string, field: string, form: Placeholder['form']): string | null {
  if (form === 'number') return jsonNumber.test(text) ? null : `has a ${field} that is not a number such as 3 or 2.5`;
  if (text.length > maxValueBytes) return `has a ${field} that is too long for a JSON value`;
  try {
    JSON.parse(text);
    return null;
  } catch {
    return `has a ${field} that is not JSON: a text needs quotes there`;
  }
}

/** A string of JSON with its quotes. */
const jsonStrings = /"(?:[^"\\]|\\.)*"/g;

/**
 * Cuts JSON text at the placeholders in its string values. Texts stay as they are written, so that `\u007b\u007b` is
 * two braces and no placeholder.
 */
function cutJson(json: string, form: PayloadForm): { literals: Uint8Array[]; slots: Slot[] } {
  const literals: Uint8Array[] = [];
  const slots: Slot[] = [];
  let literal = '';
  let at = 0;
  for (const { 0: part, index } of json.matchAll(jsonStrings)) {
    if (!hasPlaceholder(part)) continue;
    if (json[index + part.length] === ':') {
      throw templateError(`The payload has a placeholder in the key ${part.slice(0, 40)}: only values may have one.`);
    }
    const { texts, placeholders } = parseTemplate(part.slice(1, -1), 'The payload');
    const quote = placeholders[0]!.form === 'text' ? '"' : '';
    literal += json.slice(at, index) + quote + texts[0]!;
    at = index + part.length;
    placeholders.forEach((placeholder, number) => {
      literals.push(utf8(literals.length === 0 ? form.sentStart(literal) : literal));
      slots.push(slotOf(placeholder));
      literal = texts[number + 1]!;
    });
    literal += quote;
  }
  const last = literal + json.slice(at);
  literals.push(utf8(literals.length === 0 ? form.sentStart(last) : last));
  return { literals, slots };
}

/** `placeholder` as it stands in JSON text. */
function slotOf({ field: written, form, fallback: writtenFallback }: Placeholder): Slot {
  const field = unescaped(written);
  if (writtenFallback === null) return { field, form, fallback: null, fallbackBytes: null };
  const fallback = unescaped(writtenFallback);
  const problem = form === 'text' ? null : valueProblem(fallback, field, form);
  if (problem !== null) {
    const kind = form === 'json' ? 'JSON value' : 'number';
    throw templateError(`The default of {{${field}:${form}}} is "${fallback.slice(0, 40)}", which is no ${kind}.`);
  }
  return { field, form, fallback, fallbackBytes: utf8(form === 'text' ? writtenFallback : fallback) };
}

function unescaped(written: string): string {
  return JSON.parse(`"${written}"`) as string;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Values tried in the place of a JSON field: one of them has the kind that its key asks for. */
const examples = ['1', 'true', '"x"', '{}', '["x"]', 'null'];

/**
 * The payload with examples in the place of its fields, checked as any payload is. Where a field may be any JSON value,
 * one kind has to pass.
 */
function contentOfExample(json: string, slots: readonly Slot[], form: PayloadForm): PayloadContent | null {
  const kinds = slots.some(({ form }) => form === 'json') ? examples : ['1'];
  let first: unknown;
  for (const example of kinds) {
    try {
      return form.contentOf(exampleOf(json, example));
    } catch (error) {
      if (!(error instanceof PealError)) throw error;
      first ??= error;
    }
  }
  throw first;
}

function exampleOf(json: string, jsonExample: string): string {
  return json.replace(jsonStrings, (part) => {
    if (!hasPlaceholder(part)) return part;
    const { texts, placeholders } = parseTemplate(part.slice(1, -1), 'The payload');
    const { form } = placeholders[0]!;
    if (form !== 'text') return form === 'number' ? '1' : jsonExample;
    return `"${texts.join('x')}"`;
  });
}
