/**
 * All keys and certificates of a PKCS#12 file (RFC 7292). OpenSSL by way of Node returns the first key alone and does
 * not tell that there are others. Called after OpenSSL has opened the file, so passphrase and integrity are known to
 * be good. A file that is not understood here leaves the choice to OpenSSL. Pure but for node:crypto.
 */
import { Buffer } from 'node:buffer';
import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  type KeyObject,
  pbkdf2Sync,
  X509Certificate,
} from 'node:crypto';
import { maxPkcs12Iterations } from '../../base/limits.js';
import { type DerValue, integerOf, objectIdOf, octetsOf, partsOf, SEQUENCE } from '../../push/credentials/der.js';

interface Pkcs12Contents {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly X509Certificate[];
}

const plainData = '1.2.840.113549.1.7.1';
const encryptedData = '1.2.840.113549.1.7.6';
const keyBag = '1.2.840.113549.1.12.10.1.1';
const encryptedKeyBag = '1.2.840.113549.1.12.10.1.2';
const certificateBag = '1.2.840.113549.1.12.10.1.3';
const nestedBags = '1.2.840.113549.1.12.10.1.6';
const pbes2 = '1.2.840.113549.1.5.13';
const sha1And3Des = '1.2.840.113549.1.12.1.3';

const hashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const ciphers: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
};

/** Returns the contents of the file, or null if it is written in a way that is not known here. */
export function readPkcs12(bytes: Buffer, passphrase: string | null): Pkcs12Contents | null {
  // Programs disagree whether an empty passphrase is an empty text or nothing, so both are tried, as OpenSSL does.
  const passwords = [bmpText(passphrase ?? ''), ...(passphrase ? [] : [Buffer.alloc(0)])];
  for (const password of passwords) {
    try {
      const reader = new Reader(passphrase ?? '', password);
      if (reader.readFile(bytes)) return reader;
    } catch {
      // Not decrypted by this password, or damaged in a way that OpenSSL tolerates.
    }
  }
  return null;
}

/** Two bytes for each character and for the zero at the end (RFC 7292 §B.1). */
export function bmpText(passphrase: string): Buffer {
  return Buffer.from(`${passphrase}\0`, 'utf16le').swap16();
}

interface Passwords {
  /** For PBES2. */
  readonly text: string;
  /** For PKCS#12's own key derivation. */
  readonly bmp: Buffer;
}

class Reader implements Pkcs12Contents {
  readonly keys: KeyObject[] = [];
  readonly certificates: X509Certificate[] = [];
  readonly #passwords: Passwords;

  constructor(text: string, bmp: Buffer) {
    this.#passwords = { text, bmp };
  }

  /** Each step returns false where it does not understand what it reads. */
  readFile(bytes: Buffer): boolean {
    const [, authSafe] = partsOf(bytes) ?? [];
    const contents = partsOf(dataOf(authSafe?.whole) ?? undefined);
    return contents?.every((info) => this.#readContent(info)) ?? false;
  }

  #readContent(info: DerValue): boolean {
    const [type, content] = partsOf(info.whole) ?? [];
    if (objectIdOf(type) === plainData) return this.#readBags(dataOf(info.whole));
    if (objectIdOf(type) !== encryptedData) return false;
    const [, encrypted] = partsOf(partsOf(content?.whole)?.[0]?.whole) ?? [];
    const [, algorithm, octets] = partsOf(encrypted?.whole) ?? [];
    return this.#readBags(decrypt(algorithm, octetsOf(octets), this.#passwords));
  }

  #readBags(bags: Buffer | null): boolean {
    return (bags === null ? null : partsOf(bags))?.every((bag) => this.#readBag(bag)) ?? false;
  }

