/**
 * Makes a credential of FCM whose access token is one for all processes and machines of a cluster: one of them asks
 * Google for it, the others take it from Redis, where it lies sealed until it ends. Called by programs when they open
 * their credentials; main thread.
 *
 *   PREFIX:{FINGERPRINT}:access        the token, sealed; gone when it ends, by Redis' clock, so that no machine's clock matters
 *   PREFIX:{FINGERPRINT}:access-lock   the random name of the process that asks for the next one; gone after 30 seconds
 */
import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../base/clock.js';
import { PealError } from '../../base/errors.js';
import {
  accessTokenCheckMs,
  accessTokenEarlyMs,
  maxKeyPrefixCharacters,
  providerTokenTimeoutMs,
  tokenLockPollMs,
} from '../../base/limits.js';
import { checkOptions, filledText, type OptionRules, unchecked } from '../../base/options.js';
import { Sealer } from '../../credentials/sealing/sealer.js';
import { AccessTokenOrigin } from '../../fcm/access-token.js';
import type { FcmCredential } from '../../fcm/service-account.js';
import { credentialError } from '../../push/credentials/key-material.js';
import type { TokenOrigin } from '../../push/credentials/token-origin.js';
import type { RedisClient } from '../../stores/redis-client.js';
import { RedisScript } from '../../stores/redis-script.js';

export interface SharedAccessOptions {
  /** What the keys in Redis begin with. Default `peal`. */
  readonly prefix?: string;
  /** Default: the process's own. For tests. */
  readonly clock?: Clock;
}

const rules: OptionRules = { prefix: filledText(maxKeyPrefixCharacters), clock: unchecked };

/**
 * Returns the credential with its access token from Redis, sealed under a key that is derived from the private key of
 * the service account. A credential whose tokens a function gives is returned as it is. Where Redis is away, the token
 * in hand serves until it ends.
 */
export function sharedAccessTokens(
  given: FcmCredential,
  redis: RedisClient,
  options: SharedAccessOptions = {},
): FcmCredential {
  checkOptions({ name: 'sharedAccessTokens' }, options, rules);
  const { credential, project } = given;
  const { tokenOrigin, fingerprint } = credential;
  if (!(tokenOrigin instanceof AccessTokenOrigin)) return given;
  const { prefix = 'peal', clock = systemClock } = options;
  const board = new AccessBoard(redis, `${prefix}:{${fingerprint}}:access`);
  const sealer = new Sealer(`derived:${Buffer.from(tokenOrigin.deriveKey('peal access token')).toString('base64')}`);
  const origin = new SharedAccessOrigin(tokenOrigin, board, sealer, `access token ${fingerprint}`, clock);
  return { credential: credential.withTokenOrigin(origin), project };
}

const readScript = new RedisScript(`return { redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }`);
const writeScript = new RedisScript(`return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`);
const lockScript = new RedisScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0`);
const unlockScript = new RedisScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

class AccessBoard {
  readonly #redis: RedisClient;
  readonly #key: string;

  constructor(redis: RedisClient, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  async read(): Promise<{ readonly record: string | null; readonly leftMs: number }> {
    const [record, leftMs] = (await readScript.run(this.#redis, [this.#key], [])) as [string | null, number];
    return { record: record ?? null, leftMs };
  }

  async write(record: string, forMs: number): Promise<void> {
    await writeScript.run(this.#redis, [this.#key], [record, Math.max(1, Math.floor(forMs))]);
  }

  async lock(owner: string): Promise<boolean> {
    return (await lockScript.run(this.#redis, [`${this.#key}-lock`], [owner, providerTokenTimeoutMs])) === 1;
  }

  async unlock(owner: string): Promise<void> {
    await unlockScript.run(this.#redis, [`${this.#key}-lock`], [owner]);
  }
}

/** A token of the board, on the clock of this process. */
interface HeldToken {
  readonly token: string;
  readonly renewAtMs: number;
  readonly endsAtMs: number;
}

class SharedAccessOrigin implements TokenOrigin {
  readonly tokenName = 'access token';
  readonly askAgainMs = accessTokenCheckMs;
  readonly #source: AccessTokenOrigin;
  readonly #board: AccessBoard;
  readonly #sealer: Sealer;
  readonly #context: string;
  readonly #clock: Clock;
  #held: HeldToken | null = null;

  constructor(source: AccessTokenOrigin, board: AccessBoard, sealer: Sealer, context: string, clock: Clock) {
    this.#source = source;
    this.#board = board;
    this.#sealer = sealer;
    this.#context = context;
    this.#clock = clock;
  }

  get waitsFor(): string {
    return this.#source.waitsFor;
  }

  mayUse(token: string): boolean {
    return this.#held?.token !== token || this.#clock.now() < this.#held.endsAtMs;
  }

  async fetch(expired: string | null, wallMs: number): Promise<string> {
    const giveUpAtMs = this.#clock.now() + providerTokenTimeoutMs;
    for (;;) {
      const token = await this.#attempt(expired, wallMs);
      if (token !== null) return token;
      if (this.#clock.now() >= giveUpAtMs) throw credentialError('No access token was available in time.');
      await new Promise<void>((resolve) => this.#clock.setTimer(resolve, tokenLockPollMs));
    }
  }

  /** Returns null where it is worth another attempt soon. */
  async #attempt(expired: string | null, wallMs: number): Promise<string | null> {
    try {
      if (this.#isGood(await this.#read(), expired)) return this.#held!.token;
      const owner = randomUUID();
      if (!(await this.#board.lock(owner))) return this.#inHand(expired);
      try {
        // Another process may have renewed it while this one came to the lock.
        if (this.#isGood(await this.#read(), expired)) return this.#held!.token;
        const { token, lifetimeMs } = await this.#source.mint(wallMs);
        this.#hold(token, lifetimeMs, lifetimeMs);
        const record = JSON.stringify({ token, lifetimeMs });
        await this.#board.write(this.#sealer.seal(Buffer.from(record), this.#context), lifetimeMs);
        return token;
      } finally {
        // A lock that is not given back ends by itself.
        await this.#board.unlock(owner).catch(() => {});
      }
    } catch (error) {
      const token = this.#inHand(expired);
      if (token !== null) return token;
      if (error instanceof PealError && error.code === 'ERR_PEAL_STORE' && error.retryable) return null;
      throw error;
    }
  }

  async #read(): Promise<HeldToken | null> {
    const { record, leftMs } = await this.#board.read();
    if (record === null || leftMs <= 0) return null;
    const opened = Buffer.from(this.#sealer.open(record, this.#context)).toString();
    const { token, lifetimeMs } = JSON.parse(opened) as { readonly token: string; readonly lifetimeMs: number };
    return this.#hold(token, leftMs, lifetimeMs);
  }

  #hold(token: string, leftMs: number, lifetimeMs: number): HeldToken {
    const endsAtMs = this.#clock.now() + leftMs;
    this.#held = { token, endsAtMs, renewAtMs: endsAtMs - Math.min(accessTokenEarlyMs, lifetimeMs / 2) };
    return this.#held;
  }

  #isGood(held: HeldToken | null, expired: string | null): boolean {
    return held !== null && held.token !== expired && this.#clock.now() < held.renewAtMs;
  }

  #inHand(expired: string | null): string | null {
    const held = this.#held;
    return held !== null && held.token !== expired && this.#clock.now() < held.endsAtMs ? held.token : null;
  }
}
