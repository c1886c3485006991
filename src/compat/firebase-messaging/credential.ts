/**
 * The credentials of firebase-admin: a service account, or a function that gives access tokens. Made by programs, read
 * by messaging. Main thread; reads files synchronously. No error quotes what was read.
 */
import { readFileSync } from 'node:fs';
import { PealError } from '../../base/errors.js';
import { type FcmCredentialOptions, loadServiceAccount, type ServiceAccountKey } from '../../fcm/service-account.js';
import type { KeyMaterial } from '../../push/credentials/key-material.js';
import type { TokenOrigin } from '../../push/credentials/token-origin.js';
import { AppErrorCodes, FirebaseAppError } from './errors.js';

/** An access token of Google. */
export interface GoogleOAuthAccessToken {
  access_token: string;
  /** In seconds. */
  expires_in: number;
}

interface Credential {
  getAccessToken(): Promise<GoogleOAuthAccessToken>;
}

/** What is needed of the file of a service account. Its own names, such as `private_key`, are taken as well. */
export interface ServiceAccount {
  projectId?: string;
  clientEmail?: string;
  privateKey?: string;
}

/** What `cert` returns. Shows its key neither to `console.log` nor to `JSON.stringify`. */
class ServiceAccountCredential implements Credential {
  readonly projectId: string;
  readonly clientEmail: string;
  readonly account: () => ServiceAccountKey;
  #origin: TokenOrigin | null = null;

  constructor(given: unknown) {
    if (typeof given !== 'object' || given === null) throw invalidCredential('Service account must be an object.');
    const fields = given as Readonly<Record<string, unknown>>;
    const text = (camel: string, name: string): string => {
      const value = fields[camel] || fields[name];
      if (typeof value === 'string' && value !== '') return value;
      throw invalidCredential(`Service account object must contain a string "${name}" property.`);
    };
    this.projectId = text('projectId', 'project_id');
    const private_key = text('privateKey', 'private_key');
    this.clientEmail = text('clientEmail', 'client_email');
    const account = { ...fields, private_key, project_id: this.projectId, client_email: this.clientEmail };
    // A function, so that nothing shows the key.
    this.account = () => account;
    try {
      loadServiceAccount({ serviceAccount: account });
    } catch (error) {
      throw invalidCredential(`Failed to parse private key: ${messageOf(error)}`, error);
    }
  }

  get privateKey(): string {
    return this.account().private_key;
  }

