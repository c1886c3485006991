/**
 * Throw-away certificates for TLS servers in tests: an authority and what it signs, written as DER by hand so that
 * tests need neither a package nor the openssl command. Each call makes new keys.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const dayMs = 24 * 3600 * 1000;

/** A certificate and its key as PEM. */
export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

export interface LeafOptions {
  readonly names?: readonly string[];
  /** IPv4 addresses. */
  readonly addresses?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export class Authority {
  readonly #key: KeyObject;
  /** The authority's own certificate as PEM. */
  readonly ca: string;

  constructor(readonly name = 'peal test authority') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    const isAuthority = extension([0x55, 0x1d, 0x13], der(0x30, der(0x01, [0xff])));
    this.ca = this.#certificate(name, publicKey, [isAuthority], validity());
  }

  /** A certificate for a server or a client; by default for localhost and 127.0.0.1, valid now. */
  issue(options: LeafOptions = {}): PemPair {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const names = (options.names ?? ['localhost']).map((name) => der(0x82, Buffer.from(name)));
    const addresses = (options.addresses ?? ['127.0.0.1']).map((text) => der(0x87, text.split('.').map(Number)));
    const subjectAltName = extension([0x55, 0x1d, 0x11], der(0x30, ...names, ...addresses));
    const cert = this.#certificate('peal test', publicKey, [subjectAltName], validity(options));
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
  }

  #certificate(subject: string, publicKey: KeyObject, extensions: Buffer[], valid: Buffer): string {
    const ecdsaWithSha256 = der(0x30, der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
    const toBeSigned = der(
      0x30,
      der(0xa0, der(0x02, [2])), // version 3
      der(0x02, [1 + Math.floor(Math.random() * 126)]), // serial number
      ecdsaWithSha256,
      commonName(this.name),
      valid,
      commonName(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(0x30, ...extensions)),
    );
    const signature = sign('sha256', toBeSigned, this.#key);
    const certificate = der(0x30, toBeSigned, ecdsaWithSha256, der(0x03, [0], signature));
    const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
  }
}

/** Tag, length, contents. */
function der(tag: number, ...parts: (Uint8Array | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function extension(objectId: number[], value: Buffer): Buffer {
  return der(0x30, der(0x06, objectId), der(0x04, value));
}

function commonName(name: string): Buffer {
  return der(0x30, der(0x31, der(0x30, der(0x06, [0x55, 0x04, 0x03]), der(0x0c, Buffer.from(name)))));
}

function validity(options: LeafOptions = {}): Buffer {
  const from = options.notBefore ?? new Date(Date.now() - dayMs);
  const to = options.notAfter ?? new Date(Date.now() + dayMs);
  return der(0x30, utcTime(from), utcTime(to));
}

function utcTime(date: Date): Buffer {
  return der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
}
