/**
 * Credentials in Redis, sealed. Changes are told by pub/sub, and counted: the count is looked at every two seconds,
 * because a message of pub/sub is lost while a connection is. Main thread.
 *
 *   peal:{credentials}:of:APP ENVIRONMENT   hash: version → JSON { summary, sealed … }
 *   peal:{credentials}:places               set: "APP ENVIRONMENT"
 *   peal:{credentials}:versions             hash: "APP ENVIRONMENT" → the latest number, never given again
 *   peal:{credentials}:changes              count of changes, and the channel that names the place of each
 */
import { type Clock, systemClock } from '../../base/clock.js';
import { credentialLookMs, maxCredentialVersions } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { Timer } from '../../base/timers.js';
import { credentialError } from '../../push/credentials/key-material.js';
import { openRedis, type RedisClient, redisCommand, redisError } from '../../stores/redis-client.js';
import { RedisScript } from '../../stores/redis-script.js';
import type { Sealer } from '../sealing/sealer.js';
import { ChangeNotice } from './change-notice.js';
import {
  type CredentialEntry,
  type CredentialListener,
  type CredentialStore,
  type KeptSummary,
  StoredCredential,
} from './credential-store.js';
import { byPlace } from './listed-entry.js';
import { type NewCredential, tooManyError } from './new-credential.js';
import { type CredentialPlace, checkPlace } from './place.js';
import { resealed, sealCredential, sealedWith, unsealCredential } from './sealed-credential.js';

const space = 'peal:{credentials}';
const places = `${space}:places`;
const latest = `${space}:versions`;
const changes = `${space}:changes`;

/** What is kept of a version, as JSON. */
interface Kept extends KeptSummary {
  readonly gateway: string | null;
  readonly addedAt: string;
  readonly sealed: string;
}

/** Returns how many versions there were before: nothing is added where those are as many as there may be. */
const addVersion = new RedisScript(`
local held = redis.call('HLEN', KEYS[1])
if held >= tonumber(ARGV[4]) then return held end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('INCR', KEYS[3])
redis.call('PUBLISH', KEYS[3], ARGV[1])
return held`);

/** Removes one version, or all for an empty one. Returns how many there were. */
const removeVersions = new RedisScript(`
local removed
if ARGV[2] == '' then
  removed = redis.call('HLEN', KEYS[1])
  redis.call('DEL', KEYS[1])
else
  removed = redis.call('HDEL', KEYS[1], ARGV[2])
end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[1]) end
if removed > 0 then
  redis.call('INCR', KEYS[3])
  redis.call('PUBLISH', KEYS[3], ARGV[1])
end
return removed`);

/** Puts ARGV[3] where ARGV[2] still stands. Returns 1 where it did. */
const replaceVersion = new RedisScript(`
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`);

export class RedisStore implements CredentialStore {
  readonly name: string;
  readonly #redis: RedisClient;
  /** A connection that subscribes takes no other commands. */
  readonly #open: () => Promise<RedisClient>;
  readonly #sealer: Sealer;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #notice = new ChangeNotice(() => this.#watch());

  private constructor(
    name: string,
    redis: RedisClient,
    open: () => Promise<RedisClient>,
    { sealer, log, clock }: { readonly sealer: Sealer; readonly log: Logger; readonly clock: Clock },
  ) {
    this.name = name;
    this.#redis = redis;
    this.#open = open;
    this.#sealer = sealer;
    this.#log = log;
    this.#clock = clock;
  }

  /**
   * @param name the URL without user and password
   * @throws PealError ERR_PEAL_STORE, ERR_PEAL_OPTION (the URL)
   */
  static async open(url: string, name: string, sealer: Sealer, log: Logger, clock = systemClock): Promise<RedisStore> {
    const redis = await openRedis({ url, log, name: 'peal-credentials' });
    const subscriber = (): Promise<RedisClient> => openRedis({ url, use: 'queue', name: 'peal-credentials-changes' });
    return new RedisStore(name, redis, subscriber, { sealer, log, clock });
  }

