/** A small SOCKS5 server on loopback (RFC 1928, user and password of RFC 1929): CONNECT only. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Address types of RFC 1928 §5. */
const ipv4 = 1;
const domainName = 3;

export class Socks5Server {
  /** `host:port` of every way that was opened. */
  readonly opened: string[] = [];
  tunnelledBytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #login: string | null;

  private constructor(login: string | null) {
    this.#login = login;
    this.#server = createServer((socket) => {
      this.#keep(socket);
      this.#serve(socket).catch(() => socket.destroy());
    });
  }

  /** @param login `user:password` that is asked for, or null */
  static async open(login: string | null = null): Promise<Socks5Server> {
    const server = new Socks5Server(login);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  async #serve(client: Socket): Promise<void> {
    const [, methods = 0] = await read(client, 2); // version, number of methods
    await read(client, methods);
    if (this.#login === null) {
      client.write(Buffer.from([5, 0])); // version 5, no authentication
    } else {
      client.write(Buffer.from([5, 2])); // version 5, user and password
      const isWelcome = (await readLogin(client)) === this.#login;
      client.write(Buffer.from([1, isWelcome ? 0 : 1]));
      if (!isWelcome) throw new Error('refused');
    }
    const host = await readHost(client);
    const port = (await read(client, 2)).readUInt16BE();
    const gateway = connect(port, host);
    this.#keep(gateway);
    await once(gateway, 'connect');
    this.opened.push(`${host}:${port}`);
    // version 5, succeeded, reserved, IPv4, 0.0.0.0, port 0
    client.write(Buffer.from([5, 0, 0, ipv4, 0, 0, 0, 0, 0, 0]));
    client.on('data', (chunk: Buffer) => {
      this.tunnelledBytes += chunk.length;
    });
    client.pipe(gateway).pipe(client);
    client.on('close', () => gateway.destroy());
    gateway.on('close', () => client.destroy());
  }
}

/** Exactly `length` bytes; rejects when the client goes first. */
async function read(client: Socket, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  for (;;) {
    const bytes = client.read(length) as Buffer | null;
    if (bytes !== null) return bytes;
    if (client.readableEnded || client.destroyed) throw new Error('ended');
    await Promise.race([once(client, 'readable'), once(client, 'close')]);
  }
}

async function readLogin(client: Socket): Promise<string> {
  const [, userLength = 0] = await read(client, 2); // version of RFC 1929, length
  const user = await read(client, userLength);
  const [passwordLength = 0] = await read(client, 1);
  return `${user}:${await read(client, passwordLength)}`;
}

async function readHost(client: Socket): Promise<string> {
  const [, , , type] = await read(client, 4); // version, command, reserved, address type
  if (type === domainName) {
    const [length = 0] = await read(client, 1);
    return (await read(client, length)).toString();
  }
  if (type === ipv4) return [...(await read(client, 4))].join('.');
  throw new Error('address type');
}
