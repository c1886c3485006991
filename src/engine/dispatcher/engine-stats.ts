/**
 * What an engine is doing, for programs that watch it. Derived from the mailboxes and the reports of the shards;
 * nothing is kept here.
 */
import type { ShardStats } from '../control-plane.js';
import type { ShardReport, ShardState } from '../hosts/shard-host.js';
import type { Mailbox } from './mailbox.js';

interface EngineShardStats extends ShardStats {
  readonly shardId: number;
  /** Number of incarnations so far: 1 unless the shard crashed. */
  readonly epoch: number;
  readonly state: ShardState;
  /** Batches that count against the shard's credit. */
  readonly heldBatches: number;
}

export interface EngineStats {
  readonly threads: number;
  /** Sends that have not finished. */
  readonly jobs: number;
  /** Batches that wait for a shard with credit, or for the time of a retry. */
  readonly waitingBatches: number;
  /** Connections that are open or being opened, over all shards. */
  readonly connections: number;
  readonly connecting: number;
  /** Attempts to connect, over all shards, since each of them started. */
  readonly connectionsOpened: number;
  /** Requests that wait for their answers. */
  readonly inFlight: number;
  /** The lowest limit of requests at a time on an open connection; null where none is known. */
  readonly streamLimit: number | null;
  readonly shards: readonly EngineShardStats[];
}

const noStats: ShardStats = {
  connections: 0,
  connecting: 0,
  connectionsOpened: 0,
  inFlight: 0,
  streamLimit: null,
  waiting: 0,
  batches: 0,
};

export function engineStats(
  threads: number,
  jobs: number,
  waitingBatches: number,
  mailboxes: readonly Mailbox[],
  reports: readonly ShardReport[],
): EngineStats {
  const shards = reports.map(({ shardId, epoch, state, stats }) => {
    const { heldBatches } = mailboxes[shardId]!;
    return { shardId, epoch, state, heldBatches, ...(stats ?? noStats) };
  });
  const sum = (key: Exclude<keyof ShardStats, 'streamLimit'>): number =>
    shards.reduce((total, shard) => total + shard[key], 0);
  return {
    threads,
    jobs,
    waitingBatches,
    connections: sum('connections'),
    connecting: sum('connecting'),
    connectionsOpened: sum('connectionsOpened'),
    inFlight: sum('inFlight'),
    streamLimit: shards.reduce(lowerLimit, null),
    shards,
  };
}

/** The lower of two limits; null where neither is known. */
function lowerLimit(lowest: number | null, { streamLimit }: ShardStats): number | null {
  if (lowest === null || streamLimit === null) return lowest ?? streamLimit;
  return Math.min(lowest, streamLimit);
}
