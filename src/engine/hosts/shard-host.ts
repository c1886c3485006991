/**
 * The interface between the dispatcher and the host of the shards: a supervisor of threads, or one shard in the
 * dispatcher's own thread. All calls are on the dispatcher's thread.
 */
import type { PealError } from '../../base/errors.js';
import type { ShardStats } from '../control-plane.js';
import type { FromShard, ToShard } from '../messages.js';

/** The channel to one incarnation of a shard. */
export interface ShardLink {
  /** Posts a message; the buffers in `transfer` must not be touched afterwards. */
  post(message: ToShard, transfer: readonly ArrayBuffer[]): void;
}

/** The events of a host. Never from within a call of `post`. */
export interface ShardListener {
  /** A new incarnation accepts messages. */
  onOpen(shardId: number, epoch: number, link: ShardLink): void;
  onMessage(shardId: number, epoch: number, message: FromShard): void;
  /**
   * The incarnation has ended, and everything that it had posted has been delivered: its entries in the ledger are
   * final.
   */
  onLost(shardId: number, epoch: number, cause: PealError): void;
  /** The shard will not be started again. Comes after its last onLost. */
  onDead(shardId: number, cause: PealError): void;
}

export type ShardState = 'starting' | 'running' | 'restarting' | 'dead' | 'stopped';

export interface ShardReport {
  readonly shardId: number;
  /** Incarnations so far. */
  readonly epoch: number;
  readonly state: ShardState;
  /** Null if the shard does not run or did not answer in time. */
  readonly stats: ShardStats | null;
}

export interface ShardHost {
  start(): void;
  report(): Promise<readonly ShardReport[]>;
  /** Of all routes where `routeId` is null. */
  outdate(idleMs: number, routeId: number | null): void;
  /** Asks the ready connections of a route for a sign of life. Resolves to whether it came, for each. */
  ping(routeId: number): Promise<boolean[]>;
  /** Stops all shards properly. Afterwards each has been reported lost, and nothing is open. */
  stop(): Promise<void>;
}
