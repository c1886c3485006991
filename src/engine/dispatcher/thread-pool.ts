/**
 * The one module that knows Piscina, which makes worker threads, runs a shard in each, and tells what became of it.
 * Loaded only when an engine has threads; used by the supervisor, which replaces those that crash.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { maxShardHeapMb } from '../../base/limits.js';
import type { ShardTask } from '../shard/shard-task.js';

/** The part of Piscina that a supervisor uses. */
export interface ThreadPool {
  /** Runs a shard in a free worker. Resolves when it has stopped, rejects when it crashed or was aborted. */
  run(
    task: ShardTask,
    options: { readonly transferList: MessagePort[]; readonly signal: AbortSignal },
  ): Promise<unknown>;
  /** The workers that live now. */
  readonly threads: readonly Worker[];
  destroy(): Promise<void>;
}

export type OpenThreads = (threads: number, workerUrl: URL) => ThreadPool;

export const openPiscina: OpenThreads = (_threads, workerUrl) => new PiscinaThreads(workerUrl);

/**
 * A Piscina of one worker for each run of a shard. One for all of them would stop replacing workers for good once one
 * of them had died before it was ready, and every later run would wait for a worker that never comes.
 */
class PiscinaThreads implements ThreadPool {
  readonly #workerUrl: URL;
  /** Each with the promise of its end, once that has begun. */
  readonly #pools = new Map<Piscina, Promise<void> | null>();

  constructor(workerUrl: URL) {
    this.#workerUrl = workerUrl;
  }

  get threads(): Worker[] {
    return [...this.#pools].flatMap(([pool, ending]) => (ending === null ? pool.threads : []));
  }

  async run(task: ShardTask, options: Parameters<ThreadPool['run']>[1]): Promise<unknown> {
    const pool = this.#open();
    try {
      return await pool.run(task, options);
    } finally {
      // Not awaited: the end of a run is told at once.
      void this.#end(pool);
    }
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#pools.keys()].map((pool) => this.#end(pool)));
  }

  #open(): Piscina {
    const pool = new Piscina({
      filename: this.#workerUrl.href,
      // One that is there from the start is given the task at once, and the task fails with it.
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // The default lets an idle worker sleep in Atomics.wait, and its sockets and timers with it.
      atomics: 'disabled',
      recordTiming: false,
      env: environmentOfThreads(process.env),
      resourceLimits: { maxOldGenerationSizeMb: maxShardHeapMb },
    });
    // A worker that fails outside of a task is no news; without a listener the whole process would end.
    pool.on('error', () => {});
    this.#pools.set(pool, null);
    return pool;
  }

  #end(pool: Piscina): Promise<void> {
    const ending = this.#pools.get(pool) ?? pool.destroy().finally(() => this.#pools.delete(pool));
    this.#pools.set(pool, ending);
    return ending;
  }
}

/** What the command line reads secrets from (passphrase, password of a proxy) is nothing for threads to have. */
function environmentOfThreads(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PEAL_')));
}
