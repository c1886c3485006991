/**
 * What a shard asks of the connections of a route, and how they are made. On the shard's thread.
 */
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/log.js';
import { ConnectionPool, type PoolStats } from '../../connection/pool.js';
import type { RequestSource } from '../../connection/request-source.js';
import type { Backend } from '../../transport/backend.js';
import type { RouteConfig } from '../messages.js';

/** Connections by state, how many there were in all, and requests without an outcome. */
export type RoutePoolStats = Pick<PoolStats, 'opening' | 'ready' | 'draining' | 'opened' | 'inFlight'>;

/** The part of ConnectionPool that a shard uses. */
export interface RoutePool {
  workAvailable(): void;
  setProviderToken(token: string): void;
  outdate(idleMs: number): void;
  close(): Promise<void>;
  stats(): RoutePoolStats;
}

export interface RoutePoolOptions {
  readonly config: RouteConfig;
  readonly backend: Backend;
  readonly source: RequestSource;
  readonly clock: Clock;
  readonly log: Logger;
  /** Chance, for jitter; as Math.random, which is the pool's default. */
  readonly random?: () => number;
}

export type RoutePoolFactory = (options: RoutePoolOptions) => RoutePool;

export const openConnectionPool: RoutePoolFactory = ({ config, ...rest }) => new ConnectionPool({ ...config, ...rest });
