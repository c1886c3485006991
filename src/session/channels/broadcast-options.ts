/** The message and the options of a broadcast, checked. Called by APNs; main thread. */
import { liveActivitySuffix } from '../../apns/channel.js';
import type { CompiledNotification } from '../../apns/compile-notification.js';
import { PealError } from '../../base/errors.js';
import {
  maxBroadcastChannels,
  maxRequestsPerRecipient,
  maxRetryTimeMs,
  pushTimeoutMs,
  requestsPerRecipient,
} from '../../base/limits.js';
import {
  anyOf,
  checkOptions,
  choice,
  type OptionRules,
  objectOf,
  optionError,
  shownValue,
  unchecked,
  whole,
} from '../../base/options.js';
import { option, theOption } from '../../base/wording.js';
import type { Address } from '../../push/address.js';
import type { RetryBudget } from '../../push/retry-policy.js';
import { Message, type MessageOptions } from '../message/message.js';
import type { RetryOptions } from '../send/send-options.js';
import { requestRules } from './channel-options.js';
import { checkBundleId, checkServiceProtocol, serviceAddress } from './service-gateway.js';

export interface BroadcastOptions {
  /** The app, without a suffix. Default: the topic of the message, without `.push-type.liveactivity`. */
  readonly bundleId?: string;
  /** Where broadcasts are sent, as `https://host:port`. Default: the gateway itself. */
  readonly address?: string;
  /**
   * How long one channel may take from its turn on, in milliseconds: 1 to 3,600,000, default 30,000. Then it is unsent
   * if its request was not written, and unknown if it was.
   */
  readonly timeoutMs?: number;
  /**
   * What may be spent on an answer whose fault passes (429, 500, 503 …): requests for one channel in all (`attempts`, 1
   * to 100, default 3) within `timeMs` (up to an hour, default `timeoutMs`) of its first answer, and never beyond
   * `timeoutMs`. `false`: the first answer is final, but for an expired provider token, which is replaced.
   */
  readonly retry?: false | RetryOptions;
  /** Ends the broadcast early: what is not written becomes unsent; what is written still gets its answer. */
  readonly signal?: AbortSignal;
  /** A UUID, sent as apns-request-id; with a single channel. Default: APNs makes one for each. */
  readonly requestId?: string;
}

/** What a broadcast sends, and on what terms. */
export interface CheckedBroadcast {
  readonly bundleId: string;
  readonly address: Address;
  /** Header fields that all channels share. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
  /** Each once, in the order in which they were given. */
  readonly channelIds: ReadonlySet<unknown>;
  readonly timeoutMs: number;
  readonly budget: RetryBudget | null;
  readonly signal: AbortSignal | null;
}

const rules: OptionRules = {
  ...requestRules,
  bundleId: unchecked,
  address: unchecked,
  retry: anyOf(
    choice(false),
    objectOf({ attempts: whole(1, maxRequestsPerRecipient), timeMs: whole(0, maxRetryTimeMs) }),
  ),
};

/** Throws PealError ERR_PEAL_OPTION, ERR_PEAL_HEADER, ERR_PEAL_PAYLOAD or ERR_PEAL_ADDRESS. */
export function checkBroadcast(
  gateway: Address,
  message: Message | MessageOptions,
  channelIds: string | Iterable<string>,
  options: BroadcastOptions = {},
): CheckedBroadcast {
  checkServiceProtocol(gateway);
  checkOptions({ name: 'broadcast' }, options, rules);
  const { parts } = messageToBroadcast(message);
  const ids = idsOf(channelIds);
  const { requestId, timeoutMs = pushTimeoutMs, retry = {}, signal = null } = options;
  if (requestId !== undefined && ids.size !== 1) {
    throw optionError(`${theOption('requestId')} names one request: give it with a single channel id.`);
  }
  const { attempts = requestsPerRecipient, timeMs = timeoutMs } = retry === false ? {} : retry;
  return {
    bundleId: options.bundleId === undefined ? bundleIdOf(parts) : checkBundleId(options.bundleId),
    address: options.address === undefined ? gateway : serviceAddress(options.address),
    headers: headersOf(parts, requestId?.toLowerCase() ?? null),
    payload: parts.payload,
    channelIds: ids,
    timeoutMs,
    budget: retry === false ? null : { attempts, timeMs },
    signal,
  };
}

function messageToBroadcast(given: Message | MessageOptions): Message {
  const message = given instanceof Message ? given : Message.forBroadcast(given);
  const { parts } = message;
  if (message.tokens.length > 0) {
    throw optionError('The message of a broadcast brings no tokens: make it with new Message([], …).');
  }
  if (parts.pushType !== 'liveactivity') {
    throw headerError(
      `A broadcast carries a Live Activity, but the message is for devices (${option('pushType')} ` +
        `${parts.pushType ?? 'not known'}): give ${option('event')}, ${option('timestamp')} and ` +
        `${option('contentState')}, or send it with push.`,
    );
  }
  if (parts.collapseId !== null)
    throw headerError(`${theOption('collapseId')} does not go with a broadcast: leave it out.`);
  if (parts.apnsId !== null) {
    throw headerError(`${theOption('apnsId')} does not go with a broadcast: give ${option('requestId')} to broadcast.`);
  }
  return message;
}

function bundleIdOf({ topic }: CompiledNotification): string {
  if (topic?.endsWith(liveActivitySuffix)) return topic.slice(0, -liveActivitySuffix.length);
  throw optionError(
    `${theOption('bundleId')} is missing: give the bundle id of the app, or a message with ` +
      `${option('topic')} <bundle id>${liveActivitySuffix}.`,
  );
}

/** Without the topic, which the path stands for. */
function headersOf(parts: CompiledNotification, requestId: string | null): Readonly<Record<string, string>> {
  const further = parts.sharedHeaders.filter(([name]) => name !== 'apns-topic');
  return {
    ...Object.fromEntries(further),
    'apns-expiration': String(parts.expiration ?? 0),
    'apns-priority': String(parts.priority ?? 10),
    ...(requestId !== null && { 'apns-request-id': requestId }),
  };
}

function idsOf(channelIds: unknown): ReadonlySet<unknown> {
  if (typeof channelIds === 'string') return new Set([channelIds]);
  const isIterable = typeof channelIds === 'object' && channelIds !== null && Symbol.iterator in channelIds;
  if (!isIterable)
    throw optionError(`broadcast takes a channel id, or an iterable of them, not ${shownValue(channelIds)}.`);
  const ids = new Set<unknown>();
  for (const id of channelIds as Iterable<unknown>) {
    ids.add(id);
    if (ids.size > maxBroadcastChannels) {
      throw optionError(`A broadcast goes to ${maxBroadcastChannels} channels at most: divide the list.`);
    }
  }
  return ids;
}

function headerError(message: string): PealError {
  return new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}
