/**
 * Looks after one HTTP/2 connection once every keepaliveTickMs: is the gateway there, does it read, does it answer each
 * request in time, does it let us work? Owned by Http2Connection, which carries the verdicts out; holds no timer and
 * reads no clock. All spans are counted in ticks that this thread really ran: a thread that was busy for a minute finds
 * that one tick has passed and not sixty, reads what the kernel holds, and does not take a live gateway for a dead one.
 *
 *   ping       nothing was read for a while: ask
 *   silent     nothing came for that either: the gateway is gone
 *   stalled    a write has been outstanding, and nothing answered, for writeStallTimeoutMs: it reads no more
 *   overdue    one request waits for its answer for requestTimeoutMs
 *   unacked    our SETTINGS are not acknowledged after settingsAckTimeoutMs
 *   starved    work waits, nothing is in flight, and no request is allowed for requestTimeoutMs
 *   stuck      work waits, and the stream limit stands at 1 for stuckLimitTimeoutMs
 *
 * One lost answer amid steady traffic is found by stream id: at each tick the id that the next request gets is noted.
 * A stream that is open now and lies below the id noted requestTimeoutMs ago was submitted before that.
 */
import {
  keepaliveTickMs,
  pingAfterIdleMs,
  pingAfterSilenceMs,
  pingTimeoutMs,
  requestTimeoutMs,
  settingsAckTimeoutMs,
  stuckLimitTimeoutMs,
  writeStallTimeoutMs,
} from '../../base/limits.js';
import type { FatalVerdict } from '../connection-errors.js';

export type VitalVerdict = 'fine' | 'ping' | FatalVerdict;

/** How a connection stands at a tick. */
export interface Vitals {
  readonly isInFlight: boolean;
  readonly isWriting: boolean;
  /** Requests with an outcome, in all. */
  readonly settled: number;
  /** Bytes given to the stream, in all: tells one write from the next. */
  readonly bytesSent: number;
  /** 0 when none is open. */
  readonly oldestOpenStreamId: number;
  readonly nextStreamId: number;
  readonly isSettingsAcked: boolean;
  readonly isStarved: boolean;
  readonly isLimitStuck: boolean;
}

const requestTicks = requestTimeoutMs / keepaliveTickMs;

/** For how many ticks in a row something has held. */
class Persistence {
  readonly #ticks: number;
  #held = 0;

  constructor(spanMs: number) {
    this.#ticks = spanMs / keepaliveTickMs;
  }

  /** Whether it has held, at this tick and before, for longer than the span. */
  tick(holds: boolean): boolean {
    this.#held = holds ? this.#held + 1 : 0;
    return this.#held > this.#ticks;
  }
}

export type KeepaliveVerdict = 'fine' | 'ping' | 'silent';

const silentTicksBeforePing = pingAfterSilenceMs / keepaliveTickMs;
const idleTicksBeforePing = pingAfterIdleMs / keepaliveTickMs;
const pingTicks = pingTimeoutMs / keepaliveTickMs;

/**
 * Whether the gateway is still there, from what one connection heard since the last tick. Owned by VitalSigns.
 *
 *   requests in flight:  silence ── 10 s ──▶ ping ── 5 s ──▶ silent (dead)
 *   nothing in flight:   silence ── 240 s ─▶ ping ── 5 s ──▶ silent (dead)
 *   any byte heard:      back to the start
 *
 * A gateway that falls silent just after a tick that heard it is found one tick later: 16 s at most.
 */
export class Keepalive {
  #hasHeard = false;
  #silentTicks = 0;
  #wasInFlight = false;
  #ticksSincePing = -1;

  /** Bytes came in. On the hot path: one store. */
  heard(): void {
    this.#hasHeard = true;
  }

  /**
   * To be called every keepaliveTickMs; `isInFlight`: the gateway owes an answer, or a write waits for it.
   * 'ping': send one now. 'silent': the gateway is gone.
   */
  tick(isInFlight: boolean): KeepaliveVerdict {
    const hasWorkBegun = isInFlight && !this.#wasInFlight;
    this.#wasInFlight = isInFlight;
    if (this.#hasHeard || hasWorkBegun) {
      if (this.#hasHeard) this.#ticksSincePing = -1;
      this.#hasHeard = false;
      this.#silentTicks = 0;
      return 'fine';
    }
    this.#silentTicks++;
    if (this.#ticksSincePing >= 0) return ++this.#ticksSincePing >= pingTicks ? 'silent' : 'fine';
    if (this.#silentTicks < (isInFlight ? silentTicksBeforePing : idleTicksBeforePing)) return 'fine';
    this.#ticksSincePing = 0;
    return 'ping';
  }
}

export class VitalSigns {
  readonly #keepalive = new Keepalive();
  readonly #stall = new Persistence(writeStallTimeoutMs);
  readonly #unacked = new Persistence(settingsAckTimeoutMs);
  readonly #starvation = new Persistence(requestTimeoutMs);
  readonly #stuckLimit = new Persistence(stuckLimitTimeoutMs);
  /** The next stream id, as it was at each of the last `requestTicks` ticks. */
  readonly #nextStreamIdAt = new Uint32Array(requestTicks);
  #ticks = 0;
  #isEachOverdue = false;
  #settledBefore = -1;
  #sentBefore = -1;

  /** Bytes came in. On the hot path: one store. */
  heard(): void {
    this.#keepalive.heard();
  }

  /** Whether no request was submitted within requestTimeoutMs, so that no other answer is worth waiting for. */
  get isEachOverdue(): boolean {
    return this.#isEachOverdue;
  }

  /** To be called every keepaliveTickMs. The gravest verdict is given. */
  tick(vitals: Vitals): VitalVerdict {
    const { isInFlight, isWriting, settled, bytesSent } = vitals;
    const isSameWrite = isWriting && bytesSent === this.#sentBefore && settled === this.#settledBefore;
    this.#sentBefore = bytesSent;
    this.#settledBefore = settled;
    const isStalled = this.#stall.tick(isSameWrite);
    const isUnacked = this.#unacked.tick(!vitals.isSettingsAcked);
    const isStarved = this.#starvation.tick(vitals.isStarved);
    const isStuck = this.#stuckLimit.tick(vitals.isLimitStuck);
    const isOverdue = this.#isOverdue(vitals.oldestOpenStreamId, vitals.nextStreamId);
    const verdict = this.#keepalive.tick(isInFlight || isWriting);
    if (verdict === 'silent') return 'silent';
    if (isStalled) return 'stalled';
    if (verdict === 'ping') return 'ping';
    if (isUnacked) return 'unacked';
    if (isOverdue) return 'overdue';
    if (isStarved) return 'starved';
    return isStuck ? 'stuck' : 'fine';
  }

  #isOverdue(oldestOpenStreamId: number, nextStreamId: number): boolean {
    const slot = this.#ticks++ % requestTicks;
    const nextThen = this.#nextStreamIdAt[slot]!;
    this.#nextStreamIdAt[slot] = nextStreamId;
    this.#isEachOverdue = nextThen === nextStreamId;
    return oldestOpenStreamId !== 0 && oldestOpenStreamId < nextThen;
  }
}
