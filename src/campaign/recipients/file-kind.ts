/**
 * Recognises files that are not lists of device tokens by their beginning, before any line is read. Packed bytes and
 * the bytes unpacked from gzip are treated alike. Used by token-file, on its thread.
 */
import { Buffer } from 'node:buffer';
import { readChunkBytes } from '../../base/limits.js';
import type { ByteSource } from './byte-source.js';

/** Bytes that are always waited for: fewer than the shortest list has. */
const headBytes = 16;
/** The place and length of tar's own mark. */
const tarMagic = 'ustar';
const tarMagicOffset = 257;

const parquetMagic = 'PAR1';
const streamedParquet = 'is Parquet, which is read from its end: give the file itself by its path, and not packed';

const utf16 = 'is UTF-16 text: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)';
const utf32 = 'is UTF-32 text: save it as UTF-8 (iconv -f UTF-32 -t UTF-8)';
const der = 'is a key or certificate (DER or PKCS#12), not a list of device tokens';

/** Kinds that a reader may take that reads more than lists. */
export type OtherKind = 'json' | 'parquet';

/** What a token list is not, by its first bytes, and what to do about it. What begins like another stands before it. */
const otherKinds: readonly (readonly [head: readonly number[] | string, problem: string])[] = [
  [[0xff, 0xfe, 0x00, 0x00], utf32],
  [[0x00, 0x00, 0xfe, 0xff], utf32],
  [[0xff, 0xfe], utf16],
  [[0xfe, 0xff], utf16],
  ['PK\x03\x04', 'is a ZIP archive or a spreadsheet (xlsx): unpack it first (unzip -p), or save it as text'],
  [
    [0xd0, 0xcf, 0x11, 0xe0],
    'is a spreadsheet: save the column of the tokens alone as text, or as CSV with one column',
  ],
  [[0x28, 0xb5, 0x2f, 0xfd], 'is compressed with zstd: unpack it first (zstd -dc)'],
  ['\xfd7zXZ\x00', 'is compressed with xz: unpack it first (xz -dc)'],
  ['BZh', 'is compressed with bzip2: unpack it first (bzip2 -dc)'],
  [[0x04, 0x22, 0x4d, 0x18], 'is compressed with lz4: unpack it first (lz4 -dc)'],
  [[0x1f, 0x9d], 'is compressed with compress: unpack it first (uncompress -c)'],
  [[0x78, 0x01], 'is compressed with zlib: unpack it first (zlib-flate -uncompress)'],
  [[0x78, 0x9c], 'is compressed with zlib: unpack it first (zlib-flate -uncompress)'],
  [[0x78, 0xda], 'is compressed with zlib: unpack it first (zlib-flate -uncompress)'],
  ['7z\xbc\xaf', 'is a 7z archive: unpack it first (7z e -so)'],
  ['Rar!\x1a', 'is a RAR archive: unpack it first (unrar p -inul)'],
  [parquetMagic, 'is Parquet: write the column of the tokens to a text file first, one token a line'],
  ['Obj\x01', 'is Avro: write the tokens to a text file first, one token a line'],
  ['SQLite ', 'is a SQLite database: select the tokens from it into a text file first'],
  ['%PDF', 'is a PDF: save the tokens as text, one a line'],
  ['{\\rtf', 'is RTF, not plain text: save it as plain text'],
  ['PuTTY-User-Key-File', 'is a private key, not a list of device tokens'],
  [[0x30, 0x81], der],
  [[0x30, 0x82], der],
];

const table = otherKinds.map(([head, problem]) => [Buffer.from(head as string, 'latin1'), problem] as const);

/** A token in base64 begins like bzip2 once in 260,000 times. A file that goes on in base64 may be a list. */
const base64Digits = /^[A-Za-z0-9+/_=-]+$/;
const leading = /^(?:\xef\xbb\xbf)?[ \t\r\n]*/;
const blanks = Buffer.from(' \t\r\n');
const pem = /-{4,5} ?(?:BEGIN ([A-Z0-9 ]{1,40})|END ([A-Z0-9 ]*(?:KEY|CERTIFICATE)) ?)-{4,5}/;

const jsonArray = "is a JSON array: write the tokens alone, one a line (jq -r '.[]', or '.[].token' for objects)";
const jsonObject = `is a JSON object: write the tokens alone, one a line (jq -r '.NAME[]', with the name of its list)`;
const wrapped = 'is one text in base64, divided into lines, such as a key: it is not a list of device tokens';

/**
 * Passes on `chunks` once their beginning may be that of a list. Blanks before that are passed on as they come.
 * Otherwise throws what `fault` makes of the rest of a sentence that begins with the name of the source.
 */
export async function* refuseOtherFiles(
  chunks: ByteSource,
  fault: (problem: string) => Error,
  accepts: readonly OtherKind[] = [],
): ByteSource {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === null) {
      yield chunk;
      continue;
    }
    const bytes = asBuffer(chunk);
    head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
    if (isBlank(head)) {
      yield head;
      head = Buffer.alloc(0);
      continue;
    }
    const problem = otherFileProblem(head, false, accepts);
    if (problem === 'unsure') {
      // A chunk is overwritten by those that follow.
      head = Buffer.from(head);
      continue;
    }
    if (problem !== null) throw fault(problem);
    yield head;
    head = null;
  }
  if (head === null || head.length === 0) return;
  const problem = otherFileProblem(head, true, accepts);
  if (problem !== null) throw fault(problem);
  yield head;
}

