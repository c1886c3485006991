/** Connections to gateways: what shards use of this folder. */
export { ConnectionPool, type PoolOptions, type PoolStats } from './pool.js';
export type { RequestRun, RequestSource } from './request-source.js';
