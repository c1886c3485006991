/**
 * Reads the keys that secrets are sealed with: the text of a file or of an environment variable, one key a line. Called
 * by the sealer when it is made; main thread. The keys become KeyObjects at once, which neither inspect nor JSON shows.
 *
 *   2026-06:uQ0v…Kk=     id:key, base64 of 32 bytes; this key seals
 *   2025-11:5f3c…9a      hex of 32 bytes; this one only opens what it sealed before
 *   # a comment
 */
import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import { maxSealingKeyIdCharacters, maxSealingKeys } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { credentialError, type KeyMaterial, readMaterial } from '../../push/credentials/key-material.js';

/** One key under its id. */
interface SealingKey {
  readonly id: string;
  readonly key: KeyObject;
}

const keyBytes = 32;
const hexKey = /^[0-9a-fA-F]{64}$/;
const base64Key = /^[A-Za-z0-9+/_-]{43}=?$/;
const idForm = new RegExp(`^[A-Za-z0-9_-]{1,${maxSealingKeyIdCharacters}}$`);

/** Returns whether `id` may name a sealing key: letters, digits, `_` and `-`. */
export function isSealingKeyId(id: string): boolean {
  return idForm.test(id);
}

/**
 * Returns the keys in `keys`, the sealing one first.
 *
 * @param keys text or bytes, or `{ file }`. A file that every user of the machine may read gets a warning
 * @throws PealError ERR_PEAL_CREDENTIAL that names the line, and quotes nothing of it
 */
export function readSealingKeys(keys: KeyMaterial, log: Logger = silentLogger): readonly SealingKey[] {
  const { bytes, name } = readMaterial('sealKeys', keys, log, true);
  const entries = bytes
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/[\r\n]+/)
    .flatMap((line) => (/^\s*#/.test(line) ? [] : line.split(/[\s,]+/)))
    .filter((entry) => entry !== '');
  bytes.fill(0);
  if (entries.length === 0) {
    throw credentialError(`${name} holds no sealing key: make one with "openssl rand -base64 32".`);
  }
  if (entries.length > maxSealingKeys) {
    throw credentialError(`${name} holds ${entries.length} sealing keys, more than ${maxSealingKeys}.`);
  }
  const found = entries.map((entry, index) => keyOf(entry, `${name}: key ${index + 1} of ${entries.length}`));
  const ids = found.map(({ id }) => id);
  const twice = ids.findIndex((id, index) => ids.indexOf(id) !== index);
  if (twice >= 0) {
    throw credentialError(
      `${name}: key ${twice + 1} of ${found.length} has the id of an earlier key. Give it its own.`,
    );
  }
  return found;
}

function keyOf(entry: string, where: string): SealingKey {
  const colon = entry.indexOf(':');
  const text = entry.slice(colon + 1);
  const bytes = Buffer.from(text, hexKey.test(text) ? 'hex' : 'base64');
  if (!(hexKey.test(text) || base64Key.test(text)) || bytes.length !== keyBytes) {
    throw credentialError(`${where} is not valid. Expected id:key with ${keyBytes} bytes as base64 or hex.`);
  }
  if (bytes.every((byte) => byte === bytes[0])) {
    throw credentialError(`${where} is the same byte ${keyBytes} times: make one with "openssl rand -base64 32".`);
  }
  const id = colon < 0 ? ownId(bytes) : entry.slice(0, colon);
  if (!isSealingKeyId(id)) {
    throw credentialError(
      `${where} has an id that is not valid. Expected up to ${maxSealingKeyIdCharacters} of A–Z, a–z, 0–9, _ and -.`,
    );
  }
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return { id, key };
}

/** The id of a key that was given without one: it tells keys apart, and tells nothing about the key. */
function ownId(bytes: Uint8Array): string {
  return `key-${createHash('sha256').update('peal sealing key id\0').update(bytes).digest('hex').slice(0, 8)}`;
}
