/**
 * The meaning of an answer of APNs other than 200, and of the error response of a binary gateway: every documented
 * reason with its class and advice, and the one-byte code under which ledgers hold it. Read through apns/protocols, by
 * push-services/reasons, on any thread.
 *
 * Sources: "Handling notification responses from APNs"; "Handling error responses from Apple Push Notification service"
 * (broadcasts and channels); "Binary Provider API", codes in error-response packet.
 */
import { type Reason, type ReasonClass, type ReasonRow, reasonTable } from '../push/reason.js';

/** Codes are never reused. A new reason takes the next free code of its protocol, at any place in the table. */
const rows: readonly ReasonRow[] = [
  [
    1,
    400,
    'BadDeviceToken',
    'token',
    'The token is malformed or belongs to the other environment: check whether it is a development token, and ' +
      'mark it rather than delete it.',
  ],
  [
    2,
    400,
    'DeviceTokenNotForTopic',
    'token',
    'The token was issued to another app: check the topic against the app that registered it.',
  ],
  [3, 400, 'MissingDeviceToken', 'token', 'The request named no device token: leave this recipient out.'],
  [4, 400, 'BadCollapseId', 'request', 'The collapse id is longer than 64 bytes: shorten it.'],
  [
    5,
    400,
    'BadExpirationDate',
    'request',
    'The expiration is not a time that APNs accepts: give epoch seconds, or 0 for one attempt.',
  ],
  [6, 400, 'BadMessageId', 'request', 'The apns-id is not a UUID: give a canonical lower-case UUID, or none.'],
  [
    7,
    400,
    'BadPriority',
    'request',
    'The priority does not go with this push: use 10, 5 or 1, and 5 for background pushes.',
  ],
  [
    8,
    400,
    'BadTopic',
    'request',
    'The topic is not valid: use the bundle id of the app, with the suffix of the push type.',
  ],
  [9, 400, 'DuplicateHeaders', 'request', 'A header field was sent twice: remove it from the extra headers.'],
  [
    10,
    400,
    'InvalidPushType',
    'request',
    'The push type is missing or does not go with the payload or topic: set the one that the payload is for.',
  ],
  [
    11,
    400,
    'MissingTopic',
    'request',
    'The topic is missing: set it to the bundle id of the app; it is required with a provider token, and with a ' +
      'certificate for several topics.',
  ],
  [
    12,
    400,
    'PayloadEmpty',
    'request',
    'The payload is empty: give the message an alert, a badge, a sound or a payload.',
  ],
  [
    13,
    400,
    'TopicDisallowed',
    'request',
    'This credential may not push to the topic: use the key or certificate of the team and app that own it.',
  ],
  [
    14,
    400,
    'IdleTimeout',
    'connection',
    'The connection was idle for too long and was closed: it is safe to send again over a new one.',
  ],
  [
    15,
    403,
    'BadCertificate',
    'credential',
    'APNs does not accept the certificate: renew it or use the one made for this app.',
  ],
  [
    16,
    403,
    'BadCertificateEnvironment',
    'credential',
    'The certificate is for the other environment: use the other gateway or the other certificate.',
  ],
  [
    17,
    403,
    'InvalidProviderToken',
    'credential',
    'APNs cannot verify the provider token: check that the .p8 key, the key id and the team id belong together ' +
      'and that the clock is right.',
  ],
  [
    18,
    403,
    'MissingProviderToken',
    'credential',
    'No provider token was sent and no client certificate was used: configure a credential.',
  ],
  [
    19,
    403,
    'BadEnvironmentKeyIdInToken',
    'credential',
    'The key is restricted to the other environment: use the other gateway or a key for this one.',
  ],
  [
    20,
    403,
    'BadEnvironmentKeyInToken',
    'credential',
    'The key is restricted to the other environment: use the other gateway or a key for this one.',
  ],
  [
    21,
    403,
    'Forbidden',
    'credential',
    'APNs refuses this credential for this action: check what the key or certificate is allowed to do.',
  ],
  [
    22,
    403,
    'ExpiredProviderToken',
    'credential',
    'The provider token is more than an hour old: check the clock of this machine; a new token needs a new connection.',
  ],
  [
    23,
    403,
    'UnrelatedKeyIdInToken',
    'connection',
    'The connection is bound to another key: it is safe to send again over a connection of its own.',
  ],
  [
    24,
    404,
    'BadPath',
    'request',
    'The request went to a path that APNs does not have: check the gateway address, and report it as a bug if ' +
      'that is right.',
  ],
  [
    25,
    405,
    'MethodNotAllowed',
    'request',
    'The request did not use POST: check for a proxy that changes requests, and report it as a bug if there is none.',
  ],
  [
    26,
    410,
    'Unregistered',
    'gone',
    'The app was removed from the device or push was turned off: drop the token unless it was registered again ' +
      'after the timestamp.',
  ],
  [
    27,
    410,
    'ExpiredToken',
    'gone',
    'The token has expired: drop it unless it was registered again after the timestamp.',
  ],
  [
    28,
    413,
    'PayloadTooLarge',
    'request',
    'The payload is larger than 4,096 bytes (5,120 for voip and broadcasts): shorten it.',
  ],
  [
    29,
    429,
    'TooManyRequests',
    'transient',
    'Too many notifications went to this one device, or too many requests about channels came: send again later, and ' +
      'less often.',
  ],
  [
    30,
    429,
    'TooManyProviderTokenUpdates',
    'credential',
    'The provider token changed more than once in 20 minutes: let all processes that use this key share one token.',
  ],
  [31, 500, 'InternalServerError', 'transient', 'APNs had a fault of its own: send again after a delay.'],
  [32, 503, 'ServiceUnavailable', 'transient', 'APNs is not available: send again after a delay.'],
  [
    33,
    503,
    'Shutdown',
    'transient',
    'The APNs server is shutting down: send again over a new connection after a delay.',
  ],
];

