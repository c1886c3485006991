/**
 * Throw-away credentials for simulators, demos and tests: an authority, certificates signed by it (RFC 5280, keys on
 * P-256), and provider keys. Nothing is stored on disk. Called when a simulator is started; each call makes new keys.
 */
import { Buffer } from 'node:buffer';
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { checkOptions, unchecked } from '../../base/options.js';
import type { Environment } from '../../push/address.js';
import { SEQUENCE } from '../../push/credentials/der.js';
import { bitString, der, derTime, objectId, octetString, SET, unsignedInteger, utf8String } from './der.js';

const dayMs = 24 * 3600 * 1000;
const defaultHosts = ['localhost', '127.0.0.1', '::1'];
const commonNameId = '2.5.4.3';
const userId = '0.9.2342.19200300.100.1.1';
/** Apple's extensions of a certificate for an environment, and of the topics that it lists. */
const environmentIds: Readonly<Record<Environment, string>> = {
  sandbox: '1.2.840.113635.100.6.3.1',
  production: '1.2.840.113635.100.6.3.2',
};
const topicsId = '1.2.840.113635.100.6.3.6';
const ecdsaWithSha256 = der(SEQUENCE, objectId('1.2.840.10045.4.3.2'));

/** Certificate and key, both PEM. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** The first and the last moment at which a certificate is valid. */
interface Validity {
  readonly from: Date;
  readonly to: Date;
}

/** What a client certificate is for. */
export interface ClientCertificateOptions {
  /** The topics that it lists in Apple's extension. Default: no such extension. */
  readonly topics?: readonly string[];
  /** Default: both. */
  readonly environments?: readonly Environment[];
}

/** A provider key in the form of Apple's developer pages, and its public half for a simulator. */
export interface ThrowAwayProviderKey {
  /** PKCS#8 PEM: the contents of the .p8 file. */
  readonly p8: string;
  readonly keyId: string;
  readonly teamId: string;
  readonly publicKey: string;
}

/**
 * An authority that nobody trusts unless told to. Valid for 90 days from yesterday, because senders warn about
 * certificates that end soon.
 */
export class ThrowAwayAuthority {
  readonly #key: KeyObject;
  readonly #keyIdentifier: Buffer;
  readonly #name: Buffer;
  readonly #validity: Validity;
  /** The authority's own certificate, PEM, for clients to trust. */
  readonly certificate: string;

