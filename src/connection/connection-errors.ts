/** Why connections end, as errors for requests, logs and the pool. Called by connection/ only; pure. */
import { parseAnswerBody } from '../apns/answer.js';
import { reasonCode, reasonOf } from '../apns/reason.js';
import { PealError, type PealErrorCode } from '../base/errors.js';
import { closeTimeoutMs, pingTimeoutMs, requestTimeoutMs } from '../base/limits.js';

/** Where the gateway is, as `host:port`. */
type Where = string;

function gatewayError(code: PealErrorCode, message: string): PealError {
  return new PealError(code, message, { origin: 'gateway', retryable: true });
}

/**
 * The cause that a GOAWAY gives. APNs puts JSON with a reason into its debug data; a reason that speaks of the
 * credential is final, everything else is worth another connection.
 */
export function goawayError(where: Where, errorCode: number, debug: Uint8Array): PealError {
  const { reason } = parseAnswerBody(debug);
  if (reasonOf(reasonCode(reason))?.class === 'credential') {
    const message = `${where} refuses this credential (GOAWAY ${reason}): check certificate or key and environment.`;
    return new PealError('ERR_PEAL_GOAWAY', message, { origin: 'credential', retryable: false });
  }
  const why = reason === '' ? `error code ${errorCode}` : `error code ${errorCode}, ${reason}`;
  return gatewayError('ERR_PEAL_GOAWAY', `${where} closed the connection (GOAWAY, ${why}).`);
}

export function noSettingsError(where: Where, timeoutMs: number): PealError {
  const message = `${where} sent no HTTP/2 SETTINGS within ${timeoutMs} ms: check that it is an APNs gateway.`;
  return new PealError('ERR_PEAL_CONNECT_TIMEOUT', message, { origin: 'connect', retryable: true });
}

export function silentError(where: Where): PealError {
  return gatewayError('ERR_PEAL_TIMEOUT', `${where} did not answer a PING within ${pingTimeoutMs} ms.`);
}

export function overdueError(where: Where): PealError {
  return gatewayError('ERR_PEAL_TIMEOUT', `${where} left a request without an answer for ${requestTimeoutMs} ms.`);
}

export function endedError(where: Where): PealError {
  return gatewayError('ERR_PEAL_CLOSED', `${where} closed the connection.`);
}

/** We closed, and waited for the answers in vain. */
export function closedByUsError(where: Where): PealError {
  const message = `The connection to ${where} was closed ${closeTimeoutMs} ms after work on it ended, answers outstanding.`;
  return new PealError('ERR_PEAL_CLOSED', message, { origin: 'usage', retryable: true });
}