/**
 * Reasons of broadcasts and of channel management only. The others of these services are above. One that is about a
 * single channel has the class of those about a single device token: other channels of the broadcast are not affected.
 */
const channelRows: readonly ReasonRow[] = [
  [
    34,
    400,
    'FeatureNotEnabled',
    'request',
    'The app has no broadcast capability: enable it for the bundle id in the developer account.',
  ],
  [35, 400, 'MissingChannelId', 'token', 'The request named no channel: give the id of a channel.'],
  [
    36,
    400,
    'BadChannelId',
    'token',
    'The channel id is not base64 or too long: give it as APNs returned it when the channel was created.',
  ],
  [
    37,
    400,
    'ChannelNotRegistered',
    'token',
    'The app has no such channel in this environment: it was removed, or created in the other environment.',
  ],
  [
    38,
    400,
    'BadRequestParams',
    'request',
    'The JSON of the request has an attribute that APNs does not know: give the storage policy and the push type only.',
  ],
  [39, 400, 'BadRequestPayload', 'request', 'The body of the request is not JSON: give a JSON object.'],
  [40, 400, 'MissingPushType', 'request', 'The push type is missing: channels and broadcasts need liveactivity.'],
  [
    41,
    400,
    'CannotCreateChannelConfig',
    'request',
    'The app has as many channels as it may have in this environment: remove those that are over.',
  ],
  [
    42,
    400,
    'MissingChannelQueueSize',
    'request',
    'The storage policy is missing or not known (Apple does not document this reason): give 0 or 1.',
  ],
  [
    43,
    403,
    'TopicMismatch',
    'request',
    'This credential is not for the app in the path: use the key or certificate of the team and app that own it.',
  ],
  [44, 503, 'Service Unavailable', 'transient', 'APNs is not available: send again after a delay.'],
];

