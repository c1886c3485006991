/**
 * Access tokens of Google: got by an assertion that the key of a service account signs (RFC 7523), or given by a
 * function of the program. A token is good for about an hour and is renewed five minutes early; a renewal that fails is
 * tried again while the old token lasts. Main thread; called by TokenKeeper, so that one token serves all threads. No
 * token, assertion or key gets into an error.
 *
 * Source: "Using OAuth 2.0 for server to server applications" (docs/fcm.md has the address).
 */
import { Buffer } from 'node:buffer';
import { hkdfSync, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import {
  accessTokenCheckMs,
  accessTokenEarlyMs,
  accessTokenRetryMs,
  assertionSeconds,
  maxAccessTokenCharacters,
  maxAccessTokenRequests,
  providerTokenMaxAgeMs,
} from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { option, theOption } from '../base/wording.js';
import { shownReason } from '../push/answer.js';
import { credentialError } from '../push/credentials/key-material.js';
import type { TokenOrigin } from '../push/credentials/token-origin.js';
import type { PostForm, TokenAnswer } from './token-endpoint.js';

/** What a service account is to send messages. */
const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Who signs, and for whom. */
interface Assertion {
  readonly clientEmail: string;
  /** Null where the file does not name it. */
  readonly keyId: string | null;
  readonly key: KeyObject;
  /** The URL of the endpoint, which is the audience of the assertion. */
  readonly tokenUrl: string;
}

/** Returns a JWT, signed with RS256 (RFC 7518 §3.3). */
function signedAssertion({ clientEmail, keyId, key, tokenUrl }: Assertion, wallMs: number): string {
  const issuedAt = Math.floor(wallMs / 1000);
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId !== null && { kid: keyId }) };
  const claims = { iss: clientEmail, scope, aud: tokenUrl, iat: issuedAt, exp: issuedAt + assertionSeconds };
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Access tokens of a service account. */
export class AccessTokenOrigin implements TokenOrigin {
  readonly waitsFor: string;
  readonly tokenName = 'access token';
  readonly #assertion: Assertion;
  readonly #post: PostForm;
  readonly #clock: Clock;
  readonly #host: string;
  #token: string | null = null;
  /** Both on the monotonic clock. */
  #renewAtMs = 0;
  #endsAtMs = 0;
  #hasFailed = false;
  /** From the fetch of the token to its renewal. */
  #spanMs = 0;

  constructor(assertion: Assertion, post: PostForm, clock: Clock) {
    this.#assertion = assertion;
    this.#post = post;
    this.#clock = clock;
    this.#host = new URL(assertion.tokenUrl).host;
    this.waitsFor = `${this.#host} does not answer: check the network, and HTTPS_PROXY if there is a proxy.`;
  }

  /** From a fetch to the next: until the token is to be renewed, or soon after a failure. */
  get askAgainMs(): number {
    return this.#hasFailed ? accessTokenCheckMs : this.#spanMs;
  }

  mayUse(token: string): boolean {
    return token !== this.#token || this.#clock.now() < this.#endsAtMs;
  }

