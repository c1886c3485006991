/**
 * How long a connection has had nothing in flight, and whether it has to give a sign of life before it gets work again.
 * Owned by Http2Connection; on its thread.
 *
 * Routers, gateways and sleeping machines lose idle connections without a word, and whatever is written to one that is
 * lost is unknown: a burst of a thousand at once. So one that was idle for reuseCheckAfterMs is sent a PING first, and
 * gets work with the next byte that it says: a round trip, and nothing is lost where none comes.
 *
 *   idle ── work, after reuseCheckAfterMs ──▶ asked ── any byte ──▶ in use
 *                                              └─── pingTimeoutMs ──▶ the gateway is gone
 *
 * By the wall clock, too: the monotonic one stands still while a machine sleeps.
 */
import type { Clock } from '../../base/clock.js';
import { pingTimeoutMs, reuseCheckAfterMs } from '../../base/limits.js';
import { PatientTimer } from '../../base/timers.js';

export class Idleness {
  readonly #clock: Clock;
  readonly #act: (verdict: 'ping' | 'silent') => void;
  readonly #timer: PatientTimer;
  #sinceMs!: number;
  /** When the connection was last known to be alive. */
  #aliveAtMs = 0;
  #aliveAtWallMs = 0;
  #isAsked = false;

  /** `heard`: bytes read so far. `act` carries out: 'ping', send one now; 'silent', nothing was heard for it. */
  constructor(clock: Clock, heard: () => number, act: (verdict: 'ping' | 'silent') => void) {
    this.#clock = clock;
    this.#act = act;
    this.#timer = new PatientTimer(clock, heard, () => act('silent'));
    this.begin();
  }

  /** Since nothing has been in flight. */
  get ms(): number {
    return this.#clock.now() - this.#sinceMs;
  }

  /** The last answer has come. */
  begin(): void {
    this.#sinceMs = this.#clock.now();
    this.#noteAlive();
  }

  /** Called with nothing in flight. Returns whether work has to wait for a sign of life; asks for one if need be. */
  holdsWork(): boolean {
    if (this.#isAsked) return true;
    const silentMs = Math.max(this.#clock.now() - this.#aliveAtMs, this.#clock.wallMs() - this.#aliveAtWallMs);
    if (silentMs < reuseCheckAfterMs) return false;
    this.#isAsked = true;
    this.#timer.set(pingTimeoutMs);
    this.#act('ping');
    return true;
  }

  /** Bytes came in. On the hot path: one comparison. */
  heard(): void {
    if (!this.#isAsked) return;
    this.stop();
    this.#noteAlive();
  }

  stop(): void {
    this.#isAsked = false;
    this.#timer.clear();
  }

  #noteAlive(): void {
    this.#aliveAtMs = this.#clock.now();
    this.#aliveAtWallMs = this.#clock.wallMs();
  }
}
