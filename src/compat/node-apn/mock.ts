/**
 * `peal/compat/node-apn/mock`: the same interface without a gateway, for tests of programs. Every notification is
 * accepted, and nothing leaves the process. Main thread.
 */
import type { BuiltNotification } from './built-notification.js';
import { checkLoggers, type LineLogger, type ProviderClient } from './client.js';
import { ClientRing } from './client-ring.js';
import { ApnNotification } from './notification.js';
import { type ProviderConstructor, providerOver } from './provider.js';
import type { MultiProviderOptions, ProviderOptions } from './provider-options.js';
import type { ResponseFailure, ResponseSent, Responses } from './responses.js';
import { token } from './token.js';

/** A client that answers for the gateway. Tests may put a `write` of their own in its place. */
class MockClient implements ProviderClient {
  async deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>> {
    return writeEach(recipients, (device) => this.write(notification, device));
  }

  write(_notification: BuiltNotification, device: string, _type?: string, _method?: string): Promise<object> | object {
    return { device };
  }

  /** @throws Error for what is no function */
  setLogger(logger: LineLogger, errorLogger: LineLogger | null = null): void {
    checkLoggers(logger, errorLogger);
  }

  async shutdown(callback?: () => void): Promise<void> {
    callback?.();
  }
}

/** Several of them: tests of health checks count its `clients`. */
class MockMultiClient extends ClientRing<MockClient> {
  constructor(options: MultiProviderOptions = {}) {
    super(options, () => new MockClient());
  }

  async deliver(
    notification: BuiltNotification,
    recipients: readonly string[],
  ): Promise<Responses<ResponseSent, ResponseFailure>> {
    return writeEach(recipients, (device) => this.write(notification, device, 'device', 'post'));
  }
}

/** Each answer is listed by what it says, and a rejection has failed. */
async function writeEach(
  recipients: readonly string[],
  write: (device: string) => Promise<object> | object,
): Promise<Responses<ResponseSent, ResponseFailure>> {
  const responses: Responses<ResponseSent, ResponseFailure> = { sent: [], failed: [] };
  for (const outcome of await Promise.allSettled(recipients.map(async (device) => await write(device)))) {
    const entry = (outcome.status === 'fulfilled' ? outcome.value : outcome.reason) as ResponseFailure;
    if (outcome.status === 'rejected' || entry.status || entry.error) responses.failed.push(entry);
    else responses.sent.push(entry);
  }
  return responses;
}

export const Provider: ProviderConstructor<ProviderOptions> = providerOver(MockClient);
export const MultiProvider: ProviderConstructor<MultiProviderOptions> = providerOver(MockMultiClient);
export { ApnNotification as Notification, MockClient as Client, token };

/** The same as the named exports, for programs that import the module as a whole. */
export default { Provider, MultiProvider, Notification: ApnNotification, Client: MockClient, token };
