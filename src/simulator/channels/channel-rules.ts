/**
 * APNs' demands on requests to channel management and on broadcasts, rule by rule. The first that fails decides the
 * answer. What depends on the channels that there are is checked later, by served-channels. One for each connection.
 *
 * Sources: "Sending channel management requests to APNs", "Sending broadcast push notification requests to APNs",
 * "Handling error responses from Apple Push Notification service". Apple does not publish the order of its checks. The
 * order here is ours: path, method, credential, duplicates, app, request id, channel id, push type, expiration,
 * priority, then body.
 */
import { isUuid } from '../../apns/apns-id.js';
import { isChannelId } from '../../apns/channel.js';
import { isTopicForm, pushTypeOfTopic } from '../../apns/push-type.js';
import { maxBroadcastPayloadBytes } from '../../base/limits.js';
import type { OtherRules } from '../rules/other-request.js';
import {
  AUTHORIZATION,
  CHANNEL_ID,
  EXPIRATION,
  METHOD,
  PRIORITY_FIELD,
  PUSH_TYPE,
  REQUEST_ID,
  type RequestFields,
} from '../rules/request-fields.js';
import type { ClientIdentity, RequestRules } from '../rules/request-rules.js';
import {
  ACCEPTED_ANSWER,
  BAD_CHANNEL_ID,
  BAD_EXPIRATION_DATE,
  BAD_MESSAGE_ID,
  BAD_PATH,
  BAD_PRIORITY,
  BAD_REQUEST_PARAMS,
  BAD_REQUEST_PAYLOAD,
  DUPLICATE_HEADERS,
  FEATURE_NOT_ENABLED,
  INVALID_PUSH_TYPE,
  METHOD_NOT_ALLOWED,
  MISSING_CHANNEL_ID,
  MISSING_CHANNEL_QUEUE_SIZE,
  MISSING_PUSH_TYPE,
  PAYLOAD_EMPTY,
  PAYLOAD_TOO_LARGE,
  TOPIC_DISALLOWED,
  TOPIC_MISMATCH,
} from '../settings/answers.js';
import type { SimulatorSettings } from '../settings/simulator-settings.js';
import { type ServedFields, type ServedPaths, ServedRequest, servedPath } from './served-request.js';

/** The attributes of a channel in JSON. */
const policyName = 'message-storage-policy';
const pushTypeName = 'push-type';
/** Values of the storage policy. The readme of @parse/node-apn writes them as texts. */
const policies: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ...([0, 1] as const).flatMap((value) => [[value, value] as const, [String(value), value] as const]),
]);
const epochSeconds = /^\d{1,10}$/;
const priorities: readonly (string | null)[] = ['10', '5', '1'];

export class ChannelRules implements OtherRules {
  readonly #settings: SimulatorSettings;
  readonly #rules: RequestRules;
  readonly served: ServedPaths;

  // The last request's:
  /** What headers and path earn (answers.ts). */
  answer = ACCEPTED_ANSWER;
  /** Null for a path of no service, on a port of device pushes: such requests are in their ledger. */
  request: ServedRequest | null = null;

  /**
   * @param rules Check the credential.
   * @param served The services of the port.
   */
  constructor(settings: SimulatorSettings, rules: RequestRules, served: ServedPaths) {
    this.#settings = settings;
    this.#rules = rules;
    this.served = served;
  }

  /** Judges a request whose path is not that of a device. */
  read(path: string, fields: RequestFields, client: ClientIdentity, wallMs: number): void {
    const found = servedPath(path, this.served);
    const isPath = found !== null && isTopicForm(found.bundleId);
    if (!isPath && this.served.pushes) {
      this.request = null;
      this.answer = BAD_PATH;
      return;
    }
    const { actions = {}, bundleId = '' } = found ?? {};
    const method = fields.text(METHOD) ?? '';
    const action = isPath && Object.hasOwn(actions, method) ? actions[method]! : null;
    const given: ServedFields = {
      action,
      bundleId,
      channelId: fields.text(CHANNEL_ID),
      requestId: fields.text(REQUEST_ID),
      pushType: fields.text(PUSH_TYPE),
      priority: fields.text(PRIORITY_FIELD),
      expiration: fields.text(EXPIRATION),
    };
    this.request = new ServedRequest(given, judgeBody);
    if (action === null) {
      this.answer = isPath ? METHOD_NOT_ALLOWED : BAD_PATH;
      return;
    }
    this.answer =
      this.#rules.judgeCredential(fields.text(AUTHORIZATION), client, wallMs) ||
      (fields.hasDuplicates ? DUPLICATE_HEADERS : ACCEPTED_ANSWER) ||
      this.#judgeApp(bundleId, client) ||
      judgeRequestId(given.requestId) ||
      judgeChannelId(given) ||
      (action === 'broadcast' ? judgeBroadcast(given) : ACCEPTED_ANSWER);
  }