/** Returns the content of a text that begins with PEM, such as "a private key", or null for another text. */
export function pemContent(text: string): string | null {
  const found = pem.exec(text);
  if (found === null) return null;
  const label = (found[1] ?? found[2])!.trim();
  if (label.endsWith('PRIVATE KEY')) return 'a private key';
  return label === 'CERTIFICATE' ? 'a certificate' : label;
}

/**
 * Returns the rest of a sentence that begins with the name of the source. Null if it may be a list, "unsure" if more of
 * it is needed. `isEnd`: there is no more.
 */
export function otherFileProblem(head: Buffer, isEnd: boolean, accepts: readonly OtherKind[] = []): string | null {
  const known = table.find(([bytes]) => head.subarray(0, bytes.length).equals(bytes));
  if (known !== undefined && !base64Digits.test(head.toString('latin1', 0, headBytes)))
    return accepts.includes('parquet') && known[0].equals(Buffer.from(parquetMagic)) ? streamedParquet : known[1];
  if (head.length < headBytes && !isEnd) return 'unsure';
  if (head.toString('latin1', tarMagicOffset, tarMagicOffset + tarMagic.length) === tarMagic)
    return 'is a tar archive: unpack it first (tar -xO)';
  if (head[0] === 0x1f && head[1] === 0x8b) return 'is gzip again: unpack it first (gzip -dc)';
  const wide = wideProblem(head);
  if (wide !== null) return wide;
  const start = head.findIndex((byte) => !blanks.includes(byte));
  const isFull = isEnd || head.length - start >= readChunkBytes;
  if (!isFull && head.length < tarMagicOffset + tarMagic.length && head.includes(0)) return 'unsure';
  return textProblem(head.toString('latin1', start, start + readChunkBytes), {
    isFull,
    isEnd,
    isJsonRead: accepts.includes('json'),
  });
}

interface TextOptions {
  /** There is no more of it that is looked at. */
  readonly isFull: boolean;
  readonly isEnd: boolean;
  readonly isJsonRead: boolean;
}

function textProblem(head: string, { isFull, isEnd, isJsonRead }: TextOptions): string | null {
  const text = head.replace(leading, '');
  const content = pemContent(text);
  if (content !== null) return `is a PEM file (${content}), not a list of device tokens`;
  if (/^<(?:\?xml|!doctype|html|plist)/i.test(text))
    return 'is XML or HTML: write the tokens alone to a text file, one a line';
  if (/^\[\s*["{[\]]/.test(text)) return isJsonRead ? null : jsonArray;
  // Before its first line has ended nothing of a list can be read.
  if (!isFull && !/[\r\n]/.test(text)) return 'unsure';
  if (/^\[\s*$/.test(text)) return !isFull ? 'unsure' : isJsonRead ? null : jsonArray;
  if (/^\{\s*(?:"|\}|$)/.test(text)) return objectProblem(text, isFull, isJsonRead);
  return wrappedProblem(text, isFull, isEnd);
}

/**
 * An object on one line is a line that holds no token, whether or not others follow (NDJSON): no part of it is a line.
 */
function objectProblem(text: string, isFull: boolean, isJsonRead: boolean): string | null {
  if (!isFull && /^\{\s*$/.test(text)) return 'unsure';
  const end = text.search(/[\r\n]/);
  if (end === -1 || isJson(text.slice(0, end))) return null;
  // Where objects are read, a first line that is damaged does not make one object of many.
  if (!isJsonRead) return jsonObject;
  if (text.split(/[\r\n]+/).some((line) => line.startsWith('{') && isJson(line))) return null;
  return isFull ? jsonObject : 'unsure';
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns whether this is one long text in base64 that was divided into lines of 64 characters (PEM without its first
 * line) or 76 (base64, MIME). A list whose tokens have 48 bytes looks alike, except that no shorter line ends it.
 */
function wrappedProblem(text: string, isFull: boolean, isEnd: boolean): string | null {
  const width = text.search(/[\r\n]/);
  if (width !== 64 && width !== 76) return null;
  const lines = text.trimEnd().split(/\r\n|[\r\n]/);
  // It may become the last line of PEM, which is refused then.
  if (lines.at(-1)!.startsWith('-') && !isFull) lines.pop();
  const last = lines.pop()!;
  const areDigits = lines.every((line) => line.length === width && /^[A-Za-z0-9+/]+$/.test(line));
  const isHex = /^[0-9a-fA-F]+$/.test(text.slice(0, width));
  if (!areDigits || isHex) return null;
  if (!isFull) return 'unsure';
  if (last.length > width || !/^[A-Za-z0-9+/]*={0,2}$/.test(last)) return null;
  const hasOther = isEnd && lines.length > 0 && (last.length < width || last.endsWith('='));
  return hasOther || (width === 76 && lines.length > 0) ? wrapped : null;
}

/** Returns the problem of Unicode with characters of two or four bytes, recognised by its zeros. */
function wideProblem(head: Buffer): string | null {
  const zeros = Array.from(head.subarray(0, 4), (byte) => (byte === 0 ? '0' : 'x')).join('');
  if (zeros === 'x000' || zeros === '000x') return utf32;
  return zeros === 'x0x0' || zeros === '0x0x' ? utf16 : null;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => blanks.includes(byte));
}

function asBuffer(chunk: Uint8Array | string): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
