/** What became of each recipient, in the form of @parse/node-apn. Made by client and delivery. Pure; main thread. */

import { PealError } from '../../base/errors.js';
import type { OutcomeDetail } from '../../engine/batch.js';

/** The ids of an answer. */
interface AnswerIds {
  'apns-id'?: string;
  'apns-unique-id'?: string;
  'apns-request-id'?: string;
  'apns-channel-id'?: string;
}

/** APNs accepted the notification. */
export interface ResponseSent extends AnswerIds {
  device: string;
}

export interface BroadcastResponse {
  bundleId: string;
  'apns-request-id'?: string;
  'apns-channel-id'?: string;
  'message-storage-policy'?: number;
  'push-type'?: string;
  channels?: string[];
}

/** APNs rejected the notification (`status` and `response`), or there is no answer (`error`). */
export interface ResponseFailure {
  device: string;
  error?: Error;
  status?: number;
  response?: {
    reason: string;
    /**
     * Of status 410: since when the token is gone, in milliseconds since the epoch. A number, whatever its type says.
     */
    timestamp?: string;
  };
}

export interface BroadcastResponseFailure extends Omit<ResponseFailure, 'device'> {
  bundleId: string;
}

export interface LoggerResponse extends Partial<ResponseSent>, Partial<BroadcastResponse> {}

export interface LoggerResponseFailure extends Partial<ResponseFailure>, Partial<BroadcastResponseFailure> {}

export interface Responses<R, F> {
  sent: R[];
  failed: F[];
}

/** A request that has no answer. Its message is that of @parse/node-apn where there is one. */
export class WriteError extends Error {
  override readonly name = 'WriteError';
  /**
   * `unsent`: certainly not processed, safe to send again. `unknown`: written and not answered, so that sending again
   * may show the notification twice. `invalid`: it cannot be sent as it is. Null where an answer is told as an error.
   */
  readonly outcome: 'unsent' | 'unknown' | 'invalid' | null;
  /** PealError's code, where there is one. */
  readonly code: string | undefined;

  /** @internal */
  constructor(message: string, outcome: WriteError['outcome'], cause?: PealError) {
    super(message, cause === undefined ? undefined : { cause });
    this.outcome = outcome;
    this.code = cause?.code;
  }
}

/** The error of a request without an answer. */
export function writeError(outcome: 'unsent' | 'unknown' | 'invalid', cause: PealError): WriteError {
  if (cause.code === 'ERR_PEAL_TIMEOUT') return new WriteError('apn write timeout', outcome, cause);
  const message = cause.code === 'ERR_PEAL_ABORTED' ? 'apn write aborted' : `apn write failed: ${cause.message}`;
  return new WriteError(message, outcome, cause);
}

export function destroyedError(): WriteError {
  return new WriteError('client is destroyed', 'unsent');
}

/** An answer other than success. */
export function answerFailure({
  status,
  reason,
  timestampMs,
}: Pick<OutcomeDetail, 'status' | 'reason' | 'timestampMs'>) {
  if (reason === '') {
    return { error: new WriteError(`stream ended unexpectedly with status ${status} and empty body`, null) };
  }
  if (status === 403 && reason === 'ExpiredProviderToken') return { status, error: new WriteError(reason, null) };
  if (status === 500 && reason === 'InternalServerError') {
    return { status, error: new WriteError('Error 500, stream ended unexpectedly', null) };
  }
  return { status, response: timestampMs === null ? { reason } : { reason, timestamp: timestampMs } };
}

/** What APNs answers to a payload that is too large, or to a header field that no request can have. */
export function refusedEntry(error: unknown): object {
  if (!(error instanceof PealError)) throw error;
  if (error.code === 'ERR_PEAL_PAYLOAD') return { status: 413, response: { reason: 'PayloadTooLarge' } };
  return { error: writeError('invalid', error) };
}