  #judgeApp(bundleId: string, client: ClientIdentity): number {
    const { broadcastTopics, topics } = this.#settings;
    // A bundle id may have such an ending itself. Listing it in `topics` says so.
    const isTopic = pushTypeOfTopic(bundleId) !== null && topics?.has(bundleId) !== true;
    if (isTopic) return TOPIC_DISALLOWED;
    if (topics !== null && !topics.has(bundleId)) return TOPIC_MISMATCH;
    const ofCertificate = client.certificateTopic ?? '';
    if (ofCertificate !== '' && ofCertificate !== bundleId) return TOPIC_MISMATCH;
    return broadcastTopics !== null && !broadcastTopics.has(bundleId) ? FEATURE_NOT_ENABLED : ACCEPTED_ANSWER;
  }
}

function judgeRequestId(requestId: string | null): number {
  return requestId === null || isUuid(requestId) ? ACCEPTED_ANSWER : BAD_MESSAGE_ID;
}

function judgeChannelId({ action, channelId }: ServedFields): number {
  if (action === 'create' || action === 'list') return ACCEPTED_ANSWER;
  if (channelId === null || channelId === '') return MISSING_CHANNEL_ID;
  return isChannelId(channelId) ? ACCEPTED_ANSWER : BAD_CHANNEL_ID;
}

function judgeBroadcast({ expiration, priority, pushType }: ServedFields): number {
  if (pushType === null) return MISSING_PUSH_TYPE;
  if (!isLiveActivity(pushType)) return INVALID_PUSH_TYPE;
  if (expiration === null || !epochSeconds.test(expiration)) return BAD_EXPIRATION_DATE;
  return priorities.includes(priority) ? ACCEPTED_ANSWER : BAD_PRIORITY;
}

/** Apple writes the type as `liveactivity` in the header and as `LiveActivity` in JSON; senders mix them up. */
function isLiveActivity(pushType: unknown): boolean {
  return typeof pushType === 'string' && pushType.toLowerCase() === 'liveactivity';
}

/** Returns the answer that the body of a complete request earns. */
function judgeBody({ fields, body, bodyBytes }: ServedRequest): number {
  if (fields.action === 'broadcast') return judgePayload(body, bodyBytes);
  return fields.action === 'create' ? judgeConfiguration(body, bodyBytes) : ACCEPTED_ANSWER;
}

function judgePayload(body: string, bodyBytes: number): number {
  if (bodyBytes === 0) return PAYLOAD_EMPTY;
  if (bodyBytes > maxBroadcastPayloadBytes) return PAYLOAD_TOO_LARGE;
  return objectOf(body) === null ? BAD_REQUEST_PAYLOAD : ACCEPTED_ANSWER;
}

function judgeConfiguration(body: string, bodyBytes: number): number {
  if (bodyBytes > maxBroadcastPayloadBytes) return PAYLOAD_TOO_LARGE;
  const configuration = objectOf(body);
  if (configuration === null) return BAD_REQUEST_PAYLOAD;
  if (Object.keys(configuration).some((name) => name !== policyName && name !== pushTypeName)) {
    return BAD_REQUEST_PARAMS;
  }
  const pushType = configuration[pushTypeName];
  if (pushType === undefined) return MISSING_PUSH_TYPE;
  if (!isLiveActivity(pushType)) return INVALID_PUSH_TYPE;
  return policies.has(configuration[policyName]) ? ACCEPTED_ANSWER : MISSING_CHANNEL_QUEUE_SIZE;
}

/** Returns the number of the storage policy that a body gives which `judgeBody` accepts. */
export function policyOf(body: string): number {
  return policies.get(objectOf(body)?.[policyName]) ?? 0;
}

function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
