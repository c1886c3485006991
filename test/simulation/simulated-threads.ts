/**
 * Worker threads that are none: each task runs a real shard over real ports in the test's own thread, on the world's
 * time, with real pools whose connections lead into the simulated network. A thread may end at any moment; what it had
 * posted still arrives, its timers and connections are gone with it.
 */
import type { Worker } from 'node:worker_threads';
import type { Logger } from '../../src/base/log.js';
import { exposeControl } from '../../src/engine/control-plane.js';
import type { ThreadPool } from '../../src/engine/hosts/thread-pool.js';
import type { FromShard, ToShard } from '../../src/engine/messages.js';
import { Shard } from '../../src/engine/shard/shard.js';
import type { ShardTask } from '../../src/engine/shard/shard-task.js';
import type { Prng } from '../support/prng.js';
import type { VirtualClock } from '../support/virtual-clock.js';
import { LedgerWatch } from './ledger-watch.js';
import type { Network } from './network.js';
import { ThreadClock } from './thread-clock.js';
import { type PoolRoom, watchedPools } from './watched-pools.js';
import type { WatchedSource } from './watched-source.js';

export interface ThreadsRoom extends PoolRoom {
  readonly world: VirtualClock;
  readonly network: Network;
  readonly log: Logger;
  /** Told of each message that is posted. */
  readonly onPost: () => void;
}

class SimulatedThread {
  readonly clock: ThreadClock;
  readonly lifetime: Promise<void>;
  isOver = false;
  readonly #sources: WatchedSource[] = [];
  readonly #task: ShardTask;
  readonly #room: ThreadsRoom;
  #resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor(task: ShardTask, room: ThreadsRoom, signal: AbortSignal) {
    this.#task = task;
    this.#room = room;
    this.clock = new ThreadClock(room.world);
    this.lifetime = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', () => this.crash());
    this.#run();
  }

  crash(): void {
    if (this.isOver) return;
    const { books, network } = this.#room;
    this.isOver = true;
    this.clock.end();
    network.dropThread(this.clock);
    for (const source of this.#sources) {
      books.lose(source.outstanding());
      books.forgetTexts(source.numbers());
    }
    this.#task.data.close();
    this.#reject(new TypeError('a thread ended'));
  }

  #run(): void {
    const { data, control } = this.#task;
    const { network, random } = this.#room;
    const ledger = new LedgerWatch(() => {});
    const own = random.fork();
    const shard = new Shard({
      backend: network.backendFor(this.clock),
      clock: this.clock,
      log: this.#room.log,
      random: () => own.next(),
      openPool: watchedPools(this.#room, () => ledger, this.#sources),
      send: (message: FromShard, transfer) => {
        if (this.isOver) return;
        this.#room.onPost();
        data.postMessage(message, transfer as ArrayBuffer[]);
      },
    });
    data.on('message', (message: ToShard) => {
      if (this.isOver) return;
      if (message.kind === 'batch') ledger.begin(message);
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
          // The answer is posted when this returns, and a closed port would swallow it.
          setImmediate(() => this.#stop());
          return { ok: true, value: null };
        },
      },
      control,
    );
  }

  #stop(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.clock.timerCount > 0) this.#room.books.violate(`${this.clock.timerCount} timers of a shard are left`);
    this.#task.data.close();
    this.#resolve();
  }
}

export class SimulatedThreads implements ThreadPool {
  readonly threads: readonly Worker[] = [];
  readonly #room: ThreadsRoom;
  readonly #all: SimulatedThread[] = [];

  constructor(room: ThreadsRoom) {
    this.#room = room;
  }

  run(task: ShardTask, { signal }: { signal: AbortSignal }): Promise<void> {
    const thread = new SimulatedThread(task, this.#room, signal);
    this.#all.push(thread);
    return thread.lifetime;
  }

  /** Threads that were begun so far. */
  get started(): number {
    return this.#all.length;
  }

  async destroy(): Promise<void> {}

  /** Ends one that runs. */
  crashOne(random: Prng): boolean {
    const alive = this.#all.filter((thread) => !thread.isOver);
    if (alive.length === 0) return false;
    random.pick(alive).crash();
    return true;
  }
}
