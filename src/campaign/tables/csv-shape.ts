/**
 * Finds how a table of text is written: its delimiter, whether it has a header, and which column has the device tokens, from
 * its beginning and from what the user says of it. Called by input/, on the main thread.
 *
 * The cells decide, and names only where cells cannot: the delimiter is the one that cuts device tokens out of the rows, the
 * column the one where they stand, and a first row with a name in their place is a header.
 */
import type { Buffer } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import { maxTableColumns, minTokenBytes, usualTokenBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { option } from '../../base/wording.js';
import type { CsvShape } from './csv-rows.js';

/** What the user says of a table; what is not given is found. */
export interface TableChoices {
  /** One character. */
  readonly delimiter?: string | undefined;
  /** Whether the first row has the names of the columns. */
  readonly header?: boolean | undefined;
  /** The name of the column with the device tokens, or its number, from 1. */
  readonly tokenColumn?: string | number | undefined;
  /** Bytes of the shortest token. */
  readonly minTokenBytes?: number | undefined;
}

/** Why it cannot be told how a table is written, or that it cannot be read so. */
export interface ShapeProblem {
  /** The rest of a sentence that begins with the name of the file. */
  readonly problem: string;
}

/** The first rows of a table, cut with one delimiter. */
interface TableSample {
  readonly delimiter: string;
  readonly rows: readonly (readonly string[])[];
}

const delimiters = [',', ';', '\t', '|'];
/** Rows that are looked at. */
const sampleRows = 64;
/** Lines that a row of the sample has at most, on average. */
const linesOfRow = 4;
const nameLike = /^[\p{L}_#$@][\p{L}\p{N}\p{M} ,_.\-/:()#$@]{0,99}$/u;
const tokenName = /(?:^|[\s_.\-/])(?:device|push|apns?)?[\s_.-]*tokens?$/i;
/** An apostrophe before a text that a spreadsheet would take for a formula, as csv-rows takes it away. */
const guard = /^'(?='*[=+\-@\t\r])/;
const maxShownColumns = 20;

/** The first rows of `head`, cut with the delimiter that fits best. `isEnd`: there is no more. */
export function sampleOf(head: Buffer, isEnd: boolean, choices: TableChoices): TableSample {
  const bytes = isEnd ? head : head.subarray(0, lastLineEnd(head));
  const given = choices.delimiter === undefined ? delimiters : [choices.delimiter];
  const samples = given.map((delimiter) => ({ delimiter, rows: cut(bytes, delimiter) }));
  const ranked = samples.map((sample) => ({ sample, rank: rankOf(sample, choices) }));
  return ranked.reduce((best, one) => (compareRanks(one.rank, best.rank) > 0 ? one : best)).sample;
}

/** Rows of the sample with several cells, one of which is a device token. */
export function rowsWithToken({ rows }: TableSample, choices: TableChoices): number {
  const minBytes = choices.minTokenBytes ?? minTokenBytes;
  return rows.filter((row) => row.length > 1 && row.some((cell) => tokenLength(cell, minBytes) > 0)).length;
}

/** Whether the rows of the sample have several cells, and each the same number. */
export function isTable({ rows }: TableSample): boolean {
  return rows.length > 1 && rows[0]!.length > 1 && rows.every((row) => row.length === rows[0]!.length);
}

/** Whether the sample is one column of device tokens with a name above it. */
export function isNamedColumn({ rows }: TableSample, choices: TableChoices): boolean {
  const [first, ...others] = rows;
  const minBytes = choices.minTokenBytes ?? minTokenBytes;
  if (first === undefined || first.length !== 1 || others.length === 0 || !isName(first[0]!)) return false;
  return others.filter((row) => tokenLength(row[0]!, minBytes) > 0).length * 2 > others.length;
}

/** How the table is written that begins with the sample. */
export function csvShapeOf(sample: TableSample, choices: TableChoices): CsvShape | ShapeProblem {
  const { delimiter, rows } = sample;
  const first = rows[0] ?? [];
  if (first.length > maxTableColumns) {
    return {
      problem: `has ${first.length} columns, and ${maxTableColumns} are read at most: leave out those that are not needed`,
    };
  }
  const named = namedColumn(first, choices);
  if (typeof named === 'object' && named !== null) return named;
  const found = named ?? findTokenColumn(rows, choices);
  if (typeof found === 'object') return found;
  const width = widthOf(rows);
  if (found >= Math.max(width, first.length)) return missingColumn(found, first);
  const hasHeader = choices.header ?? isHeader(rows, found, choices);
  if (typeof hasHeader === 'object') return hasHeader;
  const columns = hasHeader ? first.map((name, index) => name.trim() || `${index + 1}`) : numbers(width);
  if (found >= columns.length) return missingColumn(found, columns);
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice !== undefined) {
    return { problem: `has two columns with the name "${escapeUnprintable(twice, 40)}": give each a name of its own` };
  }
  return { delimiter, columns, hasHeader, tokenColumn: found };
}

/** The index of the column that the user names, null where none is named. A name stands before a number. */
function namedColumn(first: readonly string[], { tokenColumn, header }: TableChoices): number | null | ShapeProblem {
  if (tokenColumn === undefined) return null;
  const text = String(tokenColumn);
  const names = first.map((name) => name.trim());
  const exact = header === false ? -1 : names.indexOf(text);
  if (exact !== -1) return exact;
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text) - 1;
  const alike = header === false ? [] : names.filter((name) => name.toLowerCase() === text.toLowerCase());
  if (alike.length === 1) return names.indexOf(alike[0]!);
  const what = `has no column "${escapeUnprintable(text, 40)}"`;
  if (header === false) return { problem: `${what}, because it has no header: give the number of the column, from 1` };
  return {
    problem: `${what}${namesOf(names)}: give ${option('tokenColumn', 'the option ')} one of its columns, by name or number`,
  };
}

