/**
 * Repairs the armour of PEM. Keys and certificates come out of environment variables, secret stores and mails with
 * their line ends lost or escaped, in quotes, in UTF-16, as base64 once more, or without BEGIN and END. Base64 holds
 * no blanks, and DER holds its own length, so most of that can be undone without a guess. Pure; called by
 * push/credentials/pem.
 */
import { Buffer } from 'node:buffer';
import { maxArmourLayers } from '../../base/limits.js';
import { option } from '../../base/wording.js';
import { announcedLength, BIT_STRING, INTEGER, integerOf, OCTET_STRING, partsOf, readDer, SEQUENCE } from './der.js';

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `EC PRIVATE KEY` … */
  readonly label: string;
  /** From BEGIN to END, in the form of RFC 7468, without the text around it. */
  readonly text: string;
  /** What is wrong with its body, to follow "a private key that"; null if nothing wrong is visible in the armour. */
  readonly problem: string | null;
}

/** The blocks in a text, or why there are none, to follow "The option key". */
type Armour = { readonly blocks: readonly PemBlock[] } | { readonly problem: string };

const dash = '[-\\u2010-\\u2015\\u2212]';
const beginLine = new RegExp(`${dash}+\\s*BEGIN([A-Z0-9\\s+_]*?)${dash}+`, 'gi');
const endLine = new RegExp(`${dash}{2,}\\s*END[A-Z0-9\\s]*${dash}*`, 'gi');
/**
 * Characters between the lines of a body that are not base64: blanks, unprintable marks, quotes, the quoting of mails.
 */
const between = '[\\s\\u200b-\\u200d\\u2060\\ufeff"\'`\\u2018-\\u201f,;>|#\\\\]';
const notBase64 = new RegExp(between, 'g');
/**
 * The headers of RFC 1421 §4.6, which OpenSSL wrote for encrypted keys before PKCS#8. Line ends may be lost, so the
 * digits are counted.
 */
