/**
 * Providers, as programs hold them. Functions rather than classes, because they are called without `new`, and on
 * objects of classes that were derived from them in the old way. Main thread.
 */
import { EventEmitter } from 'node:events';
import type { BuiltNotification } from './built-notification.js';
import { Client, type LineLogger, type ProviderClient } from './client.js';
import { MultiClient } from './multi-client.js';
import type { ApnNotification } from './notification.js';
import type { MultiProviderOptions, ProviderOptions } from './provider-options.js';
import {
  type BroadcastResponse,
  type BroadcastResponseFailure,
  type LoggerResponse,
  type LoggerResponseFailure,
  type ResponseFailure,
  type ResponseSent,
  type Responses,
  WriteError,
} from './responses.js';

export type ChannelAction = 'create' | 'read' | 'readAll' | 'delete';

type BroadcastResponses = Responses<BroadcastResponse, BroadcastResponseFailure>;

export interface Provider extends EventEmitter {
  /** What sends. */
  readonly client: ProviderClient;
  /**
   * Sends the notification to each recipient. Never rejects for what becomes of a recipient: it is listed in `failed`.
   *
   * @param recipients device tokens in hex
   */
  send(notification: ApnNotification, recipients: string | string[]): Promise<Responses<ResponseSent, ResponseFailure>>;
  /** Creates, reads, lists or removes channels; each notification names one. */
  manageChannels(
    notifications: ApnNotification | ApnNotification[],
    bundleId: string,
    action: ChannelAction,
  ): Promise<BroadcastResponses>;
  /** Sends each notification to the channel that it names. */
  broadcast(notifications: ApnNotification | ApnNotification[], bundleId: string): Promise<BroadcastResponses>;
  /** Not there at run time, as ever: programs call `provider.client.setLogger`. */
  setLogger(logger: LineLogger, errorLogger?: LineLogger): Promise<Responses<LoggerResponse, LoggerResponseFailure>>;
  /**
   * Takes no more sends; once those under way have their outcomes, the connections are closed and `callback` is called.
   */
  shutdown(callback?: () => void): Promise<void>;
}

export interface ProviderConstructor<Options> {
  new (options?: Options): Provider;
  (options?: Options): Provider;
  readonly prototype: Provider;
}

type Made = { client: ProviderClient };

/** Returns a constructor of providers, which works without `new` as well. */
export function providerOver<Options>(Kind: new (options?: Options) => ProviderClient): ProviderConstructor<Options> {
  function Provider(this: unknown, options?: Options): unknown {
    if (!(this instanceof Provider)) return new (Provider as unknown as ProviderConstructor<Options>)(options);
    (this as unknown as Made).client = new Kind(options);
    EventEmitter.call(this as unknown as EventEmitter);
    return undefined;
  }
  Provider.prototype = Object.create(EventEmitter.prototype, {
    constructor: { value: Provider, writable: true, configurable: true },
  }) as object;
  Object.assign(Provider.prototype, methods);
  return Provider as unknown as ProviderConstructor<Options>;
}

/** For each action: the kind of request, and its method. */
const actions: Readonly<Record<string, readonly [type: string, method: string]>> = {
  create: ['channels', 'post'],
  read: ['channels', 'get'],
  readAll: ['allChannels', 'get'],
  delete: ['channels', 'delete'],
};

const methods = {
  async send(this: Made, notification: ApnNotification, recipients: string | string[]) {
    return await this.client.deliver(builtOf(notification), Array.isArray(recipients) ? recipients : [recipients]);
  },

  async manageChannels(
    this: Made,
    notifications: ApnNotification | ApnNotification[],
    bundleId: string,
    action: ChannelAction,
  ) {
    const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
    if (known === undefined) {
      throw { bundleId, error: new WriteError(`the action "${action}" is not supported`, 'invalid') };
    }
    const [type, method] = known;
    return sorted(
      listOf(notifications).map(async (notification) => {
        if (action === 'create') notification.addPushTypeToPayloadIfNeeded();
        notification.removeNonChannelRelatedProperties();
        return await this.client.write(builtOf(notification), bundleId, type, method);
      }),
    );
  },

  async broadcast(this: Made, notifications: ApnNotification | ApnNotification[], bundleId: string) {
    return sorted(
      listOf(notifications).map(
        async (notification) => await this.client.write(builtOf(notification), bundleId, 'broadcasts', 'post'),
      ),
    );
  },

  shutdown(this: Made, callback?: () => void) {
    return this.client.shutdown(callback);
  },
};

export const Provider: ProviderConstructor<ProviderOptions> = providerOver(Client);
export const MultiProvider: ProviderConstructor<MultiProviderOptions> = providerOver(MultiClient);
export interface MultiProvider extends Provider {}

function builtOf(notification: ApnNotification): BuiltNotification {
  return { headers: notification.headers(), body: notification.compile() };
}

function listOf<T>(given: T | T[]): T[] {
  return Array.isArray(given) ? given : [given];
}

/** Waits for all, and lists what they came to in the order in which they were given. */
async function sorted(writes: Promise<object>[]): Promise<BroadcastResponses> {
  const responses: Responses<object, object> = { sent: [], failed: [] };
  for (const outcome of await Promise.allSettled(writes)) {
    if (outcome.status === 'fulfilled') responses.sent.push(outcome.value);
    else responses.failed.push(outcome.reason as object);
  }
  return responses as BroadcastResponses;
}
