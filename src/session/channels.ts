/**
 * The channels of one app in one environment: created, read, listed and removed. A program holds it; it has nothing but
 * the gateway, whose session closes its connection. Main thread.
 */
import { isChannelId } from '../apns/channel.js';
import { optionError, shownValue } from '../base/options.js';
import {
  type ChannelRequestOptions,
  type ChannelsOptions,
  type CheckedChannels,
  type CreateChannelOptions,
  checkChannelRequest,
  checkChannelsOptions,
  checkCreateOptions,
} from './channels/channel-options.js';
import type { Channel, ChannelService } from './channels/channel-requests.js';
import { Gateway } from './gateway.js';

type ChannelRequests = typeof import('./channels/channel-requests.js');

export class Channels {
  /** The app, without a suffix. */
  readonly bundleId: string;
  readonly #gateway: Gateway;
  readonly #checked: CheckedChannels;

  /**
   * @param gateway what session.getConnection returned: its credential is used. Apple's gateways know their management
   *   service; others need `address`
   * @throws PealError ERR_PEAL_OPTION or ERR_PEAL_ADDRESS
   */
  constructor(gateway: Gateway, options: ChannelsOptions) {
    if (!(gateway instanceof Gateway)) {
      throw optionError('Channels belong to a gateway: give what session.getConnection(…) returns.');
    }
    this.#gateway = gateway;
    this.#checked = checkChannelsOptions(gateway.address, options);
    this.bundleId = this.#checked.bundleId;
  }

  /**
   * Creates a channel. Sent a second time only where the first request was certainly not carried out.
   *
   * @throws AnswerError ERR_PEAL_ANSWER (as a rejection) with status and reason of a refusal; NoAnswerError where there
   *   is no answer: ERR_PEAL_TIMEOUT, ERR_PEAL_CONNECT …, and whether the request may have been carried out. After a
   *   5xx the channel may have been created, too
   */
  async create(options?: CreateChannelOptions): Promise<Channel> {
    const checked = checkCreateOptions(options);
    return this.#call(({ createChannel }, service) => createChannel(service, checked));
  }

  /** Reads a channel. Throws like `create`: ChannelNotRegistered where there is no such channel. */
  async read(channelId: string, options?: ChannelRequestOptions): Promise<Channel> {
    const id = checkChannelId('read', channelId);
    const checked = checkChannelRequest('read', options);
    return this.#call(({ readChannel }, service) => readChannel(service, id, checked));
  }

  /** The ids of all channels of the app. Throws like `create`. */
  async list(options?: ChannelRequestOptions): Promise<readonly string[]> {
    const checked = checkChannelRequest('list', options);
    return this.#call(({ listChannels }, service) => listChannels(service, checked));
  }

  /** Removes a channel. Throws like `create`. */
  async remove(channelId: string, options?: ChannelRequestOptions): Promise<void> {
    const id = checkChannelId('remove', channelId);
    const checked = checkChannelRequest('remove', options);
    return this.#call(({ removeChannel }, service) => removeChannel(service, id, checked));
  }

  /** Counted before anything is loaded, so that a session that is closed in the same turn waits for it. */
  #call<T>(work: (requests: ChannelRequests, service: ChannelService) => Promise<T>): Promise<T> {
    return this.#gateway.callService(this.#checked.address, async (client, closing) => {
      const requests = await import('./channels/channel-requests.js');
      return work(requests, { ...this.#checked, client, closing });
    });
  }
}

function checkChannelId(method: string, value: unknown): string {
  if (isChannelId(value)) return value;
  throw optionError(`${method} takes a channel id, which is text in base64, not ${shownValue(value)}.`);
}
