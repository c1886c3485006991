/**
 * Reads the material of a credential: text, bytes or a file. Only this part of the folder touches files, except for
 * provider-token-file. It reads synchronously, because credentials are loaded once, before anything is sent. Main
 * thread.
 */
import { Buffer } from 'node:buffer';
import { fileURLToPath } from 'node:url';
import { PealError } from '../../base/errors.js';
import { readProblem } from '../../base/file-errors.js';
import { readBoundedFile } from '../../base/files/bounded-file.js';
import { maxCredentialFileBytes } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { adviceForUnknown } from '../../base/options.js';
import { escapeUnprintable } from '../../base/text.js';
import { option as named, theOption } from '../../base/wording.js';

/** A file that is read when the credential is loaded. */
export interface FileReference {
  readonly file: string | URL;
}

/** PEM as text or bytes, or a file with PEM. A string is always the text itself, never a path. */
export type KeyMaterial = string | Uint8Array | FileReference;

/** The bytes that were read, and the name that sentences about them begin with. */
export interface Material {
  readonly bytes: Buffer;
  /** "The file /etc/push.p8 (option key)" or "The option key", with the marks of base/wording. */
  readonly name: string;
  /** The option that held the material itself; null for a file. */
  readonly option: string | null;
}

/** Makes a PealError about a credential. It has no cause, because causes may quote what was read. */
export function credentialError(message: string): PealError {
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}

/** Reads `value`. `option` names it in sentences. With `isSecret`, warns about a file that other users may read. */
export function readMaterial(option: string, value: unknown, log: Logger, isSecret: boolean): Material {
  if (typeof value === 'string') return { bytes: Buffer.from(value), name: theOption(option), option };
  if (value instanceof Uint8Array) {
    return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength), name: theOption(option), option };
  }
  if (value === undefined || value === null) {
    throw credentialError(
      `${theOption(option)} is ${value}: check that the environment variable or setting it comes from is set.`,
    );
  }
  const path = pathOf(option, value);
  if (path === null) {
    throw credentialError(`${theOption(option)} must be text, bytes or { file: path }.`);
  }
  if (looksLikeKey(path)) {
    throw credentialError(`${theOption(option)} must name a file by its path, but holds PEM text.`);
  }
  const name = `The file ${escapeUnprintable(path, 1000)} (${named(option, 'option ')})`;
  return { bytes: readFile(path, name, log, isSecret), name, option: null };
}

/**
 * Returns a passphrase as it is, or the first line of a file in UTF-8 or UTF-16. A byte order mark before it and a line
 * end behind it are removed, because editors and shells add them.
 */
export function readPassphrase(value: unknown, log: Logger): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value.replace(/^\ufeff/, '').replace(/\r?\n$/, '');
  if (pathOf('passphrase', value) === null)
    throw credentialError(`${theOption('passphrase')} must be a string or { file: path }.`);
  const { bytes, name } = readMaterial('passphrase', value, log, true);
  try {
    return decoded(bytes).split(/[\r\n]/, 1)[0]!;
  } catch {
    throw credentialError(`${name} is not text in UTF-8 or UTF-16: save it as UTF-8.`);
  }
}

/**
 * Decodes the bytes without their byte order mark. Throws if they are not text of the encoding that they seem to have.
 */
function decoded(bytes: Buffer): string {
  const isBigEndian = bytes[0] === 0xfe && bytes[1] === 0xff;
  const isUtf16 = isBigEndian || (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes.length > 1 && bytes[1] === 0);
  const encoding = isBigEndian || (bytes.length > 1 && bytes[0] === 0) ? 'utf-16be' : isUtf16 ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}

/** Returns whether a path is PEM, or the base64 of its DER: sentences about the file would quote the key. */
function looksLikeKey(path: string): boolean {
  return path.includes('-----BEGIN') || /^\s*MI[A-Za-z0-9+/=\s]{60,}$/.test(path);
}

/** Null for what is not `{ file }`. Throws where it has other names beside. */
function pathOf(option: string, value: unknown): string | null {
  if (typeof value !== 'object' || value === null || !('file' in value)) return null;
  const stranger = Object.keys(value).find((key) => key !== 'file');
  if (stranger !== undefined) {
    const shown = `"${escapeUnprintable(stranger, 40)}"`;
    throw credentialError(`${theOption(option)} has no option ${shown}: ${adviceForUnknown(stranger, ['file'])}`);
  }
  const { file } = value;
  if (typeof file === 'string' && file !== '') return file;
  return file instanceof URL && file.protocol === 'file:' ? fileURLToPath(file) : null;
}

function readFile(path: string, name: string, log: Logger, isSecret: boolean): Buffer {
  let bytes: Buffer;
  try {
    const read = readBoundedFile(path, maxCredentialFileBytes);
    if (isSecret && process.platform !== 'win32' && ((read.mode ?? 0) & 0o004) !== 0) {
      log.warn({ file: path }, 'every user of this machine may read this file: restrict it (chmod 600)');
    }
    bytes = read.bytes;
  } catch (error) {
    throw credentialError(`${name} ${readProblem(error)}.`);
  }
  if (bytes.length > maxCredentialFileBytes) {
    throw credentialError(`${name} is larger than ${maxCredentialFileBytes} bytes, so it is not a key or certificate.`);
  }
  if (bytes.length === 0) throw credentialError(`${name} is empty.`);
  return bytes;
}
