/**
 * Loads what a program authenticates with at FCM: the JSON file of a service account, or a function that returns access
 * tokens. Forgiving about what environment variables and secret stores do to the file, and clear about the other files
 * of Firebase that are given in its place. Main thread; reads files synchronously, once. No error quotes what was read.
 */
import { Buffer } from 'node:buffer';
import { createHash, createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.js';
import { type Logger, silentLogger } from '../base/log.js';
import { checkOptions, unchecked } from '../base/options.js';
import type { ProxyVariables } from '../base/proxy-environment.js';
import { escapeUnprintable } from '../base/text.js';
import { option, theOption } from '../base/wording.js';
import { Credential } from '../push/credentials/credential.js';
import {
  credentialError,
  type FileReference,
  type KeyMaterial,
  readMaterial,
} from '../push/credentials/key-material.js';
import { isCertificate, isEncryptedKey, isPrivateKey, pemBlocks, privateKeyOf } from '../push/credentials/pem.js';
import { type AccessTokenFunction, AccessTokenOrigin, GivenAccessTokenOrigin } from './access-token.js';
import { checkProject } from './address.js';
import { tokenEndpoint } from './token-endpoint.js';

/** The JSON file of a service account, as an object. */
export interface ServiceAccountKey {
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id?: string;
  readonly project_id?: string;
  readonly token_uri?: string;
}

export interface ServiceAccountOptions {
  /** The JSON file of a service account: `{ file }`, its text or bytes (also as base64), or the object in it. */
  readonly serviceAccount: ServiceAccountKey | KeyMaterial;
  /** The project to send for. Default: the one of the service account. */
  readonly project?: string;
  /** The URL that gives out access tokens. Default: the one in the file, which is Google's. */
  readonly tokenUrl?: string | URL;
  /** PEM certificates that this URL is trusted by instead of the system's. */
  readonly ca?: KeyMaterial;
}

/** Access tokens from elsewhere: workload identity, the metadata server, or a package of Google. */
export interface AccessTokenOptions {
  /**
   * A function that returns an access token, or one as text. The function is asked every 30 seconds while sends run,
   * and at once when FCM calls a token expired.
   */
  readonly accessToken: string | AccessTokenFunction;
  /** The project to send for. */
  readonly project: string;
}

export type FcmCredentialOptions = ServiceAccountOptions | AccessTokenOptions;

/** A loaded and checked credential, and the project that it sends for. */
export interface FcmCredential {
  readonly credential: Credential;
  readonly project: string;
}

interface AccountEnvironment {
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Gets a warning about a file that other users may read. Default: silent. */
  readonly log?: Logger;
  /** Variables that may name a proxy. Default: those of the process. */
  readonly environment?: ProxyVariables;
}

const googleTokenUrl = 'https://oauth2.googleapis.com/token';

/**
 * Loads and checks a credential of FCM. No request is made yet.
 *
 * @throws PealError ERR_PEAL_CREDENTIAL that says which option or file, what is wrong, and what to do; ERR_PEAL_OPTION
 *   for a
 * project that is missing
 */
export function loadServiceAccount(options: FcmCredentialOptions, environment: AccountEnvironment = {}): FcmCredential {
  checkOptions({ name: 'loadServiceAccount' }, environment, {
    clock: unchecked,
    log: unchecked,
    environment: unchecked,
  });
  const rules = {
    serviceAccount: unchecked,
    project: unchecked,
    tokenUrl: unchecked,
    ca: unchecked,
    accessToken: unchecked,
  };
  checkOptions({ name: 'The credential', code: 'ERR_PEAL_CREDENTIAL', hints }, options, rules);
  const given = options as Partial<ServiceAccountOptions & AccessTokenOptions>;
  if (given.accessToken !== undefined) return loadAccessToken(given);
  return loadKey(given, environment);
}

const hints = {
  key: 'write serviceAccount, with the JSON file of the service account.',
  credential: 'write serviceAccount.',
  projectid: 'write project.',
  token: 'write accessToken.',
};

/** A name for each function, because functions can only be compared. */
const functionNames = new WeakMap<AccessTokenFunction, string>();

function loadAccessToken(options: Partial<ServiceAccountOptions & AccessTokenOptions>): FcmCredential {
  const { accessToken, project } = options;
  const other = (['serviceAccount', 'tokenUrl', 'ca'] as const).find((name) => options[name] !== undefined);
  if (other !== undefined) {
    throw credentialError(`${theOption(other)} does not go with ${option('accessToken')}: leave one out.`);
  }
  if (typeof accessToken !== 'string' && typeof accessToken !== 'function') {
    throw credentialError(
      `${theOption('accessToken')} must be a function that returns an access token, or one as text.`,
    );
  }
  const tokenOrigin = new GivenAccessTokenOrigin(accessToken);
  const fingerprint = createHash('sha256').update(nameOf(accessToken)).digest('hex');
  return {
    credential: Credential.of({ data: { kind: 'token', fingerprint }, tokenOrigin }),
    project: checkProject(project),
  };
}

function nameOf(accessToken: string | AccessTokenFunction): string {
  if (typeof accessToken === 'string') return `access token ${accessToken}`;
  const name = functionNames.get(accessToken) ?? randomUUID();
  functionNames.set(accessToken, name);
  return `access token function ${name}`;
}

function loadKey(options: Partial<ServiceAccountOptions>, environment: AccountEnvironment): FcmCredential {
  const { clock = systemClock, log = silentLogger, environment: variables = process.env } = environment;
  const { fields, name } = readAccount(options.serviceAccount, log);
  const clientEmail = filled(fields, 'client_email', name);
  const key = readKey(filled(fields, 'private_key', name), name);
  const keyId = textIn(fields, 'private_key_id');
  const tokenUrl =
    options.tokenUrl === undefined
      ? checkUrl(textIn(fields, 'token_uri') ?? googleTokenUrl, `${name} has a token_uri, which`)
      : checkUrl(options.tokenUrl, theOption('tokenUrl'));
  const project =
    options.project === undefined
      ? checkProject(textIn(fields, 'project_id') ?? undefined, `${name} has a project_id, which`)
      : checkProject(options.project);
  const ca = options.ca === undefined ? null : readAuthorities(options.ca, log);
  const post = tokenEndpoint(tokenUrl, { ca, environment: variables, clock });
  const assertion = { clientEmail, keyId, key, tokenUrl: tokenUrl.href };
  const tokenOrigin = new AccessTokenOrigin(assertion, post, clock);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([clientEmail, keyId, tokenUrl.href]))
    .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
    .digest('hex');
  const parts = { data: { kind: 'token', fingerprint }, tokenOrigin } as const;
  return { credential: Credential.of(keyId === null ? parts : { ...parts, keyId }), project };
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of the file, and what sentences about it begin with. */
interface ReadAccount {
  readonly fields: Fields;
  readonly name: string;
}

function readAccount(given: unknown, log: Logger): ReadAccount {
  if (isFields(given) && !('file' in given) && !(given instanceof Uint8Array)) {
    return checkedAccount(given, theOption('serviceAccount'));
  }
  const path: unknown = isFields(given) ? given.file : null;
  if (typeof path === 'string' && looksLikeContent(path)) {
    throw credentialError(`${theOption('serviceAccount')} must name a file by its path, but holds what is in it.`);
  }
  const { bytes, name, option: optionName } = readMaterial('serviceAccount', given, log, true);
  const text = textOf(bytes);
  const value = parsedFile(text);
  if (isFields(value)) return checkedAccount(value, name);
  const problem = problemOfText(text.trim());
  const hint = optionName !== null && looksLikePath(text) ? '. To name a file, write { file: path }' : '';
  throw credentialError(`${name} ${problem}${hint}.`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** UTF-16 is recognised by its zero bytes. */
function textOf(bytes: Buffer): string {
  const text = bytes.includes(0) ? bytes.toString('latin1').replaceAll('\0', '') : bytes.toString('utf8');
  return text.replace(/^(?:\ufeff|\xff\xfe|\xfe\xff)/, '');
}

/**
 * The JSON in a text, undoing what variables do to it: quotes around it, base64 instead of it, line ends within its
 * strings. Null if there is none.
 */
function parsedFile(text: string, layers = 2): unknown {
  const bare = text.trim();
  const value =
    parsedJson(bare) ?? parsedJson(bare.replace(/^'(.*)'$/s, '$1')) ?? parsedJson(withEscapedLineEnds(bare));
  if (value !== null && typeof value !== 'string') return value;
  if (layers === 0) return null;
  if (typeof value === 'string') return parsedFile(value, layers - 1);
  const squeezed = bare.replace(/^["']|["']$|\s+/g, '');
  if (squeezed.length < 40 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(squeezed)) return null;
  return parsedFile(textOf(Buffer.from(squeezed, 'base64')), layers - 1);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A shell or an env file may turn `\n` into line ends, which JSON does not allow within strings. */
function withEscapedLineEnds(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/gs, (string) => string.replace(/\r?\n/g, '\\n'));
}

const whereToGet = 'make a key in the Firebase console, under Project settings, Service accounts';

/** Other files and settings of Firebase and Google, by what is in them; what follows the name of the file. */
const otherFiles: readonly (readonly [is: (fields: Fields) => boolean, problem: string])[] = [
  [
    ({ type }) => type === 'authorized_user',
    `is the login of a person, which gcloud keeps, not a service account: ${whereToGet}`,
  ],
  [
    ({ type }) => type === 'external_account' || type === 'external_account_authorized_user',
    'is a configuration of workload identity: in a program, give accessToken, a function that returns the token of ' +
      'google-auth-library',
  ],
  [
    ({ type }) => type === 'impersonated_service_account',
    'is a configuration of impersonation: in a program, give accessToken, a function that returns the token of ' +
      'google-auth-library',
  ],
  [
    (fields) => 'project_info' in fields && 'client' in fields,
    `is google-services.json, which belongs into an Android app: ${whereToGet}`,
  ],
  [
    (fields) => 'apiKey' in fields || 'messagingSenderId' in fields,
    `is the configuration of a web app, not a service account: ${whereToGet}`,
  ],
  [
    (fields) => 'installed' in fields || 'web' in fields,
    `is an OAuth client, with which people log in, not a service account: ${whereToGet}`,
  ],
];

function checkedAccount(fields: Fields, name: string): ReadAccount {
  const other = otherFiles.find(([is]) => is(fields));
  if (other !== undefined) throw credentialError(`${name} ${other[1]}.`);
  return { fields, name };
}

/** Why a text is not JSON of a service account. */
function problemOfText(text: string): string {
  if (text === '') return 'is empty: check that the environment variable it comes from is set';
  if (/^(?:undefined|null|None|nil)$/.test(text)) {
    return `is the word ${text}: check that the environment variable it comes from is set`;
  }
  if (/^(?:<\?xml|<!DOCTYPE plist|<plist|bplist)/.test(text)) {
    return `is GoogleService-Info.plist, which belongs into an iOS app: ${whereToGet}`;
  }
  if (text.startsWith('{')) return 'is not JSON: it may be cut off, so give the file as it was made';
  if (/-----\s*BEGIN/.test(text)) return 'is a key alone: give the whole JSON file of the service account';
  if (/^AAAA[\w-]{7}:APA91b/.test(text)) {
    return `is a server key of the legacy API, which Google has switched off: ${whereToGet}`;
  }
  if (/^AIza[\w-]{30,}$/.test(text)) return `is an API key, with which nobody can send: ${whereToGet}`;
  return 'is not the JSON file of a service account';
}

/** JSON, or base64 of it: sentences about the file would quote the key. */
function looksLikeContent(path: string): boolean {
  return /^\s*["']?\{/.test(path) || /^\s*["']?[A-Za-z0-9+/=_-]{200,}/.test(path);
}

function looksLikePath(text: string): boolean {
  return text.length < 1000 && /^\S[^\r\n]*$/.test(text) && (/^[./~]/.test(text) || /\.json\s*$/i.test(text));
}

/** Also by the names that Google's own packages accept: `clientEmail`. */
function textIn(fields: Fields, name: string): string | null {
  const camel = name.replace(/_(\w)/g, (_match, letter: string) => letter.toUpperCase());
  const value = fields[name] ?? fields[camel];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

function filled(fields: Fields, name: string, owner: string): string {
  const value = textIn(fields, name);
  if (value !== null) return value;
  throw credentialError(`${owner} has no ${name}: give the JSON file of the service account as it was made.`);
}

function readKey(text: string, owner: string): KeyObject {
  // Line ends may be escaped once more; the reader of PEM undoes that.
  const name = `${owner} has a private_key that is no key: it`;
  const blocks = pemBlocks({ bytes: Buffer.from(text), name, option: null }).filter(isPrivateKey);
  if (blocks.length !== 1) throw credentialError(`${owner} has a private_key without one private key: make a new key.`);
  if (isEncryptedKey(blocks[0]!)) {
    throw credentialError(`${owner} has an encrypted private_key, and Google gives it unencrypted: make a new key.`);
  }
  const key = privateKeyOf(blocks[0]!, null, owner);
  if (key.asymmetricKeyType === 'rsa') return key;
  throw credentialError(
    `${owner} has a private_key of the kind ${key.asymmetricKeyType}, and service accounts have RSA keys: make a new key.`,
  );
}

/**
 * Only this machine is spoken to without TLS: the assertion would be good for whoever reads it.
 *
 * @param subject what a sentence about it begins with
 */
function checkUrl(given: string | URL, subject: string): URL {
  const text = String(given);
  const url = URL.canParse(text) ? new URL(text) : null;
  const isHere = url?.protocol === 'http:' && /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url !== null && (url.protocol === 'https:' || isHere) && url.username === '' && url.password === '') return url;
  const shown = escapeUnprintable(text.replace(/^.*@/s, '…@'), 80);
  throw credentialError(`${subject} is "${shown}": give an https:// URL, without a user.`);
}

function readAuthorities(ca: KeyMaterial | FileReference, log: Logger): string {
  const material = readMaterial('ca', ca, log, false);
  const certificates = pemBlocks(material).filter(isCertificate);
  if (certificates.length > 0) return certificates.map(({ text }) => text).join('\n');
  throw credentialError(`${material.name} holds no certificate: give the PEM that has "BEGIN CERTIFICATE".`);
}
