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

export class Channels {
  /** The app, without a suffix. */
  readonly bundleId: string;
  readonly #service: ChannelService;

  /**
   * @param gateway what session.getConnection returned: its credential is used. Apple's gateways know their management
   *   service; others need `address`
   * @throws PealError ERR_PEAL_OPTION or ERR_PEAL_ADDRESS
   */
  constructor(gateway: Gateway, options: ChannelsOptions) {
    if (!(gateway instanceof Gateway)) {
      throw optionError('Channels belong to a gateway: give what session.getConnection(…) returns.');
    }
    const checked: CheckedChannels = checkChannelsOptions(gateway.address, options);
    this.bundleId = checked.bundleId;
    this.#service = { gateway, ...checked };
  }

  /**
   * Creates a channel. Sent a second time only where the first request was certainly not carried out.
   *
   * @throws AnswerError ERR_PEAL_ANSWER (as a rejection) with status and reason of a refusal; PealError where there is
   *   no answer: ERR_PEAL_TIMEOUT, ERR_PEAL_CONNECT …
   */
  async create(options?: CreateChannelOptions): Promise<Channel> {
    const checked = checkCreateOptions(options);
    const { createChannel } = await import('./channels/channel-requests.js');
    return createChannel(this.#service, checked);
  }

  /** Reads a channel. Throws like `create`: ChannelNotRegistered where there is no such channel. */
  async read(channelId: string, options?: ChannelRequestOptions): Promise<Channel> {
    const id = checkChannelId('read', channelId);
    const checked = checkChannelRequest('read', options);
    const { readChannel } = await import('./channels/channel-requests.js');
    return readChannel(this.#service, id, checked);
  }

  /** The ids of all channels of the app. Throws like `create`. */
  async list(options?: ChannelRequestOptions): Promise<readonly string[]> {
    const checked = checkChannelRequest('list', options);
    const { listChannels } = await import('./channels/channel-requests.js');
    return listChannels(this.#service, checked);
  }

  /** Removes a channel. Throws like `create`. */
  async remove(channelId: string, options?: ChannelRequestOptions): Promise<void> {
    const id = checkChannelId('remove', channelId);
    const checked = checkChannelRequest('remove', options);
    const { removeChannel } = await import('./channels/channel-requests.js');
    return removeChannel(this.#service, id, checked);
  }
}

function checkChannelId(method: string, value: unknown): string {
  if (isChannelId(value)) return value;
  throw optionError(`${method} takes a channel id, which is text in base64, not ${shownValue(value)}.`);
}
