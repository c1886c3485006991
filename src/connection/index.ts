/** Connections to gateways: what shards use of this folder. */
export { ConnectionPool, type PoolOptions, type PoolStats } from './pool.js';
export type { Rejection, RequestRun, RequestSource } from './request-source.js';
