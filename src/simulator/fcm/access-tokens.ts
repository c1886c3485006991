/**
 * The access tokens that a simulator has issued, and what the field `authorization` of a request is worth. One for all
 * connections and the token endpoint of a simulator, on its thread.
 */
import { createHash } from 'node:crypto';
import { maxIssuedAccessTokens } from '../../base/limits.js';
import { ACCEPTED_ANSWER } from '../settings/answers.js';
import { FCM_PERMISSION_DENIED, FCM_TOKEN_EXPIRED, FCM_UNAUTHENTICATED } from '../settings/fcm-answers.js';

/** An access token as the simulator remembers it. */
interface IssuedToken {
  readonly account: string;
  /** Whether its account may send, and its scope includes messaging. */
  readonly refusal: 'scope' | 'permission' | null;
  expiresAtMs: number;
}

/** What a credential earns. */
export interface CredentialVerdict {
  /** As answers.ts has it. */
  readonly answer: number;
  /** The reason in the ErrorInfo of a refusal; null without one. */
  readonly reason: string | null;
  /** The service account; null without a valid token. */
  readonly account: string | null;
  /** Wall time from which the verdict may differ. */
  readonly holdsUntilMs: number;
  /** In place of the message of the answer. */
  readonly message?: string;
}

const bearer = /^bearer +(\S+)$/i;
/**
 * Characters of a token before the dots, and with them: Google fills its tokens up, because it means to lengthen them.
 */
const drawnCharacters = 223;
const paddedCharacters = 1024;
const invalidMessage =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
  'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.';
const scopeMessage = 'Request had insufficient authentication scopes.';

export class IssuedTokens {
  readonly #seed: number;
  /** By the token without its dots; the oldest first. */
  readonly #tokens = new Map<string, IssuedToken>();
  /** Counts changes that no clock tells. */
  revision = 0;
  issued = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Returns a new token. @param refusal Why requests with it are refused nevertheless; null: they are not. */
  issue(account: string, expiresAtMs: number, refusal: IssuedToken['refusal'] = null): string {
    const token = `ya29.c.${this.#draw()}`;
    if (this.#tokens.size >= maxIssuedAccessTokens) this.#tokens.delete(this.#tokens.keys().next().value!);
    this.#tokens.set(token, { account, expiresAtMs, refusal });
    this.issued++;
    return token.padEnd(paddedCharacters, '.');
  }

  /** Makes every token so far count as expired. */
  expireAll(): void {
    for (const token of this.#tokens.values()) token.expiresAtMs = Number.NEGATIVE_INFINITY;
    this.revision++;
  }

  /** @param authorization The whole field, or null without one. */
  check(authorization: string | null, wallMs: number): CredentialVerdict {
    const always = { account: null, holdsUntilMs: Number.POSITIVE_INFINITY };
    const [, given] = bearer.exec(authorization ?? '') ?? [];
    if (given === undefined) return { ...always, answer: FCM_UNAUTHENTICATED, reason: 'CREDENTIALS_MISSING' };
    const token = this.#tokens.get(given.replace(/\.+$/, ''));
    if (token === undefined) {
      const reason = 'ACCESS_TOKEN_TYPE_UNSUPPORTED';
      return { ...always, answer: FCM_UNAUTHENTICATED, reason, message: invalidMessage };
    }
    const { account, expiresAtMs, refusal } = token;
    if (wallMs >= expiresAtMs) return { ...always, answer: FCM_TOKEN_EXPIRED, reason: 'ACCESS_TOKEN_EXPIRED' };
    const valid = { account, holdsUntilMs: expiresAtMs };
    if (refusal === 'permission') return { ...valid, answer: FCM_PERMISSION_DENIED, reason: 'IAM_PERMISSION_DENIED' };
    if (refusal === 'scope') {
      const reason = 'ACCESS_TOKEN_SCOPE_INSUFFICIENT';
      return { ...valid, answer: FCM_PERMISSION_DENIED, reason, message: scopeMessage };
    }
    return { ...valid, answer: ACCEPTED_ANSWER, reason: null };
  }

  /** Characters by the seed, so that a run repeats exactly. */
  #draw(): string {
    let text = '';
    for (let part = 0; text.length < drawnCharacters; part++) {
      text += createHash('sha512').update(`access token ${this.#seed} ${this.issued} ${part}`).digest('base64url');
    }
    return text.slice(0, drawnCharacters);
  }
}
