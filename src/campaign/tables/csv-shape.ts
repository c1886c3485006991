/**
 * Finds how a table of text is written: its delimiter, whether it has a header, and which column has the device tokens,
 * from its beginning and from what the user says of it. Called by input/, on the main thread.
 *
 * The cells decide, and names only where cells cannot: the delimiter is the one that cuts device tokens out of the
 * rows, the column the one where they stand, and a first row with a name in their place is a header.
 */
import type { Buffer } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { maxTableColumns, maxTokenLineBytes } from '../../base/limits.js';
import { escapeUnprintable } from '../../base/text.js';
import { either, option } from '../../base/wording.js';
import { hexForm, type TokenForm } from '../recipients/token-form.js';
import type { CsvShape } from './csv-rows.js';

/** What the user says of a table; what is not given is found. */
export interface TableChoices {
  /** One character. */
  readonly delimiter?: string | undefined;
  /** Whether the first row has the names of the columns. */
  readonly header?: boolean | undefined;
  /** The name of the column with the device tokens, or its number, from 1. */
  readonly tokenColumn?: string | number | undefined;
  /** How the tokens are written. Default: as those of APNs. */
  readonly tokens?: TokenForm | undefined;
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
/** Rows of the sample that cannot be read, behind each of which it goes on exactly where the reader does. */
const maxBrokenRows = 8;
const nameLike = /^[\p{L}_#$@][\p{L}\p{N}\p{M} ,_.\-/:()#$@]{0,99}$/u;
/** The beginning of a device token, also of one that is mistyped. */
const tokenLike = /^[0-9a-f]{16}/i;
const tokenName = /(?:^|[\s_.\-/])(?:device|push|apns?)?[\s_.-]*tokens?$/i;
/** An apostrophe before a text that a spreadsheet would take for a formula, as csv-rows takes it away. */
const guard = /^'(?='*[=+\-@\t\r])/;
/** What tells Excel the delimiter, as the first line. */
const delimiterLine = /^sep=.?$/i;
const maxShownColumns = 20;

/** The first rows of `head`, cut with the delimiter that fits best. `isEnd`: there is no more. */
export function sampleOf(head: Buffer, isEnd: boolean, choices: TableChoices): TableSample {
  const bytes = isEnd ? head : head.subarray(0, lastLineEnd(head));
  // One that does not occur leaves a cell in each row, which ranks lowest; each quote would be an error then, which is
  // slow.
  const found = delimiters.filter((delimiter, index) => index === 0 || bytes.includes(delimiter));
  const given = choices.delimiter === undefined ? found : [choices.delimiter];
  const samples = given.map((delimiter) => ({ delimiter, rows: cut(bytes, delimiter, choices) }));
  const ranked = samples.map((sample) => ({ sample, rank: rankOf(sample, choices) }));
  return ranked.reduce((best, one) => (compareRanks(one.rank, best.rank) > 0 ? one : best)).sample;
}

/** Rows of the sample with several cells, one of which is a device token. */
export function rowsWithToken({ rows }: TableSample, choices: TableChoices): number {
  const { tokens: form } = choices;
  return rows.filter((row) => row.length > 1 && row.some((cell) => tokenLength(cell, form) > 0)).length;
}

/** Whether the rows of the sample have several cells, and each the same number. */
export function isTable({ rows }: TableSample): boolean {
  return rows.length > 1 && rows[0]!.length > 1 && rows.every((row) => row.length === rows[0]!.length);
}

/** Whether the sample is one column of device tokens with a name above it. */
export function isNamedColumn({ rows }: TableSample, choices: TableChoices): boolean {
  const [first, ...others] = rows;
  const { tokens: form } = choices;
  if (first === undefined || first.length !== 1 || others.length === 0 || !isName(first[0]!)) return false;
  return others.filter((row) => tokenLength(row[0]!, form) > 0).length * 2 > others.length;
}

/** How the table is written that begins with the sample. */
export function csvShapeOf(sample: TableSample, choices: TableChoices): CsvShape | ShapeProblem {
  const { delimiter, rows } = sample;
  const first = rows[0] ?? [];
  if (delimiterLine.test(first.join(delimiter))) {
    return { problem: 'begins with a line such as "sep=;", which is for Excel alone: remove that line' };
  }
  if (first.length > maxTableColumns) {
    return {
      problem: `has ${first.length} columns, and ${maxTableColumns} are read at most: leave out those that are not needed`,
    };
  }
  // Before a column is looked for: of two with one name, no answer would be the right one.
  const mayHaveHeader = choices.header ?? hasNames(first, choices);
  const twice = mayHaveHeader ? sameNames(columnNames(first), choices) : null;
  if (twice !== null) return twice;
  const named = namedColumn(first, choices);
  if (typeof named === 'object' && named !== null) return named;
  const found = named ?? findTokenColumn(rows, choices);
  if (typeof found === 'object') return found;
  const width = widthOf(rows);
  if (found >= Math.max(width, first.length)) return missingColumn(found, first);
  const hasHeader = choices.header ?? isHeader(rows, found, choices);
  if (typeof hasHeader === 'object') return hasHeader;
  const columns = hasHeader ? columnNames(first) : numbers(width);
  if (found >= columns.length) return missingColumn(found, columns);
  return sameNames(columns, choices) ?? { delimiter, columns, hasHeader, tokenColumn: found };
}

/** The names that a header gives; a column without one is called by its number. */
function columnNames(first: readonly string[]): string[] {
  return first.map((name, index) => name.trim() || `${index + 1}`);
}

/**
 * Whether a first row surely has names, which may be shown: at least one, and nothing else. Where the user says so,
 * they may be of any form, as long as no device token stands among them.
 */
function hasNames(first: readonly string[], choices: TableChoices): boolean {
  const { tokens: form } = choices;
  const cells = first.map((cell) => cell.trim()).filter((cell) => cell !== '');
  const isShown = (cell: string): boolean => (choices.header === true ? !tokenLike.test(cell) : isName(cell));
  return cells.length > 0 && cells.every((cell) => isShown(cell) && tokenLength(cell, form) === 0);
}

/** What is wrong with columns of which several have one name; null where each has its own. */
function sameNames(columns: readonly string[], choices: TableChoices): ShapeProblem | null {
  const twice = columns.find((name, index) => columns.indexOf(name) !== index);
  if (twice === undefined) return null;
  const places = columns.flatMap((name, index) => (name === twice ? [index + 1] : []));
  const which = `columns ${places.slice(0, -1).join(', ')} and ${places.at(-1)}`;
  // What is no name may be a recipient's: a row that was taken for a header.
  if (!hasNames([twice], { ...choices, header: true })) {
    const header = either('the option header: false', '--no-header');
    return {
      problem: `has the same text as the name of ${which}: if its first line is not a header, say so with ${header}`,
    };
  }
  const count = places.length === 2 ? 'two' : places.length;
  const shown = escapeUnprintable(twice, 40);
  return {
    problem: `has ${count} columns called ${shown} (${which}): rename all but one of them, or leave them out`,
  };
}

/** The index of the column that the user names, null where none is named. A name stands before a number. */
function namedColumn(first: readonly string[], choices: TableChoices): number | null | ShapeProblem {
  const { tokenColumn, header } = choices;
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
  const give = `give ${option('tokenColumn', 'the option ')}`;
  if (!hasNames(first, choices)) {
    return { problem: `${what}, because its first line has no names: ${give} the number of a column, from 1` };
  }
  return { problem: `${what}${namesOf(columnNames(first))}: ${give} one of its columns, by name or by number, from 1` };
}

function missingColumn(index: number, first: readonly string[]): ShapeProblem {
  const columns = `${first.length} column${first.length === 1 ? '' : 's'}${first.every(isName) ? namesOf(first) : ''}`;
  const problem = `has ${columns}, and none with the number ${index + 1}`;
  return { problem: `${problem}: give ${option('tokenColumn', 'the option ')} one of them` };
}

/** The column where most cells are device tokens: of those of several lengths the one with tokens of today's. */
function findTokenColumn(rows: readonly (readonly string[])[], choices: TableChoices): number | ShapeProblem {
  const { tokens: form = hexForm() } = choices;
  const width = Math.max(0, ...rows.map(({ length }) => length));
  const isLikely = (column: number, fits: (bytes: number) => boolean): boolean => {
    const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell.trim() !== '');
    const tokens = cells.filter((cell) => fits(tokenLength(cell, form))).length;
    // A header is no token, so that of two rows one is enough.
    return tokens > 0 && tokens * 2 >= cells.length - 1;
  };
  const columns = Array.from({ length: width }, (_, column) => column);
  const any = columns.filter((column) => isLikely(column, (bytes) => bytes > 0));
  const usual = any.filter((column) => isLikely(column, (bytes) => form.isUsual(bytes)));
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
  if (tokenLength(cell, choices.tokens) > 0) return false;
  if (isName(cell)) return true;
  return {
    problem: `has neither a device token nor a name in column ${tokenColumn + 1} of its first line: say with ${option('header', 'the option ')} whether that line is a header`,
  };
}

