/**
 * The pools of one thread, by what makes two of them interchangeable: address, credential and trusted certificates.
 * Owned by a shard; called on its thread.
 */
import { createHash } from 'node:crypto';
import type { Address } from '../apns/address.js';
import type { CredentialData } from '../apns/credential.js';
import { hostAndPort } from '../transport/index.js';
import type { ConnectionPool } from './pool.js';

/** Names a pool: equal keys mean the same gateway under the same credential. Holds no secret. */
export function poolKey(address: Address, credential: CredentialData, ca: string | null): string {
  const trusted = ca === null ? 'system' : createHash('sha256').update(ca).digest('hex');
  return `${address.protocol} ${hostAndPort(address)} ${credential.kind} ${credential.fingerprint} ${trusted}`;
}

export class PoolRegistry {
  readonly #pools = new Map<string, ConnectionPool>();

  /** The pool under `key`, made by `make` when there is none yet. */
  poolFor(key: string, make: () => ConnectionPool): ConnectionPool {
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = make();
      this.#pools.set(key, pool);
    }
    return pool;
  }

  get pools(): Iterable<ConnectionPool> {
    return this.#pools.values();
  }

  /** Closes the idle connections of all pools. */
  outdate(idleMs: number): void {
    for (const pool of this.#pools.values()) pool.outdate(idleMs);
  }

  /** Closes all pools and forgets them. Resolves once every connection is closed. */
  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }
}
