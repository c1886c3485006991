/**
 * Runs a scenario: counts requests and time, and fires the faults that are due. One for each gateway, on its thread;
 * all time comes from the clock, all chance from the seed.
 *
 *     request, timer, new connection ─▶ armed faults ─▶ filters ─┬─▶ a connection is struck
 *                                                                ├─▶ an effect begins, on it or on all
 *                                                                └─▶ the gateway itself: refuses, is down, forgets
 */
import type { Clock, TimerHandle } from '../../base/clock.js';
import { maxFaultRecords } from '../../base/limits.js';
import type { SimulatorLedger } from '../books/ledger.js';
import type { Fault, FaultAction, FaultRecord, FaultTrigger, Scenario } from '../settings/scenario.js';
import { Chance } from './chance.js';
import { ConnectionFaults, Effect, Effects, type FaultSource, type FaultTarget } from './connection-faults.js';
import { GatewayFaults, type Refusal } from './gateway-faults.js';

const anyTime: FaultTrigger = Object.freeze({});

/** A fault, and how often it has struck. */
class ArmedFault {
  readonly when: FaultTrigger;
  struck = 0;

  constructor(
    readonly fault: Fault,
    readonly index: number,
  ) {
    this.when = fault.when ?? anyTime;
  }

  get isSpent(): boolean {
    return this.struck >= (this.fault.times ?? Number.POSITIVE_INFINITY);
  }

  /** Whether its event is the opening of a connection. */
  get isAtOpening(): boolean {
    const { requests, everyRequests, connectionRequests, everyConnectionRequests, ms, everyMs, connectionMs } =
      this.when;
    const events = [requests, everyRequests, connectionRequests, everyConnectionRequests, ms, everyMs, connectionMs];
    return events.every((event) => event === undefined);
  }

  /** Whether it acts on the connection of its event, and not on all. */
  get isOfConnection(): boolean {
    const { when } = this;
    if ('on' in this.fault && this.fault.on !== undefined) return this.fault.on === 'connection';
    if (when.connection !== undefined || when.connectionRequests !== undefined || when.connectionMs !== undefined) {
      return true;
    }
    return when.everyConnectionRequests !== undefined || this.isAtOpening;
  }

  isDueAt(total: number, ofConnection: number): boolean {
    const { requests, everyRequests, connectionRequests, everyConnectionRequests } = this.when;
    return (
      total === requests ||
      ofConnection === connectionRequests ||
      (everyRequests !== undefined && total % everyRequests === 0) ||
      (everyConnectionRequests !== undefined && ofConnection % everyConnectionRequests === 0)
    );
  }
}

export class ScenarioRun implements FaultSource {
  readonly scenario: Scenario;
  readonly gateway: GatewayFaults;
  /** Lasting faults on every connection. */
  readonly effects = new Effects();
  readonly #clock: Clock;
  readonly #ledger: SimulatorLedger;
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #armed: readonly ArmedFault[];
  readonly #connections = new Set<ConnectionFaults>();
  readonly #timers = new Map<ConnectionFaults | null, Set<TimerHandle>>();
  readonly #done: FaultRecord[] = [];
  #connectionCount = 0;
  #requests = 0;
  #startedMs = -1;
  #isOver = false;

