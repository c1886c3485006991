/**
 * A small HTTP proxy on loopback: CONNECT only, Basic authentication where a test wants it, every answer scriptable.
 * With certificates it speaks TLS itself.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';

export interface ConnectProxyOptions {
  /** `user:password` that is asked for. */
  readonly login?: string;
  /** What is sent instead of a way; null: nothing, and the connection stays. */
  readonly answer?: string | null;
  /** Sent before the answer that counts. */
  readonly before?: string;
  /** Where tunnels lead to, whatever host is asked for: names that only a proxy resolves. */
  readonly host?: string;
  /** Makes it an `https:` proxy. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export class ConnectProxy implements AsyncDisposable {
  /** The heads that came, whole. */
  readonly requests: string[] = [];
  /** Bytes that went through tunnels to gateways. */
  tunnelledBytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #options: ConnectProxyOptions;

  private constructor(options: ConnectProxyOptions) {
    this.#options = options;
    const onClient = (socket: Socket): void => this.#onClient(socket);
    this.#server = options.tls === undefined ? createServer(onClient) : createTlsServer(options.tls, onClient);
    this.#server.on('connection', (socket: Socket) => this.#keep(socket));
  }

  static async open(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** With `login` in it, if one is given. */
  url(login = ''): string {
    const scheme = this.#options.tls === undefined ? 'http' : 'https';
    return `${scheme}://${login === '' ? '' : `${login}@`}localhost:${this.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
  }

  #onClient(socket: Socket): void {
    socket.on('error', () => {});
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      socket.off('data', onData);
      this.requests.push(head);
      this.#onRequest(socket, head);
    };
    socket.on('data', onData);
  }

  #onRequest(socket: Socket, head: string): void {
    const { login, answer, before = '' } = this.#options;
    const given = /^Proxy-Authorization: Basic (\S+)\r$/m.exec(head)?.[1] ?? '';
    if (answer === null) return;
    if (answer !== undefined) {
      socket.end(answer);
    } else if (login !== undefined && Buffer.from(given, 'base64').toString() !== login) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n');
    } else {
      const [, host, port] = /^CONNECT (\S+):(\d+) HTTP\/1\.1\r\n/.exec(head)!;
      this.#tunnel(socket, connect(Number(port), this.#options.host ?? host), before);
    }
  }

  #tunnel(client: Socket, gateway: Socket, before: string): void {
    this.#keep(gateway);
    gateway.on('connect', () => {
      client.write(`${before}HTTP/1.1 200 Connection established\r\n\r\n`);
      client.on('data', (chunk: Buffer) => {
        this.tunnelledBytes += chunk.length;
      });
      client.pipe(gateway).pipe(client);
    });
    gateway.on('error', () => client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    client.on('close', () => gateway.destroy());
    gateway.on('close', () => client.destroy());
  }
}