const encryption = new RegExp(
  `^${between}*Proc-Type:${between}*4${between}*ENCRYPTED${between}*DEK-Info:${between}*` +
    `(DES[A-Z0-9-]*|[A-Z0-9-]+)${between}*,${between}*((?<=DES.*)[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32})`,
);
/** Plus signs by which a program joins strings: before or behind a quote, where base64 neither ends nor begins. */
const joints = /(["'`])[ \t]*\+[ \t]*(?=[\r\n"'`]|$)|(?<=[\r\n])[ \t]*\+[ \t]*(?=["'`])/g;
/** A block whose blanks and line ends became plus signs in a web form: they stand behind each 64 digits. */
const plusLines = /(BEGIN\+[A-Z0-9+]+-----)\+((?:[A-Za-z0-9+/=]{64}\+)*[A-Za-z0-9+/=]{1,64})\+(?=-----END)/g;
/** Line ends as strings of programs, JSON, URLs and HTML write them. */
const escapedLineEnds = /\\+(?:[nrt]|u000[aAdD9])|%0[aAdD]|&#(?:1[03]|x0?[aAdD]);/g;
const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const labels: ReadonlyMap<string, string> = new Map(
  [
    ...['PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY', 'OPENSSH PRIVATE KEY'],
    ...['PUBLIC KEY', 'EC PARAMETERS', 'CERTIFICATE', 'TRUSTED CERTIFICATE', 'CERTIFICATE REQUEST', 'X509 CRL'],
  ].map((label) => [label.replaceAll(' ', ''), label]),
);

/** Returns the blocks in `bytes`, repaired. */
export function readArmour(bytes: Buffer): Armour {
  return readLayer(bytes, maxArmourLayers);
}

function readLayer(bytes: Buffer, layers: number): Armour {
  if (readDer(bytes)?.tag === SEQUENCE) return readBinary(bytes);
  const text = joined(unescaped(textOf(bytes)).replace(escapedLineEnds, '\n'));
  const blocks = blocksOf(text);
  if (blocks.length > 0) return { blocks };
  return readBody(text, layers);
}

/** PEM is ASCII, so UTF-16 is recognised by its zero bytes, also where the text was decoded in another encoding. */
function textOf(bytes: Buffer): string {
  if (!bytes.includes(0)) return bytes.toString('utf8');
  return bytes
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/^[^\x20-\x7e]+/, '');
}

function blocksOf(text: string): PemBlock[] {
  return [...text.matchAll(beginLine)].map((match) => {
    const rest = text.slice(match.index + match[0].length);
    const words = match[1]!.toUpperCase();
    const squeezed = words.replace(/[\s+_]+/g, '').replace(/^X509CERTIFICATE$/, 'CERTIFICATE');
    const label = labels.get(squeezed) ?? words.replace(/[\s+_]+/g, ' ').trim();
    const header = encryption.exec(rest);
    const [body = ''] = rest.slice(header?.[0].length ?? 0).split(new RegExp(dash), 1);
    return block(label, body.replace(notBase64, ''), header === null ? null : `${header[1]},${header[2]}`);
  });
}

/** Removes the plus signs that certainly are not base64. */
function joined(text: string): string {
  const strings = text
    .replace(joints, '$1')
    .replace(plusLines, (_block, begin: string, body: string) => `${begin}\n${body.replace(/(.{64})\+/g, '$1\n')}\n`);
  // The lines that a patch adds begin with a plus sign.
  return /^\+-----BEGIN/m.test(strings) ? strings.replace(/^\+/gm, '') : strings;
}

/** Base64 has no percent signs: text with them comes from a URL or, with plus signs for blanks, from a form. */
function unescaped(text: string): string {
  if (!/BEGIN.*%[0-9A-Fa-f]{2}/s.test(text)) return text;
  const blanks = /BEGIN\+/.test(text) ? text.replaceAll('+', ' ') : text;
  return blanks.replace(/%([0-9A-Fa-f]{2})/g, (_text, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function block(label: string, body: string, encryptedBy: string | null): PemBlock {
  const lines = body.match(/.{1,64}/g) ?? [];
  const headers = encryptedBy === null ? [] : ['Proc-Type: 4,ENCRYPTED', `DEK-Info: ${encryptedBy}`, ''];
  const text = [`-----BEGIN ${label}-----`, ...headers, ...lines, `-----END ${label}-----`].join('\n');
  return { label, text, problem: bodyProblem(body, encryptedBy !== null || label.startsWith('OPENSSH')) };
}

function bodyProblem(body: string, isOpaque: boolean): string | null {
  if (body === '') return 'has nothing between its BEGIN and END lines: give the whole file';
  if (!base64.test(body)) {
    return (
      'cannot be read: not all characters between its BEGIN and END lines are base64, so give the file as it ' +
      'was made'
    );
  }
  if (isOpaque) return null;
  const der = Buffer.from(body, 'base64');
  if (der[0] !== SEQUENCE) {
    // `\n` in a shell's unquoted word loses its backslash, and n is a letter of base64.
    return body.startsWith('nM')
      ? 'has the letter n where its line ends were: a shell removed the backslashes, so put quotes around the value'
      : 'cannot be read: it is damaged';
  }
  const length = announcedLength(der);
  return der.length < length ? `is cut off: ${der.length} of ${length} bytes are there` : null;
}

/** Text with neither BEGIN nor DER: a body alone, the base64 of a whole file, or not a key at all. */
function readBody(text: string, layers: number): Armour {
  const bare = text.replace(/^\s*(?:export\s+)?[A-Za-z_]\w{0,63}\s*[=:]\s*(?=\S{40})/, '');
  const body = bare.replace(endLine, '').replace(notBase64, '').replaceAll('-', '+').replaceAll('_', '/');
  if (body === '') return { problem: 'is empty' };
  const hex = bare.replace(/[\s:]/g, '');
  if (layers > 0 && hex.length >= 80 && /^(?:[0-9a-f]{2})+$/i.test(hex)) {
    const written = readLayer(Buffer.from(hex, 'hex'), layers - 1);
    return 'blocks' in written ? written : { problem: 'is hex, but not of a key or certificate' };
  }
  if (body.length < 40 || !base64.test(body)) return { problem: wordProblem(text.trim()) };
  const decoded = Buffer.from(body, 'base64');
  if (decoded[0] === SEQUENCE) {
    const length = announcedLength(decoded);
    if (length > decoded.length) {
      return { problem: `is base64 that is cut off: ${decoded.length} of ${length} bytes are there` };
    }
    return readBinary(decoded);
  }
  const inner = layers === 0 ? null : readLayer(decoded, layers - 1);
  if (inner !== null && 'blocks' in inner) return inner;
  return { problem: 'is base64, but not of a key or certificate' };
}

function wordProblem(text: string): string {
  if (/^\{.*"kty"\s*:/s.test(text)) {
    return (
      "is a JWK, not PEM: give what createPrivateKey({ key, format: 'jwk' }) of node:crypto makes of it, or " +
      'the .p8 file'
    );
  }
  if (/^(?:undefined|null|None|nil)$/.test(text)) {
    return `is the word ${text}: check that the environment variable it comes from is set`;
  }
  if (/^(?:\$\{?\w+\}?|%\w+%|\{\{.*\}\})$/.test(text)) {
    return 'is the name of a variable instead of its value';
  }
  return 'is not PEM: it has no BEGIN line';
}

/** DER without armour, as in .cer files. */
function readBinary(der: Buffer): Armour {
  const parts = partsOf(der) ?? [];
  const label = labelOf(
    parts.map(({ tag }) => tag),
    integerOf(parts[0]),
  );
  if (label === 'PKCS#12') return { problem: `is PKCS#12 (.p12), not PEM: give it as ${option('pfx', 'option ')}` };
  if (label === null) return { problem: 'is binary (DER), but not a key or certificate' };
  return { blocks: [block(label, der.toString('base64'), null)] };
}

/**
 * The kind of a DER sequence, by the types of its parts: RFC 5958, RFC 5915, RFC 8017 §A.1.2, RFC 5280 §4.1, RFC 7292
 * §4.
 */
function labelOf([first, second, third]: readonly number[], version: number): string | null {
  if (first === INTEGER && version === 3 && second === SEQUENCE) return 'PKCS#12';
  if (first === INTEGER && second === SEQUENCE && third === OCTET_STRING) return 'PRIVATE KEY';
  if (first === INTEGER && second === OCTET_STRING) return 'EC PRIVATE KEY';
  if (first === INTEGER && second === INTEGER) return 'RSA PRIVATE KEY';
  if (first === SEQUENCE && second === OCTET_STRING) return 'ENCRYPTED PRIVATE KEY';
  if (first === SEQUENCE && second === SEQUENCE && third === BIT_STRING) return 'CERTIFICATE';
  if (first === SEQUENCE && second === BIT_STRING) return 'PUBLIC KEY';
  return null;
}
