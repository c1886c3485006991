/**
 * Worker threads that are none: each task runs a real shard over real ports in the test's own thread, with fake pools
 * unless the test brings a network for real ones, and ends when the test says so.
 */
import assert from 'node:assert/strict';
import type { Worker } from 'node:worker_threads';
import { silentLogger } from '../../src/base/log.js';
import { exposeControl } from '../../src/engine/control-plane.js';
import type { ThreadPool } from '../../src/engine/hosts/thread-pool.js';
import type { FromShard, ToShard } from '../../src/engine/messages.js';
import type { RoutePoolFactory, RoutePoolOptions } from '../../src/engine/shard/route.js';
import { Shard } from '../../src/engine/shard/shard.js';
import type { ShardTask } from '../../src/engine/shard/shard-task.js';
import type { Backend } from '../../src/transport/backend.js';
import { FakePool, turn } from './engine-fixtures.js';
import { VirtualClock } from './virtual-clock.js';

/** What real pools need: time, which all threads share then, and where connections lead. */
export interface FakeNetwork {
  readonly clock: VirtualClock;
  readonly backend: Backend;
  readonly random: () => number;
  /** Default: real pools. */
  readonly openPool?: RoutePoolFactory;
}

export class FakeThread {
  readonly clock: VirtualClock;
  readonly pools: FakePool[] = [];
  readonly received: ToShard[] = [];
  isOver = false;
  /** How the task ends. */
  readonly lifetime: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor(
    readonly task: ShardTask,
    signal: AbortSignal,
    isDeaf: boolean,
    readonly network: FakeNetwork | null,
  ) {
    this.clock = network?.clock ?? new VirtualClock();
    this.lifetime = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', () => this.crash(new DOMException('aborted', 'AbortError')));
    if (!isDeaf) this.#run();
  }

  get pool(): FakePool {
    return this.pools[0]!;
  }

  post(message: FromShard): void {
    this.task.data.postMessage(message);
  }

  /** Ends as a thread does that throws: what it posted is still in the port. */
  crash(error: Error = new TypeError('a bug')): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#reject(error);
    this.task.data.close();
  }

  #openFakePool({ source, clock }: RoutePoolOptions): FakePool {
    const pool = new FakePool(source, clock);
    this.pools.push(pool);
    return pool;
  }

  #run(): void {
    const { data, control } = this.task;
    const shard = new Shard({
      backend: { open: () => assert.fail('a fake pool opens nothing') },
      clock: this.clock,
      log: silentLogger,
      send: (message) => this.post(message),
      ...(this.network ?? { openPool: (options) => this.#openFakePool(options) }),
    });
    data.on('message', (message: ToShard) => {
      this.received.push(message);
      shard.receive(message);
    });
    exposeControl(
      {
        start: () => ({ ok: true, value: null }),
        stats: () => ({ ok: true, value: shard.stats() }),
        outdate: (idleMs, routeId) => {
          shard.outdate(idleMs, routeId);
          return { ok: true, value: null };
        },
        ping: async (routeId) => ({ ok: true, value: await shard.ping(routeId) }),
        stop: async () => {
          await shard.stop();
          this.isOver = true;
          data.close();
          this.#resolve();
          return { ok: true, value: null };
        },
      },
      control,
    );
  }
}

export class FakeThreads implements ThreadPool {
  constructor(readonly network: FakeNetwork | null = null) {}

  /** Every incarnation that was started, in order. */
  readonly started: FakeThread[] = [];
  readonly threads: readonly Worker[] = [];
  isDestroyed = false;
  /** Whether threads that are started now never answer. */
  areDeaf = false;

  run(task: ShardTask, { signal }: { signal: AbortSignal }): Promise<void> {
    const thread = new FakeThread(task, signal, this.areDeaf, this.network);
    this.started.push(thread);
    return thread.lifetime;
  }

  async destroy(): Promise<void> {
    this.isDestroyed = true;
  }

  /** The latest incarnation of a shard. */
  shard(shardId: number): FakeThread {
    const thread = this.started.findLast(({ task }) => task.shardId === shardId);
    assert.ok(thread, `shard ${shardId} was never started`);
    return thread;
  }
}

/** Lets the ports work until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, maxTurns = 5_000): Promise<void> {
  for (let turns = 0; turns < maxTurns; turns++) {
    if (await isSo()) return;
    await turn();
  }
  assert.fail(`still not so: ${what}`);
}