/** The same for the statuses of the binary protocol. Codes follow those of HTTP/2 in the same ledger byte. */
const binaryRows: readonly ReasonRow[] = [
  [101, 1, 'Processing error', 'transient', 'The gateway had a fault of its own: send again after a delay.'],
  [102, 2, 'Missing device token', 'token', 'The notification named no device token: leave this recipient out.'],
  [
    103,
    3,
    'Missing topic',
    'request',
    'The gateway cannot tell the app from the certificate: use the push certificate that was made for this app.',
  ],
  [104, 4, 'Missing payload', 'request', 'The notification has no payload: give the message something to say.'],
  [
    105,
    5,
    'Invalid token size',
    'token',
    'The device token has a length that the gateway does not know: leave this recipient out.',
  ],
  [
    106,
    6,
    'Invalid topic size',
    'request',
    'The topic within the certificate is not valid: use the push certificate that was made for this app.',
  ],
  [107, 7, 'Invalid payload size', 'request', 'The payload is larger than the gateway allows: shorten it.'],
  [
    108,
    8,
    'Invalid token',
    'token',
    'The token belongs to another app or to the other environment: check certificate and gateway, and mark it ' +
      'rather than delete it.',
  ],
  [
    109,
    128,
    'Protocol error',
    'transient',
    'The gateway could not read what it was sent: send again, and report it as a bug if it stays.',
  ],
  [110, 255, 'Unknown', 'transient', 'The gateway does not say what was wrong: send again after a delay.'],
];

/** Statuses that are not rejections: no error, and shutdown (the notification that it names was delivered). */
const harmlessStatuses: ReadonlySet<number> = new Set([0, 10]);

/** Every reason that a device push can get over HTTP/2, in the order of their status. */
export const reasons: readonly Reason[] = reasonTable(rows);

/** Every reason that only broadcasts and channel management can get, in the order of their status. */
export const channelReasons: readonly Reason[] = reasonTable(channelRows);

/** Every reason of the binary protocol, in the order of their status. */
export const binaryReasons: readonly Reason[] = reasonTable(binaryRows);

const byBinaryStatus = new Map<number, Reason>(binaryReasons.map((row) => [row.status, row]));

/**
 * Returns the meaning of a status of the binary protocol. A status that is not in the table keeps its number in the
 * reason (`Unknown status 77`, code 0) and counts as temporary. Null for 0 (no error) and 10 (shutdown: the
 * notification that it names was delivered), which are not rejections.
 */
export function binaryReasonOf(status: number): Reason | null {
  if (harmlessStatuses.has(status)) return null;
  const known = byBinaryStatus.get(status);
  if (known !== undefined) return known;
  const reason = `Unknown status ${status}`;
  return { code: 0, reason, status, class: 'transient', advice: unknownStatusAdvice };
}

/** The class of an answer over HTTP/2 whose reason is not in the tables. */
export function classOfStatus(status: number): ReasonClass {
  if (status === 410) return 'gone';
  if (status === 401 || status === 403) return 'credential';
  if (status === 408 || status === 421) return 'connection';
  if (status === 429 || status >= 500) return 'transient';
  return 'request';
}

/** One sentence about an answer over HTTP/2 whose reason is not in the tables. */
export function adviceOfStatus(status: number, reason: string): string {
  const reasonClass = classOfStatus(status);
  return reason === '' && reasonClass === 'request' ? noReasonAdvice : adviceByClass[reasonClass];
}

/** One sentence about a status of the binary protocol that is not in the table. */
export const unknownStatusAdvice: string =
  "The gateway answered a status that is not in Apple's list: send again after a delay, and ask its operator if " +
  'it stays.';

const noReasonAdvice =
  'The answer names no reason, as those of APNs do: check that host and port are those of an APNs gateway.';

const adviceByClass: Readonly<Record<ReasonClass, string>> = {
  token: 'APNs does not accept this token: leave it out.',
  gone: 'The token is no longer valid: drop it unless it was registered again after the timestamp.',
  request: "APNs does not accept this request, for a reason that is not in Apple's list: see the text of the reason.",
  credential: 'APNs does not accept the credential for this request: check key or certificate, team and environment.',
  connection: 'This connection cannot serve the request: send again over a new one.',
  transient: 'APNs or something before it had a passing fault: send again after a delay.',
};
