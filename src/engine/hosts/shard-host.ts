/**
 * The seam between the dispatcher and whatever runs shards: a supervisor of threads, or one shard in the dispatcher's
 * own thread. All calls are on the dispatcher's thread.
 */
import type { PealError } from '../../base/errors.js';
import type { ShardStats } from '../control-plane.js';
import type { FromShard, ToShard } from '../messages.js';

/** The way to one incarnation of a shard. */
export interface ShardLink {
  /** Posts a message; the buffers in `transfer` must not be touched afterwards. */
  post(message: ToShard, transfer: readonly ArrayBuffer[]): void;
}

/** What a host tells. Never from within a call of `post`. */
export interface ShardListener {
  /** A new incarnation takes messages. */
  onOpen(shardId: number, epoch: number, link: ShardLink): void;
  onMessage(shardId: number, epoch: number, message: FromShard): void;
  /** The incarnation is gone, and everything that it had posted has been delivered: what it wrote in the ledger is final. */
  onLost(shardId: number, epoch: number, cause: PealError): void;
  /** The shard will not come back. After its last onLost. */
  onDead(shardId: number, cause: PealError): void;
}

export type ShardState = 'starting' | 'running' | 'restarting' | 'dead' | 'stopped';

export interface ShardReport {
  readonly shardId: number;
  /** Incarnations so far. */
  readonly epoch: number;
  readonly state: ShardState;
  /** Null when the shard does not run or did not answer in time. */
  readonly stats: ShardStats | null;
}

export interface ShardHost {
  start(): void;
  report(): Promise<readonly ShardReport[]>;
  outdate(idleMs: number): void;
  /** Stops all shards in good order; afterwards each has been reported lost, and nothing is open. */
  stop(): Promise<void>;
}
