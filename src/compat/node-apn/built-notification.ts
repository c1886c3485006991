/**
 * A notification as the methods `headers` and `compile` give it, and the request that it comes to. Read by clients, once for
 * each send; pure.
 */
import type { CompiledNotification } from '../../apns/compile-notification.js';
import type { HeaderField } from '../../apns/notification.js';
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

const noFields: readonly HeaderField[] = [];

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
      further: furtherFields(headers),
      payloadText: body,
    });
  } catch (error) {
    return new Refused(refusedEntry(error));
  }
}

/** Most notifications have none. */
function furtherFields(headers: BuiltNotification['headers']): readonly HeaderField[] {
  let further = noFields;
  for (const name in headers) {
    const value = headers[name];
    if (!ownFields.has(name) && value !== undefined) further = [...further, [name, String(value)]];
  }
  return further;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
