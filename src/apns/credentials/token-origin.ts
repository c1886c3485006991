/**
 * Where the provider tokens of a credential come from when it is not simply a key in this process: signed elsewhere,
 * shared through a file, or made elsewhere altogether. Main thread; asked through a TokenKeeper, one for each credential.
 */
import type { TokenNames } from './jwt.js';

/** Makes the signature of a provider token. */
export type SignHook = (data: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** What makes, or fetches, provider tokens. */
export interface TokenOrigin {
  /**
   * A provider token to send with now: the one that there is as long as it is good. `expired`: the one that APNs called
   * expired, so another one is wanted; it is returned all the same where there may be none yet. May throw a PealError.
   */
  fetch(expired: string | null, wallMs: number): Promise<string>;
  /** How long what was fetched is used before it is asked for again, in milliseconds. */
  readonly askAgainMs: number;
  /** What a `fetch` that takes long waits for, as a sentence that says what to do; null for what makes the tokens. */
  readonly waitsFor?: string | null;
}

/** Signs `data`, the signing input of a token; resolves with r and s side by side. */
export type TokenSigner = (data: Uint8Array) => Promise<Uint8Array>;

/** What a token is made with. */
export interface TokenMaking extends TokenNames {
  readonly sign: TokenSigner;
}
