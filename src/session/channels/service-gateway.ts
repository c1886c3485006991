/** What calls a service of a gateway, and where requests about channels go. Main thread. */
import { parseAddress } from '../../apns/address.js';
import { liveActivitySuffix } from '../../apns/channel.js';
import { isTopicForm } from '../../apns/push-type.js';
import { PealError } from '../../base/errors.js';
import { maxTopicCharacters } from '../../base/limits.js';
import { optionError, shownValue } from '../../base/options.js';
import { theOption } from '../../base/wording.js';
import { type Address, addressUrl } from '../../push/address.js';
import type { ServiceClient } from '../../services/service-client.js';

/** @param closing aborts with the reason when the session closes, and may have done so before the call is made */
export type ServiceCallback<T> = (client: ServiceClient, closing: AbortSignal) => Promise<T>;

/** Throws PealError ERR_PEAL_ADDRESS for a gateway that is not one of HTTP/2. */
export function checkServiceProtocol(address: Address): void {
  if (address.protocol === 'http2') return;
  const message = `The gateway ${addressUrl(address)} has no channels: they need one of HTTP/2.`;
  throw new PealError('ERR_PEAL_ADDRESS', message, { origin: 'usage' });
}

/** The option `address`. Throws PealError ERR_PEAL_ADDRESS or ERR_PEAL_OPTION. */
export function serviceAddress(value: unknown): Address {
  const address = parseAddress(value as string);
  if (address.protocol === 'http2') return address;
  throw optionError(`${theOption('address')} must be https://host:port, not ${addressUrl(address)}.`);
}

/** Throws PealError ERR_PEAL_OPTION for anything but a bundle id. */
export function checkBundleId(value: unknown): string {
  if (typeof value === 'string' && value.endsWith(liveActivitySuffix)) {
    throw optionError(`${theOption('bundleId')} is the topic of Live Activities: leave ${liveActivitySuffix} out.`);
  }
  if (typeof value === 'string' && isTopicForm(value) && value.length <= maxTopicCharacters) return value;
  const allowed = 'a bundle id: letters, digits, "." and "-", no "." at its beginning';
  if (value === undefined) throw optionError(`${theOption('bundleId')} is missing: give ${allowed}.`);
  throw optionError(`${theOption('bundleId')} must be ${allowed}, not ${shownValue(value)}.`);
}
