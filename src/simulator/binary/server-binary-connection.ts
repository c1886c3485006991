/**
 * Drives one binary connection over a byte stream: passes on what is read until a notification ends the connection,
 * then writes the status in one write and ends. It keeps reading and discarding afterwards, because a socket that is
 * closed with unread bytes is reset, and the client would lose the status. On the simulator's thread.
 *
 *     serving ─(bad notification, limit)─▶ delaying ─▶ status ─▶ ended ─(the client ends, or 5 s)─▶ closed
 */
import type { TimerHandle } from '../../base/clock.js';
import type { PealError } from '../../base/errors.js';
import { closeTimeoutMs } from '../../base/limits.js';
import { STATUS_BYTES, writeStatus } from '../../codec/binary/status.js';
import type { ByteStream } from '../../transport/backend.js';
import type { SimulatedGateway } from '../faults/simulated-gateway.js';
import type { ServedConnection } from '../listen/tls-listener.js';
import { type BinaryEnding, BinaryServer } from './binary-server.js';

/** Time between the octets of a split status, so that each arrives in a read of its own. */
const splitPauseMs = 2;

export class ServerBinaryConnection implements ServedConnection {
  readonly #gateway: SimulatedGateway;
  readonly #stream: ByteStream;
  readonly #server: BinaryServer;
  readonly #isTurnedAway: boolean;
  readonly #whenClosed: () => void;
  #timer: TimerHandle | null = null;
  #deadline: TimerHandle | null = null;
  #isEnding = false;
  #isClosed = false;

  /**
   * @param isTurnedAway Whether the client is dropped at once because its certificate is not accepted.
   * @param whenClosed Called once, when the stream is over.
   */
  constructor(gateway: SimulatedGateway, stream: ByteStream, isTurnedAway: boolean, whenClosed: () => void) {
    this.#gateway = gateway;
    this.#stream = stream;
    this.#server = new BinaryServer(gateway);
    this.#isTurnedAway = isTurnedAway;
    this.#whenClosed = whenClosed;
  }

  onOpen(): void {
    this.#gateway.ledger.recordConnection();
    if (this.#isTurnedAway) this.destroy();
  }

  onBytes(buffer: Uint8Array, length: number): void {
    if (this.#isEnding || this.#isTurnedAway) return;
    this.#server.receive(buffer, length);
    const { ending } = this.#server;
    if (ending === null) return;
    const { statusDelayMs, roundTripMs } = this.#gateway.settings;
    this.#finish(ending, statusDelayMs + roundTripMs + ending.delayMs);
  }

  /** The client has ended without a fault, unless a status is on its way to it. */
  onPeerEnd(): void {
    if (!this.#isEnding) this.#end();
  }

  onClosed(error: PealError | null): void {
    this.#isClosed = true;
    const { clock, logger } = this.#gateway.settings;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    if (this.#deadline !== null) clock.clearTimer(this.#deadline);
    const reason = this.#server.fault ?? error?.message ?? null;
    if (reason !== null) logger.warn({ reason }, 'simulator: a binary connection ended early');
    this.#whenClosed();
  }

  /** Ends with status 10, which names the last delivered notification. */
  close(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#server.shutDown();
    const { ending } = this.#server;
    if (ending !== null) this.#finish(ending, 0);
  }

  destroy(): void {
    if (!this.#isClosed) this.#stream.destroy();
  }

  #finish(ending: BinaryEnding, delayMs: number): void {
    this.#isEnding = true;
    this.#after(delayMs, () => {
      if (ending.isReset) this.destroy();
      else if (ending.status === 0) this.#end();
      else this.#tell(ending);
    });
  }

  #tell({ status, identifier }: BinaryEnding): void {
    const bytes = new Uint8Array(STATUS_BYTES);
    writeStatus(bytes, 0, status, identifier);
    if (this.#gateway.settings.splitStatus) this.#writeOctet(bytes, 0);
    else this.#stream.write(bytes, () => this.#end());
  }

  #writeOctet(bytes: Uint8Array, at: number): void {
    this.#stream.write(bytes.subarray(at, at + 1), () => {
      if (at + 1 === bytes.length) this.#end();
      else this.#after(splitPauseMs, () => this.#writeOctet(bytes, at + 1));
    });
  }

  #after(delayMs: number, callback: () => void): void {
    if (delayMs <= 0) {
      callback();
      return;
    }
    this.#timer = this.#gateway.settings.clock.setTimer(() => {
      this.#timer = null;
      if (!this.#isClosed) callback();
    }, delayMs);
  }

  #end(): void {
    this.#isEnding = true;
    if (this.#isClosed || this.#deadline !== null) return;
    this.#deadline = this.#gateway.settings.clock.setTimer(() => this.destroy(), closeTimeoutMs);
    this.#stream.end();
  }
}