  #readBag(bag: DerValue): boolean {
    const [type, explicit] = partsOf(bag.whole) ?? [];
    const value = partsOf(explicit?.whole)?.[0]?.whole;
    if (value === undefined) return false;
    switch (objectIdOf(type)) {
      case keyBag:
        this.keys.push(createPrivateKey({ key: value, format: 'der', type: 'pkcs8' }));
        return true;
      case encryptedKeyBag: {
        const [algorithm, octets] = partsOf(value) ?? [];
        const key = decrypt(algorithm, octetsOf(octets), this.#passwords);
        if (key === null) return false;
        this.keys.push(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
        return true;
      }
      case certificateBag: {
        const der = octetsOf(partsOf(partsOf(value)?.[1]?.whole)?.[0]);
        if (der === null) return false;
        this.certificates.push(new X509Certificate(der));
        return true;
      }
      case nestedBags:
        return this.#readBags(value);
      default:
        // A client certificate does not need secrets or revocation lists.
        return true;
    }
  }
}

/** The octets of a ContentInfo of the type data. */
function dataOf(info: Buffer | undefined): Buffer | null {
  const [, explicit] = partsOf(info) ?? [];
  return octetsOf(partsOf(explicit?.whole)?.[0]);
}

function decrypt(algorithm: DerValue | undefined, octets: Buffer | null, passwords: Passwords): Buffer | null {
  const [id, parameters] = partsOf(algorithm?.whole) ?? [];
  if (octets === null || parameters?.tag !== SEQUENCE) return null;
  const way =
    objectIdOf(id) === pbes2
      ? pbes2Key(parameters, passwords.text)
      : objectIdOf(id) === sha1And3Des
        ? sha1Key(parameters, passwords.bmp)
        : null;
  if (way === null) return null;
  const decipher = createDecipheriv(way.cipher, way.key, way.iv);
  return Buffer.concat([decipher.update(octets), decipher.final()]);
}

interface Way {
  readonly cipher: string;
  readonly key: Buffer;
  readonly iv: Buffer;
}

/** RFC 8018 §6.2, with PBKDF2. */
function pbes2Key(parameters: DerValue, passphrase: string): Way | null {
  const [derivation, scheme] = partsOf(parameters.whole) ?? [];
  const [salt, count, ...rest] = partsOf(partsOf(derivation?.whole)?.[1]?.whole) ?? [];
  const hashId = rest.find(({ tag }) => tag === SEQUENCE);
  const hash = hashId === undefined ? 'sha1' : hashes[objectIdOf(partsOf(hashId.whole)?.[0])];
  const [cipherId, iv] = partsOf(scheme?.whole) ?? [];
  const cipher = ciphers[objectIdOf(cipherId)];
  const [saltBytes, ivBytes, iterations] = [octetsOf(salt), octetsOf(iv), integerOf(count)];
  if (hash === undefined || cipher === undefined || saltBytes === null || ivBytes === null) return null;
  if (!(iterations <= maxPkcs12Iterations)) return null;
  return {
    cipher: cipher.name,
    key: pbkdf2Sync(passphrase, saltBytes, iterations, cipher.keyBytes, hash),
    iv: ivBytes,
  };
}

function sha1Key(parameters: DerValue, password: Buffer): Way | null {
  const [salt, count] = partsOf(parameters.whole) ?? [];
  const [saltBytes, iterations] = [octetsOf(salt), integerOf(count)];
  if (saltBytes === null || !(iterations <= maxPkcs12Iterations)) return null;
  const derive = (id: number, bytes: number): Buffer => deriveSha1(password, saltBytes, { id, iterations, bytes });
  return { cipher: 'des-ede3-cbc', key: derive(1, 24), iv: derive(2, 8) };
}

/**
 * RFC 7292 §B.2 with SHA-1, whose blocks have 64 bytes. `id`: 1 for a key, 2 for an initial vector, 3 for a MAC.
 * `password` as {@link bmpText} writes it.
 */
export function deriveSha1(
  password: Buffer,
  salt: Buffer,
  { id, iterations, bytes }: { readonly id: number; readonly iterations: number; readonly bytes: number },
): Buffer {
  const blocks = Buffer.concat([repeated(salt), repeated(password)]);
  const pieces: Buffer[] = [];
  for (let have = 0; have < bytes; have += 20) {
    let digest = createHash('sha1').update(Buffer.alloc(64, id)).update(blocks).digest();
    for (let round = 1; round < iterations; round++) digest = createHash('sha1').update(digest).digest();
    pieces.push(digest);
    addToBlocks(blocks, repeated(digest, 64));
  }
  return Buffer.concat(pieces).subarray(0, bytes);
}

/** The bytes repeated to a multiple of 64 bytes, or to `length`. */
function repeated(bytes: Buffer, length: number = Math.ceil(bytes.length / 64) * 64): Buffer {
  return Buffer.alloc(length, bytes);
}

/** Adds `addend` and 1 to each block of 64 bytes, modulo 2^512. */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += 64) {
    let carry = 1;
    for (let index = 63; index >= 0; index--) {
      carry += blocks[start + index]! + addend[index]!;
      blocks[start + index] = carry & 0xff;
      carry >>= 8;
    }
  }
}
