/**
 * What a pool knows of its gateway's stream limits (SETTINGS_MAX_CONCURRENT_STREAMS). Made by ConnectionPool, asked by
 * its HTTP/2 connections at each tick; on their thread. APNs allows one stream until it has accepted a provider token,
 * and many after that, so a connection whose limit stays at 1 is worth replacing.
 */
export class StreamLimits {
  /** The highest that a connection was seen to have. */
  #highest = 0;
  /** A connection was replaced because its limit stood at 1. */
  #hasReplaced = false;

  /**
   * Returns whether a limit of `peerMaxStreams` justifies replacing the connection. It does not, if that was tried
   * before and no connection of this pool ever had a higher limit. Also notes the limit.
   */
  isWorthReplacing(peerMaxStreams: number): boolean {
    this.#highest = Math.max(this.#highest, peerMaxStreams);
    return peerMaxStreams <= 1 && (this.#highest > 1 || !this.#hasReplaced);
  }

  /** A connection is replaced because of its limit. */
  replaced(): void {
    this.#hasReplaced = true;
  }
}
