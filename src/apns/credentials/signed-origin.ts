/**
 * Provider tokens signed by a key of this process or by a hook, and kept in memory or in a file that processes share.
 * One token serves for 50 minutes. None is made within 20 minutes of the last one, because APNs would answer
 * TooManyProviderTokenUpdates. The signature that a hook returns is checked, because key services sign in more forms
 * than a JWT allows. Main thread; called by TokenKeeper.
 */
import { Buffer } from 'node:buffer';
import { type KeyObject, verify } from 'node:crypto';
import {
  providerTokenCheckMs,
  providerTokenLifetimeMs,
  providerTokenMaxSkewMs,
  providerTokenMinAgeMs,
} from '../../base/limits.js';
import { theOption } from '../../base/wording.js';
import { credentialError } from '../../push/credentials/key-material.js';
import type {
  SignHook,
  TokenMaking,
  TokenNames,
  TokenOrigin,
  TokenSigner,
} from '../../push/credentials/token-origin.js';
import { joinToken, joseSignature, type ReadToken, readProviderToken, signingInput } from './jwt.js';
import type { TokenFile } from './provider-token-file.js';

export class SignedOrigin implements TokenOrigin {
  /** How soon a token that another process put into the file is seen. In memory nothing changes by itself. */
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
      // Another process may have renewed the token while this one waited.
      const isRenewed = again !== null && isGood(again, expired, wallMs);
      return isRenewed ? again.token : this.#make(wallMs);
    });
  }

  async check(): Promise<void> {
    await this.#file?.read();
  }

  async #make(wallMs: number): Promise<string> {
    const signed = signingInput(this.#making, wallMs);
    return joinToken(signed, await this.#making.sign(Buffer.from(signed)));
  }
}

function isGood({ token, issuedAtMs }: ReadToken, expired: string | null, wallMs: number): boolean {
  const ageMs = wallMs - issuedAtMs;
  // Made under a clock that was ahead: APNs refuses the token, and it would be kept too long.
  if (ageMs < -providerTokenMaxSkewMs) return false;
  return ageMs < (token === expired ? providerTokenMinAgeMs : providerTokenLifetimeMs);
}

/**
 * Signs by `hook`, and checks the signature with `publicKey` if that is known. Rejects with ERR_PEAL_CREDENTIAL if the
 * hook returns anything but a signature.
 */
export function signerOf(hook: SignHook, publicKey: KeyObject | null, { keyId }: TokenNames): TokenSigner {
  return async (data) => {
    // A copy, so that a hook cannot change the text that is sent.
    const returned: unknown = await hook(Uint8Array.from(data));
    if (!(returned instanceof Uint8Array)) {
      throw credentialError(
        `${theOption('sign')} returned ${kindOf(returned)}. Expected the signature as a Uint8Array.`,
      );
    }
    const signature = joseSignature(returned);
    if (signature === null) {
      throw credentialError(
        `${theOption('sign')} returned ${returned.length} bytes that are not an ES256 signature. ` +
          'Expected r and s side by side (64 bytes), or DER.',
      );
    }
    if (publicKey === null || verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
      return signature;
    }
    throw credentialError(
      `${theOption('sign')} returned a signature that does not match the option publicKey. Check that ` +
        `it uses the key ${keyId}, and that it hashes its data once with SHA-256.`,
    );
  };
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return `a value of type ${typeof value}`;
}
