/**
 * The options of an engine, and the host of shards that follows from them. Threads, and with them Piscina and Comlink,
 * are loaded only when they are needed.
 */
import type { Clock } from '../../base/clock.js';
import { maxThreads, shardSlots } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { checkOption, whole } from '../../base/options.js';
import { isWholePackage, packageFile } from '../../base/package-files.js';
import type { Backend, BackendSpec } from '../../transport/backend.js';
import type { RoutePoolFactory } from '../shard/route.js';
import type { ShardHost, ShardListener } from './shard-host.js';
import type { OpenThreads } from './thread-pool.js';

export interface EngineOptions {
  /** Worker threads, each with one shard, 1 to 64. 0: one shard in the caller's own thread. */
  readonly threads: number;
  /** Opens the byte streams of an in-process shard. Default TLS. */
  readonly backend?: Backend;
  /** From which each shard in a thread makes its own back-end. Default TLS. */
  readonly backendSpec?: BackendSpec;
  /** Default: the system's. Shards in threads always use the system's. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly log?: Logger;
  /** Full batches, or as many recipients in smaller ones, that one shard may hold. Default 64. */
  readonly creditBatches?: number;
  /**
   * Random numbers for the waits before retries and for the pools of an in-process shard. Default Math.random, which
   * shards in threads always use.
   */
  readonly random?: () => number;
  /** For tests: how an in-process shard makes its pools. */
  readonly openPool?: RoutePoolFactory;
  /** For tests: how threads are made, instead of by Piscina. */
  readonly openThreads?: OpenThreads;
}

export async function openShardHost(
  options: EngineOptions,
  clock: Clock,
  log: Logger,
  listener: ShardListener,
): Promise<ShardHost> {
  const { threads, openPool, openThreads, random, backendSpec = tlsSpec } = options;
  const shared = { listener, clock, log };
  if (threads > 0) {
    const { Supervisor } = await import('./supervisor.js');
    const open = openThreads ?? (await threadPool()).openPiscina;
    return new Supervisor({ ...shared, threads, openThreads: open, backend: backendSpec });
  }
  const [{ LocalShard }, backend] = await Promise.all([import('./local-shard.js'), options.backend ?? tlsBackend()]);
  return new LocalShard({ ...shared, backend, ...(openPool && { openPool }), ...(random && { random }) });
}

/** Piscina looks for its own worker beside itself, so it does not work within a bundle. */
async function threadPool(): Promise<typeof import('./thread-pool.js')> {
  if (isWholePackage()) return await import('./thread-pool.js');
  const { href } = packageFile('src/engine/hosts/thread-pool.js');
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ href)) as typeof import('./thread-pool.js');
}

const tlsSpec: BackendSpec = { specifier: 'tls', options: null };

async function tlsBackend(): Promise<Backend> {
  const { createTlsBackend } = await import('../../transport/tls.js');
  return createTlsBackend();
}

/** @throws PealError ERR_PEAL_OPTION */
export function checkEngineOptions({ threads, creditBatches }: EngineOptions): void {
  checkOption('threads', threads, whole(0, maxThreads));
  if (creditBatches !== undefined) checkOption('creditBatches', creditBatches, whole(1, shardSlots));
}
