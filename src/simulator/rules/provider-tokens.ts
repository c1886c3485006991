/**
 * Checks the `authorization` of requests as APNs does: form, key, signature and age of the provider token. One for all
 * connections of a simulator, on its thread; each distinct token is verified once and remembered.
 *
 * Source: "Establishing a token-based connection to APNs".
 */

import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { PealError } from '../../base/errors.js';
import { maxRememberedProviderTokens, providerTokenMaxAgeMs, providerTokenMaxSkewMs } from '../../base/limits.js';
import type { Environment } from '../../push/address.js';
import { ACCEPTED_ANSWER, EXPIRED_PROVIDER_TOKEN, INVALID_PROVIDER_TOKEN } from '../settings/answers.js';
import type { AcceptedProviderKey } from '../settings/options.js';

/** The result of checking one provider token. */
export interface CheckedToken {
  /** `ACCEPTED_ANSWER` or `INVALID_PROVIDER_TOKEN`. Its age is checked separately (`answerAt`). */
  readonly answer: number;
  readonly keyId: string;
  readonly teamId: string;
  readonly issuedAtMs: number;
  /** Whether a scenario has called it expired. */
  isExpired: boolean;
  /** What its key is for; null where keys are not checked. */
  readonly scope: KeyScope | null;
}

/** What a provider key is for. */
export interface KeyScope {
  /** Bundle ids; null: every one. */
  readonly topics: ReadonlySet<string> | null;
  /** Null: both. */
  readonly environment: Environment | null;
  /** Names of the keys whose tokens the same connection may show. */
  readonly related: ReadonlySet<string>;
}

interface KnownKey {
  readonly key: KeyObject;
  readonly scope: KeyScope;
}

interface Parts {
  readonly keyId: string;
  readonly teamId: string;
  readonly issuedAtMs: number;
  readonly signed: string;
  readonly signature: Buffer;
}

const name = /^[A-Z0-9]{10}$/;
const bearer = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i;
const invalid: CheckedToken = Object.freeze({
  answer: INVALID_PROVIDER_TOKEN,
  keyId: '',
  teamId: '',
  issuedAtMs: Number.POSITIVE_INFINITY,
  isExpired: false,
  scope: null,
});

export class ProviderTokens {
  readonly #keys: ReadonlyMap<string, KnownKey> | null;
  readonly #checked = new Map<string, CheckedToken>();

  /**
   * @param keys Keys that are accepted; null for any well-formed token.
   * @throws PealError `ERR_PEAL_CREDENTIAL` for a key that is not on curve P-256
   */
  constructor(keys: readonly AcceptedProviderKey[] | null) {
    this.#keys = keys === null ? null : new Map(keys.map((key) => [nameOf(key), knownKey(key, keys)]));
  }

  /** @param authorization The whole field, `bearer <jwt>`. */
  check(authorization: string): CheckedToken {
    const known = this.#checked.get(authorization);
    if (known !== undefined) return known;
    const checked = this.#verify(authorization);
    // Bounded: with thousands of tokens, the oldest are verified again.
    if (this.#checked.size >= maxRememberedProviderTokens) this.#checked.clear();
    this.#checked.set(authorization, checked);
    return checked;
  }

  /** Makes every valid provider token seen so far count as expired. */
  expireAll(): void {
    for (const token of this.#checked.values()) if (token.answer === ACCEPTED_ANSWER) token.isExpired = true;
  }

  /** Returns the answer that a token earns now. */
  answerAt(token: CheckedToken, wallMs: number): number {
    if (token.answer !== ACCEPTED_ANSWER) return token.answer;
    if (token.isExpired) return EXPIRED_PROVIDER_TOKEN;
    if (wallMs - token.issuedAtMs >= providerTokenMaxAgeMs) return EXPIRED_PROVIDER_TOKEN;
    return token.issuedAtMs - wallMs > providerTokenMaxSkewMs ? INVALID_PROVIDER_TOKEN : ACCEPTED_ANSWER;
  }

  /** Returns when that answer may change. */
  answerHoldsUntil(token: CheckedToken, wallMs: number): number {
    if (token.answer !== ACCEPTED_ANSWER) return Number.POSITIVE_INFINITY;
    const tooNewUntil = token.issuedAtMs - providerTokenMaxSkewMs;
    if (wallMs < tooNewUntil) return tooNewUntil;
    const expiry = token.issuedAtMs + providerTokenMaxAgeMs;
    return wallMs < expiry ? expiry : Number.POSITIVE_INFINITY;
  }

  #verify(authorization: string): CheckedToken {
    const parts = parse(authorization);
    if (parts === null) return invalid;
    const { keyId, teamId, issuedAtMs } = parts;
    let scope: KeyScope | null = null;
    if (this.#keys !== null) {
      const known = this.#keys.get(keyName(teamId, keyId));
      if (known === undefined) return invalid;
      scope = known.scope;
      const options = { key: known.key, dsaEncoding: 'ieee-p1363' } as const;
      if (!verify('sha256', Buffer.from(parts.signed), options, parts.signature)) return invalid;
    }
    return { answer: ACCEPTED_ANSWER, keyId, teamId, issuedAtMs, isExpired: false, scope };
  }
}

function parse(authorization: string): Parts | null {
  const token = bearer.exec(authorization)?.[1];
  if (token === undefined) return null;
  const [header = '', claims = '', signature = ''] = token.split('.');
  const head = jsonOf(header);
  const body = jsonOf(claims);
  const bytes = Buffer.from(signature, 'base64url');
  if (head?.alg !== 'ES256' || bytes.length !== 64) return null;
  if (!isName(head.kid) || !isName(body?.iss) || !Number.isSafeInteger(body?.iat)) return null;
  return {
    keyId: head.kid,
    teamId: body?.iss as string,
    issuedAtMs: (body?.iat as number) * 1000,
    signed: `${header}.${claims}`,
    signature: bytes,
  };
}

function jsonOf(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && name.test(value);
}

function keyName(teamId: string, keyId: string): string {
  return `${teamId}/${keyId}`;
}

function nameOf({ teamId, keyId }: AcceptedProviderKey): string {
  return keyName(teamId, keyId);
}

/** Keys are related in both directions, whichever of them names the other. */
function knownKey(key: AcceptedProviderKey, all: readonly AcceptedProviderKey[]): KnownKey {
  const related = all.filter(
    (other) => other.teamId === key.teamId && (other.keyId === key.relatedKeyId || other.relatedKeyId === key.keyId),
  );
  const topics = key.topics === undefined ? null : new Set(key.topics);
  const scope = { topics, environment: key.environment ?? null, related: new Set(related.map(nameOf)) };
  return { key: publicKeyOf(key), scope };
}

function publicKeyOf(key: AcceptedProviderKey): KeyObject {
  let found: KeyObject;
  try {
    const isPublic = typeof key.publicKey !== 'string' && key.publicKey.type === 'public';
    found = isPublic ? (key.publicKey as KeyObject) : createPublicKey(key.publicKey as string);
  } catch {
    throw unusable(key, 'is not PEM of a key');
  }
  if (found.asymmetricKeyDetails?.namedCurve === 'prime256v1') return found;
  throw unusable(key, 'is not on the curve P-256');
}

function unusable(key: AcceptedProviderKey, what: string): PealError {
  const message = `Simulator option providerKeys: the key "${key.keyId}" ${what}; give the .p8 or its public half`;
  return new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}
