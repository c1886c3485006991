/**
 * The limits that our SETTINGS set for the client, between sending and acknowledgement. A lower limit binds the client
 * once it has acknowledged it (RFC 9113 §6.5.3); a higher one counts from the start, because a client may use it at
 * once. Owned by one connection's control frames.
 */
import { DEFAULT_WINDOW_BYTES } from '../../codec/http2/frames.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';

interface Limits {
  readonly maxStreams: number;
  readonly initialWindowBytes: number;
}

export class AnnouncedSettings {
  /** The latest announced limits. */
  #latest: Limits = { maxStreams: 0, initialWindowBytes: 0 };
  #acknowledged: Limits = this.#latest;
  readonly #underWay: Limits[] = [];
  /** Streams that the client may have open. */
  allowedStreams = 0;
  /** Bytes of DATA that a stream may carry before it gets a WINDOW_UPDATE. */
  allowedWindowBytes = 0;

  /**
   * The first SETTINGS. Their stream limit counts from the start: a client that opens streams before it has read them
   * takes the risk. Until then streams have the protocol's window.
   */
  begin(settings: SimulatorSettings, maxStreams: number): void {
    this.#latest = { maxStreams, initialWindowBytes: settings.initialWindowBytes };
    this.#acknowledged = { maxStreams, initialWindowBytes: DEFAULT_WINDOW_BYTES };
    this.#underWay.push(this.#latest);
    this.#count();
  }

  /** Another SETTINGS frame is sent. Fields that are not in it keep their values. */
  send(change: Partial<Limits>): void {
    this.#latest = { ...this.#latest, ...change };
    this.#underWay.push(this.#latest);
    this.#count();
  }

  /** The client acknowledged the oldest unacknowledged frame. Returns false if there was none. */
  acknowledge(): boolean {
    const limits = this.#underWay.shift();
    if (limits === undefined) return false;
    this.#acknowledged = limits;
    this.#count();
    return true;
  }

  #count(): void {
    let { maxStreams, initialWindowBytes } = this.#acknowledged;
    for (const limits of this.#underWay) {
      maxStreams = Math.max(maxStreams, limits.maxStreams);
      initialWindowBytes = Math.max(initialWindowBytes, limits.initialWindowBytes);
    }
    this.allowedStreams = maxStreams;
    this.allowedWindowBytes = initialWindowBytes;
  }
}
