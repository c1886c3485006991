/** Options of channel management, checked. Called by Channels; main thread. */
import { isRequestId, managementAddress, type StoragePolicy, storagePolicies } from '../../apns/channel.js';
import { maxPushTimeoutMs, pushTimeoutMs } from '../../base/limits.js';
import { checkOptions, choice, type OptionRules, optionError, test, unchecked, whole } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import { type Address, addressUrl } from '../../push/address.js';
import { checkBundleId, checkServiceProtocol, serviceAddress } from './service-gateway.js';

export interface ChannelsOptions {
  /** The app whose channels they are, without a suffix. */
  readonly bundleId: string;
  /**
   * The channel management service, as `https://host:port`. Default: Apple's for the environment of the gateway; a
   * gateway of one's own needs it.
   */
  readonly address?: string;
}

export interface ChannelRequestOptions {
  /** A UUID, sent as apns-request-id. Default: the service makes one. */
  readonly requestId?: string;
  /** How long the call may take, in milliseconds: 1 to 3,600,000, default 30,000. */
  readonly timeoutMs?: number;
  /** Ends the call early: what is not written is not sent; what is written still gets its answer. */
  readonly signal?: AbortSignal;
}

export interface CreateChannelOptions extends ChannelRequestOptions {
  /**
   * What APNs keeps for devices that are offline: `'none'` (the default), or `'most-recent'`, the last update. Only
   * with `'most-recent'` may broadcasts have an expiration.
   */
  readonly storagePolicy?: StoragePolicy;
}

export interface CheckedChannels {
  readonly bundleId: string;
  readonly address: Address;
}

export interface CheckedChannelRequest {
  readonly requestId: string | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | null;
}

/** Rules that requests of channels and broadcasts share. */
export const requestRules: OptionRules = {
  requestId: test('a UUID (8-4-4-4-12 hex digits)', isRequestId),
  timeoutMs: whole(1, maxPushTimeoutMs),
  signal: test('an AbortSignal', (value) => value instanceof AbortSignal),
};

/** Throws PealError ERR_PEAL_OPTION or ERR_PEAL_ADDRESS. */
export function checkChannelsOptions(gateway: Address, options: ChannelsOptions): CheckedChannels {
  checkServiceProtocol(gateway);
  checkOptions({ name: 'Channels' }, options, { bundleId: unchecked, address: unchecked });
  const bundleId = checkBundleId(options.bundleId);
  if (options.address !== undefined) return { bundleId, address: serviceAddress(options.address) };
  const known = managementAddress(gateway);
  if (known !== null) return { bundleId, address: known };
  throw optionError(
    `${theOption('address')} is missing: the gateway ${addressUrl(gateway)} is not one of Apple's, so give the address ` +
      'of its channel management service, https://host:port.',
  );
}

/** @param name of the method, for sentences */
export function checkChannelRequest(name: string, options: ChannelRequestOptions | undefined): CheckedChannelRequest {
  if (options !== undefined) checkOptions({ name }, options, requestRules);
  return withDefaults(options ?? {});
}

export function checkCreateOptions(
  options: CreateChannelOptions | undefined,
): CheckedChannelRequest & { readonly storagePolicy: StoragePolicy } {
  if (options !== undefined) {
    checkOptions({ name: 'create' }, options, { ...requestRules, storagePolicy: choice(...storagePolicies) });
  }
  return { ...withDefaults(options ?? {}), storagePolicy: options?.storagePolicy ?? 'none' };
}

function withDefaults({
  requestId,
  timeoutMs = pushTimeoutMs,
  signal = undefined,
}: ChannelRequestOptions): CheckedChannelRequest {
  return { requestId: requestId?.toLowerCase() ?? null, timeoutMs, signal: signal ?? null };
}
