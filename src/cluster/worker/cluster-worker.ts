/**
 * A worker of a cluster: takes slices of campaigns from the queue, and sends them through the session that it is given.
 * One for a process is usual. Made by programs and by `peal worker`; main thread.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { maxWorkerSlots, workerAbortMs, workerSlots } from '../../base/limits.js';
import { type Logger, silentLogger } from '../../base/log.js';
import { checkOptions, filledText, type OptionRules, test, unchecked, whole } from '../../base/options.js';
import { heldUntil } from '../../base/process-hold.js';
import type { Gateway } from '../../session/gateway.js';
import { Session } from '../../session/session.js';
import { QueueServer } from '../queue/queue-server.js';
import { SliceWorkerQueue } from '../queue/slice-worker-queue.js';
import type { CampaignDefinition, ClusterStore, SliceBlobs } from '../store/cluster-store.js';
import { type ClusterWorkerSnapshot, SliceWorker } from './slice-worker.js';

export interface ClusterWorkerOptions {
  /** The URL of the Redis that has the queue. */
  readonly redis: string;
  /** The authority of a Redis with a private certificate, as PEM. */
  readonly redisCa?: string | Uint8Array;
  /** What all machines share. Stays open when the worker is closed. */
  readonly store: ClusterStore;
  /** Where the bytes of slices are. Stays open, too. */
  readonly blobs: SliceBlobs;
  /** What it sends through. Stays open, too. */
  readonly session: Session;
  /**
   * The gateway that a campaign is sent to. A rejection with a PealError that is retryable leaves the slice for later;
   * another one stops the campaign.
   */
  readonly gatewayOf: (definition: CampaignDefinition) => Promise<Gateway>;
  /** Slices at a time: 1 to 64, default 4. */
  readonly slots?: number;
  /** How others see it. Default: host and process. */
  readonly name?: string;
  readonly logger?: Logger;
}

const rules: OptionRules = {
  redis: unchecked,
  redisCa: unchecked,
  store: test('a ClusterStore', has('claim', 'commit')),
  blobs: test('a SliceBlobs', has('get')),
  session: test('a Session', (value) => value instanceof Session),
  gatewayOf: test('a function', (value) => typeof value === 'function'),
  slots: whole(1, maxWorkerSlots),
  name: filledText(100),
  logger: test('an object with the methods trace, debug, info, warn and error', has('debug', 'info', 'warn', 'error')),
};

export class ClusterWorker implements AsyncDisposable {
  readonly #server: QueueServer;
  readonly #queue: SliceWorkerQueue;
  readonly #worker: SliceWorker;
  #closing: Promise<void> | null = null;

  private constructor(server: QueueServer, queue: SliceWorkerQueue, worker: SliceWorker) {
    this.#server = server;
    this.#queue = queue;
    this.#worker = worker;
  }

  /**
   * Resolves once it takes slices.
   *
   * @throws PealError (as a rejection) ERR_PEAL_OPTION that names the option; ERR_PEAL_STORE: bullmq or ioredis is
   *   missing, or Redis cannot be used
   */
  static async start(options: ClusterWorkerOptions): Promise<ClusterWorker> {
    checkOptions({ name: 'ClusterWorker' }, options, rules);
    const { redis, redisCa, store, blobs, session, gatewayOf, slots = workerSlots } = options;
    const log = options.logger ?? silentLogger;
    const name = options.name ?? `${hostname()}-${process.pid}`;
    const server = await QueueServer.open({ url: redis, log, ...(redisCa !== undefined && { ca: redisCa }) });
    const id = `${name}-${randomUUID().slice(0, 8)}`;
    const named = options.name === undefined ? {} : { name };
    const worker = new SliceWorker({ id, ...named, store, blobs, session, gatewayOf, slots, log });
    try {
      await worker.begin();
    } catch (error) {
      await worker.close();
      await server.close();
      throw error;
    }
    const queue = new SliceWorkerQueue(server, { name, slots, run: (task) => worker.work(task) });
    return new ClusterWorker(server, queue, worker);
  }

  /** What it is doing, and has done since it began. */
  snapshot(): ClusterWorkerSnapshot {
    return this.#worker.snapshot;
  }

  /**
   * Takes no more slices, finishes those that it has or hands them back, and says that it is gone. Takes up to some ten
   * seconds; what is under way then is left for others, as after a crash.
   */
  close(): Promise<void> {
    this.#closing ??= heldUntil(this.#close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#queue.pause();
    await this.#worker.drain();
    await this.#queue.close(workerAbortMs);
    await this.#worker.close();
    await this.#server.close();
  }
}

function has(...methods: readonly string[]): (value: unknown) => boolean {
  return (value) =>
    methods.every((method) => typeof (value as Record<string, unknown> | null)?.[method] === 'function');
}
