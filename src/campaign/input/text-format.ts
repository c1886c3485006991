/**
 * Tells which format a text has, by its beginning: a list of device tokens, CSV, or JSON. What can be told by its first
 * bytes to be none of them was refused before (recipients/file-kind). Pure; main thread.
 */
import type { Buffer } from 'node:buffer';
import { maxInvalidTextCharacters } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { strangeShape } from '../recipients/list-shape.js';
import {
  isNamedColumn,
  isTable,
  rowsWithToken,
  type ShapeProblem,
  sampleOf,
  type TableChoices,
} from '../tables/csv-shape.js';

import { headLines, isPlainList } from './plain-list.js';

export type TextFormat = 'list' | 'csv' | 'ndjson' | 'json';

/** Lines that are looked at to tell what is neither a list nor a table. */
const strangeLines = 3;

/** The format of a text that begins with `head`. `isEnd`: there is no more. */
export function formatOf(head: Buffer, isEnd: boolean, choices: TableChoices): TextFormat | ShapeProblem {
  const found = headLines(head, choices);
  if (isPlainList(found, isEnd, choices)) return 'list';
  const { text, lines, others } = found;
  if (/^\{\s*["}]/.test(text)) return 'ndjson';
  if (/^\[\s*(?:["{[\]]|$)/.test(text)) return 'json';
  const hasTokens = others.length < lines.length;
  if (!hasTokens) {
    const strange = strangeShape(
      others.slice(0, strangeLines).map((line) => escapeUnprintable(line.trim(), maxInvalidTextCharacters)),
    );
    if (strange !== null)
      return { problem: strange.replace(/^It looks/, 'looks').replace(/^Each line/, 'has lines each of which') };
  }
  const sample = sampleOf(head, isEnd, choices);
  const withToken = rowsWithToken(sample, choices);
  if (withToken > 0 && withToken * 2 >= sample.rows.length - 1) return 'csv';
  if (hasTokens) return isNamedColumn(sample, choices) ? 'csv' : 'list';
  const isDescribed =
    choices.delimiter !== undefined || choices.header !== undefined || choices.tokenColumn !== undefined;
  const isHeader = sample.rows.length === 1 && sample.rows[0]!.length > 1;
  return isTable(sample) || isHeader || (isDescribed && sample.rows.length > 0) ? 'csv' : 'list';
}
