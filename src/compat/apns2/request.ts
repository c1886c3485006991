/**
 * The request of one notification: its header fields and its payload, as apns2 sends them, for the gateway to judge.
 * Called by sender, once for each send; main thread.
 */
import type { CompiledNotification } from '../../apns/compile-notification.js';
import { rawNotification } from '../../apns/raw-notification.js';
import { type DeviceNotification, DevicePriority } from './notification.js';

/**
 * Reads the notification once. Methods and getters of a program's own class are used.
 *
 * @throws PealError ERR_PEAL_HEADER for a value that no header field can have, ERR_PEAL_PAYLOAD for a payload that is
 *   too large; and what the notification throws
 */
export function requestOf(notification: DeviceNotification, defaultTopic: string | undefined): CompiledNotification {
  const { options, priority } = notification;
  const { expiration } = options;
  return rawNotification({
    topic: textOf(options.topic ?? defaultTopic),
    pushType: textOf(notification.pushType),
    priority: priority === DevicePriority.immediate ? null : priority,
    expiration: expiration === undefined ? null : wholeSeconds(expiration),
    collapseId: textOf(options.collapseId || null),
    payloadText: JSON.stringify(notification.buildApnsOptions()),
  });
}

function wholeSeconds(expiration: number | Date): number {
  const seconds = typeof expiration === 'number' ? expiration : expiration.getTime() / 1000;
  return Number(seconds.toFixed(0));
}

/** Programs without types give numbers, too. */
function textOf(value: unknown): string | null {
  return value === undefined || value === null ? null : String(value);
}
