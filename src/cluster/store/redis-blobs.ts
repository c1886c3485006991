/**
 * Bytes of slices in Redis: a key each, with a time to live. Made by open-store; called by dispatch/ and worker/ on
 * their main threads. Tried again while Redis is away.
 */
import { systemClock } from '../../base/clock.js';
import { clusterKeepMs } from '../../base/limits.js';
import { type RedisClient, redisCommand } from '../../stores/redis-client.js';
import type { SliceBlobs } from './cluster-store.js';
import { StoreRetries, type StoreRetryOptions } from './store-retries.js';

interface RedisBlobsOptions extends StoreRetryOptions {
  readonly prefix: string;
}

export class RedisBlobs implements SliceBlobs {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #retries: StoreRetries;

  /** @param redis for commands; closed with the blobs */
  constructor(redis: RedisClient, options: RedisBlobsOptions) {
    this.#redis = redis;
    this.#prefix = options.prefix;
    this.#retries = new StoreRetries(systemClock, Math.random, options);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    await this.#command(() => this.#redis.set(this.#key(name), buffer, 'PX', clusterKeepMs));
  }

  async get(name: string): Promise<Uint8Array | null> {
    return await this.#command(() => this.#redis.getBuffer(this.#key(name)));
  }

  /** One command each, because the keys may be on several nodes. */
  async remove(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#command(() => this.#redis.unlink(this.#key(name)))));
  }

  async close(): Promise<void> {
    this.#retries.close();
    this.#redis.disconnect();
  }

  #key(name: string): string {
    return `${this.#prefix}:blob:${name}`;
  }

  #command<T>(command: () => Promise<T>): Promise<T> {
    return this.#retries.run(() => redisCommand(this.#redis, command));
  }
}
