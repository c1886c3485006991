/**
 * What a send of apns2 rejects with: an ApnsError for an answer, and an UnansweredError where there is none. Made by
 * client-push and sender. Main thread.
 */
import { PealError } from '../../base/errors.js';
import type { DeviceNotification } from './notification.js';

/** Apple's reasons, and `error` for all of them: the names of the client's events. */
export const Errors = {
  badCertificate: 'BadCertificate',
  badCertificateEnvironment: 'BadCertificateEnvironment',
  badCollapseId: 'BadCollapseId',
  badDeviceToken: 'BadDeviceToken',
  badExpirationDate: 'BadExpirationDate',
  badMessageId: 'BadMessageId',
  badPath: 'BadPath',
  badPriority: 'BadPriority',
  badTopic: 'BadTopic',
  deviceTokenNotForTopic: 'DeviceTokenNotForTopic',
  duplicateHeaders: 'DuplicateHeaders',
  error: 'Error',
  expiredProviderToken: 'ExpiredProviderToken',
  forbidden: 'Forbidden',
  idleTimeout: 'IdleTimeout',
  internalServerError: 'InternalServerError',
  invalidProviderToken: 'InvalidProviderToken',
  invalidPushType: 'InvalidPushType',
  invalidSigningKey: 'InvalidSigningKey',
  methodNotAllowed: 'MethodNotAllowed',
  missingDeviceToken: 'MissingDeviceToken',
  missingProviderToken: 'MissingProviderToken',
  missingTopic: 'MissingTopic',
  payloadEmpty: 'PayloadEmpty',
  payloadTooLarge: 'PayloadTooLarge',
  serviceUnavailable: 'ServiceUnavailable',
  shutdown: 'Shutdown',
  tooManyProviderTokenUpdates: 'TooManyProviderTokenUpdates',
  tooManyRequests: 'TooManyRequests',
  topicDisallowed: 'TopicDisallowed',
  unknownError: 'UnknownError',
  unregistered: 'Unregistered',
} as const;

type ErrorName = (typeof Errors)[keyof typeof Errors];

/** The body of an answer. */
export interface ApnsResponseError {
  reason: string;
  /** With status 410: since when the token is gone, in milliseconds since the epoch. Otherwise missing. */
  timestamp: number;
}

/** APNs answered with another status than 200. */
export class ApnsError extends Error {
  readonly statusCode: number;
  readonly notification: DeviceNotification;
  readonly response: ApnsResponseError;

  constructor(props: { statusCode: number; notification: DeviceNotification; response: ApnsResponseError }) {
    super(`APNS Error: ${props.statusCode} - ${props.response.reason}`);
    this.statusCode = props.statusCode;
    this.notification = props.notification;
    this.response = props.response;
  }

  get reason(): string {
    return this.response.reason;
  }

  get timestamp(): number {
    return this.response.timestamp;
  }
}

/** There is no answer of APNs. `code` and `message` say why. */
export class UnansweredError extends PealError {
  /**
   * `unsent`: certainly not processed, safe to send again. `unknown`: written and not answered, so that sending again
   * may show the notification twice. `invalid`: it cannot be sent as it is.
   */
  readonly outcome: 'unsent' | 'unknown' | 'invalid';

  /** @internal */
  constructor(outcome: 'unsent' | 'unknown' | 'invalid', error: PealError) {
    const { code, marked, origin, retryable, cause } = error;
    super(code, marked, { origin, retryable, cause });
    this.outcome = outcome;
  }
}

export type { ErrorName as Error };
