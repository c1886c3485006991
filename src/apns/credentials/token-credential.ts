/**
 * Loads the source of provider tokens: the .p8 file that Apple issues once, with its key id and team id; a hook that
 * signs with a key kept elsewhere; or tokens from elsewhere. Main thread, once for each credential.
 */
import { createHash, createPublicKey, KeyObject, randomUUID, sign as signWith } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../../base/log.js';
import { theOption } from '../../base/wording.js';
import { Credential } from '../../push/credentials/credential.js';
import {
  credentialError,
  type FileReference,
  type KeyMaterial,
  readMaterial,
  readPassphrase,
} from '../../push/credentials/key-material.js';
import { isPrivateKey, pemBlocks, privateKeyOf } from '../../push/credentials/pem.js';
import type { SignHook, TokenNames, TokenSigner } from '../../push/credentials/token-origin.js';
import { checkedToken, GivenOrigin, type ProviderTokenFunction } from './given-origin.js';
import { isSignedBy, readProviderToken } from './jwt.js';
import { TokenFile } from './provider-token-file.js';
import { SignedOrigin, signerOf } from './signed-origin.js';

interface SharedOptions {
  /** The key's id, 10 characters. It is part of the name of the file that Apple issues (AuthKey_KEYID.p8). */
  readonly keyId: string;
  /** The team's id, 10 characters, from the membership page of the developer account. */
  readonly teamId: string;
  /**
   * A file that keeps the provider token, for processes that share the key: all of them use the token in it, and one of
   * them renews it. The file is created if it is missing, readable by its owner only; its directory has to be
   * writable. Default: each process makes its own tokens, of which APNs allows only a few
   * (TooManyProviderTokenUpdates).
   */
  readonly providerTokenFile?: string | URL;
}

/** A provider-token key (.p8). */
export interface ProviderKeyOptions extends SharedOptions {
  readonly key: KeyMaterial | KeyObject;
  /** Only for a key that was encrypted after it was downloaded; Apple's files are not encrypted. */
  readonly passphrase?: string | FileReference;
}

/** A provider-token key that never leaves a key service or a hardware module. */
export interface SigningHookOptions extends SharedOptions {
  /**
   * Signs with ES256: ECDSA on P-256 over the SHA-256 of `data`, which holds the bytes to be hashed. Returns r and s
   * side by side (64 bytes), or DER. Called about once in 50 minutes; it may take 30 seconds.
   */
  readonly sign: SignHook;
  /**
   * The public half of the key, as PEM or KeyObject. Each signature is checked with it. Default: signatures are not
   * checked.
   */
  readonly publicKey?: KeyMaterial | KeyObject;
}

/** Provider tokens from elsewhere. */
export interface GivenTokenOptions {
  /**
   * A JWT, a function that returns the one to use now, or a file that holds it. Functions and files are read every 30
   * seconds while sends run, and at once when APNs calls a token expired. They have to give the same token for at
   * least 20 minutes.
   */
  readonly providerToken: string | ProviderTokenFunction | FileReference;
}

const idPattern = /^[A-Z0-9]{10}$/;

/** Throws ERR_PEAL_CREDENTIAL with one sentence that says which option or file, what is wrong, and what to do. */
export function loadProviderKey(options: ProviderKeyOptions, log: Logger): Credential {
  const names = checkNames(options);
  const signingKey = readSigningKey(options, log);
  const publicKey = createPublicKey(signingKey);
  const file = tokenFileOf(options.providerTokenFile, names, publicKey, log);
  const fingerprint = fingerprintOf(names, publicKey, options.providerTokenFile);
  const parts = { data: { kind: 'token', fingerprint }, signingKey, ...names } as const;
  if (file === null) return Credential.of(parts);
  const sign: TokenSigner = async (data) => signWith('sha256', data, { key: signingKey, dsaEncoding: 'ieee-p1363' });
  return Credential.of({ ...parts, tokenOrigin: new SignedOrigin({ ...names, sign }, file) });
}

/** Throws like {@link loadProviderKey}. Does not call the hook yet. */
export function loadSigningHook(options: SigningHookOptions, log: Logger): Credential {
  const names = checkNames(options);
  if (typeof options.sign !== 'function')
    throw credentialError(`${theOption('sign')} must be a function that signs bytes.`);
  const publicKey = options.publicKey === undefined ? null : readPublicKey(options.publicKey, log);
  const sign = signerOf(options.sign, publicKey, names);
  const file = tokenFileOf(options.providerTokenFile, names, publicKey, log);
  const fingerprint = fingerprintOf(names, publicKey, options.providerTokenFile, 'hook');
  const tokenOrigin = new SignedOrigin({ ...names, sign }, file);
  return Credential.of({ data: { kind: 'token', fingerprint }, ...names, tokenOrigin });
}

/** A name for each function, because functions can only be compared. */
const functionNames = new WeakMap<ProviderTokenFunction, string>();

