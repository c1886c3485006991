/**
 * Provider tokens from elsewhere: a string, a function that returns one, or a file that another process renews. Main
 * thread; called by TokenKeeper.
 */
import { providerTokenCheckMs, providerTokenMaxAgeMs } from '../../base/limits.js';
import { option } from '../../base/wording.js';
import { credentialError } from '../../push/credentials/key-material.js';
import type { TokenOrigin } from '../../push/credentials/token-origin.js';
import { type ReadToken, readProviderToken } from './jwt.js';
import { TokenFile } from './provider-token-file.js';

/** Returns a provider token, a JWT with or without "bearer " before it. */
export type ProviderTokenFunction = () => string | Promise<string>;

export class GivenOrigin implements TokenOrigin {
  readonly askAgainMs: number;
  readonly #given: string | ProviderTokenFunction | TokenFile;

  constructor(given: string | ProviderTokenFunction | TokenFile) {
    this.#given = given;
    this.askAgainMs = typeof given === 'string' ? Number.POSITIVE_INFINITY : providerTokenCheckMs;
  }

  async fetch(expired: string | null, wallMs: number): Promise<string> {
    const token = await this.#fetch(expired, wallMs);
    if (token !== expired) return token;
    throw credentialError('APNs calls the given provider token expired, and no newer one was given: make a new one.');
  }

  async check(): Promise<void> {
    if (this.#given instanceof TokenFile) await tokenIn(this.#given);
  }

  async #fetch(expired: string | null, wallMs: number): Promise<string> {
    const given = this.#given;
    if (typeof given === 'string') return given;
    if (typeof given === 'function')
      return checkedToken(`What ${option('providerToken', 'the option ')} returned`, await given());
    const found = await tokenIn(given);
    if (found.token !== expired && wallMs - found.issuedAtMs >= providerTokenMaxAgeMs) {
      throw credentialError(`${given.name} holds a provider token that has expired and was not renewed.`);
    }
    return found.token;
  }
}

async function tokenIn(file: TokenFile): Promise<ReadToken> {
  const found = await file.read();
  if (found !== null) return found;
  throw credentialError(`${file.name} is missing, or holds no provider token: have it written, or give a key.`);
}

/** Returns the JWT in `value`, or throws a sentence that begins with `name` and does not show `value`. */
export function checkedToken(name: string, value: unknown): string {
  const found = typeof value === 'string' ? readProviderToken(value) : null;
  if (found !== null) return found.token;
  const what = value === undefined || value === '' ? 'is empty' : 'is not a provider token';
  throw credentialError(`${name} ${what}. Expected a JWT signed with ES256 that has kid, iss and iat.`);
}
