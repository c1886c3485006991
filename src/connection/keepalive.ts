/**
 * Decides whether a gateway is still there, from what one connection heard since the last tick. Owned by VitalSigns,
 * which ticks it every keepaliveTickMs; holds no timer and reads no clock.
 *
 * Silence is counted in ticks that this thread really ran. A thread that was busy for a minute finds that one tick
 * has passed and not sixty, reads what has gathered in the kernel, and does not take itself for a dead gateway.
 *
 *   requests in flight:  silence ── 10 s ──▶ ping ── 5 s ──▶ silent (dead)
 *   nothing in flight:   silence ── 240 s ─▶ ping ── 5 s ──▶ silent (dead)
 *   any byte heard:      back to the start
 *
 * A gateway that falls silent just after a tick that heard it is found one tick later: 16 s at most.
 */
import { keepaliveTickMs, pingAfterIdleMs, pingAfterSilenceMs, pingTimeoutMs } from '../base/limits.js';

export type KeepaliveVerdict = 'fine' | 'ping' | 'silent';

const silentTicksBeforePing = pingAfterSilenceMs / keepaliveTickMs;
const idleTicksBeforePing = pingAfterIdleMs / keepaliveTickMs;
const pingTicks = pingTimeoutMs / keepaliveTickMs;

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
