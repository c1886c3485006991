/** Why connections end, as errors for requests, logs and the pool. Called by connection/ only; pure. */
import { PealError, type PealErrorCode } from '../base/errors.js';
import {
  closeTimeoutMs,
  maxServerErrorsInRow,
  maxUnavailableMs,
  pingTimeoutMs,
  requestTimeoutMs,
  settingsAckTimeoutMs,
  stuckLimitTimeoutMs,
  writeStallTimeoutMs,
} from '../base/limits.js';
import { type Address, type Protocol, serviceName } from '../push/address.js';
import { reasonCode, reasonOf } from '../push-services/reasons.js';
import { hostAndPort, timeoutError } from '../transport/tls-errors.js';
import type { Wedge } from './connection-health.js';
import type { Trouble } from './send-gate.js';

/** Verdicts of VitalSigns that end a connection. */
export type FatalVerdict = 'silent' | 'stalled' | 'overdue' | 'unacked' | 'starved' | 'stuck';

/** Where the gateway is, as `host:port`. */
type Where = string;

function gatewayError(code: PealErrorCode, message: string): PealError {
  return new PealError(code, message, { origin: 'gateway', retryable: true });
}

/**
 * The cause that a GOAWAY gives. APNs puts JSON with a reason into its debug data; a reason that speaks of the
 * credential is final, everything else is worth another connection.
 */
export function goawayError(where: Where, errorCode: number, reason: string, protocol: Protocol): PealError {
  if (reasonOf(reasonCode(reason, protocol))?.class === 'credential') {
    const message = `${where} refuses this credential (GOAWAY ${reason}): check certificate or key and environment.`;
    return new PealError('ERR_PEAL_GOAWAY', message, { origin: 'credential', retryable: false });
  }
  const why = reason === '' ? `error code ${errorCode}` : `error code ${errorCode}, ${reason}`;
  return gatewayError('ERR_PEAL_GOAWAY', `${where} closed the connection (GOAWAY, ${why}).`);
}

/** The connection was not ready in time. `isReached`: TCP and TLS were, and only the SETTINGS are missing. */
export function openTimeoutError(address: Address, timeoutMs: number, isReached: boolean): PealError {
  if (!isReached) return timeoutError(address, timeoutMs);
  const where = hostAndPort(address);
  const message = `${where} sent no HTTP/2 SETTINGS within ${timeoutMs} ms: check that it is a gateway of ${serviceName(address.protocol)}.`;
  return new PealError('ERR_PEAL_CONNECT_TIMEOUT', message, { origin: 'connect', retryable: true });
}

/** What a connection's look at its own vital signs found. */
export function verdictError(where: Where, verdict: FatalVerdict | 'windowless'): PealError {
  return gatewayError('ERR_PEAL_TIMEOUT', `${where} ${verdictTexts[verdict]}.`);
}

const usedUp = 'its flow-control window is used up';

const verdictTexts: Readonly<Record<FatalVerdict | 'windowless', string>> = {
  silent: `did not answer a PING within ${pingTimeoutMs} ms`,
  stalled: `has taken nothing of what was written for ${writeStallTimeoutMs} ms`,
  overdue: `left a request without an answer for ${requestTimeoutMs} ms`,
  unacked: `did not acknowledge our SETTINGS within ${settingsAckTimeoutMs} ms (SETTINGS_TIMEOUT)`,
  windowless: `gave no window for the rest of a request for ${requestTimeoutMs} ms (${usedUp})`,
  starved: `allowed no request for ${requestTimeoutMs} ms (its stream limit or its window is 0)`,
  stuck: `allowed one request at a time for ${stuckLimitTimeoutMs} ms while more waited`,
};

/** The connection does not serve any more, as its answers say; another one may. */
export function wedgedError(where: Where, wedge: Wedge): PealError {
  return gatewayError('ERR_PEAL_CLOSED', `The connection to ${where} was replaced: ${wedgeTexts[wedge]}.`);
}

const wedgeTexts: Readonly<Record<Wedge, string>> = {
  'server-errors': `it answered ${maxServerErrorsInRow} times in a row with status 500`,
  shutdown: 'its gateway shuts down (503 Shutdown)',
  'token-expired': 'its provider token has expired',
  'token-updates': 'its gateway saw too many provider tokens (TooManyProviderTokenUpdates)',
  unsuitable: 'its gateway answers that this connection cannot serve the request',
};

/** For maxUnavailableMs the gateway did nothing of use. */
export function unavailableError(where: Where, trouble: Trouble): PealError {
  const what = `For ${maxUnavailableMs / 60_000} minutes ${where} has ${troubleTexts[trouble]}`;
  const message = `${what}: what is unsent can be sent again later.`;
  return gatewayError('ERR_PEAL_UNAVAILABLE', message);
}

const troubleTexts: Readonly<Record<Trouble, string>> = {
  faults:
    'answered nothing but errors that pass (5xx, 429) or that want another connection (Shutdown, IdleTimeout, 421 …)',
  refusals: 'refused every request (RST_STREAM REFUSED_STREAM)',
  losses: 'left requests without an answer (it resets their streams, or its connections die)',
};

/** A fault that the codec found, with the place where it happened. */
export function brokenError(where: Where, failure: PealError): PealError {
  const { code, message, origin, retryable } = failure;
  return new PealError(code, `${where}: ${message}`, { origin, retryable, cause: failure });
}

export function endedError(where: Where): PealError {
  return gatewayError('ERR_PEAL_CLOSED', `${where} closed the connection.`);
}

/** We closed, and the answers did not come in time. */
export function closedByUsError(where: Where): PealError {
  const when = `${closeTimeoutMs} ms after work on it ended`;
  const message = `The connection to ${where} was closed ${when}, answers outstanding.`;
  return new PealError('ERR_PEAL_CLOSED', message, { origin: 'usage', retryable: true });
}

// --- the binary protocol ---

/** For what was sent after a notification that the gateway refused, or after the last one before it shut down. */
export function discardedError(where: Where, status: number): PealError {
  const answered = `${where} answered an earlier notification with status ${status}`;
  const message = `${answered}, and discarded everything that was sent after it.`;
  return gatewayError('ERR_PEAL_DISCARDED', message);
}

/** A status that says nothing about a token or the request: the gateway has a fault of its own, or goes away. */
export function statusError(where: Where, status: number): PealError {
  return gatewayError('ERR_PEAL_CLOSED', `${where} closed the connection with status ${status}.`);
}

/** A status that names no notification of which the outcome is open. */
export function strayStatusError(where: Where, status: number, identifier: number): PealError {
  const what = `status ${status} for notification ${identifier}`;
  const message = `${where} answered ${what}, which does not wait for an answer.`;
  return gatewayError('ERR_PEAL_PROTOCOL', message);
}

export function unansweredFlushError(where: Where): PealError {
  const message =
    `${where} did not answer a known-bad notification in time: ` +
    'if it never does, switch `flush` off and set `readTailTimeoutMs`.';
  return gatewayError('ERR_PEAL_TIMEOUT', message);
}

export function halfStatusError(where: Where): PealError {
  return gatewayError('ERR_PEAL_TIMEOUT', `${where} began a status and did not end it in time.`);
}

export function writeTimeoutError(where: Where, timeoutMs: number): PealError {
  return gatewayError('ERR_PEAL_TIMEOUT', `${where} did not take what was written within ${timeoutMs} ms.`);
}
