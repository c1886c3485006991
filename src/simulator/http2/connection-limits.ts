/**
 * The streams and windows that one connection allows its client: announced first, raised with the first valid provider
 * token, and changed by conduct and faults later. Owned by one server connection.
 */

import type { SimulatorSettings } from '../settings/simulator-settings.js';
import type { ServerControlFrames } from './server-control-frames.js';
import type { ServerReceiveWindow } from './server-receive-window.js';

export class ConnectionLimits {
  readonly #settings: SimulatorSettings;
  readonly #control: ServerControlFrames;
  readonly #window: ServerReceiveWindow;
  /** Streams that the client may have once it has authenticated. */
  #fullStreams: number;
  #awaitsToken: boolean;

  /** @param awaitsToken Whether the limit is lower until the first valid provider token. */
  constructor(
    settings: SimulatorSettings,
    control: ServerControlFrames,
    window: ServerReceiveWindow,
    awaitsToken: boolean,
  ) {
    this.#settings = settings;
    this.#control = control;
    this.#window = window;
    this.#fullStreams = settings.maxStreams;
    this.#awaitsToken = awaitsToken;
  }

  /** Whether the client still has to show a valid provider token. */
  get awaitsToken(): boolean {
    return this.#awaitsToken;
  }

  /** The first frames of the connection. */
  announce(): void {
    const { maxStreams, conduct } = this.#settings;
    const early = Math.min(maxStreams, conduct?.streamsBeforeToken ?? 1);
    this.#control.announce(this.#settings, this.#awaitsToken ? early : this.#fullStreams);
    this.#window.announce();
  }

  /** After the first valid provider token APNs allows more than one stream. */
  onToken(): void {
    this.#awaitsToken = false;
    if (this.#fullStreams !== this.#control.announced.allowedStreams) {
      this.#control.announceMaxStreams(this.#fullStreams);
    }
  }

  /** Changes the limit on streams; while a provider token is awaited, the change takes effect after the token. */
  setFullStreams(maxStreams: number): void {
    this.#fullStreams = maxStreams;
    if (!this.#awaitsToken) this.#control.announceMaxStreams(maxStreams);
  }

  /** A temporary value, set by a fault. */
  overrideStreams(maxStreams: number): void {
    this.#control.announceMaxStreams(maxStreams);
  }

  /** A temporary value, set by a fault. */
  overrideInitialWindow(bytes: number): void {
    this.#control.announceInitialWindow(bytes);
  }

  /** Sets whether the connection's window is left closed, however much is read. */
  withholdWindow(isWithheld: boolean): void {
    this.#window.isWithheld = isWithheld;
    this.#window.giveBack();
  }

  /** Ends what faults have set. */
  restore(): void {
    if (!this.#awaitsToken) this.#control.announceMaxStreams(this.#fullStreams);
    this.#control.announceInitialWindow(this.#settings.initialWindowBytes);
    this.withholdWindow(false);
  }
}
