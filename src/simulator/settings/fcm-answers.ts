/**
 * The error answers of FCM as numbers of answers.ts, 201 to 250: the simulator's own list, which shares nothing with
 * the sender's. Constants and pure functions; error-bodies writes what stands in the answers.
 *
 * Source: Firebase documentation, "ErrorCode" of the FCM HTTP v1 API, and answers that people have published.
 */

interface FcmAnswer {
  /** As answers.ts has it. */
  readonly code: number;
  /** In ledgers and scenarios. */
  readonly name: string;
  /** Of HTTP. */
  readonly status: number;
  /** Google's canonical code. */
  readonly canonical: string;
  readonly message: string;
  /** The code in the FcmError of the details; null without one. */
  readonly errorCode: string | null;
}

const FCM_UNREGISTERED = 201;
export const FCM_INVALID_ARGUMENT = 202;
export const FCM_INVALID_TOKEN = 203;
export const FCM_QUOTA = 206;
export const FCM_DEVICE_QUOTA = 207;
export const FCM_TOPIC_QUOTA = 208;
const FCM_UNAVAILABLE = 209;
export const FCM_TOKEN_EXPIRED = 211;
export const FCM_UNAUTHENTICATED = 212;
export const FCM_PERMISSION_DENIED = 213;
const FCM_SERVICE_DISABLED = 214;
export const FCM_NOT_FOUND = 215;
const FCM_LAST = 216;

const invalidCredential =
  'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
  'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.';
const missingCredential =
  'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other valid ' +
  'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.';
const quota =
  "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' of service " +
  "'fcm.googleapis.com' for consumer 'PROJECT'.";
const disabled =
  'Firebase Cloud Messaging API has not been used in project PROJECT before or it is disabled. Enable it by visiting ' +
  'https://console.developers.google.com/apis/api/fcm.googleapis.com/overview?project=PROJECT then retry. If you ' +
  'enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.';
const denied =
  "Permission 'cloudmessaging.messages.create' denied on resource " +
  "'//cloudresourcemanager.googleapis.com/projects/PROJECT' (or it may not exist).";
const badToken = 'The registration token is not a valid FCM registration token';
const thirdParty = 'Auth error from APNS or Web Push Service';

type Row = readonly [number, string, number, string, string, string | null];

/** PROJECT in a message stands for the project of the request. */
const rows: readonly Row[] = [
  [FCM_UNREGISTERED, 'UNREGISTERED', 404, 'NOT_FOUND', 'Requested entity was not found.', 'UNREGISTERED'],
  [
    FCM_INVALID_ARGUMENT,
    'INVALID_ARGUMENT',
    400,
    'INVALID_ARGUMENT',
    'Request contains an invalid argument.',
    'INVALID_ARGUMENT',
  ],
  [FCM_INVALID_TOKEN, 'INVALID_ARGUMENT (token)', 400, 'INVALID_ARGUMENT', badToken, 'INVALID_ARGUMENT'],
  [204, 'SENDER_ID_MISMATCH', 403, 'PERMISSION_DENIED', 'SenderId mismatch', 'SENDER_ID_MISMATCH'],
  [205, 'THIRD_PARTY_AUTH_ERROR', 401, 'UNAUTHENTICATED', thirdParty, 'THIRD_PARTY_AUTH_ERROR'],
  [FCM_QUOTA, 'QUOTA_EXCEEDED', 429, 'RESOURCE_EXHAUSTED', quota, null],
  [FCM_DEVICE_QUOTA, 'QUOTA_EXCEEDED (device)', 429, 'RESOURCE_EXHAUSTED', 'Device quota exceeded.', 'QUOTA_EXCEEDED'],
  [FCM_TOPIC_QUOTA, 'QUOTA_EXCEEDED (topic)', 429, 'RESOURCE_EXHAUSTED', 'Topic quota exceeded.', 'QUOTA_EXCEEDED'],
  [FCM_UNAVAILABLE, 'UNAVAILABLE', 503, 'UNAVAILABLE', 'The service is currently unavailable.', 'UNAVAILABLE'],
  [210, 'INTERNAL', 500, 'INTERNAL', 'Internal error encountered.', 'INTERNAL'],
  [FCM_TOKEN_EXPIRED, 'ACCESS_TOKEN_EXPIRED', 401, 'UNAUTHENTICATED', invalidCredential, null],
  [FCM_UNAUTHENTICATED, 'UNAUTHENTICATED', 401, 'UNAUTHENTICATED', missingCredential, null],
  [FCM_PERMISSION_DENIED, 'PERMISSION_DENIED', 403, 'PERMISSION_DENIED', denied, null],
  [FCM_SERVICE_DISABLED, 'SERVICE_DISABLED', 403, 'PERMISSION_DENIED', disabled, null],
  [FCM_NOT_FOUND, 'NOT_FOUND', 404, 'NOT_FOUND', 'Requested entity was not found.', null],
  [FCM_LAST, 'UNSPECIFIED_ERROR', 500, 'UNKNOWN', 'Unknown error.', 'UNSPECIFIED_ERROR'],
];

export const fcmAnswers: readonly FcmAnswer[] = Object.freeze(
  rows.map(([code, name, status, canonical, message, errorCode]) =>
    Object.freeze({ code, name, status, canonical, message, errorCode }),
  ),
);

/** Returns the answer with that number, or null if it is none of FCM's. */
export function fcmErrorOf(code: number): FcmAnswer | null {
  return code < FCM_UNREGISTERED || code > FCM_LAST ? null : (fcmAnswers[code - FCM_UNREGISTERED] ?? null);
}
