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
  /** What runs now no longer keeps the process alive. For a shard that has come up. */
  unref?(): void;
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

  /** What Piscina holds of each one's worker; null where it does not show it. */
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
      // Not awaited: the end of a run is told at once.
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

/** What Piscina keeps of a worker: unref lets its port, over which the end of the task is told, hold nothing. */
interface WorkerHandle {
  unref(): unknown;
}

/**
 * Piscina takes a task that runs for a reason to go on, and offers no way to say otherwise. It shows its own record of the
 * worker under a symbol, for load balancers of its own. Without one, a session with threads holds the process.
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

/** What the command line reads secrets from (passphrase, password of a proxy) is nothing for threads to have. */
function environmentOfThreads(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('PEAL_')));
}
