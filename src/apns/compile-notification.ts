/**
 * Makes a notification of the options of a message: headers and payload, checked against each other. Also makes the
 * form that the binary protocol carries: payload, expiry and priority, and no header fields. Called by
 * session/message/message and session/apns, once for each message. Main thread.
 *
 * Source: "Binary Provider API", notification format.
 */
import { type Clock, systemClock } from '../base/clock.js';
import { PealError } from '../base/errors.js';
import { maxBinaryPayloadBytes, maxTopicCharacters, maxTopicsShown } from '../base/limits.js';
import { escapeUnprintable } from '../base/text.js';
import { theOption } from '../base/wording.js';
import type { Address, Environment } from '../push/address.js';
import { type Authentication, type CompiledMessage, otherServiceError } from '../push/compiled-message.js';
import type { HeaderField, Notification } from '../push/notification.js';
import { gatewayEnvironment } from './address.js';
import { deviceTokenOf } from './device-token.js';
import type { HeaderSet, OwnHeaders } from './header-sets.js';
import { checkHeaders, type HeaderOptions } from './headers.js';
import {
  type CompiledPayload,
  checkPayloadContent,
  checkPayloadText,
  compilePayload,
  type PayloadOptions,
} from './payload.js';
import { pushTypeOfContent } from './payload-content.js';
import { isTopicAmong, type PushType, ruleOf } from './push-type.js';

/** Everything about a message except its recipients. */
export interface NotificationOptions extends HeaderOptions, PayloadOptions {}

/**
 * A notification in the parts of which a sender of many messages puts requests together. Its forms for a codec are
 * made when they are asked for, and once.
 */
export class CompiledNotification implements OwnHeaders, CompiledMessage {
  readonly bodyStart = null;
  readonly service = 'apns';
  readonly encoding = 'hex';
  readonly isNamedByService = false;
  /**
   * The header fields without the four below. Equal fields are in the same frozen array, as long as messages with them
   * keep coming.
   */
  readonly sharedHeaders: readonly HeaderField[];
  readonly expiration: number | null;
  readonly priority: number | null;
  readonly collapseId: string | null;
  readonly apnsId: string | null;
  /** Compact JSON, and well-formed Unicode; empty if each recipient needs a payload of its own. */
  readonly payloadText: string;
  /** Its values were not checked: the gateway judges them (apns/raw-notification). */
  readonly isRaw: boolean;
  /** Whether its apns-id is none that peal could make or read: it stands among the shared fields as text. */
  readonly isForeignId: boolean;
  readonly #set: HeaderSet;
  #payload: Uint8Array | null = null;
  #notification: Notification | null = null;

  constructor(set: HeaderSet, own: OwnHeaders, payloadText: string, raw?: { readonly isForeignId: boolean }) {
    this.sharedHeaders = set.fields;
    this.expiration = own.expiration;
    this.priority = own.priority;
    this.collapseId = own.collapseId;
    this.apnsId = own.apnsId;
    this.payloadText = payloadText;
    this.isRaw = raw !== undefined;
    this.isForeignId = raw?.isForeignId === true;
    this.#set = set;
  }

  readToken(token: unknown, minBytes?: number): Uint8Array | string {
    return deviceTokenOf(token, minBytes);
  }

  checkFor(credential: Authentication, address: Address): void {
    if (address.protocol === 'fcm') throw otherServiceError(address, 'a Message', 'an FcmMessage');
    if (!this.isRaw) checkAuthentication(this, credential, address);
  }

  get topic(): string | null {
    return this.#set.topic;
  }

  /** Null if there is none, or if it is not known. */
  get pushType(): PushType | null {
    return this.#set.pushType;
  }

  /** The payload as UTF-8. */
  get payload(): Uint8Array {
    this.#payload ??= encoder.encode(this.payloadText);
    return this.#payload;
  }