  async fetch(expired: string | null, wallMs: number): Promise<string> {
    if (this.#token !== null && this.#token !== expired && this.#clock.now() < this.#renewAtMs) return this.#token;
    try {
      const { token, lifetimeMs } = await this.mint(wallMs);
      this.#token = token;
      this.#endsAtMs = this.#clock.now() + lifetimeMs;
      this.#spanMs = lifetimeMs - Math.min(accessTokenEarlyMs, lifetimeMs / 2);
      this.#renewAtMs = this.#clock.now() + this.#spanMs;
      this.#hasFailed = false;
      return token;
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  /**
   * Gets a new token, whatever is in hand.
   *
   * @internal for those who share tokens
   */
  async mint(wallMs: number): Promise<GivenToken> {
    const assertion = signedAssertion(this.#assertion, wallMs);
    const form = new URLSearchParams({ grant_type: grantType, assertion }).toString();
    for (let request = 1; ; request++) {
      const read = await this.#answered(form);
      if (!(read instanceof PealError)) return read;
      if (!read.retryable || request >= maxAccessTokenRequests) throw read;
      await new Promise<void>((resolve) => this.#clock.setTimer(resolve, accessTokenRetryMs));
    }
  }

  /**
   * A secret of 32 bytes that everybody has who has the private key (RFC 5869).
   *
   * @internal for those who share tokens
   */
  deriveKey(purpose: string): Uint8Array {
    const secret = this.#assertion.key.export({ type: 'pkcs8', format: 'der' });
    return new Uint8Array(hkdfSync('sha256', secret, '', purpose, derivedKeyBytes));
  }

  async #answered(form: string): Promise<GivenToken | PealError> {
    let answer: TokenAnswer;
    try {
      answer = await this.#post(form);
    } catch (error) {
      return unreachable(this.#host, error);
    }
    return readTokenAnswer(answer, this.#host, this.#assertion.clientEmail);
  }
}

const derivedKeyBytes = 32;

interface GivenToken {
  readonly token: string;
  readonly lifetimeMs: number;
}

/** What a token endpoint answers. Each member may be missing, or of another type. */
interface TokenBody {
  readonly access_token?: unknown;
  readonly expires_in?: unknown;
  readonly token_type?: unknown;
  readonly error?: unknown;
  readonly error_description?: unknown;
}

function readTokenAnswer({ status, body }: TokenAnswer, host: string, clientEmail: string): GivenToken | PealError {
  const read = parsed(body);
  if (status !== 200) return refusal(status, read, host, clientEmail);
  const token = tokenIn(read?.access_token);
  const isBearer = read?.token_type === undefined || /^bearer$/i.test(String(read.token_type));
  if (token === null || !isBearer) {
    return noToken(`${host} answers 200 without an access token: check ${option('tokenUrl', 'the option ')}.`);
  }
  const seconds = Number(read?.expires_in);
  const lifetimeMs = seconds > 0 ? Math.min(seconds * 1000, providerTokenMaxAgeMs) : providerTokenMaxAgeMs;
  return { token, lifetimeMs };
}

function parsed(body: string): TokenBody | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

/** Google's descriptions of `invalid_grant`, and of the client, each with what to do. */
const refusals: readonly (readonly [description: RegExp, advice: (clientEmail: string) => string])[] = [
  [
    /iat and exp|short-lived|reasonable timeframe/i,
    () => "Google finds the time of the request wrong: set this machine's clock, which may be minutes off.",
  ],
  [
    /signature/i,
    (email) =>
      `Google does not know this key of ${email}: it was deleted, or client_email and private_key do not belong ` +
      'together. Make a new key in the console.',
  ],
  [
    /not found|deleted/i,
    (email) => `Google does not know the service account ${email}: it was deleted, or client_email is misspelt.`,
  ],
  [/disabled/i, (email) => `The service account ${email} is disabled: enable it in the Google Cloud console.`],
];

function refusal(status: number, read: TokenBody | null, host: string, clientEmail: string): PealError {
  const error = typeof read?.error === 'string' ? read.error : '';
  const description = typeof read?.error_description === 'string' ? read.error_description : '';
  if (status === 429 || status >= 500) {
    return noToken(`${host} has too much to do or a fault of its own (${status}): try again later.`, true);
  }
  const known = refusals.find(([pattern]) => pattern.test(`${error.replaceAll('_', ' ')} ${description}`));
  if (known !== undefined) return noToken(known[1](escapeUnprintable(clientEmail, 100)));
  if (error === '') return noToken(`${host} answers ${status} and is no token endpoint: check its URL.`);
  if (error === 'invalid_scope') return noToken(`${host} does not give tokens for Firebase messaging (invalid_scope).`);
  const said = description === '' ? error : `${error}: ${description}`;
  return noToken(`${host} answers ${status} (${shownReason(said)}): check the service account in the console.`);
}

/** Codes of Node for a certificate that is not trusted. */
const untrusted = /CERT|SELF_SIGNED|UNABLE_TO|ISSUER|ERR_TLS/;

function unreachable(host: string, error: unknown): PealError {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const why = typeof code === 'string' ? escapeUnprintable(code, 60) : 'no reason given';
  if (untrusted.test(why)) {
    return noToken(
      `The certificate of ${host} is not trusted (${why}): check who answers there, or give its authority by ${option('ca', 'the option ')}.`,
    );
  }
  return noToken(`${host} cannot be reached (${why}): check the network, and HTTPS_PROXY if there is a proxy.`, true);
}

function noToken(why: string, retryable = false): PealError {
  return new PealError('ERR_PEAL_CREDENTIAL', `No access token is available. ${why}`, {
    origin: 'credential',
    retryable,
  });
}

/** Returns an access token without `Bearer` before it, or null for what is none. */
function tokenIn(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const token = value.trim().replace(/^bearer\s+/i, '');
  return token.length <= maxAccessTokenCharacters && /^[\x21-\x7e]+$/.test(token) ? token : null;
}

/** Returns an access token; also in the forms in which Google's own packages return one. */
export type AccessTokenFunction = () => AccessTokenResult | Promise<AccessTokenResult>;

type AccessTokenResult =
  | string
  | null
  | undefined
  | { readonly token?: string | null }
  | { readonly access_token?: string };

/** Access tokens from elsewhere: one as text, or a function that returns the one to use now. */
export class GivenAccessTokenOrigin implements TokenOrigin {
  readonly askAgainMs: number;
  readonly tokenName = 'access token';
  readonly #given: string | AccessTokenFunction;

  /** @throws PealError ERR_PEAL_CREDENTIAL for text that is no access token */
  constructor(given: string | AccessTokenFunction) {
    this.#given = typeof given === 'string' ? checkedToken(theOption('accessToken'), given) : given;
    this.askAgainMs = typeof given === 'string' ? Number.POSITIVE_INFINITY : accessTokenCheckMs;
  }

  async fetch(expired: string | null): Promise<string> {
    const given = this.#given;
    const token =
      typeof given === 'string'
        ? given
        : checkedToken(`What ${option('accessToken', 'the option ')} returned`, textOf(await given()));
    if (token !== expired) return token;
    throw credentialError('FCM calls the given access token expired, and no newer one was given: make a new one.');
  }
}

function textOf(result: AccessTokenResult): unknown {
  if (typeof result !== 'object' || result === null) return result;
  return 'access_token' in result ? result.access_token : (result as { readonly token?: unknown }).token;
}

/** Throws a sentence that begins with `name` and does not show `value`. */
function checkedToken(name: string, value: unknown): string {
  const token = tokenIn(value);
  if (token !== null) return token;
  const what = value === undefined || value === null || value === '' ? 'is empty' : 'is not an access token';
  throw credentialError(`${name} ${what}. Expected the text that Google gives as access_token.`);
}
