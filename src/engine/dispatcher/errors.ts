/** The messages with which a dispatcher stops a send by itself. */
import type { Protocol } from '../../apns/address.js';
import { adviceOf, classOf } from '../../apns/reason.js';
import { PealError } from '../../base/errors.js';
import { maxBatchCrashes, providerTokenMinAgeMs, stopAfterRefusals } from '../../base/limits.js';
import { either } from '../../base/wording.js';
import type { RefusedMessage } from '../messages.js';

export function closedError(): PealError {
  return new PealError(
    'ERR_PEAL_ABORTED',
    'The session was shut down before this was sent: unsent recipients can be retried.',
    {
      origin: 'usage',
      retryable: true,
    },
  );
}

export function noThreadsError(error: unknown): PealError {
  return new PealError(
    'ERR_PEAL_SHARD',
    `Worker threads could not be set up: use ${either('`threads: 0`', '--threads 0')}, or see the cause.`,
    {
      origin: 'engine',
      cause: error,
    },
  );
}

export function unexpectedTokenError(): PealError {
  return new PealError('ERR_PEAL_CREDENTIAL', 'The provider token could not be signed: check the .p8 key.', {
    origin: 'credential',
  });
}

export function expiredTokenError(): PealError {
  const minutes = providerTokenMinAgeMs / 60_000;
  return new PealError(
    'ERR_PEAL_CREDENTIAL',
    `APNs calls the provider token expired (ExpiredProviderToken), though it was made less than ${minutes} minutes ` +
      'ago: check the clock of this machine, set it right and send again. While it is wrong nothing is sent with ' +
      `this key, for up to ${minutes} minutes, because APNs takes no second token sooner.`,
    { origin: 'credential' },
  );
}

export function crashedBatchError(cause: PealError): PealError {
  return new PealError(
    'ERR_PEAL_SHARD',
    `${maxBatchCrashes} worker threads in a row ended while they had this batch, so its rest was not sent. ` +
      `${cause.message}`,
    { origin: 'engine', retryable: true, cause },
  );
}

export function refusedError(
  { status, reason }: Pick<RefusedMessage, 'status' | 'reason'>,
  protocol: Protocol,
): PealError {
  const answer = reason === '' ? `HTTP ${status}` : `${status} ${reason}`;
  return new PealError(
    'ERR_PEAL_STOPPED',
    `Stopped after ${stopAfterRefusals} answers "${answer}" in a row with nothing accepted. ` +
      `${adviceOf(status, reason, protocol)}`,
    { origin: classOf(status, reason, protocol) === 'credential' ? 'credential' : 'usage' },
  );
}
