/**
 * Finds the columns of NDJSON and of JSON arrays, and which of them has the device tokens, from their beginning and
 * from what the user says of them. Called by input/, on the main thread.
 */
import type { Buffer } from 'node:buffer';
import { maxTableColumns } from '../../base/limits.js';
import { hexForm } from '../recipients/token-form.js';
import { csvShapeOf, type ShapeProblem, type TableChoices } from './csv-shape.js';
import { endOfValue, skipBlanks, UNENDED } from './json-object.js';
import { othersColumn, type TableColumns } from './table-rows.js';

export interface JsonChoices extends TableChoices {
  /** Columns that are needed, also where the first rows have none of them. */
  readonly columns?: readonly string[] | undefined;
}

/** The values of the first elements of an array whose bracket comes first, as far as they are there. */
export function firstElements(head: Buffer): unknown[] {
  const values: unknown[] = [];
  let position = head.indexOf('[') + 1;
  for (;;) {
    position = skipBlanks(head, position, head.length);
    const end = position < head.length && head[position] !== 0x5d ? endOfValue(head, position, head.length) : UNENDED;
    if (end === UNENDED) return values;
    values.push(jsonOf(head.toString('utf8', position, end)));
    position = skipBlanks(head, end, head.length);
    if (head[position] !== 0x2c) return values;
    position++;
  }
}

/** The values of the first lines. `isEnd`: there is no more. */
export function firstLines(head: Buffer, isEnd: boolean): unknown[] {
  const lines = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split('\n');
  if (!isEnd) lines.pop();
  return lines.filter((line) => line.trim() !== '').map(jsonOf);
}

/** Whether these are texts, so that the array is a list. */
export function areTexts(values: readonly unknown[]): boolean {
  return values.length === 0 || typeof values.find((value) => value !== undefined) === 'string';
}

/** The columns of the table whose first rows have these values. */
export function jsonShapeOf(values: readonly unknown[], choices: JsonChoices): TableColumns | ShapeProblem {
  const objects = values.filter(isObject);
  const names = [...new Set([...objects.flatMap((object) => Object.keys(object)), ...(choices.columns ?? [])])]
    .filter((name) => name !== othersColumn)
    .slice(0, maxTableColumns - 1);
  const list = objects.length === 1 && values.length === 1 ? listIn(objects[0]!, choices) : null;
  if (list !== null) {
    return { problem: `is a JSON object with a list in it: write the list alone (jq '."${list}"')` };
  }
  const rows = objects.map((object) => names.map((name) => textOf(object[name])));
  const shape = csvShapeOf({ delimiter: ',', rows: [names, ...rows] }, { ...choices, header: true });
  return 'problem' in shape ? shape : { columns: names, tokenColumn: shape.tokenColumn };
}

/** The member of an object that is a list of device tokens, or of objects. */
function listIn(object: Readonly<Record<string, unknown>>, choices: TableChoices): string | null {
  const isRecipient = (value: unknown): boolean =>
    isObject(value) || (typeof value === 'string' && (choices.tokens ?? hexForm()).likeBytes(value) > 0);
  const found = Object.entries(object).find(([, value]) => Array.isArray(value) && value.some(isRecipient));
  return found === undefined ? null : found[0].replaceAll(/[^\w .-]/g, '');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Undefined for what is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
