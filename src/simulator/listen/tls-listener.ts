/**
 * A listening socket of the simulator: TLS 1.2 or later, ALPN where the protocol has it, client certificates where they
 * are wanted. Makes a connection for each client (listening-plans tells which). On the simulator's thread.
 */
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { certificateScope } from '../../apns/credentials/certificate-scope.js';
import { PealError } from '../../base/errors.js';
import { handshakeTimeoutMs, reopenRetryMs } from '../../base/limits.js';
import type { ByteStream, ByteStreamListener } from '../../transport/backend.js';
import type { SuspendableListener } from '../faults/gateway-faults.js';
import type { ServerStream } from '../http2/connection-driver.js';
import type { ClientIdentity } from '../rules/request-rules.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';

/** AES-128 first, because it costs both ends less than OpenSSL's preference. The list for TLS 1.2 follows Apple's. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':');

interface ListenerIdentity {
  readonly cert: string;
  readonly key: string;
}

/** A client's connection as its listener knows it. */
export interface ServedConnection extends ByteStreamListener {
  /** The client will send no more. Only for plans whose clients may end first. */
  onPeerEnd?(): void;
  /** Ends properly. Calls the plan's `whenClosed` once it is over. */
  close(): void;
  /** Drops the connection at once. */
  destroy(): void;
}

/** What one listener serves. */
export interface ListeningPlan {
  readonly port: number;
  /** The protocol that clients must agree on; null for protocols without ALPN. */
  readonly alpnProtocol: 'h2' | null;
  /** Whether clients without an accepted certificate are refused in the handshake. */
  readonly needsCertificate: boolean;
  /** @param turnAway Apple's reason to turn the client away, or null. */
  serve(stream: ByteStream, client: ClientIdentity, turnAway: string | null, whenClosed: () => void): ServedConnection;
}

export class TlsListener implements SuspendableListener {
  readonly #settings: SimulatorSettings;
  readonly #plan: ListeningPlan;
  readonly #server: Server;
  readonly #connections = new Set<ServedConnection>();
  /** The TCP sockets beneath TLS, by the client's port, for faults that reset them; null without faults. */
  readonly #sockets: Map<number, Socket> | null;
  #port = 0;
  #isClosing = false;
  #whenEmpty: (() => void) | null = null;