/** Throws like {@link loadProviderKey}. Does not call the function or read the file yet. */
export function loadGivenToken({ providerToken }: GivenTokenOptions, log: Logger): Credential {
  if (typeof providerToken === 'string') {
    const token = checkedToken(theOption('providerToken'), providerToken);
    const { keyId, teamId } = readProviderToken(token)!;
    return given(`token ${token}`, new GivenOrigin(token), { keyId, teamId });
  }
  if (typeof providerToken === 'function') {
    const name = functionNames.get(providerToken) ?? randomUUID();
    functionNames.set(providerToken, name);
    return given(`function ${name}`, new GivenOrigin(providerToken), {});
  }
  const file = (providerToken as FileReference | null)?.file;
  if (file === undefined) {
    throw credentialError(
      `${theOption('providerToken')} must be a JWT, a function that returns one, or { file: path }.`,
    );
  }
  const where = pathOf(file, 'providerToken');
  const origin = new GivenOrigin(new TokenFile({ path: where, names: null, isOurs: () => true, log }));
  return given(`file ${where}`, origin, {});
}

function given(name: string, tokenOrigin: GivenOrigin, names: Partial<TokenNames>): Credential {
  const fingerprint = createHash('sha256').update(name).digest('hex');
  return Credential.of({ data: { kind: 'token', fingerprint }, ...names, tokenOrigin });
}

function tokenFileOf(
  file: string | URL | undefined,
  names: TokenNames,
  publicKey: KeyObject | null,
  log: Logger,
): TokenFile | null {
  if (file === undefined) return null;
  const isOurs = (token: string): boolean => publicKey === null || isSignedBy(token, publicKey);
  return new TokenFile({ path: pathOf(file, 'providerTokenFile'), names, isOurs, log });
}

function pathOf(file: unknown, option: string): string {
  if (file instanceof URL && file.protocol === 'file:') return fileURLToPath(file);
  if (typeof file === 'string' && file !== '' && readProviderToken(file) === null) return path.resolve(file);
  throw credentialError(`${theOption(option)} must name a file by its path.`);
}

function fingerprintOf(
  { keyId, teamId }: TokenNames,
  publicKey: KeyObject | null,
  file: string | URL | undefined,
  kind = '',
): string {
  const hash = createHash('sha256').update(`${teamId}.${keyId}.`);
  if (publicKey !== null) hash.update(publicKey.export({ type: 'spki', format: 'der' }));
  if (file !== undefined) hash.update(`file ${pathOf(file, 'providerTokenFile')}`);
  return hash.update(kind).digest('hex');
}

function readPublicKey(value: KeyMaterial | KeyObject, log: Logger): KeyObject {
  const name = value instanceof KeyObject ? theOption('publicKey') : readMaterial('publicKey', value, log, false).name;
  let key: KeyObject;
  try {
    if (value instanceof KeyObject) {
      key = value.type === 'private' ? createPublicKey(value) : value;
    } else {
      key = createPublicKey(pemBlocks(readMaterial('publicKey', value, log, false))[0]!.text);
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'PealError') throw error;
    throw credentialError(`${name} holds no public key: give the PEM that has "BEGIN PUBLIC KEY".`);
  }
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  throw credentialError(`${name} is not a key on EC P-256, which provider tokens need.`);
}

function checkNames({ keyId, teamId }: SharedOptions): TokenNames {
  return { keyId: checkId('keyId', keyId), teamId: checkId('teamId', teamId) };
}

function readSigningKey(options: ProviderKeyOptions, log: Logger): KeyObject {
  if (options.key instanceof KeyObject) return checkSigningKey(options.key, theOption('key'));
  const material = readMaterial('key', options.key, log, true);
  const blocks = pemBlocks(material);
  const pems = blocks.filter(isPrivateKey);
  if (pems.length === 0) {
    throw credentialError(
      `${material.name} holds ${article(blocks[0]!.label)}, not a private key: give the .p8 file from Apple.`,
    );
  }
  const passphrase = readPassphrase(options.passphrase, log);
  const keys = pems.map((pem) => checkSigningKey(privateKeyOf(pem, passphrase, material.name), material.name));
  if (!keys.every((key) => key.equals(keys[0]!))) {
    throw credentialError(`${material.name} holds ${keys.length} private keys: keep only the one of the key id.`);
  }
  return keys[0]!;
}

function checkSigningKey(key: KeyObject, name: string): KeyObject {
  if (key.type !== 'private') {
    throw credentialError(`${name} is a ${key.type} key: provider tokens are signed with the private key.`);
  }
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== 'ec' || curve !== 'prime256v1') {
    const kind = curve === undefined ? key.asymmetricKeyType : `EC ${curve}`;
    throw credentialError(
      `${name} is a key of the kind ${kind}, but provider tokens need EC P-256: give the .p8 file from Apple.`,
    );
  }
  return key;
}

/** Blanks and quotes around an id come from environment variables and are removed. */
function checkId(option: 'keyId' | 'teamId', value: unknown): string {
  const id = typeof value === 'string' ? value.replace(/^[\s"'\ufeff]+|[\s"']+$/g, '') : '';
  if (idPattern.test(id)) return id;
  const where =
    option === 'keyId'
      ? 'in the name of its file, AuthKey_KEYID.p8'
      : 'on the membership page of the developer account';
  throw credentialError(`${theOption(option)} must be 10 characters of A–Z and 0–9: they stand ${where}.`);
}

function article(label: string): string {
  const words = label.toLowerCase();
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}
