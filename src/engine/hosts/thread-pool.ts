/**
 * The only module that knows Piscina, which makes worker threads, runs a shard in each, and reports its end. Loaded
 * only when an engine has threads; used by the supervisor, which replaces crashed threads.
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
  /** The workers that are alive. */
  readonly threads: readonly Worker[];
  /** Lets the process end although shards run. For shards that have started. */
  unref?(): void;
  destroy(): Promise<void>;
}

export type OpenThreads = (threads: number, workerUrl: URL) => ThreadPool;

export const openPiscina: OpenThreads = (_threads, workerUrl) => new PiscinaThreads(workerUrl);

/**
 * A Piscina of one worker for each run of a shard. A Piscina for all of them would stop replacing workers once one of
 * them had died before it was ready, and every later run would wait for a worker that never comes.
 */
class PiscinaThreads implements ThreadPool {
  readonly #workerUrl: URL;
  /** Each with the promise of its end, once that has begun. */
  readonly #pools = new Map<Piscina, Promise<void> | null>();

  /** Piscina's own record of each worker; null if it does not show the record. */
  readonly #handles = new Map<Piscina, WorkerHandle | null>();

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
      // Not awaited, because the end of a run is reported at once.
      void this.#end(pool);
    }
  }

  unref(): void {
    for (const worker of this.threads) worker.unref();
    for (const handle of this.#handles.values()) handle?.unref();
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#pools.keys()].map((pool) => this.#end(pool)));
  }

  #open(): Piscina {
    const pool = new Piscina({
      filename: this.#workerUrl.href,
      // A worker that exists from the start gets the task at once, and a failing worker fails the task.
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // By default an idle worker sleeps in Atomics.wait, and its sockets and timers with it.
      atomics: 'disabled',
      recordTiming: false,
      env: environmentOfThreads(process.env),
      resourceLimits: { maxOldGenerationSizeMb: maxShardHeapMb },
    });
    // A failure of a worker outside its task is reported elsewhere. Without a listener it would end the whole process.
    pool.on('error', () => {});
    pool.on('workerCreate', (worker: object) => this.#handles.set(pool, handleOf(worker)));
    this.#pools.set(pool, null);
    return pool;
  }

  #forget(pool: Piscina): void {
    this.#pools.delete(pool);
    this.#handles.delete(pool);
  }

  #end(pool: Piscina): Promise<void> {
    const ending = this.#pools.get(pool) ?? pool.destroy().finally(() => this.#forget(pool));
    this.#pools.set(pool, ending);
    return ending;
  }
}

/** Piscina's record of a worker. After unref, the port that reports the end of the task no longer holds the process. */
interface WorkerHandle {
  unref(): unknown;
}

/**
 * A running Piscina task keeps the process alive, and Piscina has no option against it. It shows its own record of each
 * worker under a symbol, for load balancers. Without that record, a session with threads keeps the process alive.
 */
function handleOf(worker: object): WorkerHandle | null {
  for (const symbol of Object.getOwnPropertySymbols(worker)) {
    const record: unknown = (worker as Record<symbol, unknown>)[symbol];
    if (typeof record === 'object' && record !== null && 'unref' in record && typeof record.unref === 'function') {
      return record as WorkerHandle;
    }
  }
  return null;
}

/** Threads do not get the variables from which the command line reads secrets (passphrase, password of a proxy). */
function environmentOfThreads(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PEAL_')));
}
