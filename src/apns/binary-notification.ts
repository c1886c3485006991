/**
 * A notification as the binary protocol carries it: payload, expiry and priority, and no header fields. Pure; called
 * by session/message once for each message that goes to a binary gateway.
 *
 * Source: "Binary Provider API", notification format.
 */
import { PealError } from '../base/errors.js';
import { maxBinaryPayloadBytes } from '../base/limits.js';
import type { Notification } from './notification.js';

const priorityAtOnce = 10;

/**
 * `notification` with the expiry and the priority that it has on a binary gateway, both always given there. Topic,
 * push type, collapse id and apns-id have no place in the protocol: the certificate says which app it is for.
 *
 * @param defaultExpiration epoch seconds, for a notification without an expiration
 * @throws PealError ERR_PEAL_PAYLOAD (more than 2,048 bytes), ERR_PEAL_HEADER (priority 1)
 */
export function binaryNotification(notification: Notification, defaultExpiration: number): Notification {
  const { payload, expiration, priority } = notification;
  checkBinaryPayloadSize(payload);
  if (priority === 1) {
    const message = 'The priority 1 does not exist on a binary gateway: give 5 or 10, or none.';
    throw new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
  }
  return Object.freeze({
    headers: Object.freeze([]),
    payload,
    expiration: expiration ?? defaultExpiration,
    priority: priority ?? priorityAtOnce,
  });
}

/** Throws ERR_PEAL_PAYLOAD, with actual and allowed size, for more than a binary gateway takes. */
export function checkBinaryPayloadSize(payload: Uint8Array): void {
  if (payload.length <= maxBinaryPayloadBytes) return;
  const message = `The payload has ${payload.length} bytes, but a binary gateway allows ${maxBinaryPayloadBytes}: shorten it.`;
  throw new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