  /** @throws PealError `ERR_PEAL_CREDENTIAL` if certificate, key or client authority cannot be used */
  constructor(settings: SimulatorSettings, identity: ListenerIdentity, plan: ListeningPlan) {
    this.#settings = settings;
    this.#plan = plan;
    this.#sockets = settings.scenario === null ? null : new Map();
    try {
      this.#server = createServer({
        cert: identity.cert,
        key: identity.key,
        ...(settings.clientCa === null ? {} : { ca: settings.clientCa }),
        requestCert: settings.clientCa !== null,
        rejectUnauthorized: plan.needsCertificate,
        ...(plan.alpnProtocol === null ? {} : { ALPNProtocols: [plan.alpnProtocol] }),
        minVersion: 'TLSv1.2',
        honorCipherOrder: true,
        ciphers,
        noDelay: true,
        // A status may still be on its way to a client that has ended its side.
        allowHalfOpen: plan.alpnProtocol === null,
        handshakeTimeout: handshakeTimeoutMs,
      });
    } catch (error) {
      const what =
        `Simulator options cert, key, clientCa: ${(error as Error).message}; give PEM of one ` +
        'certificate, its key and its authority';
      throw new PealError('ERR_PEAL_CREDENTIAL', what, { origin: 'credential', cause: error });
    }
    if (this.#sockets !== null) this.#server.on('connection', (socket: Socket) => this.#remember(socket));
    this.#server.on('secureConnection', (socket) => this.#accept(socket));
    this.#server.on('tlsClientError', (error) => {
      settings.logger.warn({ reason: error.message }, 'simulator: a TLS handshake failed');
    });
  }

  /** Resolves with the port. @throws PealError `ERR_PEAL_OPTION` if it cannot listen on host and port */
  listen(): Promise<number> {
    const { host } = this.#settings;
    const { port } = this.#plan;
    return new Promise((resolve, reject) => {
      const onError = (error: Error): void => reject(listenError(error, host, port));
      this.#server.once('error', onError);
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError);
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve(this.#port);
      });
    });
  }

  /** Refuses new connections for a time. Open ones stay. */
  suspend(): void {
    if (this.#server.listening) this.#server.close();
  }

  /** Listens again on the same port, and tries until it succeeds. */
  resume(): void {
    if (this.#isClosing || this.#server.listening) return;
    const { clock, host, logger } = this.#settings;
    const onError = (error: Error): void => {
      logger.warn({ reason: error.message }, 'simulator: the gateway cannot listen again yet');
      clock.setTimer(() => this.resume(), reopenRetryMs);
    };
    this.#server.once('error', onError);
    this.#server.listen(this.#port, host, () => this.#server.off('error', onError));
  }

  /** Accepts no more clients and ends the others properly. Resolves when all are gone. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#server.listening) this.#server.close();
    for (const connection of this.#connections) connection.close();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  #accept(socket: TLSSocket): void {
    const { alpnProtocol } = this.#plan;
    if (alpnProtocol !== null && socket.alpnProtocol !== alpnProtocol) {
      socket.destroy(); // a client without ALPN: HTTP/1.1, or none at all
      return;
    }
    const stream = new ServerTlsStream(socket, this.#sockets?.get(socket.remotePort ?? 0) ?? null);
    const connection = this.#plan.serve(stream, identify(socket), this.#reasonToTurnAway(socket), () =>
      this.#forget(connection),
    );
    this.#connections.add(connection);
    stream.attach(connection);
    // Its handshake was under way when all others were closed.
    if (this.#isClosing) connection.close();
  }

  /** A TLS socket cannot reset its connection, but the socket beneath can. */
  #remember(socket: Socket): void {
    const port = socket.remotePort ?? 0;
    this.#sockets?.set(port, socket);
    socket.once('close', () => {
      if (this.#sockets?.get(port) === socket) this.#sockets.delete(port);
    });
  }

  /** Reason to refuse a certificate that the authority did not sign, if clients may also have none. */
  #reasonToTurnAway(socket: TLSSocket): string | null {
    const hasCertificate = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
    return this.#settings.clientCa !== null && hasCertificate && !socket.authorized ? 'BadCertificate' : null;
  }

  #forget(connection: ServedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }
}

function identify(socket: TLSSocket): ClientIdentity {
  if (!socket.authorized) return { certificateTopic: null, keyName: null };
  const { subject, raw } = socket.getPeerCertificate();
  const uid = (subject as { UID?: string } | undefined)?.UID ?? '';
  return { certificateTopic: uid, certificateScope: certificateScope(raw, uid), keyName: null };
}

function listenError(error: Error & { code?: string }, host: string, port: number): PealError {
  const why = error.code === 'EADDRINUSE' ? 'the port is in use; choose another, or 0 for any free one' : error.message;
  return new PealError('ERR_PEAL_OPTION', `The simulator cannot listen on ${host}:${port}: ${why}`, {
    origin: 'usage',
  });
}

/** A server's end of a TLS connection as a byte stream. */
class ServerTlsStream implements ServerStream {
  readonly #socket: TLSSocket;
  readonly #beneath: Socket | null;
  #onWritten: (() => void) | null = null;
  #isClosed = false;

  /** @param beneath The TCP socket, if it is known. */
  constructor(socket: TLSSocket, beneath: Socket | null) {
    this.#socket = socket;
    this.#beneath = beneath;
  }

  attach(listener: ServedConnection): void {
    const socket = this.#socket;
    let error: Error | null = null;
    socket.on('data', (chunk: Buffer) => listener.onBytes(chunk, chunk.length));
    if (listener.onPeerEnd !== undefined) socket.on('end', () => listener.onPeerEnd?.());
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

  /**
   * Not within a call of the socket: Node crashes if the socket beneath goes while TLS calls back (as it does about the
   * end of a handshake). Two turns later, because in the next turn the output of TLS is still under way, and the
   * reset would become a normal end.
   */
  resetPeer(): void {
    this.#socket.pause();
    setImmediate(() => {
      setImmediate(() => {
        this.#beneath?.resetAndDestroy();
        this.#socket.destroy();
      });
    });
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
