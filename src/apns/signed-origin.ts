/**
 * Provider tokens signed by a key of this process or by a hook, and kept in memory or in a file that processes share. One
 * token serves for 50 minutes, and none is made within 20 minutes of the last one, because APNs would answer
 * TooManyProviderTokenUpdates. Main thread; called by TokenKeeper.
 */
import { Buffer } from 'node:buffer';
import {
  providerTokenCheckMs,
  providerTokenLifetimeMs,
  providerTokenMaxSkewMs,
  providerTokenMinAgeMs,
} from '../base/limits.js';
import { joinToken, type ReadToken, readProviderToken, signingInput } from './jwt.js';
import type { TokenFile } from './token-file.js';
import type { TokenMaking, TokenOrigin } from './token-origin.js';

export class SignedOrigin implements TokenOrigin {
  /** What other processes put into the file is seen this soon; in memory nothing changes by itself. */
  readonly askAgainMs: number;
  readonly #making: TokenMaking;
  readonly #file: TokenFile | null;
  #kept: ReadToken | null = null;

  constructor(making: TokenMaking, file: TokenFile | null) {
    this.#making = making;
    this.#file = file;
    this.askAgainMs = file === null ? providerTokenLifetimeMs : providerTokenCheckMs;
  }

  get waitsFor(): string | null {
    return this.#file?.waitsFor ?? null;
  }

  async fetch(expired: string | null, wallMs: number): Promise<string> {
    const known = this.#file === null ? this.#kept : await this.#file.read();
    if (known !== null && isGood(known, expired, wallMs)) return known.token;
    if (this.#file === null) {
      this.#kept = readProviderToken(await this.#make(wallMs));
      return this.#kept!.token;
    }
    return this.#file.renew(async (again) => {
      // Another process may have renewed it while this one waited.
      const isRenewed = again !== null && isGood(again, expired, wallMs);
      return isRenewed ? again.token : this.#make(wallMs);
    });
  }

  async #make(wallMs: number): Promise<string> {
    const signed = signingInput(this.#making, wallMs);
    return joinToken(signed, await this.#making.sign(Buffer.from(signed)));
  }
}

function isGood({ token, issuedAtMs }: ReadToken, expired: string | null, wallMs: number): boolean {
  const ageMs = wallMs - issuedAtMs;
  // One from a clock that was ahead: APNs refuses it, and it would be kept for ever.
  if (ageMs < -providerTokenMaxSkewMs) return false;
  return ageMs < (token === expired ? providerTokenMinAgeMs : providerTokenLifetimeMs);
}
