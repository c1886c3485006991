/**
 * The ClusterStore in Redis: each method is one script (redis-scripts), tried again while Redis is away. Made by
 * open-store; on the main thread of dispatchers, workers and tools. Leases and rates go by the clock of Redis.
 */
import { systemClock } from '../../base/clock.js';
import type { ErrorRecord } from '../../base/errors.js';
import { clusterKeepMs, maxRemovedSlices } from '../../base/limits.js';
import type { Entry } from '../../campaign/journal/store.js';
import { type RedisClient, redisCommand } from '../../stores/redis-client.js';
import type { RedisScript } from '../../stores/redis-script.js';
import type {
  CampaignDefinition,
  CampaignStatus,
  ClusterStore,
  SliceClaim,
  SliceCommit,
  Steering,
  SteeringNow,
  StoredSlice,
  WorkerBeat,
} from './cluster-store.js';
import { CommitNumbers, fencedError, lateClaimError, OutcomeHeads, outcomesTakenError } from './once.js';
import * as scripts from './redis-scripts.js';
import { StoreRetries, type StoreRetryOptions } from './store-retries.js';

/**
 * How often the life of all keys of a campaign is renewed, and how long those live that must outlive the campaign's.
 */
const renewalMs = clusterKeepMs / 30;
const slicesKeepMs = clusterKeepMs + 2 * renewalMs;

type Argument = string | number | Buffer;

interface RedisClusterOptions extends StoreRetryOptions {
  /** What the names of all keys begin with. */
  readonly prefix: string;
}

export class RedisClusterStore implements ClusterStore {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #retries: StoreRetries;
  readonly #numbers = new CommitNumbers();
  readonly #heads = new OutcomeHeads();

  /** @param redis for commands; closed with the store */
  constructor(redis: RedisClient, options: RedisClusterOptions) {
    this.#redis = redis;
    this.#prefix = options.prefix;
    this.#retries = new StoreRetries(systemClock, Math.random, options);
  }

