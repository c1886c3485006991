/**
 * What a pool knows of its gateway's stream limits (SETTINGS_MAX_CONCURRENT_STREAMS). Owned by ConnectionPool, shared by
 * its HTTP/2 connections; on their thread. APNs allows one stream until it has accepted a provider token, and many after
 * that; a connection on which the limit stays at 1 is worth replacing.
 */
export class StreamLimits {
  /** The highest that a connection was seen to have. */
  #highest = 0;
  /** A connection was replaced because its limit stood at 1. */
  #hasReplaced = false;

  /**
   * Whether a limit of `peerMaxStreams` justifies replacing the connection. No, if that was tried before and no connection
   * of this pool ever had a higher limit: then it is the gateway's way. To be asked now and then.
   */
  isWorthReplacing(peerMaxStreams: number): boolean {
    this.#highest = Math.max(this.#highest, peerMaxStreams);
    return peerMaxStreams <= 1 && (this.#highest > 1 || !this.#hasReplaced);
  }

  replaced(): void {
    this.#hasReplaced = true;
  }
}
