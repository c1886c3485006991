/**
 * A TCP proxy in front of a port of 127.0.0.1, whose way can be cut and healed: a network between two machines that
 * fails. A cut of the kind `stall` loses no byte, as TCP itself does not: what was sent meanwhile arrives after `heal`,
 * if both sides have waited so long. A cut of the kind `refuse` resets what is open and refuses what is new.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class CutProxy implements AsyncDisposable {
  readonly #target: number;
  #server: Server;
  #port = 0;
  /** Both ends of all connections. */
  readonly #sockets = new Set<Socket>();
  #isStalled = false;
  #waiting: Socket[] = [];

  private constructor(target: number) {
    this.#target = target;
    this.#server = this.#listener();
  }

  static async start(target: number): Promise<CutProxy> {
    const proxy = new CutProxy(target);
    await proxy.#listen();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** How many clients are connected, those that wait behind a cut included. */
  get connections(): number {
    return this.#sockets.size;
  }

  async cut(kind: 'stall' | 'refuse'): Promise<void> {
    if (kind === 'stall') {
      this.#isStalled = true;
      for (const socket of this.#sockets) socket.pause();
      return;
    }
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#reset();
    await closed;
  }

  async heal(): Promise<void> {
    this.#isStalled = false;
    for (const socket of this.#sockets) socket.resume();
    for (const client of this.#waiting.splice(0)) this.#forward(client);
    if (this.#server.listening) return;
    this.#server = this.#listener();
    await this.#listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reset();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #listener(): Server {
    return createServer({ pauseOnConnect: true }, (client) => {
      this.#keep(client);
      if (this.#isStalled) this.#waiting.push(client);
      else this.#forward(client);
    });
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as { port: number }).port;
  }

  #forward(client: Socket): void {
    if (client.destroyed) return;
    const server = connect(this.#target, '127.0.0.1');
    this.#keep(server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('end', () => to.end());
      from.on('close', () => to.destroy());
      if (this.#isStalled) from.pause();
      else from.resume();
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #reset(): void {
    this.#waiting = [];
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
