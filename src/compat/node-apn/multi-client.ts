/** Several clients, of which each recipient has the next one. Made by MultiProvider; main thread. */
import { type BuiltNotification, requestOfBuilt } from './built-notification.js';
import { Client } from './client.js';
import { ClientRing } from './client-ring.js';
import { deliverTo } from './delivery.js';
import type { MultiProviderOptions } from './provider-options.js';
import type { ResponseFailure, ResponseSent, Responses } from './responses.js';

export class MultiClient extends ClientRing<Client> {
  /** @throws as ClientRing and Client */
  constructor(options: MultiProviderOptions = {}) {
    super(options, () => new Client(options));
  }

  deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>> {
    const request = requestOfBuilt(notification);
    return deliverTo(recipients, (delivery, place, device) => {
      this.chooseSingleClient().begin(delivery, place, device, request);
    });
  }
}
