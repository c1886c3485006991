/**
 * The simulator's listening socket: TLS 1.2 or later, ALPN h2, client certificates where they are asked for. Makes a
 * GatewayConnection for each client. On the simulator's thread.
 */
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { PealError } from '../base/errors.js';
import { handshakeTimeoutMs } from '../base/limits.js';
import type { ByteStream, ByteStreamListener } from '../transport/backend.js';
import type { Gateway } from './gateway.js';
import { GatewayConnection } from './gateway-connection.js';
import type { ClientIdentity } from './request-rules.js';

/** AES-128 first: it costs either end less than what OpenSSL prefers, and the list of TLS 1.2 follows Apple's. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

export interface ListenerIdentity {
  readonly cert: string;
  readonly key: string;
}

export class TlsListener {
  readonly #gateway: Gateway;
  readonly #server: Server;
  readonly #connections = new Set<GatewayConnection>();
  #whenEmpty: (() => void) | null = null;

  /** @throws PealError `ERR_PEAL_CREDENTIAL` when certificate, key or client authority cannot be used */
  constructor(gateway: Gateway, identity: ListenerIdentity) {
    const { settings } = gateway;
    this.#gateway = gateway;
    try {
      this.#server = createServer({
        cert: identity.cert,
        key: identity.key,
        ...(settings.clientCa === null ? {} : { ca: settings.clientCa }),
        requestCert: settings.clientCa !== null,
        rejectUnauthorized: settings.auth === 'certificate',
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.2',
        honorCipherOrder: true,
        ciphers,
        noDelay: true,
        handshakeTimeout: handshakeTimeoutMs,
      });
    } catch (error) {
      const what = `Simulator options cert, key, clientCa: ${(error as Error).message}; give PEM that belongs together`;
      throw new PealError('ERR_PEAL_CREDENTIAL', what, { origin: 'credential', cause: error });
    }
    this.#server.on('secureConnection', (socket) => this.#accept(socket));
    this.#server.on('tlsClientError', (error) => {
      settings.logger.warn({ reason: error.message }, 'simulator: a TLS handshake failed');
    });
  }

  /** Resolves with the port. @throws PealError `ERR_PEAL_OPTION` when host and port cannot be listened on */
  listen(): Promise<number> {
    const { host, port } = this.#gateway.settings;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, host, port)));
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Takes no more clients and ends those that are there in good order; resolves when all are gone. */
  async close(): Promise<void> {
    this.#server.close();
    for (const connection of this.#connections) connection.close();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  #accept(socket: TLSSocket): void {
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy(); // a client without ALPN: HTTP/1.1, or none at all
      return;
    }
    const stream = new ServerTlsStream(socket);
    const connection = new GatewayConnection(
      this.#gateway,
      stream,
      identify(socket),
      this.#reasonToTurnAway(socket),
      () => this.#forget(connection),
    );
    this.#connections.add(connection);
    stream.attach(connection);
  }

  /** APNs says by GOAWAY what is wrong with a certificate, as TLS 1.3 has no better place for it. */
  #reasonToTurnAway(socket: TLSSocket): string | null {
    const hasCertificate = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
    return this.#gateway.settings.clientCa !== null && hasCertificate && !socket.authorized ? 'BadCertificate' : null;
  }

  #forget(connection: GatewayConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }
}

function identify(socket: TLSSocket): ClientIdentity {
  if (!socket.authorized) return { certificateTopic: null, keyName: null };
  const subject = socket.getPeerCertificate().subject as { UID?: string } | undefined;
  return { certificateTopic: subject?.UID ?? '', keyName: null };
}

function listenError(error: Error & { code?: string }, host: string, port: number): PealError {
  const why = error.code === 'EADDRINUSE' ? 'the port is in use; choose another, or 0 for any free one' : error.message;
  return new PealError('ERR_PEAL_OPTION', `The simulator cannot listen on ${host}:${port}: ${why}`, {
    origin: 'usage',
  });
}

/** A server's end of a TLS connection as a byte stream. */
class ServerTlsStream implements ByteStream {
  readonly #socket: TLSSocket;
  #onWritten: (() => void) | null = null;
  #isClosed = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  attach(listener: ByteStreamListener): void {
    const socket = this.#socket;
    let error: Error | null = null;
    socket.on('data', (chunk: Buffer) => listener.onBytes(chunk, chunk.length));
    socket.on('error', (reason) => {
      error = reason;
    });
    socket.on('close', () => {
      this.#isClosed = true;
      listener.onClosed(error === null ? null : closedError(error));
    });
    listener.onOpen();
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
    this.#socket.destroy();
  }

  readonly #written = (error?: Error | null): void => {
    const onWritten = this.#onWritten;
    if (error != null || this.#isClosed || onWritten === null) return;
    this.#onWritten = null;
    onWritten();
  };
}

function closedError(error: Error): PealError {
  return new PealError('ERR_PEAL_CLOSED', error.message, { origin: 'connect', retryable: true, cause: error });
}
