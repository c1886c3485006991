/**
 * The endpoint that trades the signed assertion of a service account for an access token (OAuth 2.0 for server to
 * server applications), without I/O. One for a simulator, on its thread; token-server puts it behind HTTP.
 *
 * Sources: RFC 7523; "Using OAuth 2.0 for Server to Server Applications"; error texts as people have published them.
 */
import { Buffer } from 'node:buffer';
import { verify } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import type { IssuedTokens } from './access-tokens.js';
import type { KnownAccount, ServiceAccounts } from './service-accounts.js';

/** An answer of the endpoint. */
interface TokenAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** What the endpoint has done. */
export interface TokenCounts {
  readonly requests: number;
  /** Access tokens that it has given out. */
  readonly minted: number;
  readonly refused: number;
  /** Refusals by their `error`. */
  readonly errors: Readonly<Record<string, number>>;
}

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Google's own address, which clients may name whatever endpoint they ask. */
const googleAudience = 'https://oauth2.googleapis.com/token';
const sendingScopes = new Set([
  'https://www.googleapis.com/auth/firebase.messaging',
  'https://www.googleapis.com/auth/cloud-platform',
]);
const scopeForm = /^https:\/\/www\.googleapis\.com\/auth\/[\w.-]+$/;
const longestLifeS = 3600;
const skewS = 300;
const timesText =
  'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp ' +
  'values in the JWT claim.';

/** Why an assertion is refused. */
class Refusal extends Error {
  constructor(
    readonly error: string,
    description: string,
    readonly status = 400,
  ) {
    super(description);
  }
}

export class TokenEndpoint {
  readonly #accounts: ServiceAccounts;
  readonly #tokens: IssuedTokens;
  readonly #clock: Clock;
  readonly #lifeS: number;
  /** Addresses that assertions may be for. */
  readonly #audiences = new Set([googleAudience]);
  /** Answers that were asked for, in order. */
  readonly #planned: TokenAnswer[] = [];
  #requests = 0;
  #minted = 0;
  readonly #errors = new Map<string, number>();

  /** @param lifeS Of the tokens. */
  constructor(accounts: ServiceAccounts, tokens: IssuedTokens, clock: Clock, lifeS: number) {
    this.#accounts = accounts;
    this.#tokens = tokens;
    this.#clock = clock;
    this.#lifeS = lifeS;
  }

  /** Assertions may name this address, too. */
  addAudience(url: string): void {
    this.#audiences.add(url);
  }

  /** The next `times` requests get this answer, whatever they are. */
  plan(answer: TokenAnswer, times: number): void {
    for (let i = 0; i < times; i++) this.#planned.push(answer);
  }

  /** @param form The body of `POST /token`, as `application/x-www-form-urlencoded`. */
  answer(form: string): TokenAnswer {
    this.#requests++;
    const planned = this.#planned.shift();
    if (planned !== undefined) {
      this.#count(`HTTP ${planned.status}`);
      return planned;
    }
    try {
      const token = this.#mint(new URLSearchParams(form));
      this.#minted++;
      const body = { access_token: token, expires_in: this.#lifeS, token_type: 'Bearer' };
      return { status: 200, body: JSON.stringify(body) };
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.#count(refusal.error);
      const body = { error: refusal.error, error_description: refusal.message };
      return { status: refusal.status, body: JSON.stringify(body) };
    }
  }

  counts(): TokenCounts {
    const [requests, minted] = [this.#requests, this.#minted];
    return { requests, minted, refused: requests - minted, errors: Object.fromEntries(this.#errors) };
  }

  reset(): void {
    this.#requests = 0;
    this.#minted = 0;
    this.#errors.clear();
  }

  #count(error: string): void {
    this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1);
  }

  #mint(form: URLSearchParams): string {
    const given = form.get('grant_type');
    if (given === null) throw new Refusal('invalid_request', 'Required parameter is missing: grant_type');
    if (given !== grant) throw new Refusal('unsupported_grant_type', `Invalid grant_type: ${given.slice(0, 100)}`);
    const assertion = form.get('assertion');
    if (assertion === null) throw new Refusal('invalid_request', 'Required parameter is missing: assertion');
    const { claims, header, signature, signed } = parse(assertion);
    if (header.alg !== 'RS256') throw new Refusal('invalid_grant', 'Invalid JWT Signature.');
    const account = this.#accountOf(claims.iss);
    const isKeysName = header.kid === undefined || account.keyId === null || header.kid === account.keyId;
    if (!isKeysName || !verify('sha256', Buffer.from(signed), account.key, signature)) {
      throw new Refusal('invalid_grant', 'Invalid JWT Signature.');
    }
    this.#checkTimes(claims);
    if (!this.#audiences.has(String(claims.aud))) {
      throw new Refusal('invalid_grant', `Invalid JWT: Failed audience check. The right audience is ${googleAudience}`);
    }
    const scopes = String(claims.scope ?? '').split(' ');
    if (scopes.every((scope) => scope === '')) {
      throw new Refusal('invalid_scope', 'Empty or missing scope not allowed.');
    }
    if (!scopes.every((scope) => scopeForm.test(scope))) {
      throw new Refusal('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
    }
    const mayPush = scopes.some((scope) => sendingScopes.has(scope));
    const refusal = account.state === 'denied' ? 'permission' : mayPush ? null : 'scope';
    return this.#tokens.issue(account.email, this.#clock.wallMs() + this.#lifeS * 1000, refusal);
  }

  #accountOf(email: unknown): KnownAccount {
    const account = typeof email === 'string' ? this.#accounts.find(email) : null;
    if (account === null) throw new Refusal('invalid_grant', 'Invalid grant: account not found');
    if (account.state === 'disabled') throw new Refusal('invalid_grant', 'Robot is disabled.');
    if (account.state === 'deleted') throw new Refusal('deleted_client', 'The OAuth client was deleted.', 401);
    return account;
  }

  #checkTimes({ exp, iat }: Record<string, unknown>): void {
    const nowS = this.#clock.wallMs() / 1000;
    const isShort = typeof exp === 'number' && typeof iat === 'number' && exp > iat && exp - iat <= longestLifeS;
    if (!isShort || iat > nowS + skewS || exp < nowS - skewS) throw new Refusal('invalid_grant', timesText);
  }
}

interface Assertion {
  readonly header: Record<string, unknown>;
  readonly claims: Record<string, unknown>;
  readonly signed: string;
  readonly signature: Buffer;
}

function parse(assertion: string): Assertion {
  const [header = '', claims = '', signature = '', ...more] = assertion.split('.');
  try {
    if (more.length > 0) throw new SyntaxError('more than three parts');
    return {
      header: objectIn(header),
      claims: objectIn(claims),
      signed: `${header}.${claims}`,
      signature: Buffer.from(signature, 'base64url'),
    };
  } catch {
    throw new Refusal('invalid_grant', 'Bad Request');
  }
}

function objectIn(part: string): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  if (typeof value !== 'object' || value === null) throw new SyntaxError('no object');
  return value as Record<string, unknown>;
}
