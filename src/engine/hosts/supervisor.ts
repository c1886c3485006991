/**
 * The supervisor: keeps one shard running in each worker thread. A shard that ends without having been asked to is
 * started again as a new incarnation, after a wait that grows, until its budget of restarts is used up. The supervisor
 * tells the dispatcher which incarnations open and which are lost; all accounting is the dispatcher's. On the
 * dispatcher's thread.
 *
 *   starting ──▶ running ──crash──▶ restarting ──▶ running …      a settled batch renews the budget
 *      │                                └──▶ dead                 budget used up
 *      └──▶ dead (never came up)              any ──stop──▶ stopped
 */
import { assert, brokenPromise } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  maxShardRestartDelayMs,
  maxShardRestarts,
  maxShardStartFailures,
  minShardRestartDelayMs,
} from '../../base/limits.js';
import { type Logger, leastLevel } from '../../base/log.js';
import { packageFile } from '../../base/package-files.js';
import type { BackendSpec } from '../../transport/backend.js';
import type { FromShard } from '../messages.js';
import type { ShardHost, ShardListener, ShardReport, ShardState } from './shard-host.js';
import type { OpenThreads, ThreadPool } from './thread-pool.js';
import { ThreadShard } from './thread-shard.js';

interface SupervisorOptions {
  readonly threads: number;
  readonly openThreads: OpenThreads;
  readonly listener: ShardListener;
  readonly clock: Clock;
  readonly log: Logger;
  readonly backend: BackendSpec;
}

/** The state of one shard that outlives its incarnations. */
interface SupervisedShard {
  readonly shardId: number;
  epoch: number;
  state: ShardState;
  current: ThreadShard | null;
  /** Whether an incarnation has ever started successfully. */
  hasStarted: boolean;
  /** Number of ends without a settled batch between them. */
  failures: number;
  restartTimer: unknown;
}

export class Supervisor implements ShardHost {
  readonly #options: SupervisorOptions;
  readonly #pool: ThreadPool;
  readonly #shards: readonly SupervisedShard[];
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#pool = options.openThreads(options.threads, packageFile('workers/shard.js'));
    this.#shards = Array.from({ length: options.threads }, (_, shardId) => ({
      shardId,
      epoch: 0,
      state: 'starting',
      current: null,
      hasStarted: false,
      failures: 0,
      restartTimer: null,
    }));
  }

  start(): void {
    for (const kept of this.#shards) this.#open(kept);
  }

  report(): Promise<readonly ShardReport[]> {
    return Promise.all(
      this.#shards.map(async ({ shardId, epoch, state, current }) => {
        const stats = state === 'running' && current !== null ? await current.stats().catch(() => null) : null;
        return { shardId, epoch, state, stats };
      }),
    );
  }

  outdate(idleMs: number, routeId: number | null): void {
    // A shard that ends meanwhile has no idle connections any more.
    for (const { current } of this.#shards) current?.outdate(idleMs, routeId).catch(() => {});
  }

  async ping(routeId: number): Promise<boolean[]> {
    // A shard that ends meanwhile has no connections any more.
    const answers = this.#shards.map(({ current }) => current?.ping(routeId).catch(() => []) ?? []);
    return (await Promise.all(answers)).flat();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      this.#shards.map(async (kept) => {
        this.#options.clock.clearTimer(kept.restartTimer);
        await kept.current?.stop();
        kept.state = 'stopped';
      }),
    );
    await this.#pool.destroy();
  }

  #open(kept: SupervisedShard): void {
    assert(kept.current === null && !this.#isStopping, 'a shard has one incarnation at a time, and none after a stop');
    const { listener, clock, log, backend } = this.#options;
    const { shardId } = kept;
    const epoch = kept.epoch + 1;
    const onMessage = (message: FromShard): void => {
      kept.hasStarted = true;
      if (message.kind === 'settled') kept.failures = 0;
      listener.onMessage(shardId, epoch, message);
    };
    const logLevel = leastLevel(log);
    const own = { shardId, epoch, backend, logLevel };
    const shard = new ThreadShard({ ...own, pool: this.#pool, clock, onMessage });
    kept.epoch = epoch;
    kept.current = shard;
    shard.start().then(
      () => this.#onStarted(kept, shard),
      () => {}, // `ended` follows and says why
    );
    void shard.ended.then((cause) => this.#onEnded(kept, epoch, cause));
    // Told before the shard has answered: messages wait in the port, and the worker finds its work when it starts.
    listener.onOpen(shardId, epoch, shard);
  }

  #onStarted(kept: SupervisedShard, shard: ThreadShard): void {
    if (kept.current !== shard) return;
    kept.hasStarted = true;
    this.#pool.unref?.();
    if (!this.#isStopping) kept.state = 'running';
  }

  #onEnded(kept: SupervisedShard, epoch: number, error: PealError | null): void {
    const { listener, clock, log } = this.#options;
    const { shardId } = kept;
    const cause = error ?? new PealError('ERR_PEAL_ABORTED', 'The session was shut down.', { origin: 'usage' });
    const broken = brokenPromise(error?.cause);
    if (broken !== null) log.error({ shardId, epoch }, broken);
    kept.current = null;
    listener.onLost(shardId, epoch, cause);
    if (this.#isStopping) return;
    kept.failures += 1;
    const budget = kept.hasStarted ? maxShardRestarts : maxShardStartFailures - 1;
    if (kept.failures > budget) {
      kept.state = 'dead';
      log.error({ shardId, epoch, code: cause.code }, 'a shard ended too often and is given up');
      listener.onDead(shardId, cause);
      return;
    }
    const delayMs = Math.min(maxShardRestartDelayMs, minShardRestartDelayMs * 2 ** (kept.failures - 1));
    log.warn({ shardId, epoch, code: cause.code, delayMs }, 'a shard ended and will be started again');
    kept.state = 'restarting';
    kept.restartTimer = clock.setTimer(() => this.#open(kept), delayMs);
  }
}