  async begin(definition: CampaignDefinition, steering: Steering): Promise<boolean> {
    const { message: _, ...shown } = definition;
    const { rate, inFlight, paused, stopped } = fieldsOf(steering);
    await this.#list(definition.id);
    const texts = [JSON.stringify(definition), JSON.stringify(shown)];
    const isNew = await this.#run(scripts.beginScript, this.#keys(definition.id), [
      ...texts,
      ...[rate!, inFlight!, paused!, stopped!, clusterKeepMs],
      this.#recordsPrefix(definition.id),
    ]);
    return isNew === 1;
  }

  async definition(campaign: string): Promise<CampaignDefinition | null> {
    const text = await this.#command(() => this.#redis.hget(this.#key(campaign, 'campaign'), 'definition'));
    return text === null ? null : (JSON.parse(text) as CampaignDefinition);
  }

  async hold(campaign: string, holder: string, forMs: number): Promise<boolean> {
    const lives = [clusterKeepMs, slicesKeepMs, renewalMs];
    const args = [holder, Math.round(forMs), ...lives, this.#recordsPrefix(campaign)];
    const held = await this.#run(scripts.holdScript, this.#keys(campaign), args);
    if (held === 2) await this.#command(() => this.#redis.pexpire(this.#listKey, slicesKeepMs));
    return held !== 0;
  }

  async letGo(campaign: string, holder: string): Promise<void> {
    await this.#run(scripts.letGoScript, [this.#key(campaign, 'campaign')], [holder]);
  }

  async steer(campaign: string, change: Partial<Steering>): Promise<void> {
    const args = Object.entries(fieldsOf(change)).flat();
    await this.#run(scripts.steerScript, [this.#key(campaign, 'campaign')], [clusterKeepMs, ...args]);
  }

  async unstop(campaign: string): Promise<void> {
    await this.#run(scripts.unstopScript, [this.#key(campaign, 'campaign')], [clusterKeepMs]);
  }

  async steering(campaign: string): Promise<SteeringNow | null> {
    const reply = await this.#run(scripts.steeringScript, [this.#key(campaign, 'campaign')], []);
    return reply === null ? null : steeringOf(reply);
  }

  async end(campaign: string): Promise<void> {
    await this.#run(scripts.endScript, this.#keys(campaign), [this.#recordsPrefix(campaign)]);
    await this.#command(() => this.#redis.srem(this.#listKey, campaign));
    this.#heads.forget(campaign);
  }

  async addSlice(campaign: string, slice: number, manifest: Uint8Array): Promise<void> {
    const keys = this.#keys(campaign).slice(0, 3);
    await this.#run(scripts.addSliceScript, keys, [slice, bufferOf(manifest), slicesKeepMs]);
  }

  async slices(campaign: string): Promise<readonly StoredSlice[]> {
    const reply = await this.#runForBytes(scripts.slicesScript, this.#keys(campaign).slice(0, 3), []);
    const [values, manifests] = reply as readonly [readonly Buffer[], readonly Buffer[]];
    const manifestOf = new Map(pairsOf(manifests).map(([slice, manifest]) => [slice.toString(), manifest]));
    return pairsOf(values)
      .map(([slice, value]) => {
        const [epoch, , state, ...worker] = value.toString().split(' ');
        return {
          slice: Number(slice.toString()),
          manifest: bytesOf(manifestOf.get(slice.toString())!),
          epoch: Number(epoch),
          worker: epoch === '0' ? null : worker.join(' '),
          hasEnded: state === 'e',
        };
      })
      .sort((a, b) => a.slice - b.slice);
  }

  async removeSlices(campaign: string, slices: readonly number[]): Promise<void> {
    const keys = this.#keys(campaign).slice(0, 3);
    for (let at = 0; at < slices.length; at += maxRemovedSlices) {
      const args = [this.#recordsPrefix(campaign), ...slices.slice(at, at + maxRemovedSlices)];
      await this.#run(scripts.removeSlicesScript, keys, args);
    }
  }

  async epoch(campaign: string, slice: number): Promise<number | null> {
    const value = await this.#command(() => this.#redis.hget(this.#key(campaign, 'slices'), String(slice)));
    const [epoch, , state] = value?.split(' ') ?? [];
    return epoch === undefined || state === 'e' ? null : Number(epoch);
  }

  async claim(campaign: string, slice: number, worker: string, after?: number): Promise<SliceClaim | null> {
    const [campaignKey, slicesKey] = this.#keys(campaign) as [string, string];
    const keys = [campaignKey, slicesKey, `${this.#recordsPrefix(campaign)}${slice}`];
    const reply = await this.#runForBytes(scripts.claimScript, keys, [slice, worker, after ?? '']);
    if (reply === null) return null;
    if (reply === 0) throw lateClaimError(campaign, slice);
    const [epoch, steering, records] = reply as readonly [number, readonly Buffer[], readonly Buffer[]];
    const entries = pairsOf(records).sort(([a], [b]) => Buffer.compare(a, b));
    return {
      ...{ campaign, slice, epoch, steering: steeringOf(steering.map(String)) },
      records: entries.map(([key, value]): Entry => [bytesOf(key), bytesOf(value)]),
    };
  }

  async commit(claim: SliceClaim, commit: SliceCommit): Promise<SteeringNow> {
    const { campaign, slice, epoch } = claim;
    const { changes, outcomes, hasEnded } = commit;
    const number = this.#numbers.of(claim, commit);
    const [campaignKey, slicesKey, , outcomesKey] = this.#keys(campaign) as [string, string, string, string];
    const keys = [campaignKey, slicesKey, `${this.#recordsPrefix(campaign)}${slice}`, outcomesKey];
    const args: Argument[] = [slice, epoch, number, hasEnded ? 1 : 0, slicesKeepMs, changes.length];
    for (const { key, value } of changes) args.push(bufferOf(key), bufferOf(value));
    for (const outcome of outcomes) args.push(bufferOf(outcome));
    const reply = await this.#run(scripts.commitScript, keys, args);
    if (reply === null) throw fencedError(claim);
    this.#numbers.done(claim, commit);
    return steeringOf(reply);
  }

  async outcomes(campaign: string, from: number, limit: number): Promise<readonly Uint8Array[]> {
    const expected = this.#heads.expected(campaign, from);
    const keys = [this.#key(campaign, 'campaign'), this.#key(campaign, 'outcomes')];
    const args = [expected?.low ?? '', expected?.high ?? '', from, limit];
    const reply = await this.#runForBytes(scripts.outcomesScript, keys, args);
    if (reply === null) throw outcomesTakenError(campaign);
    const [head, outcomes] = reply as readonly [number, readonly Buffer[]];
    if (expected === null && head >= 0) this.#heads.read(campaign, head);
    return outcomes.map(bytesOf);
  }

  async removeOutcomes(campaign: string, count: number): Promise<void> {
    const { low, high } = this.#heads.removing(campaign, count);
    const keys = [this.#key(campaign, 'campaign'), this.#key(campaign, 'outcomes')];
    if ((await this.#run(scripts.removeOutcomesScript, keys, [low, high, low + count])) === 0) {
      this.#heads.forget(campaign);
      throw outcomesTakenError(campaign);
    }
    this.#heads.removed(campaign, count);
  }

  async beat(worker: WorkerBeat, forMs: number): Promise<void> {
    const args = [worker.id, JSON.stringify(worker), Math.round(forMs), clusterKeepMs];
    await this.#run(scripts.beatScript, this.#workerKeys(), args);
  }

  async workers(): Promise<readonly WorkerBeat[]> {
    const beats = (await this.#run(scripts.workersScript, this.#workerKeys(), [])) as readonly string[];
    return beats.map((text) => JSON.parse(text) as WorkerBeat).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async campaigns(): Promise<readonly CampaignStatus[]> {
    const listed = await this.#command(() => this.#redis.smembers(this.#listKey));
    const found: CampaignStatus[] = [];
    for (const campaign of listed.sort()) {
      const keys = [this.#key(campaign, 'campaign'), this.#key(campaign, 'outcomes')];
      const reply = await this.#run(scripts.statusScript, keys, []);
      if (reply !== null) found.push(statusOf(reply));
    }
    return found;
  }

  async take(campaign: string, wanted: number): Promise<{ granted: number; waitMs: number }> {
    const reply = await this.#run(scripts.takeScript, [this.#key(campaign, 'campaign')], [wanted]);
    const [granted, waitMs] = reply as readonly [number, number];
    return { granted, waitMs };
  }

  async close(): Promise<void> {
    this.#retries.close();
    this.#redis.disconnect();
  }

  /** Names of campaigns are in a key of their own, which may be on another node: it may name one that is gone. */
  async #list(campaign: string): Promise<void> {
    await this.#command(() => this.#redis.sadd(this.#listKey, campaign));
    await this.#command(() => this.#redis.pexpire(this.#listKey, slicesKeepMs));
  }

  #run(script: RedisScript, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.#retries.run(() => script.run(this.#redis, keys, args));
  }

  #runForBytes(script: RedisScript, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.#retries.run(() => script.runForBytes(this.#redis, keys, args));
  }

  #command<T>(command: () => Promise<T>): Promise<T> {
    return this.#retries.run(() => redisCommand(this.#redis, command));
  }

  get #listKey(): string {
    return `${this.#prefix}:campaigns`;
  }

  #key(campaign: string, name: string): string {
    return `${this.#prefix}:{${campaign}}:${name}`;
  }

  #keys(campaign: string): string[] {
    return ['campaign', 'slices', 'manifests', 'outcomes'].map((name) => this.#key(campaign, name));
  }

  #recordsPrefix(campaign: string): string {
    return this.#key(campaign, 'r');
  }

  #workerKeys(): string[] {
    return [`${this.#prefix}:{workers}:beats`, `${this.#prefix}:{workers}:until`];
  }
}