/** Whether a cell may be the name of a column, and no mistyped token. */
function isName(cell: string): boolean {
  const text = cell.trim();
  return nameLike.test(text) && !tokenLike.test(text);
}

/** Bytes of the token in a cell; 0 where it has none. */
function tokenLength(cell: string, form: TokenForm = hexForm()): number {
  return form.likeBytes(cell);
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

/**
 * The first rows. Behind a row that cannot be read they go on as csv-rows does: with the first line behind the one on
 * which it began that has a device token.
 */
function cut(bytes: Buffer, delimiter: string, choices: TableChoices): string[][] {
  const rows: string[][] = [];
  let from = 0;
  for (let broken = 0; from < bytes.length && rows.length < sampleRows; broken++) {
    const part = cutUpToBroken(bytes.subarray(from), delimiter, broken < maxBrokenRows);
    rows.push(...part.rows);
    if (part.brokenAt === null) break;
    from = lineWithToken(bytes, from + part.brokenAt, delimiter, choices);
  }
  const unguarded = rows.slice(0, sampleRows).map((row) => row.map((cell) => cell.replace(guard, '')));
  return unguarded.filter((row) => row.some((cell) => cell.trim() !== ''));
}

interface RowsUpToBroken {
  readonly rows: string[][];
  /** Where the row begins that cannot be read; null where all can be. */
  readonly brokenAt: number | null;
}

/** The rows up to the first that cannot be read; without `stops` those behind it, too. */
function cutUpToBroken(bytes: Buffer, delimiter: string, stops: boolean): RowsUpToBroken {
  let end = 0;
  let good = 0;
  let brokenAt: number | null = null;
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
    on_record: (row: string[], context: { readonly bytes: number }) => {
      if (brokenAt === null) good += 1;
      end = context.bytes;
      return row;
    },
    on_skip: () => {
      brokenAt ??= end;
    },
  }) as unknown as string[][];
  // Of a cell that is open at the last line that is looked at, nothing is told.
  if (rows.length < sampleRows && end < bytes.length) brokenAt ??= end;
  if (brokenAt === null || !stops) return { rows, brokenAt: null };
  return { rows: rows.slice(0, good), brokenAt };
}

/** Where the first line begins, behind the one at `from`, that has a device token; the length where there is none. */
function lineWithToken(bytes: Buffer, from: number, delimiter: string, choices: TableChoices): number {
  const { tokens: form } = choices;
  let start = endOfFirstLine(bytes, from);
  while (start < bytes.length) {
    const end = endOfFirstLine(bytes, start);
    const cells = bytes.toString('utf8', start, Math.min(end, start + maxTokenLineBytes)).split(delimiter);
    if (cells.some((cell) => tokenLength(cell, form) > 0)) return start;
    start = end;
  }
  return start;
}

/** Behind the end of the line at `from`, or the length where it has none. */
function endOfFirstLine(bytes: Buffer, from: number): number {
  let end = from;
  while (end < bytes.length && bytes[end] !== 0x0a && bytes[end] !== 0x0d) end++;
  return bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? end + 2 : Math.min(end + 1, bytes.length);
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
