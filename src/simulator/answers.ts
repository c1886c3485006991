/**
 * What the simulator can do with a request, as one byte: accept it, reject it with one of Apple's reasons, or leave it
 * without an answer. Kept with each token in the ledger. Constants and pure functions.
 */

import { reasonCode, reasonOf, reasons } from '../apns/reason.js';
import { PealError } from '../base/errors.js';

/** Answered with 200. The codes 1 to 200 are those of apns/reason. */
export const ACCEPTED = 0;
/** Never answered; the stream stays open. */
export const NO_ANSWER = 253;
/** RST_STREAM REFUSED_STREAM: certainly not processed. */
export const REFUSED = 254;
/** RST_STREAM INTERNAL_ERROR: the sender cannot know what became of it. */
export const RESET = 255;

export const BAD_COLLAPSE_ID = code('BadCollapseId');
export const BAD_DEVICE_TOKEN = code('BadDeviceToken');
export const BAD_EXPIRATION_DATE = code('BadExpirationDate');
export const BAD_MESSAGE_ID = code('BadMessageId');
export const BAD_PATH = code('BadPath');
export const BAD_PRIORITY = code('BadPriority');
export const BAD_TOPIC = code('BadTopic');
export const DUPLICATE_HEADERS = code('DuplicateHeaders');
export const EXPIRED_PROVIDER_TOKEN = code('ExpiredProviderToken');
export const INVALID_PROVIDER_TOKEN = code('InvalidProviderToken');
export const INVALID_PUSH_TYPE = code('InvalidPushType');
export const METHOD_NOT_ALLOWED = code('MethodNotAllowed');
export const MISSING_DEVICE_TOKEN = code('MissingDeviceToken');
export const MISSING_PROVIDER_TOKEN = code('MissingProviderToken');
export const MISSING_TOPIC = code('MissingTopic');
export const PAYLOAD_EMPTY = code('PayloadEmpty');
export const PAYLOAD_TOO_LARGE = code('PayloadTooLarge');
export const TOPIC_DISALLOWED = code('TopicDisallowed');
export const UNRELATED_KEY_ID = code('UnrelatedKeyIdInToken');

/** Whether the code stands for an answer with a reason. */
export function isRejection(answer: number): boolean {
  return answer > ACCEPTED && answer < NO_ANSWER;
}

/** `accepted`, Apple's reason, or what was done instead of an answer. */
export function answerName(answer: number): string {
  if (answer === ACCEPTED) return 'accepted';
  if (answer === NO_ANSWER) return 'no answer';
  if (answer === REFUSED) return 'REFUSED_STREAM';
  if (answer === RESET) return 'INTERNAL_ERROR';
  return reasonOf(answer)?.reason ?? '';
}

/** The HTTP status of an answer; 0 where there is none. */
export function answerStatus(answer: number): number {
  if (answer === ACCEPTED) return 200;
  return reasonOf(answer)?.status ?? 0;
}

/**
 * The code for one of Apple's reasons, for options that name one.
 * @throws PealError `ERR_PEAL_OPTION` for a reason that is not in apns/reason
 */
export function answerForReason(reason: string, option: string): number {
  const found = reasonCode(reason);
  if (found !== 0) return found;
  const known = reasons.map((row) => row.reason).join(', ');
  throw new PealError(
    'ERR_PEAL_OPTION',
    `${option}: "${reason}" is no reason that APNs answers with; there are ${known}`,
    {
      origin: 'usage',
    },
  );
}

/**
 * The body of a rejection as APNs writes it.
 * @param timestampMs Since when a token is gone; only 410 says it.
 */
export function answerBody(answer: number, timestampMs: number): string {
  const row = reasonOf(answer);
  if (row === null) return '';
  return JSON.stringify(row.status === 410 ? { reason: row.reason, timestamp: timestampMs } : { reason: row.reason });
}

function code(reason: string): number {
  return reasonCode(reason);
}
