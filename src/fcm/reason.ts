/**
 * The meaning of an answer of FCM other than 200: every reason as peal shows it, with its class and advice, and the
 * one-byte code under which ledgers hold it. Google's error codes are divided where one code stands for faults of
 * different kinds; fcm/answer finds the reason in the body of an answer. Read through fcm/protocol, by
 * push-services/reasons, on any thread.
 *
 * Sources: Firebase documentation, "ErrorCode" of the FCM HTTP v1 API, "Scale FCM" and "Throttling and quotas"
 * (docs/fcm.md has the addresses).
 */
import { type Reason, type ReasonClass, type ReasonRow, reasonTable } from '../push/reason.js';

/** Codes are never reused, and begin at 121. A new reason takes the next free one, at any place in the table. */
const rows: readonly ReasonRow[] = [
  [
    121,
    404,
    'UNREGISTERED',
    'gone',
    'The app instance was unregistered, and its token is no longer valid: drop the token.',
  ],
  [
    122,
    400,
    'INVALID_ARGUMENT',
    'request',
    'FCM refuses a field of the message, or the message is too large: correct what the answer names.',
  ],
  [
    123,
    400,
    'INVALID_ARGUMENT (token)',
    'token',
    'The token, topic or condition is malformed: check where it comes from, and drop a token that FCM never issued.',
  ],
  [
    124,
    403,
    'SENDER_ID_MISMATCH',
    'token',
    'The token was issued to another Firebase project: send with the service account of that project.',
  ],
  [
    125,
    401,
    'THIRD_PARTY_AUTH_ERROR',
    'token',
    'The project has no valid APNs key or web push key for this recipient: upload it in the Firebase console, under ' +
      'Cloud Messaging.',
  ],
  [
    126,
    429,
    'QUOTA_EXCEEDED',
    'transient',
    'The project sends more messages a minute than its quota allows, or FCM is overloaded: send more slowly, or ask ' +
      'Google for a higher quota.',
  ],
  [
    127,
    429,
    'QUOTA_EXCEEDED (device)',
    'transient',
    'This device gets too many messages: send it fewer; it is safe to send again later.',
  ],
  [
    128,
    429,
    'QUOTA_EXCEEDED (topic)',
    'transient',
    'This topic gets too many messages: send it fewer; it is safe to send again after a minute.',
  ],
  [129, 503, 'UNAVAILABLE', 'transient', 'FCM is overloaded: it is safe to send again later.'],
  [130, 500, 'INTERNAL', 'transient', 'FCM had an error of its own: it is safe to send again later.'],
  [
    131,
    401,
    'ACCESS_TOKEN_EXPIRED',
    'credential',
    'The access token is too old: peal gets a new one; if this comes again, check the clock and the source of the token.',
  ],
  [
    132,
    401,
    'UNAUTHENTICATED',
    'credential',
    'FCM does not accept the access token: check that it comes from a service account and has the scope ' +
      'https://www.googleapis.com/auth/firebase.messaging.',
  ],
  [
    133,
    403,
    'PERMISSION_DENIED',
    'credential',
    'The service account may not send for this project: give it the role Firebase Cloud Messaging API Admin there, and ' +
      'check the project id.',
  ],
  [
    134,
    403,
    'SERVICE_DISABLED',
    'credential',
    'The Firebase Cloud Messaging API is not enabled in this project: enable it in the Google Cloud console, and wait a ' +
      'few minutes.',
  ],
  [
    135,
    404,
    'NOT_FOUND',
    'credential',
    'FCM does not know the project: check the project id, which is in the service account file and in the console.',
  ],
];

export const fcmReasons: readonly Reason[] = reasonTable(rows);

/** The class of an answer whose reason is not in the table. A 404 is about a token only where FCM says UNREGISTERED. */
export function classOfFcmStatus(status: number): ReasonClass {
  if (status === 401 || status === 403 || status === 404) return 'credential';
  if (status === 408 || status === 421) return 'connection';
  if (status === 429 || status >= 500) return 'transient';
  return 'request';
}

/** One sentence about an answer whose reason is not in the table. */
export function adviceOfFcmStatus(status: number): string {
  if (status === 401 || status === 403) {
    return 'FCM does not accept the credential: check the service account and its rights in this project.';
  }
  if (status === 404) return 'Nothing is at this address: check the gateway and the project id.';
  if (status === 413) return 'The request is too large: shorten the message.';
  const reasonClass = classOfFcmStatus(status);
  if (reasonClass === 'connection') return 'It is safe to send again over another connection.';
  if (reasonClass === 'transient')
    return 'FCM or a proxy before it has a temporary fault: it is safe to send again later.';
  return 'FCM does not accept this message: see the text of the reason.';
}
