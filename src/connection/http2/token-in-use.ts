/**
 * Which provider token an answer that calls it expired can be about. Owned by Http2Connection.
 *
 * A new token holds for requests from then on, also on open connections; those in flight carry the former one. As long
 * as any of them is open, "expired" is taken to mean the former token. To blame the new one wrongly would stop a sender
 * that was just given a good token; and if the new one is bad as well, the next answer says so.
 */
export class TokenInUse {
  #current: string | null;
  #former: string | null = null;
  /** Streams below carry the former token, or one before it. */
  #formerBelowId = 0;

  constructor(token: string | null) {
    this.#current = token;
  }

  /** What requests carry now. */
  get current(): string | null {
    return this.#current;
  }

  /**
   * Requests from stream `nextStreamId` on carry `token`; `oldestOpenStreamId` is 0 when no stream is open. Returns
   * false if requests carried this token already.
   */
  set(token: string | null, oldestOpenStreamId: number, nextStreamId: number): boolean {
    if (token === this.#current) return false;
    if (oldestOpenStreamId !== 0) {
      this.#former = this.#current;
      this.#formerBelowId = nextStreamId;
    }
    this.#current = token;
    return true;
  }

  /** To be called now and then, between reads: forgets a token that no open request carries. */
  review(oldestOpenStreamId: number): void {
    if (oldestOpenStreamId === 0 || oldestOpenStreamId >= this.#formerBelowId) this.#former = null;
  }

  /** The token that an answer is about; null where requests carry none. */
  get suspect(): string | null {
    return this.#former ?? this.#current;
  }
}
