/**
 * A notification as the binary protocol carries it: payload, expiry and priority, and no header fields. Pure; called
 * by session/message once for each message that goes to a binary gateway.
 *
 * Source: "Binary Provider API", notification format.
 */
import { PealError } from '../base/errors.js';
import { maxBinaryPayloadBytes } from '../base/limits.js';
import { theOption } from '../base/wording.js';
import type { Notification } from './notification.js';

const priorityAtOnce = 10;

/** Fields that the protocol has in another place, or that tell a gateway what it knows by itself. */
const dispensable: ReadonlySet<string> = new Set([
  ...['apns-topic', 'apns-push-type', 'apns-id', 'apns-priority', 'apns-expiration'],
]);

/**
 * `notification` with the expiry and the priority that it has on a binary gateway, both always given there. Topic, push
 * type and apns-id are left out: the certificate says which app it is for, and what is accepted is not answered. What
 * would be delivered in another way without its field is refused.
 *
 * @param defaultExpiration epoch seconds, for a notification without an expiration
 * @throws PealError ERR_PEAL_PAYLOAD (more than 2,048 bytes), ERR_PEAL_HEADER (priority 1, a collapse id, further fields)
 */
export function binaryNotification(notification: Notification, defaultExpiration: number): Notification {
  const { headers, payload, expiration, priority } = notification;
  checkBinaryPayloadSize(payload);
  if (priority === 1) {
    throw headerError('The priority 1 does not exist on a binary gateway: give 5 or 10, or none.');
  }
  const lost = headers.find(([name]) => !dispensable.has(name))?.[0];
  if (lost === 'apns-collapse-id') {
    throw headerError(
      `${theOption('collapseId')} cannot be sent to a binary gateway, which collapses nothing: leave it out.`,
    );
  }
  if (lost !== undefined) {
    throw headerError(
      `The header ${lost} cannot be sent to a binary gateway, which has no header fields: leave it out.`,
    );
  }
  return Object.freeze({
    headers: Object.freeze([]),
    payload,
    expiration: expiration ?? defaultExpiration,
    priority: priority ?? priorityAtOnce,
  });
}

function headerError(message: string): PealError {
  return new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}

/** Throws ERR_PEAL_PAYLOAD, with actual and allowed size, for more than a binary gateway takes. */
export function checkBinaryPayloadSize(payload: Uint8Array): void {
  if (payload.length <= maxBinaryPayloadBytes) return;
  const message = `The payload has ${payload.length} bytes, but a binary gateway allows ${maxBinaryPayloadBytes}: shorten it.`;
  throw new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}
