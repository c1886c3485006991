/**
 * Opens what the machines of a cluster share: the store, the blobs and, for dispatchers, the queue. Called by the
 * commands and by programs; main thread.
 */
import { type Logger, silentLogger } from '../base/log.js';
import { checkOptions, filledText, type OptionRules, unchecked } from '../base/options.js';
import { QueueServer } from './queue/queue-server.js';
import { SliceQueue } from './queue/slice-queue.js';
import type { ClusterStore, SliceBlobs } from './store/cluster-store.js';
import { openClusterStore } from './store/open-store.js';

export interface ClusterOptions {
  /** `redis://HOST:PORT`, `rediss://…`, with user, password and database where they are needed. */
  readonly redis: string;
  /** The authority that signed the certificate of Redis, as PEM. Default: those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** Where slices wait: `file:///shared/folder`; null or missing: in Redis. */
  readonly blobs?: string | null;
  readonly log?: Logger;
}

export class Cluster implements AsyncDisposable {
  readonly store: ClusterStore;
  readonly blobs: SliceBlobs;
  readonly #options: ClusterOptions;
  #queues: QueueServer[] = [];

  constructor(options: ClusterOptions, store: ClusterStore, blobs: SliceBlobs) {
    this.#options = options;
    this.store = store;
    this.blobs = blobs;
  }

  /** The queue as a dispatcher uses it. */
  async jobs(): Promise<SliceQueue> {
    return new SliceQueue(await this.queueServer());
  }

  /** A connection for the queue, closed with the cluster. */
  async queueServer(): Promise<QueueServer> {
    const { redis: url, ca, log = silentLogger } = this.#options;
    const server = await QueueServer.open({ url, log, ...(ca !== undefined && { ca }) });
    this.#queues.push(server);
    return server;
  }

  async close(): Promise<void> {
    const queues = this.#queues;
    this.#queues = [];
    await Promise.all([...queues.map((queue) => queue.close()), this.blobs.close?.(), this.store.close()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const rules: OptionRules = { redis: filledText(4096), ca: unchecked, blobs: unchecked, log: unchecked };

/**
 * @throws PealError ERR_PEAL_OPTION that names the option; ERR_PEAL_STORE (as a rejection) where Redis cannot be used,
 *   or ioredis or bullmq is missing
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  checkOptions({ name: 'openCluster' }, options, rules);
  const { redis, blobs: place, ca, log } = options;
  const { store, blobs } = await openClusterStore(redis, {
    ...(place != null && { blobs: place }),
    ...(ca !== undefined && { ca }),
    ...(log !== undefined && { log }),
  });
  return new Cluster(options, store, blobs);
}
