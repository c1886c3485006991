/**
 * Channels of broadcast Live Activities, as Apple defines them: ids, storage policies, paths, and the hosts of channel
 * management. Pure; any thread.
 *
 * Sources: "Sending channel management requests to APNs", "Sending broadcast push notification requests to APNs".
 */
import { maxChannelIdCharacters } from '../base/limits.js';
import type { Address } from '../push/address.js';
import { isUuid } from './apns-id.js';

/** What APNs keeps for devices that are offline: nothing, or the most recent update. */
export type StoragePolicy = 'none' | 'most-recent';

/** In JSON the policies are numbers. */
export const storagePolicies: readonly StoragePolicy[] = Object.freeze(['none', 'most-recent']);

/** The only push type of channels, as the service writes it. */
export const channelPushType = 'LiveActivity';

/** The end of the topic of a Live Activity, after the bundle id. */
export const liveActivitySuffix = '.push-type.liveactivity';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A device token, which would pass as base64: a list of them is given by mistake, and must not be sent on. */
const deviceToken = /^[0-9a-f]{64}$/i;

/** Returns whether the value may be a channel id: padded base64 of at least one byte. */
export function isChannelId(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > maxChannelIdCharacters) return false;
  return base64.test(value) && !deviceToken.test(value);
}

/** Returns whether the value may be an apns-request-id. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && isUuid(value);
}

/** Where channels are created (POST), read (GET) and removed (DELETE). */
export function channelsPath(bundleId: string): string {
  return `/1/apps/${bundleId}/channels`;
}

/** Where all channels of an app are listed (GET). */
export function allChannelsPath(bundleId: string): string {
  return `/1/apps/${bundleId}/all-channels`;
}

/** Where broadcasts are sent (POST). */
export function broadcastPath(bundleId: string): string {
  return `/4/broadcasts/apps/${bundleId}`;
}

const production: Address = { protocol: 'http2', host: 'api-manage-broadcast.push.apple.com', port: 2196 };
const sandbox: Address = { protocol: 'http2', host: 'api-manage-broadcast.sandbox.push.apple.com', port: 2195 };

const managementOf: Readonly<Record<string, Address>> = {
  'api.push.apple.com': production,
  'api.sandbox.push.apple.com': sandbox,
  'api.development.push.apple.com': sandbox,
};

/** Returns the channel management service of Apple's gateway at this address; null for any other gateway. */
export function managementAddress({ protocol, host }: Address): Address | null {
  return protocol === 'http2' && Object.hasOwn(managementOf, host) ? managementOf[host]! : null;
}
