/**
 * Makes a notification of the options of a message: headers and payload, checked against each other. Also makes the
 * form that the binary protocol carries: payload, expiry and priority, and no header fields. Called by
 * session/message/message and session/apns, once for each message. Main thread.
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

/** Everything about a message except its recipients. */
export interface NotificationOptions extends HeaderOptions, PayloadOptions {}

/**
 * Returns the notification that `options` describe, frozen. The caller checks for unknown options. Options without any
 * content of a payload give a payload of no bytes; then each recipient needs a payload of its own.
 *
 * @param clock for times from now. Default: the system's
 * @param restored a payload that was compiled before; its content is not checked again
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

/** Returns the push type in the header fields, or null if there is none or it is not known. */
export function pushTypeOf(fields: Notification['headers']): PushType | null {
  const value = fields.find(([name]) => name === 'apns-push-type')?.[1];
  return isPushType(value) ? value : null;
}

/**
 * Checks a notification against the credential it is to be sent with: token authentication needs a topic, and some push
 * types need token authentication. Throws ERR_PEAL_HEADER.
 */
export function checkAuthentication(
  notification: Notification,
  credentialKind: 'certificate' | 'token' | 'none',
): void {
  const hasTopic = notification.headers.some(([name]) => name === 'apns-topic');
  if (credentialKind === 'token' && !hasTopic) {
    throw headerError(`${theOption('topic')} is missing: a provider-token key needs it (the bundle id of the app).`);
  }
  const pushType = pushTypeOf(notification.headers);
  if (credentialKind === 'certificate' && pushType !== null && ruleOf(pushType).needsProviderToken) {
    throw headerError(
      `${theOption('pushType')} ${pushType} does not work with a certificate: use a provider-token key (.p8).`,
    );
  }
}

const priorityAtOnce = 10;

/** Fields that the binary protocol carries elsewhere, or that its gateway does not need. */
const dispensable: ReadonlySet<string> = new Set([
  ...['apns-topic', 'apns-push-type', 'apns-id', 'apns-priority', 'apns-expiration'],
]);

/**
 * Returns `notification` with an expiry and a priority, which a binary gateway always needs. Topic, push type and
 * apns-id are left out: the certificate names the app, and the gateway does not answer accepted notifications. A
 * header field whose loss would change the delivery is refused.
 *
 * @param defaultExpiration epoch seconds, for a notification without an expiration
 * @throws PealError ERR_PEAL_PAYLOAD (more than 2,048 bytes), ERR_PEAL_HEADER (priority 1, a collapse id, further
 *   fields)
 */
export function binaryNotification(notification: Notification, defaultExpiration: number): Notification {
  const { headers, payload, expiration, priority } = notification;
  checkBinaryPayloadSize(payload);
  if (priority === 1) {
    throw headerError('A binary gateway has no priority 1: give 5 or 10, or leave it out.');
  }
  const lost = headers.find(([name]) => !dispensable.has(name))?.[0];
  if (lost === 'apns-collapse-id') {
    throw headerError(
      `${theOption('collapseId')} cannot be sent to a binary gateway, which does not collapse notifications: ` +
        'leave it out.',
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

/** Throws ERR_PEAL_PAYLOAD, with actual and allowed size, for a payload larger than a binary gateway accepts. */
export function checkBinaryPayloadSize(payload: Uint8Array): void {
  if (payload.length <= maxBinaryPayloadBytes) return;
  const message = `The payload has ${payload.length} bytes, and a binary gateway allows ${maxBinaryPayloadBytes}.`;
  throw new PealError('ERR_PEAL_PAYLOAD', message, { origin: 'usage' });
}

function headerError(message: string): PealError {
  return new PealError('ERR_PEAL_HEADER', message, { origin: 'usage' });
}
