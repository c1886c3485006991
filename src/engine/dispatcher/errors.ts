/** The messages with which a dispatcher stops a send by itself. */
import { PealError } from '../../base/errors.js';
import { maxBatchCrashes, stopAfterRefusals } from '../../base/limits.js';
import { either } from '../../base/wording.js';
import type { Protocol } from '../../push/address.js';
import { http2PushProtocolOf } from '../../push-services/push-protocols.js';
import { adviceOf, classOf } from '../../push-services/reasons.js';
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

export function expiredTokenError(protocol: Protocol): PealError {
  const { expiredTokenAdvice } = http2PushProtocolOf(protocol);
  return new PealError('ERR_PEAL_CREDENTIAL', expiredTokenAdvice, { origin: 'credential' });
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
  advice: string = adviceOf(status, reason, protocol),
): PealError {
  const answer = reason === '' ? `HTTP ${status}` : `${status} ${reason}`;
  return new PealError(
    'ERR_PEAL_STOPPED',
    `Stopped after ${stopAfterRefusals} answers "${answer}" in a row with nothing accepted. ${advice}`,
    { origin: classOf(status, reason, protocol) === 'credential' ? 'credential' : 'usage' },
  );
}