/** The fields of the hash for what is given; an empty text is null. */
function fieldsOf(change: Partial<Steering>): Record<string, string> {
  const { ratePerSecond, maxInFlight, isPaused, stopped } = change;
  return {
    ...(ratePerSecond !== undefined && { rate: ratePerSecond === null ? '' : String(ratePerSecond) }),
    ...(maxInFlight !== undefined && { inFlight: maxInFlight === null ? '' : String(maxInFlight) }),
    ...(isPaused !== undefined && { paused: isPaused ? '1' : '0' }),
    ...(stopped !== undefined && { stopped: stopped === null ? '' : JSON.stringify(stopped) }),
  };
}

/** @param reply what the function `steering` of the scripts returns */
function steeringOf(reply: unknown): SteeringNow {
  const [rate, inFlight, paused, stopped, isHeld] = reply as readonly [string, string, string, string, string];
  return {
    ratePerSecond: rate === '' ? null : Number(rate),
    maxInFlight: inFlight === '' ? null : Number(inFlight),
    isPaused: paused === '1',
    stopped: stopped === '' ? null : (JSON.parse(stopped) as ErrorRecord),
    isHeld: isHeld === '1',
  };
}

function statusOf(reply: unknown): CampaignStatus {
  const [shown, steering, waiting, claimed, ended, outcomes] = reply as readonly [string, unknown, ...number[]];
  return {
    definition: JSON.parse(shown) as CampaignStatus['definition'],
    steering: steeringOf(steering),
    slices: { waiting: Number(waiting), claimed: Number(claimed), ended: Number(ended) },
    outcomes: outcomes!,
  };
}

function pairsOf(flat: readonly Buffer[]): [Buffer, Buffer][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!]);
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** A view without the methods of Buffer, which differ. */
function bytesOf({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
