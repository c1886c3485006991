/**
 * The addresses of a gateway, for one `open` of the TLS back-end: asked for once, each tried at most once. Owned by a
 * TLS stream, on the thread of its connection.
 *
 *   lookup ── addresses ──▶ TCP to one after the other ──▶ reached one ── handshake ──▶ open
 *                              ▲      (Node's doing)           │
 *                              └── the others, where any are ◀─┴─ closed, reset, silent
 *
 * Node leaves an address that does not take the connection, and knows no more of what follows. A machine that is ill
 * behind its balancer takes it, and then closes or says nothing. That is the fault of one address, and the next may be
 * well. What a handshake refuses (certificate, host name, protocol, version) is said by the gateway, and is final:
 * to ask one address after another until one suits would verify nothing.
 */
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { type ErrorRecord, PealError } from '../base/errors.js';
import { addressAttemptTimeoutMs, silentAddressShare } from '../base/limits.js';
import { PatientTimer } from '../base/timers.js';

export class GatewayAddresses {
  /** For `tls.connect`: the name service's answer the first time, after that what is left of it. */
  readonly lookup: LookupFunction;
  readonly #clock: Clock;
  readonly #patienceMs: number;
  #left: readonly LookupAddress[] = [];
  #hasAsked = false;
  #tried = 0;
  #reached = 0;
  #brokeOff = 0;
  #isReached = false;
  #isMovingOn = false;
  /**
   * What to say in the end: the first failure that says more than "too slow", as for TCP. Not the error itself, which
   * holds on to what was on the stack when it was made: a socket with its buffers, as long as the stream is open.
   */
  #failure: ErrorRecord | null = null;

  /** @param connectTimeoutMs for all addresses together; its owner's to keep */
  constructor(lookup: LookupFunction, connectTimeoutMs: number, clock: Clock) {
    this.#clock = clock;
    this.#patienceMs = Math.max(connectTimeoutMs * silentAddressShare, addressAttemptTimeoutMs);
    this.lookup = (hostname, options, callback) => {
      // Later in any case: the caller of `tls.connect` needs the socket before its first attempt.
      const answer: typeof callback = (...answered) => queueMicrotask(() => callback(...answered));
      if (this.#hasAsked) return answer(null, [...this.#left]);
      lookup(hostname, { ...options, all: true }, (error, addresses, family) => {
        assert(!this.#hasAsked, 'the name service is asked once');
        this.#hasAsked = true;
        if (error === null && Array.isArray(addresses)) this.#left = [...addresses];
        answer(error, addresses, family);
      });
    };
  }

  /** A socket that has just begun to connect by `lookup`; any before it has closed. */
  watch(socket: TLSSocket): void {
    this.#isReached = false;
    this.#isMovingOn = false;
    socket.on('connectionAttempt', (address: string) => {
      this.#tried += 1;
      this.#left = this.#left.filter((one) => one.address !== address);
    });
    socket.once('connect', () => {
      this.#isReached = true;
      this.#reached += 1;
      if (this.#left.length > 0) this.#endSilence(socket);
    });
  }

  /**
   * What to make of a failure of the watched socket before TLS was up.
   *
   * @returns why the stream failed; null where the next address is to be tried once the socket has closed
   */
  judge(error: PealError): PealError | null {
    if (error.code !== 'ERR_PEAL_CONNECT' && error.code !== 'ERR_PEAL_CONNECT_TIMEOUT') return error;
    if (this.#isMovingOn) return null; // an echo
    const isSilence = error.code === 'ERR_PEAL_CONNECT_TIMEOUT';
    if (this.#isReached && !isSilence) this.#brokeOff += 1;
    if (this.#failure === null || (this.#failure.code === 'ERR_PEAL_CONNECT_TIMEOUT' && !isSilence)) {
      this.#failure = error.toRecord();
    }
    // Where none was reached, Node has tried them all.
    this.#isMovingOn = this.#isReached && this.#left.length > 0;
    return this.#isMovingOn ? null : this.explain(this.#failure);
  }

  /** The same error, with what became of each address where there are several. */
  explain(error: ErrorRecord): PealError {
    const all = this.#tried + this.#left.length;
    const said = error.marked ?? error.message;
    const marked = `${said.replace(/\.$/, '')} (of ${all} addresses, ${this.#tally()}).`;
    return PealError.fromRecord(all < 2 ? error : { ...error, marked });
  }

  #tally(): string {
    const was = (count: number): string => (count === 1 ? 'was' : 'were');
    const unreached = this.#tried - this.#reached;
    const silent = this.#reached - this.#brokeOff;
    const parts: readonly [number, string][] = [
      [this.#brokeOff, 'broke off before TLS was set up'],
      [silent, 'stayed silent'],
      [unreached, `${was(unreached)} not reached`],
      [this.#left.length, `${was(this.#left.length)} not tried`],
    ];
    return parts
      .filter(([count]) => count > 0)
      .map(([count, text]) => `${count} ${text}`)
      .join(', ');
  }

  /** Ends the socket with an error unless its handshake is done in time. */
  #endSilence(socket: TLSSocket): void {
    // A PatientTimer, because a busy thread must read what has come before it takes the gateway for silent.
    const timer = new PatientTimer(
      this.#clock,
      () => socket.bytesRead,
      () => socket.destroy(Object.assign(new Error('no TLS handshake'), { code: 'ETIMEDOUT' })),
    );
    timer.set(this.#patienceMs);
    const stop = (): void => timer.clear();
    socket.once('secureConnect', stop).once('close', stop);
  }
}