  /** The notification as plain data, frozen. */
  get notification(): Notification {
    if (this.#notification !== null) return this.#notification;
    const { payload, expiration, priority } = this;
    this.#notification = Object.freeze({ headers: this.#set.with(this), payload, expiration, priority });
    return this.#notification;
  }
}

const encoder = new TextEncoder();

/**
 * Returns the notification that `options` describe. The caller checks for unknown options. Options without any content
 * of a payload give an empty payload; then each recipient needs a payload of its own.
 *
 * @param clock for times from now. Default: the system's
 * @param restored a payload that was compiled before; its content is not checked again
 * @param isBroadcast it is for the subscribers of channels
 * @throws PealError ERR_PEAL_HEADER or ERR_PEAL_PAYLOAD, origin `usage`, naming the option
 */
export function compileNotification(
  options: NotificationOptions,
  clock: Clock = systemClock,
  restored: CompiledPayload | null = null,
  isBroadcast = false,
): CompiledNotification {
  const given = givenOf(options);
  const payload = restored ?? compilePayload(options, clock, given);
  const suggested = payload === null ? 'alert' : pushTypeOfContent(payload.content);
  const headers = checkHeaders(given, suggested, clock);
  const { pushType } = headers.set;
  if (payload !== null && restored === null && pushType !== null) checkPayloadContent(payload.content, pushType);
  const text = payload === null ? '' : payload.text;
  checkPayloadText(text, pushType, isBroadcast);
  return new CompiledNotification(headers.set, headers, text);
}

/** The options that are read by name, in objects of one shape. The others are read by the table of `aps-fields`. */
class Given implements Record<keyof HeaderOptions, unknown> {
  topic: unknown = undefined;
  pushType: unknown = undefined;
  priority: unknown = undefined;
  expiration: unknown = undefined;
  expiry: unknown = undefined;
  collapseId: unknown = undefined;
  apnsId: unknown = undefined;
  headers: unknown = undefined;
  extra: unknown = undefined;
  payload: unknown = undefined;
  event: unknown = undefined;
  contentAvailable: unknown = undefined;
  aps: unknown = undefined;
  mdm: unknown = undefined;
}

/**
 * V8 gives each object that is made by `{ ...shared, alert, badge }` a shape of its own. A dozen reads by name, each
 * a miss, cost 3 us then (measured); one walk along what is given costs a tenth of that.
 */
function givenOf(options: NotificationOptions): NotificationOptions {
  const prototype = Object.getPrototypeOf(options) as object | null;
  if (prototype !== Object.prototype && prototype !== null) return options;
  const given = new Given();
  for (const name in options) {
    const value: unknown = options[name as keyof NotificationOptions];
    switch (name) {
      case 'topic':
        given.topic = value;
        break;
      case 'pushType':
        given.pushType = value;
        break;
      case 'priority':
        given.priority = value;
        break;
      case 'expiration':
        given.expiration = value;
        break;
      case 'expiry':
        given.expiry = value;
        break;
      case 'collapseId':
        given.collapseId = value;
        break;
      case 'apnsId':
        given.apnsId = value;
        break;
      case 'headers':
        given.headers = value;
        break;
      case 'extra':
        given.extra = value;
        break;
      case 'payload':
        given.payload = value;
        break;
      case 'event':
        given.event = value;
        break;
      case 'contentAvailable':
        given.contentAvailable = value;
        break;
      case 'aps':
        given.aps = value;
        break;
      case 'mdm':
        given.mdm = value;
        break;
    }
  }
  return given as NotificationOptions;
}

/**
 * Checks a notification against the credential it is to be sent with, and that against the gateway: token
 * authentication needs a topic, some push types need token authentication, and certificates are for the topics and
 * environments that stand in them.
 *
 * @throws PealError ERR_PEAL_HEADER; ERR_PEAL_CREDENTIAL for a certificate of the other environment
 */
export function checkAuthentication(
  { topic, pushType }: CompiledNotification,
  credential: Authentication,
  address: Address,
): void {
  const { kind, topics } = credential;
  if (kind === 'token' && topic === null) {
    throw headerError(`${theOption('topic')} is missing: a provider-token key needs it (the bundle id of the app).`);
  }
  if (kind !== 'certificate') return;
  if (pushType !== null && ruleOf(pushType).needsProviderToken) {
    throw headerError(
      `${theOption('pushType')} ${pushType} does not work with a certificate: use a provider-token key (.p8).`,
    );
  }
  if (topics !== null) checkTopicOfCertificate(topic, topics);
  checkEnvironment(credential, address);
}

/** APNs would answer each push with TopicDisallowed or MissingTopic. */
function checkTopicOfCertificate(topic: string | null, topics: readonly string[]): void {
  if (topic === null) {
    if (topics.length === 1) return;
    throw headerError(
      `${theOption('topic')} is missing: the certificate is for several topics (${topicList(topics)}), so name one.`,
    );
  }
  if (isTopicAmong(topics, topic)) return;
  throw headerError(
    `${theOption('topic')} is "${topic}", and the certificate is only for ${topicList(topics)}: name one of these, or ` +
      'use a credential of that app.',
  );
}

function topicList(topics: readonly string[]): string {
  const more = topics.length - maxTopicsShown;
  const shown = topics.slice(0, maxTopicsShown).map((topic) => escapeUnprintable(topic, maxTopicCharacters));
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/**
 * Throws ERR_PEAL_CREDENTIAL for a certificate that is for one of Apple's environments only, where the gateway is that
 * of the other. Over HTTP/2 APNs would answer BadCertificateEnvironment.
 */
export function checkEnvironment({ environments }: Authentication, address: Address): void {
  const environment = gatewayEnvironment(address);
  if (environments === null || environment === null || environments.includes(environment)) return;
  const [other] = environments;
  const message =
    `${forOneOnly[other!]}, and ${address.host} is ${placeName(environment)}: use the ` +
    `gateway of ${placeName(other!)}, or a certificate for ${placeName(environment)}.`;
  throw new PealError('ERR_PEAL_CREDENTIAL', message, { origin: 'credential' });
}

const forOneOnly: Readonly<Record<Environment, string>> = {
  sandbox: 'The certificate is for the sandbox only',
  production: 'The certificate is for production only',
};

function placeName(environment: Environment): string {
  return environment === 'sandbox' ? 'the sandbox' : 'production';
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
