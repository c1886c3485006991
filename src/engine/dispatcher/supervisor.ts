/**
 * The supervisor: keeps one shard running in each worker thread. A shard that ends without having been asked to is
 * started again as a new incarnation, after a wait that grows, until its budget of restarts is used up. It tells the
 * dispatcher what opens and what is lost, and leaves all accounting to it. On the dispatcher's thread.
 *
 *   starting ──▶ running ──crash──▶ restarting ──▶ running …      a settled batch renews the budget
 *      │                                └──▶ dead                 budget used up
 *      └──▶ dead (never came up)              any ──stop──▶ stopped
 */
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

/** What is kept of one shard from one incarnation to the next. */
interface Seat {
  readonly shardId: number;
  epoch: number;
  state: ShardState;
  current: ThreadShard | null;
  /** Whether an incarnation ever came up. */
  hasStarted: boolean;
  /** Ends without a settled batch between. */
  failures: number;
  restartTimer: unknown;
}

export class Supervisor implements ShardHost {
  readonly #options: SupervisorOptions;
  readonly #pool: ThreadPool;
  readonly #seats: readonly Seat[];
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#pool = options.openThreads(options.threads, packageFile('workers/shard.js'));
    this.#seats = Array.from({ length: options.threads }, (_, shardId) => ({
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
    for (const seat of this.#seats) this.#open(seat);
  }

  report(): Promise<readonly ShardReport[]> {
    return Promise.all(
      this.#seats.map(async ({ shardId, epoch, state, current }) => {
        const stats = state === 'running' && current !== null ? await current.stats().catch(() => null) : null;
        return { shardId, epoch, state, stats };
      }),
    );
  }

  outdate(idleMs: number): void {
    // A shard that ends meanwhile has no idle connections left either.
    for (const { current } of this.#seats) current?.outdate(idleMs).catch(() => {});
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(
      this.#seats.map(async (seat) => {
        this.#options.clock.clearTimer(seat.restartTimer);
        await seat.current?.stop();
        seat.state = 'stopped';
      }),
    );
    await this.#pool.destroy();
  }

  #open(seat: Seat): void {
    const { listener, clock, log, backend } = this.#options;
    const { shardId } = seat;
    const epoch = seat.epoch + 1;
    const onMessage = (message: FromShard): void => {
      seat.hasStarted = true;
      if (message.kind === 'settled') seat.failures = 0;
      listener.onMessage(shardId, epoch, message);
    };
    const logLevel = leastLevel(log);
    const own = { shardId, epoch, backend, logLevel };
    const shard = new ThreadShard({ ...own, pool: this.#pool, clock, onMessage });
    seat.epoch = epoch;
    seat.current = shard;
    shard.start().then(
      () => this.#onStarted(seat, shard),
      () => {}, // `ended` follows and says why
    );
    void shard.ended.then((cause) => this.#onEnded(seat, epoch, cause));
    // Before it has answered: what is posted now waits in the port, and the worker finds its work when it comes up.
    listener.onOpen(shardId, epoch, shard);
  }

  #onStarted(seat: Seat, shard: ThreadShard): void {
    if (seat.current !== shard) return;
    seat.hasStarted = true;
    this.#pool.unref?.();
    if (!this.#isStopping) seat.state = 'running';
  }

  #onEnded(seat: Seat, epoch: number, error: PealError | null): void {
    const { listener, clock, log } = this.#options;
    const { shardId } = seat;
    const cause = error ?? new PealError('ERR_PEAL_ABORTED', 'The session was shut down.', { origin: 'usage' });
    seat.current = null;
    listener.onLost(shardId, epoch, cause);
    if (this.#isStopping) return;
    seat.failures += 1;
    const budget = seat.hasStarted ? maxShardRestarts : maxShardStartFailures - 1;
    if (seat.failures > budget) {
      seat.state = 'dead';
      log.error({ shardId, epoch, code: cause.code }, 'a shard ended once too often and is given up');
      listener.onDead(shardId, cause);
      return;
    }
    const delayMs = Math.min(maxShardRestartDelayMs, minShardRestartDelayMs * 2 ** (seat.failures - 1));
    log.warn({ shardId, epoch, code: cause.code, delayMs }, 'a shard ended and will be started again');
    seat.state = 'restarting';
    seat.restartTimer = clock.setTimer(() => this.#open(seat), delayMs);
  }
}
