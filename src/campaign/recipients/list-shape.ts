/**
 * Recognises what a list is by the first of its lines that hold no token, and gives advice. (Files that can be
 * recognised by their first bytes are refused earlier: file-kind.ts.) Pure; on the reader's thread.
 */
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import type { InvalidLine } from './token-lines.js';

const delimiters: readonly (readonly [character: string, name: string])[] = [
  ['\t', 'tabs'],
  [';', 'semicolons'],
  ['|', 'bars'],
  [',', 'commas'],
];

const nsData =
  'It looks like NSData printed by iOS 13 or later, without the middle of the token: let the app print the token ' +
  'as hex';
const sql =
  /^\s*(?:INSERT INTO|CREATE TABLE|DROP TABLE|LOCK TABLES|COPY \S.* FROM stdin|-- (?:MySQL|MariaDB|PostgreSQL) )/i;
const sqlDump = 'It looks like SQL: select the tokens alone into a text file, one a line (psql -At, mysql -N -B)';

const alone = 'give the column of the tokens alone, one token a line';

/**
 * Returns what a list seems to be, from the first of its lines that hold no token, with advice: a sentence without its
 * full stop, such as "It looks like CSV with a header: …". Null if that cannot be told.
 */
export function listShape(lines: readonly InvalidLine[]): string | null {
  const texts = lines.map(({ text }) => text.replaceAll('\\u{9}', '\t'));
  const first = texts[0];
  if (first === undefined) return null;
  const strange = strangeShape(texts);
  if (strange !== null) return strange;
  if (/^\{\s*("|\}|$)/.test(first)) return jsonShape(texts);
  if (/^\[\s*($|["{[])/.test(first))
    return "It looks like a JSON array: write the tokens alone, one a line (jq -r '.[]')";
  if (texts.every((text) => /[,;]\s*$/.test(text) && isToken(text.replace(/[,;\s]+$/, ''))))
    return "Each line ends with a comma or semicolon: remove it (sed 's/[,;]*$//')";
  return csvShape(lines, texts);
}

/** The same for what is neither a list nor a table of any format. */
export function strangeShape(texts: readonly string[]): string | null {
  if (/^\{ ?length\s*=\s*\d+\s*,\s*bytes\s*=/.test(texts[0] ?? '')) return nsData;
  if (texts.some((text) => sql.test(text))) return sqlDump;
  if (texts.length > 0 && texts.every(isBinary))
    return 'It looks like a binary file: give the tokens as text, one a line';
  return tableShape(texts);
}

function jsonShape(texts: readonly string[]): string {
  const last = texts.at(-1)!;
  if (texts.length === 1 || !last.startsWith('{')) {
    const array = texts.map((text) => /"([\w.-]+)"\s*:\s*\[/.exec(text)?.[1]).find((name) => name !== undefined);
    const how = array === undefined ? "'.NAME[]', with the name of its list" : `'."${array}"[]'`;
    return `It looks like a JSON object: write the tokens alone, one a line (jq -r ${how})`;
  }
  const pairs = [...last.matchAll(/"([\w.-]+)"\s*:\s*"([^"]+)/g)];
  const name = pairs.find(([, , value]) => hasTokenCell(value!))?.[1] ?? 'token';
  return `It looks like NDJSON, a JSON object a line: write the tokens alone, one a line (jq -r '."${name}"')`;
}

/** Returns whether a quarter of a line is not text: control characters, and bytes that are not UTF-8. */
function isBinary(text: string): boolean {
  const strange = text.match(/\ufffd|\\u\{(?:[0-9a-f]|1[0-9a-f]|7f|fffd)\}/g) ?? [];
  return strange.length > 2 && strange.length * 4 > text.length - strange.join('').length + strange.length;
}

function tableShape(texts: readonly string[]): string | null {
  if (!texts.some((text) => /^[-+=|\s]{3,}$/.test(text))) return null;
  return (
    'It looks like a table that a SQL tool has printed: let it print the column of the tokens alone (psql ' +
    '-At, mysql -N -B)'
  );
}

function csvShape(lines: readonly InvalidLine[], texts: readonly string[]): string | null {
  const rows = texts.find((text) => hasTokenCell(text)) ?? texts[0]!;
  const delimiter = delimiters.find(([character]) => rows.includes(character));
  const isFirstOfFile = lines[0]!.line === 1;
  if (delimiter === undefined) {
    const isName = isFirstOfFile && lines.length === 1 && /^["']?[A-Za-z][\w .-]*["']?$/.test(texts[0]!);
    return isName ? 'Line 1 looks like the header of a column: remove it (tail -n +2)' : null;
  }
  const [character, name] = delimiter;
  if (isFirstOfFile && texts[0]!.includes(character) && !hasTokenCell(texts[0]!)) {
    const header = texts[0]!.split(character).map((cell) => cell.replace(/^["']|["']$/g, '').trim());
    // A first line that is not a header may hold a person's name.
    const names = header.every((cell) => /^[A-Za-z_][\w .-]{0,40}$/.test(cell)) ? `: ${header.join(', ')}` : '';
    return `It looks like CSV with a header${names} (divided by ${name}): ${alone}${cutCommand(rows, character, true)}`;
  }
  return hasTokenCell(rows)
    ? `It looks like CSV (divided by ${name}): ${alone}${cutCommand(rows, character, false)}`
    : null;
}

/** The command that extracts the column of the tokens, in brackets; empty if quotes make the cells hard to cut. */
function cutCommand(row: string, delimiter: string, hasHeader: boolean): string {
  const column = row.split(delimiter).findIndex(hasTokenCell);
  if (column === -1 || row.includes('"')) return '';
  const between = delimiter === '\t' ? '' : delimiter === ',' ? ' -d,' : ` -d'${delimiter}'`;
  return ` (cut${between} -f${column + 1}${hasHeader ? ' | tail -n +2' : ''})`;
}

/** Returns whether a cell of the row is a token. A token that is cut off at the end of the shown text counts. */
function hasTokenCell(text: string): boolean {
  return text.split(/[\t;|,]/).some((cell) => isToken(cell) || /[0-9a-f]{32}/i.test(cell));
}

function isToken(text: string): boolean {
  return isDeviceToken(parseDeviceToken(text));
}
