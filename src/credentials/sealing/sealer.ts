/**
 * Seals secrets for stores that others may read: AES-256-GCM (NIST SP 800-38D) under a key of the ring. The context of
 * a record (what it is, and where it belongs) is authenticated with it, so that a record does not open in another
 * place. Called by credential stores and by the shared provider token; any thread. Holds its keys as KeyObjects only.
 *
 *   peal1 . key id . check . base64url( nonce, 12 bytes | ciphertext | tag, 16 bytes )
 *
 * `check` tells another key under the same id from a record that was changed. Nonces are random. NIST allows 2^32 of
 * them for one key, which is a record each second for 136 years.
 */
import { createCipheriv, createDecipheriv, createHmac, type KeyObject, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { maxSealedCharacters } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { credentialError, type KeyMaterial } from '../../push/credentials/key-material.js';
import { isSealingKeyId, readSealingKeys } from './sealing-keys.js';

const form = 'peal1';
const nonceBytes = 12;
const tagBytes = 16;

interface RingKey {
  readonly key: KeyObject;
  readonly check: string;
}

/** Seals with its first key and opens with each. Immutable, and safe to log. */
export class Sealer {
  readonly #keys: ReadonlyMap<string, RingKey>;
  /** The id of the key that seals. */
  readonly keyId: string;

  /**
   * @param keys text with one key a line (`id:` and 32 bytes as base64 or hex), or `{ file }` with the same; the first
   *   one seals, each one opens
   * @throws PealError ERR_PEAL_CREDENTIAL that names the line, and quotes nothing of it
   */
  constructor(keys: KeyMaterial, log: Logger = silentLogger) {
    const read = readSealingKeys(keys, log);
    this.#keys = new Map(read.map(({ id, key }) => [id, { key, check: checkOf(key) }]));
    this.keyId = read[0]!.id;
  }

  /** The ids of all keys, the sealing one first. */
  get keyIds(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** @param context what the record is and where it belongs; the same text opens it */
  seal(plain: Uint8Array, context: string): string {
    const { key, check } = this.#keys.get(this.keyId)!;
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(authenticated(this.keyId, context));
    const parts = [nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    return `${form}.${this.keyId}.${check}.${Buffer.concat(parts).toString('base64url')}`;
  }

  /**
   * @throws PealError ERR_PEAL_CREDENTIAL: no such key, another key under its id, or a record that was changed or moved
   */
  open(sealed: string, context: string): Uint8Array {
    const { keyId, check, bytes } = partsOf(sealed);
    const known = this.#keys.get(keyId);
    if (known === undefined) {
      throw credentialError(
        `The record is sealed with the key "${keyId}", which is not among the sealing keys (${this.keyIds.join(', ')}).`,
      );
    }
    if (known.check !== check) {
      throw credentialError(
        `The record is sealed with another key of the id "${keyId}": give the sealing key that it was sealed with.`,
      );
    }
    const decipher = createDecipheriv('aes-256-gcm', known.key, bytes.subarray(0, nonceBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(authenticated(keyId, context));
    decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
    const plain = decipher.update(bytes.subarray(nonceBytes, bytes.length - tagBytes));
    try {
      decipher.final();
    } catch {
      // Not authentic, so nobody may see it.
      plain.fill(0);
      throw credentialError('The sealed record was changed, or it was moved here from another place.');
    }
    return plain;
  }

  toJSON(): { readonly keyIds: readonly string[] } {
    return { keyIds: this.keyIds };
  }

  [inspect.custom](): string {
    return `Sealer ${inspect(this.toJSON())}`;
  }
}

/**
 * The id of the key that sealed `sealed`.
 *
 * @throws PealError ERR_PEAL_CREDENTIAL where it is not a sealed record
 */
export function sealingKeyIdOf(sealed: string): string {
  return partsOf(sealed).keyId;
}

function partsOf(sealed: string): { readonly keyId: string; readonly check: string; readonly bytes: Buffer } {
  const isText = typeof sealed === 'string' && sealed.length <= maxSealedCharacters;
  const [head, keyId = '', check = '', body = '', ...more] = isText ? sealed.split('.') : [];
  const bytes = Buffer.from(body, 'base64url');
  // Base64 leaves room for bits that mean nothing. One record has one form only.
  const isWhole = head === form && more.length === 0 && isSealingKeyId(keyId) && bytes.toString('base64url') === body;
  if (!isWhole || bytes.length < nonceBytes + tagBytes) throw credentialError('The record is not a sealed record.');
  return { keyId, check, bytes };
}

/** The zero byte cannot be part of a key id. */
function authenticated(keyId: string, context: string): Buffer {
  return Buffer.from(`${form}\0${keyId}\0${context}`);
}

function checkOf(key: KeyObject): string {
  return createHmac('sha256', key).update('peal sealing key check').digest('base64url').slice(0, 8);
}
