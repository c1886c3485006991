/**
 * What BullMQ is opened with: its module, loaded when it is first needed, and the connection to Redis that the queues
 * of one process share. Made by dispatchers and workers, given to the queues beside this file; main thread. Nothing
 * outside of this folder imports BullMQ.
 *
 * BullMQ lets its commands wait while Redis is away. `within` bounds them for those who cannot wait for ever.
 */
import type * as BullMQ from 'bullmq';
import type { ConnectionOptions } from 'bullmq';
import { PealError } from '../../base/errors.js';
import { queueCommandTimeoutMs } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { loadPeer } from '../../stores/optional-peer.js';
import { openRedis } from '../../stores/redis-client.js';
import type { SliceJob } from '../slices/slice.js';

/** The queue of the slices of all campaigns. */
export const slicesQueue = 'peal-slices';
/** The strategy of waits before another attempt (slice-worker-queue). */
export const backoffName = 'peal';

/** The queue that holds nothing but the job that stands for one campaign. */
export const campaignQueue = (campaign: string): string => `peal-campaign-${campaign}`;
/** BullMQ takes no job id of digits alone. */
export const campaignJobId = (campaign: string): string => `campaign-${campaign}`;
export const sliceJobId = ({ campaign, slice }: Pick<SliceJob, 'campaign' | 'slice'>): string =>
  `${campaign}-s${slice}`;

interface QueueServerOptions {
  /** The URL of Redis. */
  readonly url: string;
  readonly ca?: string | Uint8Array;
  readonly log?: Logger;
}

/** Redis as BullMQ uses it. */
export class QueueServer implements AsyncDisposable {
  readonly bullmq: typeof BullMQ;
  readonly connection: ConnectionOptions;
  readonly log: Logger;
  readonly #disconnect: () => void;

  private constructor(bullmq: typeof BullMQ, connection: ConnectionOptions, log: Logger, disconnect: () => void) {
    this.bullmq = bullmq;
    this.connection = connection;
    this.log = log;
    this.#disconnect = disconnect;
  }

  /** @throws PealError ERR_PEAL_STORE (as a rejection): bullmq or ioredis is missing, or Redis cannot be used */
  static async open({ url, ca, log = silentLogger }: QueueServerOptions): Promise<QueueServer> {
    const bullmq = await loadPeer('bullmq', 'A queue of slices', () => import('bullmq'));
    const redis = await openRedis({ url, use: 'queue', name: 'peal-queue', log, ...(ca !== undefined && { ca }) });
    return new QueueServer(bullmq, redis as unknown as ConnectionOptions, log, () => redis.disconnect());
  }

  /** BullMQ's errors of connections, which it goes on after: the client of Redis has told of the loss. */
  readonly onError = (error: Error): void => {
    this.log.debug({ queue: slicesQueue }, `the queue: ${error.name}`);
  };

  /**
   * @throws PealError ERR_PEAL_STORE, retryable, where `step` takes too long: whether it was done is open then
   */
  async within<T>(step: Promise<T>, timeoutMs = queueCommandTimeoutMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const message = `Redis did not take a change of the queue of slices within ${timeoutMs / 1000} s.`;
      timer = setTimeout(
        () => reject(new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true })),
        timeoutMs,
      );
    });
    step.catch(() => {});
    try {
      return await Promise.race([step, late]);
    } catch (error) {
      throw error instanceof PealError ? error : queueError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Lets the connection go. Queues are closed before. */
  async close(): Promise<void> {
    this.#disconnect();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The errors of ioredis hold the arguments of commands, so nothing of them is quoted but the first word of a reply. */
function queueError(error: unknown): PealError {
  const word = /^[A-Z]+\b/.exec(error instanceof Error ? error.message : '')?.[0] ?? 'an error';
  const message = `Redis answered a change of the queue of slices with ${word}.`;
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true });
}