  async versionsOf(place: CredentialPlace): Promise<readonly StoredCredential[]> {
    const found = await this.#ask((redis) => redis.hgetall(keyOf(place)));
    return newestFirst(Object.keys(found)).map(
      (version) => new StoredCredential(version, () => this.#opened(place, version, found[version]!)),
    );
  }

  async list(): Promise<readonly CredentialEntry[]> {
    const entries: CredentialEntry[] = [];
    for (const name of await this.#ask((redis) => redis.smembers(places))) {
      const place = placeOf(name);
      if (place === null) continue;
      const found = await this.#ask((redis) => redis.hgetall(keyOf(place)));
      for (const version of newestFirst(Object.keys(found))) entries.push(entryOf(place, version, found[version]!));
    }
    return byPlace(entries);
  }

  async put(credential: NewCredential): Promise<string> {
    const name = nameOf(credential);
    const version = String(await this.#ask((redis) => redis.hincrby(latest, name, 1)));
    const sealed = sealCredential(this.#sealer, credential, version);
    const addedAt = new Date(this.#clock.wallMs()).toISOString();
    const kept: Kept = { ...credential.summary, gateway: credential.gateway, addedAt, sealed };
    const args = [name, version, JSON.stringify(kept), maxCredentialVersions];
    const held = Number(await addVersion.run(this.#redis, [keyOf(credential), places, changes], args));
    if (held >= maxCredentialVersions) throw tooManyError(held);
    return version;
  }

  async remove(place: CredentialPlace, version: string | null): Promise<number> {
    if (version === '') return 0;
    const keys = [keyOf(place), places, changes];
    return Number(await removeVersions.run(this.#redis, keys, [nameOf(place), version ?? '']));
  }

  async reseal(): Promise<number> {
    let count = 0;
    for (const name of await this.#ask((redis) => redis.smembers(places))) {
      const place = placeOf(name);
      if (place === null) continue;
      const found = await this.#ask((redis) => redis.hgetall(keyOf(place)));
      for (const [version, text] of Object.entries(found)) {
        const kept = keptOf(text);
        const anew = resealed(this.#sealer, String(kept.sealed), place, version);
        if (anew === null) continue;
        // Where somebody else has changed it meanwhile, it is left as it is.
        const args = [version, text, JSON.stringify({ ...kept, sealed: anew })];
        count += Number(await replaceVersion.run(this.#redis, [keyOf(place)], args));
      }
    }
    return count;
  }

  async migrate(): Promise<void> {}

  subscribe(listener: CredentialListener): () => void {
    return this.#notice.subscribe(listener);
  }

  async close(): Promise<void> {
    this.#notice.close();
    this.#redis.disconnect();
  }

  #opened(place: CredentialPlace, version: string, text: string): ReturnType<typeof unsealCredential> {
    return unsealCredential(this.#sealer, keptOf(text).sealed, place, version);
  }

  #ask<T>(command: (redis: RedisClient) => Promise<T>): Promise<T> {
    return redisCommand(this.#redis, command);
  }

  #watch(): () => void {
    let isOver = false;
    let known: string | null = null;
    const timer = new Timer(this.#clock, () => void look());
    const look = async (): Promise<void> => {
      const count = await this.#ask((redis) => redis.get(changes)).then(String, () => null);
      if (isOver) return;
      if (count !== null && count !== known) this.#notice.tell(null);
      known = count ?? known;
      timer.set(credentialLookMs);
    };
    void look();
    const subscriber = this.#open().then(async (redis) => {
      redis.on('message', (_channel, name) => this.#notice.tell(placeOf(name)));
      await redis.subscribe(changes);
      return redis;
    });
    subscriber.catch((error: unknown) => {
      const why = redisError(error, this.#redis).message;
      this.#log.warn({ store: this.name }, `${this.name} tells of no changes, which are looked for instead: ${why}`);
    });
    return () => {
      isOver = true;
      timer.clear();
      subscriber.then(
        (redis) => redis.disconnect(),
        () => {},
      );
    };
  }
}

function nameOf({ app, environment }: CredentialPlace): string {
  return `${app} ${environment}`;
}

function keyOf(place: CredentialPlace): string {
  return `${space}:of:${nameOf(place)}`;
}

/** Null for a name of another form, which somebody else has written. */
function placeOf(name: string): CredentialPlace | null {
  const [app, environment] = name.split(' ');
  try {
    return checkPlace(app, environment);
  } catch {
    return null;
  }
}

function newestFirst(versions: readonly string[]): readonly string[] {
  return [...versions].sort((a, b) => Number(b) - Number(a));
}

/** @throws PealError ERR_PEAL_CREDENTIAL */
function keptOf(text: string): Partial<Kept> {
  try {
    const kept: unknown = JSON.parse(text);
    if (typeof kept === 'object' && kept !== null) return kept;
  } catch {
    // The parser's message would quote the record.
  }
  throw credentialError('The record in the store is not a credential.');
}

function entryOf(place: CredentialPlace, version: string, text: string): CredentialEntry {
  let kept: Partial<Kept> = {};
  let problem: string | null = null;
  try {
    kept = keptOf(text);
  } catch (error) {
    problem = (error as Error).message;
  }
  const { kind = 'none', fingerprint = '', keyId = null, teamId = null, subject = null, expiresAt = null } = kept;
  const { gateway = null, addedAt = null } = kept;
  const summary = { kind, fingerprint, keyId, teamId, subject, expiresAt };
  return { ...place, version, ...summary, gateway, addedAt, sealedWith: sealedWith(kept.sealed), problem };
}