  /** `expires_in`: until the token is to be renewed. */
  async getAccessToken(): Promise<GoogleOAuthAccessToken> {
    this.#origin ??= loadServiceAccount({ serviceAccount: this.account() }).credential.tokenOrigin!;
    const token = await this.#origin.fetch(null, Date.now());
    return { access_token: token, expires_in: Math.floor(this.#origin.askAgainMs / 1000) };
  }
}

/** The service account that the environment names, read when it is needed. */
class ApplicationDefaultCredential implements Credential {
  #found: ServiceAccountCredential | null = null;

  /** @throws FirebaseAppError app/invalid-credential */
  found(): ServiceAccountCredential {
    const { GOOGLE_APPLICATION_CREDENTIALS: path = '' } = process.env;
    if (path === '') throw invalidCredential(noDefault);
    this.#found ??= fromFile(path);
    return this.#found;
  }

  async getAccessToken(): Promise<GoogleOAuthAccessToken> {
    return this.found().getAccessToken();
  }
}

const noDefault =
  'No service account was found: set GOOGLE_APPLICATION_CREDENTIALS to the path of its JSON file, give credential: ' +
  'cert(…), or give credential: { getAccessToken }, a function that returns the token of google-auth-library.';

function fromFile(path: string): ServiceAccountCredential {
  let account: unknown;
  try {
    account = JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    // The fault of a parser may quote the file.
    const problem = error instanceof SyntaxError ? 'it is not JSON.' : messageOf(error);
    throw invalidCredential(`Failed to parse service account json file: ${problem}`);
  }
  try {
    return new ServiceAccountCredential(account);
  } catch (error) {
    throw invalidCredential(`Failed to parse service account json file: ${messageOf(error)}`, error);
  }
}

/**
 * A service account: the path of its JSON file, or the object in it. `token_uri` is where access tokens are got.
 *
 * @param _httpAgent has no effect: proxies are those of HTTPS_PROXY
 * @throws FirebaseAppError app/invalid-credential
 */
export function cert(serviceAccountPathOrObject: string | ServiceAccount, _httpAgent?: object): Credential {
  if (typeof serviceAccountPathOrObject === 'string') return fromFile(serviceAccountPathOrObject);
  return new ServiceAccountCredential(serviceAccountPathOrObject);
}

/** The service account in the file that the variable GOOGLE_APPLICATION_CREDENTIALS names; read with the first send. */
export function applicationDefault(_httpAgent?: object): Credential {
  return new ApplicationDefaultCredential();
}

/** @throws FirebaseAppError app/invalid-credential: persons do not send through FCM */
export function refreshToken(_refreshTokenPathOrObject: string | object, _httpAgent?: object): never {
  throw invalidCredential(
    'The login of a person is not taken: give cert(…), the JSON file of a service account, or { getAccessToken }.',
  );
}

/**
 * The project to send for: the given one, or the one that the credential or the environment names; null if none does.
 */
export function projectOf(credential: Credential, given: string | undefined): string | null {
  const { GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT } = process.env;
  const own = credential instanceof ServiceAccountCredential ? credential.projectId : undefined;
  const named = given || own || GOOGLE_CLOUD_PROJECT || GCLOUD_PROJECT;
  if (named !== undefined && named !== '') return named;
  return credential instanceof ApplicationDefaultCredential ? credential.found().projectId : null;
}

/** What a session takes. `ca`: certificates that the endpoint of access tokens is trusted by, too. */
export function sessionCredential(credential: Credential, project: string, ca?: KeyMaterial): FcmCredentialOptions {
  const own = credential instanceof ApplicationDefaultCredential ? credential.found() : credential;
  if (own instanceof ServiceAccountCredential) {
    return { serviceAccount: own.account(), project, ...(ca !== undefined && { ca }) };
  }
  return { accessToken: tokensOf(own), project };
}

/** A token is renewed so long before its end, as firebase-admin does. */
const renewedEarlyMs = 5 * 60_000;

/** A session asks often; the program's function is asked when its token is about to end. */
function tokensOf(credential: Credential): () => Promise<string> {
  let token: string | null = null;
  let renewAtMs = 0;
  return async () => {
    if (token !== null && performance.now() < renewAtMs) return token;
    const { access_token, expires_in } = await tokenOf(credential);
    token = access_token;
    renewAtMs = performance.now() + expires_in * 1000 - renewedEarlyMs;
    return token;
  };
}

/** @throws PealError ERR_PEAL_CREDENTIAL with what the program's function threw */
async function tokenOf(credential: Credential): Promise<GoogleOAuthAccessToken> {
  try {
    const given: unknown = await credential.getAccessToken();
    const { access_token, expires_in } = (given ?? {}) as Partial<GoogleOAuthAccessToken>;
    if (typeof access_token === 'string' && typeof expires_in === 'number') return { access_token, expires_in };
    throw new TypeError(
      'Invalid access token generated. Valid access tokens must be an object with the "expires_in" (number) and ' +
        '"access_token" (string) properties.',
    );
  } catch (error) {
    const message =
      'Credential implementation provided to initializeApp() via the "credential" property failed to fetch a valid Google ' +
      `OAuth2 access token with the following error: "${messageOf(error)}".`;
    throw new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential', retryable: true, cause: error });
  }
}

function invalidCredential(message: string, cause?: unknown): FirebaseAppError {
  return new FirebaseAppError(AppErrorCodes.INVALID_CREDENTIAL, message, cause === undefined ? {} : { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export type { Credential as FirebaseCredential };
