/**
 * The names of APNs' header fields as the numbers that the HPACK decoder gives them (hpack/field-names). Constants;
 * used by the reader of answers, and by the simulator's reader of requests.
 */
import { FIRST_OWN_NAME, KnownNames } from '../hpack/field-names.js';

export const NAME_APNS_ID: number = FIRST_OWN_NAME;
export const NAME_APNS_TOPIC: number = FIRST_OWN_NAME + 1;
export const NAME_APNS_PUSH_TYPE: number = FIRST_OWN_NAME + 2;
export const NAME_APNS_PRIORITY: number = FIRST_OWN_NAME + 3;
export const NAME_APNS_EXPIRATION: number = FIRST_OWN_NAME + 4;
export const NAME_APNS_COLLAPSE_ID: number = FIRST_OWN_NAME + 5;
export const NAME_APNS_UNIQUE_ID: number = FIRST_OWN_NAME + 6;
export const NAME_APNS_CHANNEL_ID: number = FIRST_OWN_NAME + 7;
export const NAME_APNS_REQUEST_ID: number = FIRST_OWN_NAME + 8;

/** In the order of the constants; without one, a rare name would cost a string for each answer that has it. */
const names: readonly string[] = [
  'apns-id',
  'apns-topic',
  'apns-push-type',
  'apns-priority',
  'apns-expiration',
  'apns-collapse-id',
  'apns-unique-id',
  'apns-channel-id',
  'apns-request-id',
];

/** For the decoder (HpackDecoderOptions.ownNames). */
export const apnsNames: KnownNames = new KnownNames(names);
