/**
 * A notification as the methods `headers` and `compile` give it, and the request that it comes to. Read by clients, once for
 * each send; pure.
 */
import type { CompiledNotification } from '../../apns/compile-notification.js';
import { rawNotification } from '../../apns/raw-notification.js';
import { refusedEntry } from './responses.js';

/** Header fields and payload of a notification, as it gives them. */
export interface BuiltNotification {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Header fields of a notification that rawNotification has a place for. */
const ownFields: ReadonlySet<string> = new Set([
  ...['apns-topic', 'apns-push-type', 'apns-priority', 'apns-expiration', 'apns-collapse-id', 'apns-id'],
]);

/** A notification that no request can carry: the entry of each recipient, besides its device. */
export class Refused {
  constructor(readonly failure: object) {}
}

/** The request of a notification. Whatever can be sent is left to the gateway to judge. */
export function requestOfBuilt({ headers, body }: BuiltNotification): CompiledNotification | Refused {
  // Such a payload was never written.
  if (body === '{}') return new Refused({ status: 400, response: { reason: 'PayloadEmpty' } });
  try {
    return rawNotification({
      topic: textOf(headers['apns-topic']),
      pushType: textOf(headers['apns-push-type']),
      priority: headers['apns-priority'] as number | undefined,
      expiration: headers['apns-expiration'] as number | undefined,
      collapseId: textOf(headers['apns-collapse-id']),
      apnsId: textOf(headers['apns-id']),
      further: Object.entries(headers)
        .filter(([name, value]) => !ownFields.has(name) && value !== undefined)
        .map(([name, value]) => [name, String(value)] as const),
      payloadText: body,
    });
  } catch (error) {
    return new Refused(refusedEntry(error));
  }
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
