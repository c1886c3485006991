/**
 * What one connection allows its client: streams and windows, as they are announced first, raised with the first valid
 * provider token, and changed by conduct and faults in mid-flight. Owned by one server connection.
 */

import type { SimulatorSettings } from '../settings/simulator-settings.js';
import type { ServerControlFrames } from './server-control-frames.js';
import type { ServerReceiveWindow } from './server-receive-window.js';

export class ConnectionLimits {
  readonly #settings: SimulatorSettings;
  readonly #control: ServerControlFrames;
  readonly #window: ServerReceiveWindow;
  /** Streams that the client may have once it has shown who it is. */
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

  /** Whether the client has not shown a valid provider token yet, and has to. */
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

  /** The limit on streams becomes another one; where a provider token is awaited, once that has come. */
  setFullStreams(maxStreams: number): void {
    this.#fullStreams = maxStreams;
    if (!this.#awaitsToken) this.#control.announceMaxStreams(maxStreams);
  }

  /** As a fault wants it, for now. */
  overrideStreams(maxStreams: number): void {
    this.#control.announceMaxStreams(maxStreams);
  }

  /** As a fault wants it, for now. */
  overrideInitialWindow(bytes: number): void {
    this.#control.announceInitialWindow(bytes);
  }

  /** Whether the connection's window is left as it is, whatever is read. */
  withholdWindow(isWithheld: boolean): void {
    this.#window.isWithheld = isWithheld;
    this.#window.giveBack();
  }

  /** Everything as it would be without faults. */
  restore(): void {
    if (!this.#awaitsToken) this.#control.announceMaxStreams(this.#fullStreams);
    this.#control.announceInitialWindow(this.#settings.initialWindowBytes);
    this.withholdWindow(false);
  }
}
