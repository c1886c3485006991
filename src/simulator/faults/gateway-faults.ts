/**
 * Faults of a gateway as a whole: it refuses new connections, is shut down for a time, or calls provider tokens
 * expired. Owned by the scenario's run.
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import type { GatewayFault, RefuseConnectionsFault, ShutdownFault } from '../settings/scenario.js';
import type { ConnectionFaults } from './connection-faults.js';

/** How a connection is refused. */
export type Refusal = 'reset' | 'end' | 'silent';

/** A listener for connections, closed while the gateway is shut down. */
export interface SuspendableListener {
  suspend(): void;
  resume(): void;
}

export class GatewayFaults {
  readonly #clock: Clock;
  readonly #connections: ReadonlySet<ConnectionFaults>;
  readonly #expireTokens: () => void;
  readonly #listeners: SuspendableListener[] = [];
  #reopening: TimerHandle | null = null;
  #isDown = false;
  /** How connections are refused, how many more, and until when. */
  #refusal: Refusal = 'reset';
  #refusalsLeft = 0;
  #refusesUntilMs = 0;

  constructor(clock: Clock, connections: ReadonlySet<ConnectionFaults>, expireTokens: () => void) {
    this.#clock = clock;
    this.#connections = connections;
    this.#expireTokens = expireTokens;
  }

  /** Whether new connections are refused. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Adds a listener that is closed while the gateway is shut down. */
  add(listener: SuspendableListener): void {
    this.#listeners.push(listener);
  }

  /** @param isAtOpening Whether the event is the opening of a connection. */
  apply(fault: GatewayFault, isAtOpening: boolean): void {
    if (fault.do === 'refuseConnections') this.#refuse(fault, isAtOpening);
    else if (fault.do === 'shutdown') this.#shutDown(fault);
    else {
      this.#expireTokens();
      for (const { target } of this.#connections) target.forgetVerdict();
    }
  }

  /** Returns how the next connection is refused, or null if it is served. */
  refusal(): Refusal | null {
    if (this.#refusalsLeft <= 0 || this.#clock.now() >= this.#refusesUntilMs) return null;
    this.#refusalsLeft--;
    return this.#refusal;
  }

  /** Ends all faults. */
  restore(): void {
    this.#reopen();
  }

  stop(): void {
    this.#refusalsLeft = 0;
    if (this.#reopening !== null) this.#clock.clearTimer(this.#reopening);
    this.#reopening = null;
  }

  #refuse({ how = 'reset', forConnections, forMs }: RefuseConnectionsFault, isAtOpening: boolean): void {
    const isOne = isAtOpening && forConnections === undefined && forMs === undefined;
    this.#refusal = how;
    this.#refusalsLeft = isOne ? 1 : (forConnections ?? Number.POSITIVE_INFINITY);
    this.#refusesUntilMs = forMs === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() + forMs;
  }

  #shutDown({ ms, connections = 'goaway' }: ShutdownFault): void {
    if (!this.#isDown) for (const listener of this.#listeners) listener.suspend();
    this.#isDown = true;
    if (connections !== 'keep') for (const { target } of [...this.#connections]) target.onShutdown(connections);
    if (this.#reopening !== null) this.#clock.clearTimer(this.#reopening);
    this.#reopening = this.#clock.setTimer(() => this.#reopen(), ms);
  }

  #reopen(): void {
    if (this.#reopening !== null) this.#clock.clearTimer(this.#reopening);
    this.#reopening = null;
    if (!this.#isDown) return;
    this.#isDown = false;
    for (const listener of this.#listeners) listener.resume();
  }
}
