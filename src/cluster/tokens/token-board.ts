/**
 * The place where all processes of a cluster read and write the provider token of one key: two keys of Redis, by Redis'
 * clock. Called by SharedOrigin; main thread. Redis itself keeps APNs' rule: it takes no token within 20 minutes of the
 * one before, whoever writes it. The lock saves the work of making tokens that would not be taken, and no more.
 *
 *   PREFIX:{FINGERPRINT}:token       hash: record (the token, sealed), issued (milliseconds since 1970); gone after an hour
 *   PREFIX:{FINGERPRINT}:token-lock  the random name of the process that makes the next one; gone after five seconds
 */
import {
  providerTokenMaxAgeMs,
  providerTokenMaxSkewMs,
  providerTokenMinAgeMs,
  tokenMintLockMs,
} from '../../base/limits.js';
import type { RedisClient } from '../../stores/redis-client.js';
import { RedisScript } from '../../stores/redis-script.js';

/** What the board says, and when. */
export interface BoardNow {
  /** The time of the board's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  /** As it was written; null where there is none. */
  readonly record: string | null;
}

export interface TokenBoard {
  read(): Promise<BoardNow>;
  /** Returns false while another process holds the lock. */
  lock(owner: string): Promise<boolean>;
  /** Gives the lock back, if `owner` still holds it. */
  unlock(owner: string): Promise<void>;
  /**
   * Offers a token that was issued at `issuedAtMs`. Resolves with what the board has afterwards: this one, or the one
   * that it keeps because it is younger than 20 minutes, or newer.
   */
  write(record: string, issuedAtMs: number): Promise<BoardNow>;
}

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

const readScript = new RedisScript(`${now}
return { now, redis.call('HGET', KEYS[1], 'record') }`);

const writeScript = new RedisScript(`${now}
local issued = tonumber(ARGV[2])
local minAge, maxAge, maxSkew = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local kept = redis.call('HMGET', KEYS[1], 'record', 'issued')
local age = kept[2] and now - tonumber(kept[2])
-- One of the future was written while this clock was ahead.
local isReplaced = not age or age < -maxSkew or (age >= minAge and issued > tonumber(kept[2]))
if not isReplaced then return { now, kept[1] } end
if now - issued >= maxAge then return { now, false } end
redis.call('HSET', KEYS[1], 'record', ARGV[1], 'issued', ARGV[2])
redis.call('PEXPIRE', KEYS[1], issued + maxAge - now)
return { now, ARGV[1] }`);

const unlockScript = new RedisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

const lockScript = new RedisScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`);

export class RedisTokenBoard implements TokenBoard {
  readonly #redis: RedisClient;
  readonly #tokenKey: string;
  readonly #lockKey: string;

  constructor(redis: RedisClient, prefix: string, fingerprint: string) {
    this.#redis = redis;
    this.#tokenKey = `${prefix}:{${fingerprint}}:token`;
    this.#lockKey = `${prefix}:{${fingerprint}}:token-lock`;
  }

  async read(): Promise<BoardNow> {
    return boardNow(await readScript.run(this.#redis, [this.#tokenKey], []));
  }

  async lock(owner: string): Promise<boolean> {
    return (await lockScript.run(this.#redis, [this.#lockKey], [owner, tokenMintLockMs])) === 1;
  }

  async unlock(owner: string): Promise<void> {
    await unlockScript.run(this.#redis, [this.#lockKey], [owner]);
  }

  async write(record: string, issuedAtMs: number): Promise<BoardNow> {
    const rules = [providerTokenMinAgeMs, providerTokenMaxAgeMs, providerTokenMaxSkewMs];
    return boardNow(await writeScript.run(this.#redis, [this.#tokenKey], [record, issuedAtMs, ...rules]));
  }
}

function boardNow(reply: unknown): BoardNow {
  const [nowMs, record] = reply as [number, string | null];
  return { nowMs, record: record ?? null };
}
