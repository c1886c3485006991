/**
 * The faults of a scenario on one connection: counts its requests, and tells which lasting fault hits a request. One
 * for each connection, made by scenario-run, which fires the faults; used by the connection's stage and
 * ConnectionDriver.
 */

import type {
  AnswerFault,
  LastingFault,
  MomentaryFault,
  NoAnswerFault,
  RefuseFault,
  RstFault,
  SlowFault,
} from '../settings/scenario.js';
import type { Chance } from './chance.js';

/** A fault that replaces the answer of a request. */
export type RequestFault = RefuseFault | RstFault | NoAnswerFault | AnswerFault;

/** The connection that a fault acts on. */
export interface FaultTarget {
  /** Whether faults can still act on it: false once it has ended or fallen silent. */
  readonly takesFaults: boolean;
  apply(fault: MomentaryFault): void;
  /** The gateway is shut down. */
  onShutdown(connections: 'goaway' | 'reset'): void;
  /** Provider tokens have been called expired. */
  forgetVerdict(): void;
  /** The scenario is over. */
  restore(): void;
}

/** A lasting fault under way. */
export class Effect {
  readonly fault: LastingFault;
  readonly #untilMs: number;
  #left: number;

  constructor(fault: LastingFault, nowMs: number) {
    this.fault = fault;
    this.#untilMs = fault.forMs === undefined ? Number.POSITIVE_INFINITY : nowMs + fault.forMs;
    this.#left = fault.forRequests ?? Number.POSITIVE_INFINITY;
  }

  isOver(nowMs: number): boolean {
    return this.#left <= 0 || nowMs >= this.#untilMs;
  }

  /** Returns whether it hits one more request. */
  hits(nowMs: number, chance: Chance): boolean {
    if (this.isOver(nowMs) || !chance.is(this.fault.share ?? 1)) return false;
    this.#left--;
    return true;
  }
}

/** Effects under way, on one connection or on all. */
export class Effects {
  #list: Effect[] = [];

  add(effect: Effect): void {
    this.#list.push(effect);
  }

  clear(): void {
    this.#list = [];
  }

  /** Returns the effects that are not over, in the order in which they began. */
  active(nowMs: number): readonly Effect[] {
    if (this.#list.some((effect) => effect.isOver(nowMs))) {
      this.#list = this.#list.filter((effect) => !effect.isOver(nowMs));
    }
    return this.#list;
  }
}

/** What the scenario's run, which owns all connections, does for one connection. */
export interface FaultSource {
  /** Lasting faults on every connection. */
  readonly effects: Effects;
  nowMs(): number;
  /** A request is complete: faults may be applied now. */
  onRequest(connection: ConnectionFaults): void;
  /** The connection is over. */
  leave(connection: ConnectionFaults): void;
}

export class ConnectionFaults {
  readonly #run: FaultSource;
  readonly effects = new Effects();
  /** Number of complete requests. */
  requests = 0;

  constructor(
    run: FaultSource,
    /** From 1, in the order in which the connections came. */
    readonly number: number,
    readonly chance: Chance,
    readonly target: FaultTarget,
  ) {
    this.#run = run;
  }

  /** A request is complete: faults may act now. */
  onRequest(): void {
    this.requests++;
    this.#run.onRequest(this);
  }

  /** Returns the fault that hits the latest request, or null. The first one that hits counts. */
  requestFault(): RequestFault | null {
    const nowMs = this.#run.nowMs();
    for (const effects of [this.effects, this.#run.effects]) {
      for (const effect of effects.active(nowMs)) {
        if (effect.fault.do !== 'slow' && effect.hits(nowMs, this.chance)) return effect.fault;
      }
    }
    return null;
  }

  /** Returns how late its answer is, in milliseconds. */
  delayMs(): number {
    const nowMs = this.#run.nowMs();
    let delayMs = 0;
    for (const effects of [this.effects, this.#run.effects]) {
      for (const effect of effects.active(nowMs)) {
        if (effect.fault.do === 'slow' && effect.hits(nowMs, this.chance)) delayMs += this.#delayOf(effect.fault);
      }
    }
    return delayMs;
  }

  /** Bytes of one write; Infinity without a limit. */
  pieceBytes(): number {
    const nowMs = this.#run.nowMs();
    let bytes = Number.POSITIVE_INFINITY;
    for (const effects of [this.effects, this.#run.effects]) {
      for (const { fault } of effects.active(nowMs)) {
        if (fault.do === 'slow') bytes = Math.min(bytes, fault.pieceBytes ?? Number.POSITIVE_INFINITY);
      }
    }
    return bytes;
  }

  /** The connection is over. */
  close(): void {
    this.#run.leave(this);
  }

  #delayOf({ ms = 0, jitterMs = 0 }: SlowFault): number {
    return jitterMs > 0 ? ms + Math.floor(this.chance.next() * (jitterMs + 1)) : ms;
  }
}
