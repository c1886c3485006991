/**
 * Tells what a file is that is not a list of device tokens: by its first bytes before anything of it is read, and by the
 * first of its lines that hold no token. Pure; the thread of the reader.
 */
import type { Buffer } from 'node:buffer';
import { isDeviceToken, parseDeviceToken } from '../../apns/device-token.js';
import type { InvalidLine } from './token-lines.js';

/** Bytes that `strangerProblem` looks at: fewer than the shortest list has. */
export const HEAD_BYTES = 16;

const utf16 = 'is UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)';
const xls = 'is a spreadsheet: save the column of the tokens alone as text, or as CSV with one column';

/** What a token list is not, by its first bytes, and what to do about it. */
const strangers: readonly (readonly [head: readonly number[], problem: string])[] = [
  [[0xff, 0xfe], utf16],
  [[0xfe, 0xff], utf16],
  [
    [0x50, 0x4b, 0x03, 0x04],
    'is a ZIP archive or a spreadsheet (xlsx): unpack it first (unzip -p), or save it as text',
  ],
  [[0xd0, 0xcf, 0x11, 0xe0], xls],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is compressed with zstd: unpack it first (zstd -dc)'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'is compressed with xz: unpack it first (xz -dc)'],
  [[0x42, 0x5a, 0x68], 'is compressed with bzip2: unpack it first (bzip2 -dc)'],
  [[0x37, 0x7a, 0xbc, 0xaf], 'is a 7z archive: unpack it first (7z e -so)'],
  [[0x50, 0x41, 0x52, 0x31], 'is Parquet: write the column of the tokens to a text file first, one token a line'],
  [
    [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20],
    'is a SQLite database: select the tokens from it into a text file first',
  ],
  [[0x25, 0x50, 0x44, 0x46], 'is a PDF: save the tokens as text, one a line'],
];

/** A token in base64 begins like bzip2 once in 260,000 times: what goes on like one may be a list. */
const base64Digits = /^[A-Za-z0-9+/_=-]+$/;
const jsonArray = /^(?:\xef\xbb\xbf)?\s*\[\s*["{[]/;

/** The rest of a sentence that begins with the name of the source; null where it may be a list. */
export function strangerProblem(head: Buffer): string | null {
  const known = strangers.find(([bytes]) => bytes.every((byte, index) => head[index] === byte));
  const text = head.toString('latin1', 0, HEAD_BYTES);
  if (known !== undefined && !base64Digits.test(text)) return known[1];
  if (jsonArray.test(text))
    return "is a JSON array: write the tokens alone, one a line (jq -r '.[]', or '.[].token' for objects)";
  if (head.length < 4) return null;
  const zeros = [0, 1, 2, 3].map((index) => head[index] === 0);
  const isUtf16 = zeros.join() === 'false,true,false,true' || zeros.join() === 'true,false,true,false';
  return isUtf16 ? utf16 : null;
}

const delimiters: readonly (readonly [character: string, name: string])[] = [
  ['\t', 'tabs'],
  [';', 'semicolons'],
  ['|', 'bars'],
  [',', 'commas'],
];

const alone = 'give the column of the tokens alone, one token a line';

/**
 * What a list seems to be, from the first of its lines that hold no token, with what to do about it: a sentence without
 * its end, such as "It looks like CSV with a header: …". Null where that cannot be told.
 */
export function listShape(lines: readonly InvalidLine[]): string | null {
  const texts = lines.map(({ text }) => text.replaceAll('\\u{9}', '\t'));
  const first = texts[0];
  if (first === undefined) return null;
  if (first.startsWith('{')) return jsonShape(texts);
  if (/^\[\s*($|["{[])/.test(first))
    return "It looks like a JSON array: write the tokens alone, one a line (jq -r '.[]')";
  if (texts.every(isBinary))
    return 'It looks like a binary file, which is no text: give the tokens as text, one a line';
  if (texts.every((text) => /[,;]\s*$/.test(text) && isToken(text.replace(/[,;\s]+$/, ''))))
    return "Each line ends with a comma or semicolon: remove it (sed 's/[,;]*$//')";
  return tableShape(texts) ?? csvShape(lines, texts);
}

function jsonShape(texts: readonly string[]): string {
  const last = texts.at(-1)!;
  if (texts.length === 1 || !last.startsWith('{')) {
    const array = texts.map((text) => /"([\w.-]+)"\s*:\s*\[/.exec(text)?.[1]).find((name) => name !== undefined);
    return `It looks like a JSON object: write the tokens alone, one a line (jq -r '."${array ?? 'tokens'}"[]')`;
  }
  const pairs = [...last.matchAll(/"([\w.-]+)"\s*:\s*"([^"]+)/g)];
  const name = pairs.find(([, , value]) => hasTokenCell(value!))?.[1] ?? 'token';
  return `It looks like NDJSON, a JSON object a line: write the tokens alone, one a line (jq -r '."${name}"')`;
}

/** Whether a quarter of a line is what no text has: control characters, and bytes that are not UTF-8. */
function isBinary(text: string): boolean {
  const strange = text.match(/\ufffd|\\u\{(?:[0-9a-f]|1[0-9a-f]|7f|fffd)\}/g) ?? [];
  return strange.length > 2 && strange.length * 4 > text.length - strange.join('').length + strange.length;
}

function tableShape(texts: readonly string[]): string | null {
  if (!texts.some((text) => /^[-+=|\s]{3,}$/.test(text))) return null;
  return 'It looks like a table that a SQL tool has printed: let it print the column of the tokens alone (psql -At, mysql -N -B)';
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
    // What stands in a first line that is no header may be somebody's name.
    const names = header.every((cell) => /^[A-Za-z_][\w .-]{0,40}$/.test(cell)) ? `: ${header.join(', ')}` : '';
    return `It looks like CSV with a header${names} (divided by ${name}): ${alone}`;
  }
  return hasTokenCell(rows) ? `It looks like CSV (divided by ${name}): ${alone}` : null;
}

/** Whether a cell of the row is a token; one that was cut off at the end of what is shown counts. */
function hasTokenCell(text: string): boolean {
  return text.split(/[\t;|,]/).some((cell) => isToken(cell) || /[0-9a-f]{32}/i.test(cell));
}

function isToken(text: string): boolean {
  return isDeviceToken(parseDeviceToken(text));
}
