/**
 * Servers on loopback that take connections and are no gateways, or bad ones: each fault is a real one of TCP, TLS or
 * HTTP/2.
 */
import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

export class OddGateway implements AsyncDisposable {
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('tlsClientError', () => {});
  }

  static async #open(server: Server): Promise<OddGateway> {
    const gateway = new OddGateway(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return gateway;
  }

  /** Takes connections, and does with each of them what a test wants; by default nothing at all. */
  static tcp(onSocket: (socket: Socket) => void = () => {}): Promise<OddGateway> {
    return OddGateway.#open(createServer((socket) => onSocket(socket.on('error', () => {}).resume())));
  }

  /** TLS that agrees on these protocols; on none without them. Says nothing within it. */
  static tls(pair: Pair, protocols?: readonly string[]): Promise<OddGateway> {
    const alpn = protocols === undefined ? {} : { ALPNProtocols: [...protocols] };
    return OddGateway.#open(createTlsServer({ ...pair, ...alpn }, (socket) => socket.on('error', () => {}).resume()));
  }

  /** HTTP/2, with what a test does to each session. Requests get no answer but that of `answer`. */
  static http2(
    pair: Pair,
    onSession: (session: ServerHttp2Session) => void,
    answer?: Readonly<Record<string, string | number>>,
  ): Promise<OddGateway> {
    const server = createSecureServer(pair);
    server.on('session', (session) => onSession(session.on('error', () => {})));
    server.on('stream', (stream) => {
      stream.on('error', () => {}).resume();
      if (answer !== undefined) stream.respond(answer, { endStream: true });
    });
    return OddGateway.#open(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
  }
}
