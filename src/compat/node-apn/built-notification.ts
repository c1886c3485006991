/**
 * A notification as the methods `headers` and `compile` give it, and the request that it comes to. Read by clients,
 * once for each send; pure.
 */
import { Buffer } from 'node:buffer';
import type { CompiledNotification } from '../../apns/compile-notification.js';
import { rawField, rawNotification } from '../../apns/raw-notification.js';
import { PealError } from '../../base/errors.js';
import type { HeaderField } from '../../push/notification.js';
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
    checkBody(body);
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

/**
 * Header fields and body of a request to a service.
 *
 * @throws PealError ERR_PEAL_HEADER for a field that no request can have, ERR_PEAL_OPTION for a body that is not text
 */
export function serviceRequestOf({ headers, body }: BuiltNotification): {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
} {
  checkBody(body);
  const given = Object.entries(headers).filter(([name, value]) => isGiven(name, value));
  const fields = given.map(([name, value]) => rawField(name.toLowerCase(), value));
  return { headers: Object.fromEntries(fields), body: body === '{}' ? null : Buffer.from(body) };
}

/** Most notifications have none. */
function furtherFields(headers: BuiltNotification['headers']): readonly HeaderField[] {
  let further = noFields;
  for (const name in headers) {
    const value = headers[name];
    if (!ownFields.has(name) && isGiven(name, value)) further = [...further, [name.toLowerCase(), String(value)]];
  }
  return further;
}

/** The provider token is the client's, whatever the notification says. */
function isGiven(name: string, value: unknown): boolean {
  return value !== undefined && name.toLowerCase() !== 'authorization';
}

/** What JSON cannot say, such as a function as rawPayload, compiles to undefined. */
function checkBody(body: unknown): void {
  if (typeof body === 'string') return;
  const message = `The payload is ${body === undefined ? 'nothing that JSON can say' : `of type ${typeof body}`}.`;
  throw new PealError('ERR_PEAL_OPTION', message, { origin: 'usage' });
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}
