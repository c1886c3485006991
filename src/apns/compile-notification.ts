/**
 * Makes a notification of what a program says about its message: headers and payload, checked against each other.
 * And of that the form in which the binary protocol carries it: payload, expiry and priority, and no header fields. Called
 * by session/message/message and the command line, once for each message. Main thread.
 *
 * Source: "Binary Provider API", notification format.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { maxBinaryPayloadBytes } from '../base/limits.js';
import { theOption } from '../base/wording.js';
import { checkHeaders, type HeaderOptions } from './headers.js';
import type { Notification } from './notification.js';
import {
  type CompiledPayload,
  checkPayloadContent,
  checkPayloadSize,
  compilePayload,
  type PayloadOptions,
  saysSomething,
} from './payload.js';
import { pushTypeOfContent } from './payload-content.js';
import { isPushType, type PushType, ruleOf } from './push-type.js';

/** Everything about a message but its recipients. */
export interface NotificationOptions extends HeaderOptions, PayloadOptions {}

/**
 * The notification that `options` describe, frozen. Unknown options are left to the caller. Where they say nothing that a
 * payload is made of, it has no bytes: then each recipient needs a payload of its own.
 *
 * @param clock for times from now. Default: the system's
 * @param restored a payload that was compiled before, whose content is not judged again
 * @throws PealError ERR_PEAL_HEADER or ERR_PEAL_PAYLOAD, origin `usage`, naming the option
 */
export function compileNotification(
  options: NotificationOptions,
  clock: Clock = systemClock,
  restored: CompiledPayload | null = null,
): Notification {
  const payload = restored ?? (saysSomething(options) ? compilePayload(options, clock) : null);
  const suggested = payload === null ? 'alert' : pushTypeOfContent(payload.content);
  const { fields, expiration, priority } = checkHeaders(options, suggested, clock);
  const pushType = pushTypeOf(fields);
  const bytes = payload?.bytes ?? new Uint8Array(0);
  if (payload !== null && restored === null && pushType !== null) checkPayloadContent(payload.content, pushType);
  checkPayloadSize(bytes, pushType);
  for (const field of fields) Object.freeze(field);
  return Object.freeze({ headers: Object.freeze(fields), payload: bytes, expiration, priority });
}

/** The push type that header fields name; null for none, or one that is not known. */
export function pushTypeOf(fields: Notification['headers']): PushType | null {
  const value = fields.find(([name]) => name === 'apns-push-type')?.[1];
  return isPushType(value) ? value : null;
}

/**
 * Checks a notification against the way it is to be sent: token authentication needs a topic, and some push types work
 * with it only. Throws ERR_PEAL_HEADER.
 */
export function checkAuthentication(
  notification: Notification,
  credentialKind: 'certificate' | 'token' | 'none',
): void {
  const hasTopic = notification.headers.some(([name]) => name === 'apns-topic');
  if (credentialKind === 'token' && !hasTopic) {
    throw headerError(
      `${theOption('topic')} is missing: with a provider-token key it must be given (the bundle id of the app).`,
    );
  }
  const pushType = pushTypeOf(notification.headers);
  if (credentialKind === 'certificate' && pushType !== null && ruleOf(pushType).needsProviderToken) {
    throw headerError(
      `${theOption('pushType')} ${pushType} does not work with a certificate: use a provider-token key (.p8).`,
    );
  }
}

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

/** Throws ERR_PEAL_PAYLOAD, with actual and allowed size, for more than a binary gateway takes. */
export function checkBinaryPayloadSize(payload: Uint8Array): void {
  if (payload.length <= maxBinaryPayloadBytes) return;
  const message = `The payload has ${payload.length} bytes, but a binary gateway allows ${maxBinaryPayloadBytes}: shorten it.`;
  throw new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}

function headerError(message: string): PealError {
  return new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}
