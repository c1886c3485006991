/**
 * One byte stream over node:tls. Made by the TLS back-end; lives on the thread of its connection.
 *
 *   dialling ── way there ──▶ handshake ── secured, protocol agreed on ──▶ open ──▶ closed
 *      │      (TCP: at once)    │    │ ▲
 *      │                        │    └─┘ TCP: the next address (gateway-addresses)
 *      └────── time is up, refused, destroyed ────────────────────────────────────▶ closed
 *
 * A socket of its own reads into one buffer that is used again for every read (`onread`): no allocation and no stream
 * machinery per read. Node offers that for TCP only, so what comes through a dialled way is read in chunks. Node calls
 * back once per TLS record. Writes go out as they come, one at a time.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { assert } from '../base/assert.js';
import type { Clock, TimerHandle } from '../base/clock.js';
import type { PealError } from '../base/errors.js';
import { readBufferSize } from '../base/limits.js';
import type { BackendStream, ByteStreamListener, OpenOptions, StreamDetails } from './backend.js';
import { pinsOfGateway } from './chain-pins.js';
import { GatewayAddresses } from './gateway-addresses.js';
import { dialError, noPinError, noProtocolError, streamError, timeoutError } from './tls-errors.js';

/**
 * Opens the way to a gateway: resolves with a socket, or any other duplex stream, at whose other end the gateway waits
 * for the TLS handshake. A rejection becomes the end of the stream: a PealError as it is, anything else by its message.
 *
 * @param signal aborted when the way is no longer needed: the time is up, or the stream was destroyed
 */
export type Dial = (options: OpenOptions, signal: AbortSignal) => Promise<Duplex>;

/** Options that tls.connect takes as net.connect does, but that are missing in its types. */
export interface SocketOptions extends ConnectionOptions {
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
  onread?: { readonly buffer: Uint8Array; readonly callback: (length: number, buffer: Uint8Array) => boolean };
}

export class TlsStream implements BackendStream {
  readonly #options: OpenOptions;
  readonly #listener: ByteStreamListener;
  readonly #clock: Clock;
  readonly #connectTimer: TimerHandle;
  readonly #socketOptions: SocketOptions;
  /** Null where the way is dialled. */
  readonly #addresses: GatewayAddresses | null;
  /** Null while the way to the gateway is being dialled. */
  #socket: TLSSocket | null = null;
  /** What TLS runs inside, where that was dialled. */
  #way: Duplex | null = null;
  #dialling: AbortController | null = null;
  #isOpen = false;
  #isClosed = false;
  #isAbandoned = false;
  #hasEnded = false;
  #hasPeerEnded = false;
  #error: PealError | null = null;
  #onWritten: (() => void) | null = null;

  /** @param way how the host of `socketOptions` is reached: by TCP to one of its addresses, or as it is dialled */
  constructor(
    socketOptions: SocketOptions,
    options: OpenOptions,
    listener: ByteStreamListener,
    clock: Clock,
    way: GatewayAddresses | Dial,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    this.#socketOptions = socketOptions;
    this.#addresses = way instanceof GatewayAddresses ? way : null;
    if (way instanceof GatewayAddresses) this.#reach(way);
    else this.#dial(way);
    this.#connectTimer = clock.setTimer(this.#onConnectTimeout, options.connectTimeoutMs);
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#isAbandoned || this.#error !== null;
  }

