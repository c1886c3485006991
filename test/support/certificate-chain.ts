/**
 * Certificates under any name, signed by any key: chains with intermediates, and chains that only look like some. For
 * tests of who is trusted.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { SEQUENCE } from '../../src/push/credentials/der.js';
import {
  bitString,
  der,
  derTime,
  objectId,
  octetString,
  SET,
  unsignedInteger,
  utf8String,
} from '../../src/simulator/listen/der.js';

const ecdsaWithSha256 = der(SEQUENCE, objectId('1.2.840.10045.4.3.2'));
const dayMs = 24 * 3600 * 1000;

/** Who a certificate is of: a name and a key, which may be those of several certificates. */
export interface Subject {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function subject(name: string): Subject {
  return { name, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/**
 * The certificate of `of`, signed by `by`; of an authority, or of a server on localhost and 127.0.0.1. Until tomorrow.
 */
export function certificate(
  of: Subject,
  by: Subject,
  kind: 'authority' | 'server',
  until = new Date(Date.now() + dayMs),
): string {
  const isAuthority = kind === 'authority';
  const hosts = der(SEQUENCE, der(0x82, Buffer.from('localhost')), der(0x87, [127, 0, 0, 1]));
  const extensions = [
    isAuthority ? extension('2.5.29.19', der(SEQUENCE, der(0x01, [0xff]))) : extension('2.5.29.17', hosts),
    extension('2.5.29.15', isAuthority ? bitString(Uint8Array.of(0x06), 1) : bitString(Uint8Array.of(0x80), 7)),
  ];
  const toBeSigned = der(
    SEQUENCE,
    der(0xa0, der(0x02, [2])),
    unsignedInteger(randomBytes(16)),
    ecdsaWithSha256,
    nameOf(by),
    der(SEQUENCE, derTime(new Date(Date.now() - 3 * dayMs)), derTime(until)),
    nameOf(of),
    of.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(SEQUENCE, ...extensions)),
  );
  const signature = bitString(sign('sha256', toBeSigned, by.privateKey));
  return new X509Certificate(der(SEQUENCE, toBeSigned, ecdsaWithSha256, signature)).toString();
}

export function privatePem({ privateKey }: Subject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function nameOf({ name }: Subject): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, objectId('2.5.4.3'), utf8String(name))));
}

function extension(id: string, value: Buffer): Buffer {
  return der(SEQUENCE, objectId(id), octetString(value));
}
