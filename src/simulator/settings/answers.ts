/**
 * The simulator's answer to a notification, as a small number: accept it, reject it with one of the service's reasons
 * or a status of the binary protocol, or leave it without an answer. Kept with each token in the ledger. Constants and
 * pure functions.
 *
 *       0         accepted
 *       1 … 100   a reason of APNs over HTTP/2, by its code in apns/reason
 *     201 … 250   an error of FCM (fcm-answers.ts)
 *     251 … 255   no answer, of five kinds
 *     257 … 511   256 and a status of the binary protocol, 1 to 255
 *     712 … 1111  512 and a status of HTTP without a reason, 200 to 599
 */

import { binaryReasonOf, channelReasons, reasons } from '../../apns/reason.js';
import { assert } from '../../base/assert.js';
import type { Reason } from '../../push/reason.js';
import { reasonOf } from '../../push-services/reasons.js';
import { fcmAnswers, fcmErrorOf } from './fcm-answers.js';

/** Every reason that an answer over HTTP/2 can have. */
export const knownReasons: readonly Reason[] = [...reasons, ...channelReasons];

/** Answered with 200, or with nothing over the binary protocol. */
export const ACCEPTED_ANSWER = 0;
/** Binary: the connection is closed normally, without a status. */
export const CLOSED = 251;
/** Binary: the connection is reset, without a status. */
export const BROKEN = 252;
/** Never answered; the stream stays open. */
export const NO_ANSWER = 253;
/** RST_STREAM REFUSED_STREAM: certainly not processed. */
export const REFUSED = 254;
/** RST_STREAM INTERNAL_ERROR: the sender cannot know whether it was processed. */
export const RESET = 255;

/** Added to a status of the binary protocol. */
export const BINARY_STATUS = 256;
/** Added to a status of HTTP without a reason. */
export const HTTP_STATUS = 512;
/** Every answer is below this. */
export const answerLimit = HTTP_STATUS + 600;

export const MISSING_TOKEN = BINARY_STATUS + 2;
export const MISSING_PAYLOAD = BINARY_STATUS + 4;
export const INVALID_TOKEN_SIZE = BINARY_STATUS + 5;
export const INVALID_PAYLOAD_SIZE = BINARY_STATUS + 7;
export const INVALID_TOKEN = BINARY_STATUS + 8;
/** The notification that it names, and all before it, were accepted. */
export const SHUTDOWN = BINARY_STATUS + 10;
export const UNREADABLE = BINARY_STATUS + 128;

export const BAD_CHANNEL_ID = code('BadChannelId');
export const BAD_CERTIFICATE_ENVIRONMENT = code('BadCertificateEnvironment');
export const BAD_COLLAPSE_ID = code('BadCollapseId');
export const BAD_DEVICE_TOKEN = code('BadDeviceToken');
export const BAD_ENVIRONMENT_KEY = code('BadEnvironmentKeyIdInToken');
export const BAD_EXPIRATION_DATE = code('BadExpirationDate');
export const BAD_MESSAGE_ID = code('BadMessageId');
export const BAD_PATH = code('BadPath');
export const BAD_PRIORITY = code('BadPriority');
export const BAD_REQUEST_PARAMS = code('BadRequestParams');
export const BAD_REQUEST_PAYLOAD = code('BadRequestPayload');
export const BAD_TOPIC = code('BadTopic');
export const CANNOT_CREATE_CHANNEL = code('CannotCreateChannelConfig');
export const CHANNEL_NOT_REGISTERED = code('ChannelNotRegistered');
export const DUPLICATE_HEADERS = code('DuplicateHeaders');
export const EXPIRED_PROVIDER_TOKEN = code('ExpiredProviderToken');
export const FEATURE_NOT_ENABLED = code('FeatureNotEnabled');
export const IDLE_TIMEOUT = code('IdleTimeout');
export const INVALID_PROVIDER_TOKEN = code('InvalidProviderToken');
export const INVALID_PUSH_TYPE = code('InvalidPushType');
export const METHOD_NOT_ALLOWED = code('MethodNotAllowed');
export const MISSING_CHANNEL_ID = code('MissingChannelId');
export const MISSING_CHANNEL_QUEUE_SIZE = code('MissingChannelQueueSize');
export const MISSING_DEVICE_TOKEN = code('MissingDeviceToken');
export const MISSING_PROVIDER_TOKEN = code('MissingProviderToken');
export const MISSING_PUSH_TYPE = code('MissingPushType');
export const MISSING_TOPIC = code('MissingTopic');
export const PAYLOAD_EMPTY = code('PayloadEmpty');
export const PAYLOAD_TOO_LARGE = code('PayloadTooLarge');
export const TOO_MANY_PROVIDER_TOKEN_UPDATES = code('TooManyProviderTokenUpdates');
export const TOO_MANY_REQUESTS = code('TooManyRequests');
export const TOPIC_DISALLOWED = code('TopicDisallowed');
export const TOPIC_MISMATCH = code('TopicMismatch');
export const UNRELATED_KEY_ID = code('UnrelatedKeyIdInToken');

