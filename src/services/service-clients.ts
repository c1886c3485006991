/**
 * The clients of one gateway's services, by address: its own for broadcasts, and that of channel management. Made by a
 * gateway with the first of these requests; main thread.
 */
import { type Address, addressUrl } from '../push/address.js';
import { ServiceClient, type ServiceClientOptions } from './service-client.js';

type Shared = Omit<ServiceClientOptions, 'address'>;

export class ServiceClients {
  readonly #shared: Shared;
  readonly #clients = new Map<string, ServiceClient>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** The client for a service; the same one for equal addresses. */
  clientFor(address: Address): ServiceClient {
    const key = addressUrl(address);
    let client = this.#clients.get(key);
    if (client === undefined) {
      client = new ServiceClient({ ...this.#shared, address });
      this.#clients.set(key, client);
    }
    return client;
  }

  /** Connections that are not over. */
  get connections(): number {
    let connections = 0;
    for (const client of this.#clients.values()) connections += client.connections;
    return connections;
  }

  closeIdle(idleMs: number): void {
    for (const client of this.#clients.values()) client.closeIdle(idleMs);
  }

  /** Resolves when all connections are over. The clients stay usable. */
  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }
}
