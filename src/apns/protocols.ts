/** APNs' provider API and its binary protocol, as the engine asks for them (push/push-protocol). */
import { providerTokenMinAgeMs, requestsPerRecipient, retryTimeMs } from '../base/limits.js';
import type { Http2PushProtocol, PushProtocol } from '../push/push-protocol.js';
import { reasonsByText } from '../push/reason.js';
import type { RetryBudget, RetryKind } from '../push/retry-policy.js';
import { answerOf, parseAnswerBody } from './answer.js';
import {
  adviceOfStatus,
  binaryReasons,
  channelReasons,
  classOfStatus,
  reasons,
  unknownStatusAdvice,
} from './reason.js';

const http2Reasons = reasonsByText([...reasons, ...channelReasons]);

/** Kinds of single reasons; those of the others follow from their classes. */
const retryKinds: ReadonlyMap<string, RetryKind> = new Map<string, RetryKind>([
  ['TooManyRequests', 'busy'],
  ['TooManyProviderTokenUpdates', 'token-updates'],
  ['ExpiredProviderToken', 'expired'],
]);

const retryBudget: RetryBudget = { attempts: requestsPerRecipient, timeMs: retryTimeMs };
const minutes = providerTokenMinAgeMs / 60_000;

export const apnsHttp2: Http2PushProtocol = {
  protocol: 'http2',
  reasons: http2Reasons,
  classOfStatus,
  adviceOfStatus,
  retryKindOf(status, reason) {
    const special = retryKinds.get(reason);
    if (special !== undefined) return special;
    const reasonClass = http2Reasons.get(reason)?.class ?? classOfStatus(status);
    return reasonClass === 'transient' || reasonClass === 'connection' ? reasonClass : null;
  },
  retryBudget,
  usualRate: null,
  pathOf: () => '/3/device/',
  authorizationScheme: 'bearer',
  probesFirst: true,
  expiredTokenAdvice:
    `APNs calls the provider token expired (ExpiredProviderToken), though it was made less than ${minutes} minutes ` +
    'ago: check the clock of this machine, set it right and send again. While it is wrong nothing is sent with ' +
    `this key, for up to ${minutes} minutes, because APNs takes no second token sooner.`,
  shutdownReason: 'Shutdown',
  reasonOfGoaway: (debug) => parseAnswerBody(debug).reason,
  answerOf,
  acceptedIdOf: null,
};

/**
 * A binary gateway closes after each refusal, and its sender goes on with the next notification. Nothing is retried
 * unless the program asks for it.
 */
export const apnsBinary: PushProtocol = {
  protocol: 'binary',
  reasons: reasonsByText(binaryReasons),
  classOfStatus: () => 'transient',
  adviceOfStatus: () => unknownStatusAdvice,
  retryBudget,
  usualRate: null,
  retryKindOf: () => null,
};
