/**
 * The gateway of the reliability benchmark: node:http2 behind TLS on loopback, scripted by the case, with a book of its
 * own of what was delivered. Main thread, while the contender runs in a process of its own.
 */
import { once } from 'node:events';
import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { ThrowAwayAuthority } from '../../src/simulator/listen/certificate.js';

/** One request that has come, and has no answer yet. */
export interface Request {
  readonly token: string;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  /** The first of its connection. */
  readonly isFirst: boolean;
}

export class Gateway implements AsyncDisposable {
  /** How often each token was delivered. */
  readonly deliveries = new Map<string, number>();
  requests = 0;
  connections = 0;
  readonly #server: Http2SecureServer;
  readonly #sockets = new Set<Socket>();
  readonly #onRequest: (request: Request, gateway: Gateway) => void;

  private constructor(server: Http2SecureServer, onRequest: (request: Request, gateway: Gateway) => void) {
    this.#server = server;
    this.#onRequest = onRequest;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session) => this.#onSession(session));
    for (const event of ['sessionError', 'tlsClientError']) server.on(event, () => {});
  }

  static async open(
    authority: ThrowAwayAuthority,
    onRequest: (request: Request, gateway: Gateway) => void,
  ): Promise<Gateway> {
    const settings = { maxConcurrentStreams: 1000 };
    const server = createSecureServer({ ...authority.issueServer(), settings, maxSessionMemory: 1000 });
    const gateway = new Gateway(server, onRequest);
    server.listen(0, 'localhost');
    await once(server, 'listening');
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The device has shown it, whether or not the sender hears of it. */
  deliver({ token }: Request): void {
    this.deliveries.set(token, (this.deliveries.get(token) ?? 0) + 1);
  }

  /** Delivers and says so. */
  accept(request: Request): void {
    this.deliver(request);
    this.#respond(request, 200, {}, '');
  }

  reject(request: Request, status: number, reason: string, retryAfterSeconds: number): void {
    this.#respond(request, status, { 'retry-after': String(retryAfterSeconds) }, JSON.stringify({ reason }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #onSession(session: ServerHttp2Session): void {
    this.connections += 1;
    let isFirst = true;
    session.on('error', () => {});
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      stream.resume();
      const token = String(headers[':path']).slice('/3/device/'.length);
      this.requests += 1;
      const request = { token, stream, session, isFirst };
      isFirst = false;
      this.#onRequest(request, this);
    });
  }

  #respond({ stream }: Request, status: number, headers: Record<string, string>, body: string): void {
    if (stream.destroyed || stream.headersSent) return;
    stream.respond({ ':status': status, ...headers }, { endStream: body === '' });
    if (body !== '') stream.end(body);
  }
}