  /**
   * @param seed The simulator's, for a scenario without a seed.
   * @param expireTokens Makes every provider token seen so far count as expired.
   */
  constructor(scenario: Scenario, clock: Clock, ledger: SimulatorLedger, seed: number, expireTokens: () => void) {
    this.scenario = scenario;
    this.#clock = clock;
    this.#ledger = ledger;
    this.#seed = scenario.seed ?? seed;
    this.#chance = new Chance(this.#seed, 0);
    this.#armed = scenario.faults.map((fault, index) => new ArmedFault(fault, index));
    this.gateway = new GatewayFaults(clock, this.#connections, expireTokens);
  }

  /** The faults done so far, in order; the first 10,000. */
  get done(): readonly FaultRecord[] {
    return this.#done;
  }

  /** Whether `until` has been reached. */
  get isOver(): boolean {
    return this.#isOver;
  }

  nowMs(): number {
    return this.#clock.now();
  }

  /** Adds a connection. Faults of its opening act in `opened`. */
  join(target: FaultTarget): ConnectionFaults {
    const number = ++this.#connectionCount;
    if (this.#startedMs < 0) this.#start();
    return new ConnectionFaults(this, number, new Chance(this.#seed, number), target);
  }

  /** Returns how a connection is refused, or null if it is served; in that case the faults of its opening act now. */
  opened(connection: ConnectionFaults): Refusal | null {
    if (!this.#isOver) {
      for (const armed of this.#armed) {
        if (armed.fault.do === 'refuseConnections' && armed.isAtOpening) this.#fire(armed, connection);
      }
    }
    const refusal = this.gateway.refusal();
    if (refusal !== null) return refusal;
    this.#connections.add(connection);
    if (this.#isOver) return null;
    for (const armed of this.#armed) {
      if (armed.fault.do !== 'refuseConnections' && armed.isAtOpening) this.#fire(armed, connection);
      const { connectionMs } = armed.when;
      if (connectionMs !== undefined) this.#after(connection, connectionMs, () => this.#fire(armed, connection));
    }
    return null;
  }

  /** A connection is over. */
  leave(connection: ConnectionFaults): void {
    this.#connections.delete(connection);
    this.#clearTimers(connection);
  }

  /** A request is complete on a connection. */
  onRequest(connection: ConnectionFaults): void {
    this.#requests++;
    if (this.#isOver) return;
    const total = this.#requests;
    for (const armed of this.#armed) {
      if (armed.isDueAt(total, connection.requests)) this.#fire(armed, connection);
    }
    if (total >= (this.scenario.until?.requests ?? Number.POSITIVE_INFINITY)) this.end();
  }

  /** Ends the faults, and restores what they changed as far as possible. */
  end(): void {
    if (this.#isOver) return;
    this.stop();
    for (const connection of [...this.#connections]) {
      connection.effects.clear();
      connection.target.restore();
    }
    this.gateway.restore();
  }

  /** Ends the faults and their timers. */
  stop(): void {
    this.#isOver = true;
    this.effects.clear();
    for (const owner of [...this.#timers.keys()]) this.#clearTimers(owner);
    this.gateway.stop();
  }

  #start(): void {
    this.#startedMs = this.#clock.now();
    if (this.#isOver) return;
    const untilMs = this.scenario.until?.ms;
    if (untilMs !== undefined) this.#after(null, untilMs, () => this.end());
    for (const armed of this.#armed) {
      const { ms, everyMs } = armed.when;
      if (ms !== undefined) this.#after(null, ms, () => this.#fireOnTime(armed));
      if (everyMs !== undefined) this.#every(armed, everyMs);
    }
  }

  #every(armed: ArmedFault, everyMs: number): void {
    this.#after(null, everyMs, () => {
      this.#fireOnTime(armed);
      if (!armed.isSpent) this.#every(armed, everyMs);
    });
  }

  /** Time belongs to no connection, so a fault on connections acts on each open one. */
  #fireOnTime(armed: ArmedFault): void {
    const { fault } = armed;
    const isForAll = isGatewayFault(fault) || (isLasting(fault) && !armed.isOfConnection);
    if (isForAll) this.#fire(armed, null);
    else for (const connection of [...this.#connections]) this.#fire(armed, connection);
  }

  #fire(armed: ArmedFault, connection: ConnectionFaults | null): void {
    const { when, fault } = armed;
    if (this.#isOver || armed.isSpent || connection?.target.takesFaults === false) return;
    if (connection !== null && when.connection !== undefined && when.connection !== connection.number) return;
    if (!(connection?.chance ?? this.#chance).is(when.probability ?? 1)) return;
    armed.struck++;
    if (isGatewayFault(fault)) {
      this.#record(armed, 0);
      this.gateway.apply(fault, armed.isAtOpening);
    } else if (isLasting(fault)) {
      const isOne = connection !== null && armed.isOfConnection;
      this.#record(armed, isOne ? connection.number : 0);
      (isOne ? connection.effects : this.effects).add(new Effect(fault, this.#clock.now()));
    } else {
      const targets = fault.on === 'all' || connection === null ? [...this.#connections] : [connection];
      for (const struck of targets) {
        if (!struck.target.takesFaults) continue;
        this.#record(armed, struck.number);
        struck.target.apply(fault);
      }
    }
  }

  #record({ fault, index }: ArmedFault, connection: number): void {
    this.#ledger.recordFault(fault.do);
    if (this.#done.length >= maxFaultRecords) return;
    const ms = this.#clock.now() - this.#startedMs;
    this.#done.push({ ms, do: fault.do, fault: index, connection, requests: this.#requests });
  }

  #after(owner: ConnectionFaults | null, ms: number, callback: () => void): void {
    const timers = this.#timers.get(owner) ?? new Set();
    this.#timers.set(owner, timers);
    const timer = this.#clock.setTimer(() => {
      timers.delete(timer);
      callback();
    }, ms);
    timers.add(timer);
  }

  #clearTimers(owner: ConnectionFaults | null): void {
    for (const timer of this.#timers.get(owner) ?? []) this.#clock.clearTimer(timer);
    this.#timers.delete(owner);
  }
}

const gatewayActions: readonly FaultAction[] = ['refuseConnections', 'expireProviderTokens', 'shutdown'];
const lastingActions: readonly FaultAction[] = ['refuse', 'rst', 'noAnswer', 'answer', 'slow'];

function isGatewayFault(
  fault: Fault,
): fault is Extract<Fault, { do: 'refuseConnections' | 'expireProviderTokens' | 'shutdown' }> {
  return gatewayActions.includes(fault.do);
}

function isLasting(fault: Fault): fault is Extract<Fault, { do: 'refuse' | 'rst' | 'noAnswer' | 'answer' | 'slow' }> {
  return lastingActions.includes(fault.do);
}
