/** Several clients that take turns. Made by MultiProvider; main thread. */
import { type BuiltNotification, requestOfBuilt } from './built-notification.js';
import { Client, type LineLogger, type ProviderClient } from './client.js';
import { Delivery } from './delivery.js';
import type { MultiProviderOptions } from './provider-options.js';
import type { ResponseFailure, ResponseSent, Responses } from './responses.js';

const usualCount = 2;

export class MultiClient implements ProviderClient {
  readonly clients: readonly Client[];
  clientIndex = 0;

  /** @throws Error for a `clientCount` that is no positive number, and as Client */
  constructor(options: MultiProviderOptions = {}) {
    const count = Number.parseInt(String(options.clientCount || usualCount), 10);
    if (count < 1 || !Number.isFinite(count)) {
      throw new Error(`Expected positive client count but got ${options.clientCount}`);
    }
    this.clients = Array.from({ length: count }, () => new Client(options));
  }

  chooseSingleClient(): Client {
    const client = this.clients[this.clientIndex]!;
    this.clientIndex = (this.clientIndex + 1) % this.clients.length;
    return client;
  }

  deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>> {
    const request = requestOfBuilt(notification);
    return new Promise((resolve) => {
      const delivery = new Delivery(recipients.length, resolve);
      for (const [place, device] of recipients.entries()) {
        this.chooseSingleClient().begin(delivery, place, device, request);
      }
    });
  }

  write(notification: BuiltNotification, subDirectory: string, type: string, method?: string): Promise<object> {
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
