/**
 * How fast a pool adds connections to those that it has, however much it could use them: no more than
 * maxConnectsPerSecond within any second. Owned by ConnectionPool; pure, time is handed in.
 *
 * Apple asks for connections that are kept for hours or days ("Sending notification requests to APNs"), and takes rapid
 * connecting and disconnecting for an attack ("Communicating with APNs"). The first connection, and the successor of
 * the only one, are no matter of pace: connect-backoff says when they may be tried.
 */
import { maxConnectsPerSecond } from '../../base/limits.js';

export class ConnectPace {
  /** When the last connections were opened, in a ring. */
  readonly #atMs = new Float64Array(maxConnectsPerSecond).fill(Number.NEGATIVE_INFINITY);
  #next = 0;

  /** A connection is being opened, for whichever reason. */
  onOpened(nowMs: number): void {
    this.#atMs[this.#next] = nowMs;
    this.#next = (this.#next + 1) % maxConnectsPerSecond;
  }

  /** Whether one more may be opened now. */
  allows(nowMs: number): boolean {
    return nowMs - this.#atMs[this.#next]! >= 1_000;
  }
}
