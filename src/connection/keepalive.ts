/**
 * Decides whether a connection is alive, from what one connection heard since the last tick. Owned by
 * Http2Connection, which ticks it every keepaliveTickMs; holds no timer and reads no clock.
 *
 * Silence is counted in ticks that this thread really ran. A thread that was busy for a minute finds that one tick
 * has passed and not sixty, reads what has gathered in the kernel, and does not take itself for a dead gateway.
 *
 *   requests in flight:  silence ── 10 s ──▶ ping ── 5 s ──▶ silent (dead)
 *   nothing in flight:   silence ── 240 s ─▶ ping ── 5 s ──▶ silent (dead)
 *   any byte heard:      back to the start
 *
 * Whether one request waits too long is decided from two running totals: fewer settled by now than were submitted
 * requestTimeoutMs ago means that at least one of those is overdue. One lost answer among many is found at the latest
 * when requestTimeoutMs have passed since the last request; until then PINGs vouch for the connection.
 *
 * A gateway may also answer everything and then allow no request at all (no streams, no window). Work that could go
 * nowhere else would wait for ever; so a connection that is starved for requestTimeoutMs is of no use either.
 */
import {
  keepaliveTickMs,
  pingAfterIdleMs,
  pingAfterSilenceMs,
  pingTimeoutMs,
  requestTimeoutMs,
} from '../base/limits.js';

export type KeepaliveVerdict = 'fine' | 'ping' | 'silent' | 'overdue' | 'starved';

const silentTicksBeforePing = pingAfterSilenceMs / keepaliveTickMs;
const idleTicksBeforePing = pingAfterIdleMs / keepaliveTickMs;
const pingTicks = pingTimeoutMs / keepaliveTickMs;
const requestTicks = requestTimeoutMs / keepaliveTickMs;

export class Keepalive {
  #hasHeard = false;
  #silentTicks = 0;
  #wasInFlight = false;
  #ticksSincePing = -1;
  /** Requests submitted in all, as it was at each of the last `requestTicks` ticks. */
  readonly #submittedAt = new Float64Array(requestTicks);
  #ticks = 0;
  #starvedTicks = 0;

  /** Bytes came in. On the hot path: one store. */
  heard(): void {
    this.#hasHeard = true;
  }

  /**
   * To be called every keepaliveTickMs, with the requests in flight now and the running totals of requests
   * submitted and settled, and whether work waits, nothing is in flight, and yet no request is allowed.
   * 'ping': send one now. 'silent': the gateway is gone. 'overdue': a request is. 'starved': for too long.
   */
  tick(inFlight: number, submitted: number, settled: number, isStarved: boolean): KeepaliveVerdict {
    this.#starvedTicks = isStarved ? this.#starvedTicks + 1 : 0;
    const isOverdue = this.#isOverdue(submitted, settled);
    const verdict = this.#silence(inFlight > 0);
    if (verdict !== 'fine') return verdict;
    if (isOverdue) return 'overdue';
    return this.#starvedTicks > requestTicks ? 'starved' : 'fine';
  }

  #isOverdue(submitted: number, settled: number): boolean {
    const slot = this.#ticks++ % requestTicks;
    const submittedThen = this.#submittedAt[slot]!;
    this.#submittedAt[slot] = submitted;
    return settled < submittedThen;
  }

  #silence(isInFlight: boolean): KeepaliveVerdict {
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
