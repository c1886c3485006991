/**
 * A piece of network between a sender and the gateway: passes bytes both ways until it is told to break. Main thread.
 *
 *   reset   every connection ends with a TCP reset at the sender's side; what was under way is lost
 *   stall   every connection stays open, and nothing passes any more in either direction: a black hole
 *
 * Connections that are opened afterwards work again.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Wire implements AsyncDisposable {
  readonly #server: Server;
  /** Sender's side to gateway's side, of connections that work or are stalled. */
  readonly #pairs = new Map<Socket, Socket>();

  private constructor(gatewayPort: number) {
    this.#server = createServer((sender) => this.#join(sender, gatewayPort));
  }

  static async open(gatewayPort: number): Promise<Wire> {
    const wire = new Wire(gatewayPort);
    wire.#server.listen(0, 'localhost');
    await once(wire.#server, 'listening');
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  reset(): void {
    for (const [sender, gateway] of this.#pairs) {
      sender.resetAndDestroy();
      gateway.destroy();
    }
    this.#pairs.clear();
  }

  stall(): void {
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        socket.unpipe();
        socket.pause();
        // A black hole tells neither side that the other has left.
        socket.removeAllListeners('close');
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.reset();
    await once(this.#server, 'close');
  }

  #join(sender: Socket, gatewayPort: number): void {
    const gateway = connect({ port: gatewayPort, host: 'localhost', noDelay: true });
    sender.setNoDelay(true);
    this.#pairs.set(sender, gateway);
    sender.pipe(gateway).pipe(sender);
    for (const socket of [sender, gateway]) socket.on('error', () => {});
    sender.on('close', () => {
      gateway.destroy();
      this.#pairs.delete(sender);
    });
    gateway.on('close', () => sender.destroy());
  }
}
