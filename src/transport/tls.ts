/**
 * The default back-end: byte streams over node:tls. Called by connections, on whichever thread they live.
 *
 * A socket reads into one buffer that is used again for every read (`onread`): no allocation and no stream machinery
 * per read. Node calls back once per TLS record. Writes go out as they come; the caller keeps to one at a time.
 */
import { Buffer } from 'node:buffer';
import { isIP, type LookupFunction } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type Clock, systemClock, type TimerHandle } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { addressAttemptTimeoutMs, readBufferBytes } from '../base/limits.js';
import type { Backend, ByteStream, ByteStreamListener, OpenOptions } from './backend.js';
import { createRotatingLookup } from './lookup.js';
import { SecureContexts } from './secure-contexts.js';
import { noProtocolError, streamError, timeoutError } from './tls-errors.js';

export interface TlsBackendOptions {
  /** Default: the process's own. */
  readonly clock?: Clock;
  /** How host names become addresses. Default: a fresh `dns.lookup` for each connection, spread over its answers. */
  readonly lookup?: LookupFunction;
}

/**
 * The back-end `tls`: TLS 1.2 or later, the gateway's certificate and host name always verified.
 * Errors reach the listener as PealError: ERR_PEAL_RESOLVE, _CONNECT, _CONNECT_TIMEOUT, _TLS, _ALPN, _CREDENTIAL,
 * _OPTION before the stream is open; _CLOSED and _TLS (a late alert) after.
 */
export function createTlsBackend(options: TlsBackendOptions = {}): Backend {
  const clock = options.clock ?? systemClock;
  const lookup = options.lookup ?? createRotatingLookup();
  const contexts = new SecureContexts();
  return {
    open(openOptions: OpenOptions, listener: ByteStreamListener): ByteStream {
      try {
        const secureContext = contexts.contextFor(openOptions.certificate, openOptions.ca);
        return new TlsStream({ ...socketOptions(openOptions), secureContext, lookup }, openOptions, listener, clock);
      } catch (error) {
        return refusedStream(error, listener, clock);
      }
    },
  };
}

/** Options that tls.connect takes as net.connect does, but that are missing in its types. */
interface SocketOptions extends ConnectionOptions {
  autoSelectFamily?: boolean;
  autoSelectFamilyAttemptTimeout?: number;
  noDelay?: boolean;
  onread?: { readonly buffer: Uint8Array; readonly callback: (length: number, buffer: Uint8Array) => boolean };
}

function socketOptions(options: OpenOptions): SocketOptions {
  const { host, port } = options.address;
  const result: SocketOptions = {
    host,
    port,
    // Said outright, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
    rejectUnauthorized: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressAttemptTimeoutMs,
  };
  if (isIP(host) === 0) result.servername = host; // SNI holds names only (RFC 6066 §3)
  if (options.alpnProtocol !== null) result.ALPNProtocols = [options.alpnProtocol];
  return result;
}

class TlsStream implements ByteStream {
  readonly #socket: TLSSocket;
  readonly #options: OpenOptions;
  readonly #listener: ByteStreamListener;
  readonly #clock: Clock;
  #connectTimer: TimerHandle;
  #isOpen = false;
  #isClosed = false;
  #isAbandoned = false;
  #error: PealError | null = null;
  #onWritten: (() => void) | null = null;

  constructor(socketOptions: SocketOptions, options: OpenOptions, listener: ByteStreamListener, clock: Clock) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = clock;
    const readInto: SocketOptions = {
      ...socketOptions,
      noDelay: true,
      onread: { buffer: Buffer.allocUnsafeSlow(readBufferBytes), callback: this.#onRead },
    };
    this.#socket = connect(readInto);
    this.#connectTimer = clock.setTimer(this.#onConnectTimeout, options.connectTimeoutMs);
    this.#socket.on('secureConnect', () => this.#onSecure());
    this.#socket.on('error', (error) => this.#fail(streamError(error, this.#state())));
    this.#socket.on('close', () => this.#onClose());
  }

  write(bytes: Uint8Array, onWritten: () => void): void {
    this.#onWritten = onWritten;
    this.#socket.write(bytes, this.#written);
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    if (!this.#isClosed) this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#isAbandoned = true;
    this.#socket.destroy();
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

  readonly #onConnectTimeout = (): void => {
    this.#fail(timeoutError(this.#options.address, this.#options.connectTimeoutMs));
    this.#socket.destroy();
  };

  #onSecure(): void {
    this.#clock.clearTimer(this.#connectTimer);
    if (this.#isAbandoned || this.#error !== null) return;
    const { alpnProtocol, address } = this.#options;
    if (alpnProtocol !== null && this.#socket.alpnProtocol !== alpnProtocol) {
      this.#fail(noProtocolError(address, alpnProtocol));
      this.#socket.destroy();
      return;
    }
    this.#isOpen = true;
    this.#listener.onOpen();
  }

  /** Keeps the first error: what follows it is only its echo. */
  #fail(error: PealError): void {
    this.#error ??= error;
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#clock.clearTimer(this.#connectTimer);
    if (!this.#isOpen && !this.#isAbandoned) this.#fail(streamError({ code: 'ECONNRESET' }, this.#state()));
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

/** A stream that never was: tells its listener why in a later turn. */
function refusedStream(error: unknown, listener: ByteStreamListener, clock: Clock): ByteStream {
  const ignore = (): void => {};
  const reason =
    error instanceof PealError
      ? error
      : new PealError('ERR_PEAL_CONNECT', `The connection cannot be opened: ${String(error)}.`, { origin: 'connect' });
  clock.defer(() => listener.onClosed(reason));
  return { write: ignore, pauseReading: ignore, resumeReading: ignore, end: ignore, destroy: ignore };
}