/** Returns whether the code stands for an answer with a reason. */
export function isRejection(answer: number): boolean {
  return (answer > ACCEPTED_ANSWER && answer < CLOSED) || answer > BINARY_STATUS;
}

/** Returns whether the answer means that the device token is gone. The feedback service names such tokens. */
export function isGone(answer: number): boolean {
  return answer === INVALID_TOKEN || reasonOf(answer)?.class === 'gone';
}

/** Returns whether a rejection is about the device token alone, in either protocol. */
export function isTokenAnswer(answer: number): boolean {
  if (answer > HTTP_STATUS) return false;
  const row = answer > BINARY_STATUS ? binaryReasonOf(answer - BINARY_STATUS) : reasonOf(answer);
  return row?.class === 'token' || row?.class === 'gone';
}

/** `accepted`, the service's reason, or what was done instead of an answer. */
export function answerName(answer: number): string {
  if (answer > HTTP_STATUS) return `HTTP ${answer - HTTP_STATUS}`;
  if (answer > BINARY_STATUS) return binaryReasonOf(answer - BINARY_STATUS)?.reason ?? '';
  if (answer === CLOSED) return 'closed without a status';
  if (answer === BROKEN) return 'connection reset';
  if (answer === ACCEPTED_ANSWER) return 'accepted';
  if (answer === NO_ANSWER) return 'no answer';
  if (answer === REFUSED) return 'REFUSED_STREAM';
  if (answer === RESET) return 'INTERNAL_ERROR';
  return fcmErrorOf(answer)?.name ?? reasonOf(answer)?.reason ?? '';
}

/** Returns the status of an answer, of HTTP or of the binary protocol; 0 without one. */
export function answerStatus(answer: number): number {
  if (answer > HTTP_STATUS) return answer - HTTP_STATUS;
  if (answer > BINARY_STATUS) return answer - BINARY_STATUS;
  if (answer === ACCEPTED_ANSWER) return 200;
  return fcmErrorOf(answer)?.status ?? reasonOf(answer)?.status ?? 0;
}

/** Returns the code for a bare status of HTTP, 200 to 599. */
export function answerForStatus(status: number): number {
  return status === 200 ? ACCEPTED_ANSWER : HTTP_STATUS + status;
}

/** Returns the code for a reason of Apple or FCM. The checks of options and scenarios let no other pass. */
export function answerForReason(reason: string): number {
  const found =
    knownReasons.find((row) => row.reason === reason) ?? fcmAnswers.find((answer) => answer.name === reason);
  assert(found !== undefined, 'a checked reason is one of the services’');
  return found.code;
}

/**
 * The body of a rejection as APNs writes it.
 * @param timestampMs Since when a token is gone; only 410 contains it.
 */
export function answerBody(answer: number, timestampMs: number): string {
  const row = reasonOf(answer);
  if (row === null) return '';
  return JSON.stringify(row.status === 410 ? { reason: row.reason, timestamp: timestampMs } : { reason: row.reason });
}

function code(reason: string): number {
  return knownReasons.find((row) => row.reason === reason)?.code ?? 0;
}
