/**
 * The source of a credential's provider tokens when it is not simply a key in this process: tokens signed elsewhere,
 * shared through a file, or made elsewhere. Main thread; called through a TokenKeeper, one for each credential.
 */
/** The team and the key of a provider token. */
export interface TokenNames {
  readonly keyId: string;
  readonly teamId: string;
}

/** Signs a provider token. */
export type SignHook = (data: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** Makes or fetches provider tokens. */
export interface TokenOrigin {
  /**
   * Returns a provider token to send with now, the same one as long as it is good. `expired` is a token that APNs
   * called expired: another one is wanted, but the same one is returned if there is no other yet. May throw a
   * PealError.
   */
  fetch(expired: string | null, wallMs: number): Promise<string>;
  /**
   * Returns whether a token that it has given may still be used. Asked before each use, so it must not wait. Default: a
   * token may be used for an hour from when it was first given.
   */
  mayUse?(token: string): boolean;
  /**
   * Rejects, as `fetch` would, where what is there already says that no token comes. Makes none. Default: nothing is
   * known.
   */
  check?(): Promise<void>;
  /** How long a fetched token is used before it is fetched again, in milliseconds. */
  readonly askAgainMs: number;
  /**
   * What a slow `fetch` waits for, as a sentence that says what to do; null if it waits for the maker of the tokens.
   */
  readonly waitsFor?: string | null;
  /** What its service calls the tokens. Default: `provider token`. */
  readonly tokenName?: string;
}

/** Signs `data`, the signing input of a token; resolves with r and s side by side. */
export type TokenSigner = (data: Uint8Array) => Promise<Uint8Array>;

/** What a token is made from. */
export interface TokenMaking extends TokenNames {
  readonly sign: TokenSigner;
}
