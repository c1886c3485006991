/** FCM's HTTP v1 API, as the engine asks for it (push/push-protocol). Stateless, any thread. */

import { Buffer } from 'node:buffer';
import { fcmMessagesPerMinute, fcmRampMs, fcmRequestsPerRecipient, fcmRetryTimeMs } from '../base/limits.js';
import { shownReason } from '../push/answer.js';
import type { Http2PushProtocol } from '../push/push-protocol.js';
import { reasonsByText } from '../push/reason.js';
import type { RetryKind } from '../push/retry-policy.js';
import { fcmAnswerOf, messageNameOf } from './answer.js';
import { adviceOfFcmStatus, classOfFcmStatus, fcmReasons } from './reason.js';

const reasons = reasonsByText(fcmReasons);

/** Kinds of single reasons; those of the others follow from their classes. */
const retryKinds: ReadonlyMap<string, RetryKind> = new Map<string, RetryKind>([
  ['QUOTA_EXCEEDED', 'quota'],
  ['QUOTA_EXCEEDED (device)', 'busy'],
  ['QUOTA_EXCEEDED (topic)', 'topic-quota'],
  ['ACCESS_TOKEN_EXPIRED', 'expired'],
]);

export const fcmHttp2: Http2PushProtocol = {
  protocol: 'fcm',
  reasons,
  classOfStatus: classOfFcmStatus,
  adviceOfStatus: adviceOfFcmStatus,
  retryKindOf(status, reason) {
    const special = retryKinds.get(reason);
    if (special !== undefined) return special;
    const reasonClass = reasons.get(reason)?.class ?? classOfFcmStatus(status);
    if (reasonClass === 'transient') return status === 429 ? 'quota' : 'unavailable';
    return reasonClass === 'connection' ? reasonClass : null;
  },
  usualRate: { perMinute: fcmMessagesPerMinute, rampMs: fcmRampMs },
  retryBudget: { attempts: fcmRequestsPerRecipient, timeMs: fcmRetryTimeMs },
  pathOf: ({ project }) => `/v1/projects/${project}/messages:send`,
  authorizationScheme: 'Bearer',
  probesFirst: false,
  expiredTokenAdvice:
    'FCM calls the access token expired, though it is new: check the clock of this machine, and that the service account may ' +
    'send for this project.',
  shutdownReason: null,
  reasonOfGoaway: (debug) => shownReason(Buffer.from(debug).toString('latin1')),
  answerOf: fcmAnswerOf,
  acceptedIdOf: messageNameOf,
};
