/**
 * The one module that knows Piscina, which makes worker threads, replaces those that crash, and tells what became of
 * each. Loaded only when an engine has threads; used by the supervisor.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
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

export const openPiscina: OpenThreads = (threads, workerUrl) => {
  const pool = new Piscina({
    filename: workerUrl.href,
    minThreads: threads,
    maxThreads: threads,
    // One never-ending task each, so Piscina's queue never decides where anything goes.
    concurrentTasksPerWorker: 1,
    idleTimeout: Number.POSITIVE_INFINITY,
    // The default lets an idle worker sleep in Atomics.wait, and its sockets and timers with it.
    atomics: 'disabled',
    recordTiming: false,
  });
  // A worker that fails between two tasks is replaced; without a listener the whole process would end.
  pool.on('error', () => {});
  return pool;
};