  /** @param nowMs Wall time from which the validity is counted. */
  constructor(name = 'peal simulator', nowMs = Date.now()) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.#validity = { from: new Date(nowMs - dayMs), to: new Date(nowMs + 90 * dayMs) };
    // A unique name, so that the certificates of two simulators are not confused.
    this.#name = distinguishedName([[commonNameId, `${name} ${randomBytes(4).toString('hex')}`]]);
    this.#keyIdentifier = keyIdentifier(publicKey);
    const extensions = [
      extension('2.5.29.19', der(SEQUENCE, der(0x01, [0xff])), true), // basicConstraints: CA
      extension('2.5.29.15', bitString(Uint8Array.of(0x06), 1), true), // keyUsage: certificates and lists
      extension('2.5.29.14', octetString(this.#keyIdentifier)),
    ];
    this.certificate = this.#issue(this.#name, publicKey, extensions);
  }

  /**
   * Makes a server certificate.
   *
   * @param hosts Its names and addresses. Default localhost, 127.0.0.1 and ::1.
   * @param validity When it is valid. Default: as long as the authority.
   */
  issueServer(hosts: readonly string[] = defaultHosts, validity: Partial<Validity> = {}): CertificatePair {
    checkOptions({ name: 'issueServer' }, validity, { from: unchecked, to: unchecked });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const names = der(SEQUENCE, ...hosts.map(generalName));
    const extensions = [extension('2.5.29.17', names), ...this.#leafExtensions(publicKey, '1.3.6.1.5.5.7.3.1')];
    const subject = distinguishedName([[commonNameId, hosts[0] ?? 'localhost']]);
    return pair(this.#issue(subject, publicKey, extensions, { ...this.#validity, ...validity }), privateKey);
  }

  /**
   * Makes a client certificate as Apple issues them.
   *
   * @param topic Its bundle id (UID).
   * @param options Topics that it lists, and the environments that it is for.
   */
  issueClient(topic: string, options: ClientCertificateOptions = {}): CertificatePair {
    checkOptions({ name: 'issueClient' }, options, { topics: unchecked, environments: unchecked });
    const { topics = [], environments = ['sandbox', 'production'] } = options;
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const subject = distinguishedName([
      [userId, topic],
      [commonNameId, `Apple Push Services: ${topic}`],
    ]);
    const extensions = this.#leafExtensions(publicKey, '1.3.6.1.5.5.7.3.2');
    for (const name of environments) extensions.push(extension(environmentIds[name], Buffer.of(0x05, 0)));
    if (topics.length > 0) extensions.push(extension(topicsId, topicSequence(topics)));
    return pair(this.#issue(subject, publicKey, extensions), privateKey);
  }

  #leafExtensions(publicKey: KeyObject, usage: string): Buffer[] {
    return [
      extension('2.5.29.15', bitString(Uint8Array.of(0x80), 7), true), // keyUsage: signatures
      extension('2.5.29.37', der(SEQUENCE, objectId(usage))),
      extension('2.5.29.14', octetString(keyIdentifier(publicKey))),
      extension('2.5.29.35', der(SEQUENCE, der(0x80, this.#keyIdentifier))),
    ];
  }

  /** RFC 5280 §4.1, as PEM. */
  #issue(
    subject: Buffer,
    publicKey: KeyObject,
    extensions: readonly Buffer[],
    { from, to }: Validity = this.#validity,
  ): string {
    const toBeSigned = der(
      SEQUENCE,
      der(0xa0, der(0x02, [2])), // version 3
      unsignedInteger(randomBytes(16)),
      ecdsaWithSha256,
      this.#name,
      der(SEQUENCE, derTime(from), derTime(to)),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(SEQUENCE, ...extensions)),
    );
    return pem(
      'CERTIFICATE',
      der(SEQUENCE, toBeSigned, ecdsaWithSha256, bitString(sign('sha256', toBeSigned, this.#key))),
    );
  }
}

/** A key on P-256 with made-up ids, ten characters each. */
export function createThrowAwayProviderKey(keyId = 'SIMULATED1', teamId = 'SIMULATED2'): ThrowAwayProviderKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    p8: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    keyId,
    teamId,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
  };
}

function pair(cert: string, key: KeyObject): CertificatePair {
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }) as string };
}

/** Each topic, followed by what kind of topic it is, as in Apple's certificates. */
function topicSequence(topics: readonly string[]): Buffer {
  const kindOf = (topic: string): string => /\.(voip|complication)$/.exec(topic)?.[1] ?? 'app';
  return der(SEQUENCE, ...topics.flatMap((topic) => [utf8String(topic), der(SEQUENCE, utf8String(kindOf(topic)))]));
}

function distinguishedName(attributes: readonly (readonly [id: string, value: string])[]): Buffer {
  return der(SEQUENCE, ...attributes.map(([id, value]) => der(SET, der(SEQUENCE, objectId(id), utf8String(value)))));
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return der(SEQUENCE, objectId(id), isCritical ? der(0x01, [0xff]) : [], octetString(value));
}

/** A subjectAltName entry: a DNS name or an address. */
function generalName(host: string): Buffer {
  return isIP(host) === 0 ? der(0x82, Buffer.from(host)) : der(0x87, addressOctets(host));
}

function addressOctets(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number);
  const [head = '', tail = ''] = address.split('::');
  const before = groups(head);
  const after = groups(tail);
  const zeros = address.includes('::') ? new Array<number>(8 - before.length - after.length).fill(0) : [];
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}

function groups(text: string): number[] {
  return text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
}

/** SHA-1 over the key's bits (RFC 5280 §4.2.1.2). It names the key and protects nothing. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha1')
    .update(spki.subarray(spki.length - 65))
    .digest();
}

function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
