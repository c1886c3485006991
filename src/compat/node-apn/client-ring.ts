/** Clients that take turns. The ground of MultiClient, and of the mock's; main thread. */
import type { BuiltNotification } from './built-notification.js';
import type { LineLogger, ProviderClient } from './client.js';
import type { MultiProviderOptions } from './provider-options.js';
import type { ResponseFailure, ResponseSent, Responses } from './responses.js';

const usualCount = 2;

export abstract class ClientRing<C extends ProviderClient> implements ProviderClient {
  readonly clients: readonly C[];
  clientIndex = 0;

  /** @throws Error for a `clientCount` that is no positive number, and what `make` throws */
  constructor(options: MultiProviderOptions, make: () => C) {
    const count = Number.parseInt(String(options.clientCount || usualCount), 10);
    if (count < 1 || !Number.isFinite(count)) {
      throw new Error(`Expected positive client count but got ${options.clientCount}`);
    }
    this.clients = Array.from({ length: count }, make);
  }

  chooseSingleClient(): C {
    const client = this.clients[this.clientIndex]!;
    this.clientIndex = (this.clientIndex + 1) % this.clients.length;
    return client;
  }

  abstract deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>>;

  write(
    notification: BuiltNotification,
    subDirectory: string,
    type: string,
    method?: string,
  ): Promise<object> | object {
    return this.chooseSingleClient().write(notification, subDirectory, type, method);
  }

  setLogger(logger: LineLogger, errorLogger: LineLogger | null = null): void {
    for (const client of this.clients) client.setLogger(logger, errorLogger);
  }

  async shutdown(callback?: () => void): Promise<void> {
    await Promise.all(this.clients.map((client) => client.shutdown()));
    callback?.();
  }
}
