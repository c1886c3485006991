/**
 * The host for `threads: 0`: one shard in the dispatcher's own thread, with the same code and messages as in a worker,
 * but without ports. It crashes only together with its program, so it is never restarted.
 */
import { assert } from '../../base/assert.js';
import type { Clock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import type { Backend } from '../../transport/backend.js';
import type { FromShard } from '../messages.js';
import type { RoutePoolFactory } from '../shard/route.js';
import { Shard } from '../shard/shard.js';
import type { ShardHost, ShardListener, ShardReport, ShardState } from './shard-host.js';

export interface LocalShardOptions {
  readonly listener: ShardListener;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly log: Logger;
  readonly openPool?: RoutePoolFactory;
  readonly random?: () => number;
}

const shardId = 0;
const epoch = 1;

export class LocalShard implements ShardHost {
  readonly #listener: ShardListener;
  readonly #shard: Shard;
  #posted: FromShard[] = [];
  #state: ShardState = 'starting';

  constructor(options: LocalShardOptions) {
    const { listener, ...rest } = options;
    this.#listener = listener;
    this.#shard = new Shard({ ...rest, send: (message) => this.#send(message) });
  }

  start(): void {
    assert(this.#state === 'starting', 'a shard in this thread is started once');
    this.#state = 'running';
    this.#listener.onOpen(shardId, epoch, { post: (message) => this.#shard.receive(message) });
  }

  async report(): Promise<readonly ShardReport[]> {
    const isRunning = this.#state === 'running';
    return [{ shardId, epoch, state: this.#state, stats: isRunning ? this.#shard.stats() : null }];
  }

  outdate(idleMs: number, routeId: number | null): void {
    this.#shard.outdate(idleMs, routeId);
  }

  ping(routeId: number): Promise<boolean[]> {
    return this.#shard.ping(routeId);
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    try {
      await this.#shard.stop();
    } finally {
      this.#deliver();
      const cause = new PealError('ERR_PEAL_ABORTED', 'The session was shut down.', { origin: 'usage' });
      this.#listener.onLost(shardId, epoch, cause);
    }
  }

  /**
   * Messages wait until the connection's call has returned, as they would on a port: a shard posts from within the
   * calls of its connections, and the dispatcher may post to the shard again when it handles a message.
   */
  #send(message: FromShard): void {
    this.#posted.push(message);
    if (this.#posted.length === 1) queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    const posted = this.#posted;
    this.#posted = [];
    for (const message of posted) this.#listener.onMessage(shardId, epoch, message);
  }
}