  get hasUnread(): boolean {
    return (this.#socket?.readableLength ?? 0) > 0;
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    assert(this.#onWritten === null, 'a stream has one write at a time');
    this.#onWritten = onWritten;
    this.#socket?.write(bytes, this.#written);
  }

  pauseReading(): void {
    this.#socket?.pause();
  }

  resumeReading(): void {
    if (!this.#isClosed) this.#socket?.resume();
  }

  end(): void {
    this.#hasEnded = true;
    this.#socket?.end();
  }

  destroy(): void {
    this.#isAbandoned = true;
    this.#drop();
  }

  reset(): boolean {
    const isEnding = this.isClosed || this.#hasEnded || this.#hasPeerEnded;
    if (!this.#isOpen || isEnding || this.#onWritten !== null || this.hasUnread) return false;
    this.resumeReading();
    return true;
  }

  details(): StreamDetails {
    const socket = this.#socket;
    if (!this.#isOpen || socket === null) return {};
    const { alpnProtocol, remoteAddress, remotePort } = socket;
    return {
      protocol: socket.getProtocol(),
      cipher: socket.getCipher().standardName,
      alpnProtocol: alpnProtocol === false ? null : alpnProtocol,
      ...(remoteAddress !== undefined && { remoteAddress, remotePort: remotePort ?? null }),
    };
  }

  // --- the way, and TLS within it ---

  /** Connects to the first address that takes the connection; again where that one proves bad. */
  #reach(addresses: GatewayAddresses): void {
    const buffer = Buffer.allocUnsafeSlow(this.#options.readBufferSize ?? readBufferSize);
    const { lookup } = addresses;
    addresses.watch(this.#connect({ ...this.#socketOptions, lookup, onread: { buffer, callback: this.#onRead } }));
  }

  #dial(dial: Dial): void {
    const dialling = new AbortController();
    this.#dialling = dialling;
    // In a promise of its own, so that a dial function that throws at once is treated as one that rejects.
    const way = Promise.resolve().then(() => dial(this.#options, dialling.signal));
    way.then(
      (duplex) => this.#onDialled(duplex),
      (error: unknown) => this.#onDialFailed(error),
    );
  }

  #onDialled(way: Duplex): void {
    way.on('error', (error) => this.#fail(streamError(error, this.#state())));
    if (this.#isClosed || this.#isAbandoned) {
      way.destroy();
      return;
    }
    this.#dialling = null;
    this.#way = way;
    if ('unref' in way && typeof way.unref === 'function') way.unref();
    this.#connect({ ...this.#socketOptions, socket: way }).on('data', this.#onData);
  }

  #onDialFailed(error: unknown): void {
    if (this.#isClosed) return;
    this.#fail(dialError(error, this.#state()));
    this.#onClose();
  }

  #connect(socketOptions: SocketOptions): TLSSocket {
    const socket = connect(socketOptions);
    // tls.connect leaves the option noDelay out. With Nagle's algorithm a request waits until what was written before
    // it is acknowledged: as long as a round trip, or the 40 ms of a delayed acknowledgement.
    socket.setNoDelay(true);
    // A send that waits for an answer keeps the process alive; a connection that is kept for the next send does not.
    socket.unref();
    this.#socket = socket;
    this.#hasPeerEnded = false;
    socket.on('secureConnect', () => this.#onSecure());
    socket.on('end', () => {
      this.#hasPeerEnded = true;
    });
    socket.on('error', (error) => this.#onError(error));
    socket.on('close', () => this.#onClose());
    return socket;
  }

  // Made once per stream, not once per write. A write that fails is followed by 'close', which says it all.
  readonly #written = (error?: Error | null): void => {
    const onWritten = this.#onWritten;
    if (error != null || this.#isClosed || onWritten === null) return;
    this.#onWritten = null;
    onWritten();
  };

  readonly #onRead = (length: number, buffer: Uint8Array): boolean => {
    if (this.#isOpen && !this.#isAbandoned) this.#listener.onBytes(buffer, length);
    return true;
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#onRead(chunk.length, chunk);
  };

  readonly #onConnectTimeout = (): void => {
    const error = timeoutError(this.#options.address, this.#options.connectTimeoutMs);
    this.#fail(this.#addresses?.explain(error) ?? error);
    this.#drop();
  };

  #onSecure(): void {
    this.#clock.clearTimer(this.#connectTimer);
    if (this.#isAbandoned || this.#error !== null) return;
    const refusal = this.#refusal();
    if (refusal !== null) {
      this.#fail(refusal);
      this.#drop();
      return;
    }
    this.#isOpen = true;
    this.#listener.onOpen();
  }

  /** Why this is not the gateway that was asked for, though TLS trusts it; null where it is. */
  #refusal(): PealError | null {
    const { alpnProtocol, address, pins = null } = this.#options;
    if (alpnProtocol !== null && this.#socket!.alpnProtocol !== alpnProtocol) {
      return noProtocolError(address, alpnProtocol);
    }
    if (pins === null) return null;
    const seen = pinsOfGateway(this.#socket!);
    return seen.some((pin) => pins.includes(pin)) ? null : noPinError(address, seen);
  }

  // --- the end ---

  /** Fails the stream, unless it is one address that has failed and there are others. */
  #onError(error: unknown): void {
    if (this.#error !== null) return;
    const reason = streamError(error, this.#state());
    const isOnItsWay = this.#addresses !== null && !this.#isOpen && !this.#hasEnded;
    const verdict = isOnItsWay ? this.#addresses.judge(reason) : reason;
    if (verdict !== null) this.#fail(verdict);
  }

  /** Keeps the first error: what follows it is only its echo. */
  #fail(error: PealError): void {
    this.#error ??= error;
  }

  /** A socket tells its close by itself; a way that is still being dialled does not. */
  #drop(): void {
    if (this.#dialling === null) {
      this.#socket?.destroy();
      return;
    }
    this.#dialling.abort();
    this.#dialling = null;
    this.#clock.defer(() => this.#onClose());
  }

  #onClose(): void {
    if (this.#isClosed) return;
    if (!this.#isOpen && !this.#isAbandoned) {
      this.#onError({ code: 'ECONNRESET' });
      if (this.#error === null && this.#addresses !== null) {
        this.#reach(this.#addresses);
        return;
      }
    }
    this.#isClosed = true;
    this.#dialling = null;
    this.#way?.destroy();
    this.#clock.clearTimer(this.#connectTimer);
    this.#listener.onClosed(this.#isAbandoned ? null : this.#error);
  }

  #state(): Parameters<typeof streamError>[1] {
    return {
      address: this.#options.address,
      isOpen: this.#isOpen,
      hasCa: this.#options.ca !== null,
      hasCertificate: this.#options.certificate !== null,
      alpnProtocol: this.#options.alpnProtocol,
    };
  }
}