function missingColumn(index: number, first: readonly string[]): ShapeProblem {
  const columns = `${first.length} column${first.length === 1 ? '' : 's'}${first.every(isName) ? namesOf(first) : ''}`;
  const problem = `has ${columns}, and none with the number ${index + 1}`;
  return { problem: `${problem}: give ${option('tokenColumn', 'the option ')} one of them` };
}

/** The column where most cells are device tokens: of those of several lengths the one with tokens of today's. */
function findTokenColumn(rows: readonly (readonly string[])[], choices: TableChoices): number | ShapeProblem {
  const minBytes = choices.minTokenBytes ?? minTokenBytes;
  const width = Math.max(0, ...rows.map(({ length }) => length));
  const isLikely = (column: number, fits: (bytes: number) => boolean): boolean => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell.trim() !== '');
    const tokens = cells.filter((cell) => fits(tokenLength(cell, minBytes))).length;
    // A header is no token, so that of two rows one is enough.
    return tokens > 0 && tokens * 2 >= cells.length - 1;
  };
  const columns = Array.from({ length: width }, (_, column) => column);
  const any = columns.filter((column) => isLikely(column, (bytes) => bytes > 0));
  const usual = any.filter((column) => isLikely(column, (bytes) => bytes === usualTokenBytes));
  const likely = usual.length > 0 ? usual : any;
  if (likely.length === 1) return likely[0]!;
  const first = rows[0] ?? [];
  const names = first.map((name) => name.trim());
  const byName = (likely.length > 0 ? likely : columns).filter((column) => tokenName.test(names[column] ?? ''));
  if (byName.length === 1) return byName[0]!;
  const give = `: say which one with ${option('tokenColumn', 'the option ')}`;
  const shown = names.every(isName) ? names : numbers(width);
  if (likely.length === 0) return { problem: `has no column that looks like device tokens${namesOf(shown)}${give}` };
  return {
    problem: `has several columns that look like device tokens${namesOf(likely.map((column) => shown[column]!))}${give}`,
  };
}

/** Whether the first row has names: it has one where the others have tokens. */
function isHeader(
  rows: readonly (readonly string[])[],
  tokenColumn: number,
  choices: TableChoices,
): boolean | ShapeProblem {
  const cell = rows[0]?.[tokenColumn]?.trim() ?? '';
  if (tokenLength(cell, choices.minTokenBytes ?? minTokenBytes) > 0) return false;
  if (isName(cell)) return true;
  const shown = escapeUnprintable(cell, 40);
  return {
    problem: `begins with a row where "${shown}" stands for the device token, which is neither a token nor a name: say with ${option('header', 'the option ')} whether that row is a header`,
  };
}

/** Whether a cell may be the name of a column, and no mistyped token. */
function isName(cell: string): boolean {
  const text = cell.trim();
  return nameLike.test(text) && !/^[0-9a-f]{16}/i.test(text);
}

/** Bytes of the token in a cell; 0 where it has none. */
function tokenLength(cell: string, minBytes: number): number {
  const parsed = parseDeviceToken(cell, minBytes);
  return isDeviceToken(parsed) ? parsed.length : 0;
}

type Rank = readonly [named: number, withToken: number, ofOneWidth: number];

/** How well a delimiter fits. */
function rankOf(sample: TableSample, choices: TableChoices): Rank {
  const { rows } = sample;
  const name = choices.tokenColumn;
  const isNamed =
    typeof name === 'string' &&
    rows[0] !== undefined &&
    rows[0].length > 1 &&
    rows[0].some((cell) => cell.trim() === name);
  const width = widthOf(rows);
  return [
    isNamed ? 1 : 0,
    rowsWithToken(sample, choices),
    width > 1 ? rows.filter((row) => row.length === width).length : 0,
  ];
}

function compareRanks(a: Rank, b: Rank): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at === -1 ? 0 : a[at]! - b[at]!;
}

/** The number of cells that most rows have. */
function widthOf(rows: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>();
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0])[0];
}

function cut(bytes: Buffer, delimiter: string): string[][] {
  const rows = parse(bytes, {
    delimiter,
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: delimiter === '\t',
    skip_records_with_error: true,
    to: sampleRows,
    // With the wrong delimiter each quote may be an error, which is slow.
    to_line: sampleRows * linesOfRow,
  }) as unknown as string[][];
  const unguarded = rows.map((row) => row.map((cell) => cell.replace(guard, '')));
  return unguarded.filter((row) => row.some((cell) => cell.trim() !== ''));
}

/** Behind the last line end, or the length where there is none. */
function lastLineEnd(bytes: Buffer): number {
  const end = Math.max(bytes.lastIndexOf(0x0a), bytes.lastIndexOf(0x0d));
  return end === -1 ? bytes.length : end + 1;
}

function numbers(width: number): string[] {
  return Array.from({ length: width }, (_, index) => `${index + 1}`);
}

/** " (a, b, c)" */
function namesOf(names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, maxShownColumns).map((name) => escapeUnprintable(name, 40));
  return ` (${shown.join(', ')}${names.length > maxShownColumns ? ', …' : ''})`;
}
