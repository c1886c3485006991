/**
 * The ClusterStore in PostgreSQL, for those who have no Redis: each method is one transaction, tried again while the
 * database is away. Made by open-store; on the main thread of dispatchers, workers and tools. Leases and rates go by
 * the clock of the database. Locks are taken in one order: the campaign, then its slice.
 */
import { systemClock } from '../../base/clock.js';
import type { ErrorRecord } from '../../base/errors.js';
import { clusterKeepMs } from '../../base/limits.js';
import type { Entry } from '../../campaign/journal/store.js';
import type { PostgresClient, PostgresQuery } from '../../stores/postgres-client.js';
import type {
  CampaignDefinition,
  CampaignStatus,
  ClusterStore,
  SliceBlobs,
  SliceClaim,
  SliceCommit,
  Steering,
  SteeringNow,
  StoredSlice,
  WorkerBeat,
} from './cluster-store.js';
import { CommitNumbers, fencedError, lateClaimError, OutcomeHeads, outcomesTakenError } from './once.js';
import { ClusterTables } from './postgres-tables.js';
import { StoreRetries, type StoreRetryOptions } from './store-retries.js';

interface PostgresClusterOptions extends StoreRetryOptions {
  /** What the names of all tables begin with. */
  readonly prefix: string;
}

/** Any number: one process at a time makes the tables. */
const migrationLock = 0x7065616c;

interface SteeringRow {
  readonly rate: number | null;
  readonly in_flight: number | null;
  readonly paused: boolean;
  readonly stopped: string | null;
  readonly is_held: boolean;
}

const steeringColumns =
  'rate, in_flight, paused, stopped, (holder is not null and held_until > clock_timestamp()) as is_held';

/** Numbers of eight bytes come as text. */
interface SliceRow {
  readonly epoch: string;
  readonly commit_number: string;
  readonly has_ended: boolean;
}

export class PostgresClusterStore implements ClusterStore {
  readonly #client: PostgresClient;
  readonly #tables: ClusterTables;
  readonly #retries: StoreRetries;
  readonly #numbers = new CommitNumbers();
  readonly #heads = new OutcomeHeads();

  /**
   * Makes the tables where they are missing.
   *
   * @param client closed with the store
   */
  static async open(client: PostgresClient, options: PostgresClusterOptions): Promise<PostgresClusterStore> {
    const { blobs: last, statements } = new ClusterTables(options.prefix);
    const [row] = await client.query<{ found: string | null }>('select to_regclass($1)::text as found', [last]);
    if (row!.found === null) {
      await client.transaction(async (query) => {
        await query('select pg_advisory_xact_lock($1)', [migrationLock]);
        for (const statement of statements) await query(statement);
      });
    }
    return new PostgresClusterStore(client, options);
  }

  private constructor(client: PostgresClient, options: PostgresClusterOptions) {
    this.#client = client;
    this.#tables = new ClusterTables(options.prefix);
    this.#retries = new StoreRetries(systemClock, Math.random, options);
  }

  async begin(definition: CampaignDefinition, steering: Steering): Promise<boolean> {
    const { campaigns, blobs } = this.#tables;
    const { message: _, ...shown } = definition;
    const { ratePerSecond, maxInFlight, isPaused, stopped } = steering;
    const texts = [JSON.stringify(definition), JSON.stringify(shown)];
    // What no dispatcher holds any more does not stay for ever.
    await this.#query(`delete from ${campaigns} where renewed < now() - $1 * interval '1 ms'`, [clusterKeepMs]);
    await this.#query(`delete from ${blobs} where stored < now() - $1 * interval '1 ms'`, [clusterKeepMs]);
    const [row] = await this.#query<{ is_new: boolean }>(
      `insert into ${campaigns} as c (id, definition, shown, rate, in_flight, paused, stopped)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set definition = $2, shown = $3, renewed = now()
         returning c.xmax = 0 as is_new`,
      [definition.id, ...texts, ratePerSecond, maxInFlight, isPaused, textOf(stopped)],
    );
    return row!.is_new;
  }

  async definition(campaign: string): Promise<CampaignDefinition | null> {
    const sql = `select definition from ${this.#tables.campaigns} where id = $1`;
    const [row] = await this.#query<{ definition: string }>(sql, [campaign]);
    return row === undefined ? null : (JSON.parse(row.definition) as CampaignDefinition);
  }

  async hold(campaign: string, holder: string, forMs: number): Promise<boolean> {
    const rows = await this.#query(
      `update ${this.#tables.campaigns}
         set holder = $2, held_until = clock_timestamp() + $3 * interval '1 ms', renewed = now()
         where id = $1 and (holder is null or holder = $2 or held_until <= clock_timestamp()) returning id`,
      [campaign, holder, forMs],
    );
    return rows.length > 0;
  }

  async letGo(campaign: string, holder: string): Promise<void> {
    const sql = `update ${this.#tables.campaigns} set holder = null where id = $1 and holder = $2`;
    await this.#query(sql, [campaign, holder]);
  }

  async steer(campaign: string, change: Partial<Steering>): Promise<void> {
    const { ratePerSecond, maxInFlight, isPaused, stopped } = change;
    await this.#query(
      `update ${this.#tables.campaigns} set
         rate = case when $2 then $3 else rate end,
         in_flight = case when $4 then $5 else in_flight end,
         paused = coalesce($6, paused),
         stopped = coalesce(stopped, $7)
         where id = $1`,
      [
        ...[campaign, ratePerSecond !== undefined, ratePerSecond ?? null],
        ...[maxInFlight !== undefined, maxInFlight ?? null],
        ...[isPaused ?? null, textOf(stopped ?? null)],
      ],
    );
  }

  async unstop(campaign: string): Promise<void> {
    await this.#query(`update ${this.#tables.campaigns} set stopped = null where id = $1`, [campaign]);
  }

  async steering(campaign: string): Promise<SteeringNow | null> {
    const sql = `select ${steeringColumns} from ${this.#tables.campaigns} where id = $1`;
    const [row] = await this.#query<SteeringRow>(sql, [campaign]);
    return row === undefined ? null : steeringOf(row);
  }

  async end(campaign: string): Promise<void> {
    await this.#query(`delete from ${this.#tables.campaigns} where id = $1`, [campaign]);
    this.#heads.forget(campaign);
  }

  async addSlice(campaign: string, slice: number, manifest: Uint8Array): Promise<void> {
    const { campaigns, slices } = this.#tables;
    await this.#query(
      `insert into ${slices} (campaign, slice, manifest)
         select id, $2::bigint, $3::bytea from ${campaigns} where id = $1 on conflict do nothing`,
      [campaign, slice, manifest],
    );
  }

  async slices(campaign: string): Promise<readonly StoredSlice[]> {
    const rows = await this.#query<SliceRow & { slice: string; manifest: Buffer; worker: string | null }>(
      `select slice, manifest, epoch, commit_number, has_ended, worker from ${this.#tables.slices}
         where campaign = $1 order by slice`,
      [campaign],
    );
    return rows.map(({ slice, manifest, epoch, worker, has_ended }) => {
      return {
        ...{ slice: Number(slice), manifest: bytesOf(manifest) },
        epoch: Number(epoch),
        worker,
        hasEnded: has_ended,
      };
    });
  }

  async removeSlices(campaign: string, slices: readonly number[]): Promise<void> {
    const sql = `delete from ${this.#tables.slices} where campaign = $1 and slice = any($2::bigint[])`;
    await this.#query(sql, [campaign, slices]);
  }

  async epoch(campaign: string, slice: number): Promise<number | null> {
    const { slices } = this.#tables;
    const [found] = await this.#query<{ epoch: string }>(
      `select epoch from ${slices} where campaign = $1 and slice = $2 and not has_ended`,
      [campaign, slice],
    );
    return found === undefined ? null : Number(found.epoch);
  }

  async claim(campaign: string, slice: number, worker: string, after?: number): Promise<SliceClaim | null> {
    const { campaigns, slices, records } = this.#tables;
    return await this.#transaction(async (query) => {
      const [steering] = await query<SteeringRow>(
        `select ${steeringColumns} from ${campaigns} where id = $1 for key share`,
        [campaign],
      );
      const [slot] = await query<SliceRow>(
        `select epoch, commit_number, has_ended from ${slices} where campaign = $1 and slice = $2 for update`,
        [campaign, slice],
      );
      if (steering === undefined || slot === undefined || slot.has_ended) return null;
      const before = Number(slot.epoch);
      if (after !== undefined && before !== after) throw lateClaimError(campaign, slice);
      const epoch = before + 1;
      await query(
        `update ${slices} set epoch = $4, commit_number = 0, worker = $3 where campaign = $1 and slice = $2`,
        [campaign, slice, worker, epoch],
      );
      const found = await query<{ key: Buffer; value: Buffer }>(
        `select key, value from ${records} where campaign = $1 and slice = $2 order by key`,
        [campaign, slice],
      );
      return {
        ...{ campaign, slice, epoch, steering: steeringOf(steering) },
        records: found.map(({ key, value }): Entry => [bytesOf(key), bytesOf(value)]),
      };
    });
  }

  async commit(claim: SliceClaim, commit: SliceCommit): Promise<SteeringNow> {
    const number = this.#numbers.of(claim, commit);
    const steering = await this.#transaction((query) => this.#apply(query, claim, commit, number));
    if (steering === null) throw fencedError(claim);
    this.#numbers.done(claim, commit);
    return steering;
  }

  /** Null where the slice is another one's. */
  async #apply(
    query: PostgresQuery,
    { campaign, slice, epoch }: SliceClaim,
    { changes, outcomes, hasEnded }: SliceCommit,
    number: number,
  ): Promise<SteeringNow | null> {
    const { campaigns, slices, records } = this.#tables;
    const lock = outcomes.length > 0 ? 'for no key update' : 'for key share';
    const [steering] = await query<SteeringRow>(`select ${steeringColumns} from ${campaigns} where id = $1 ${lock}`, [
      campaign,
    ]);
    const [found] = await query<SliceRow>(
      `select epoch, commit_number, has_ended from ${slices} where campaign = $1 and slice = $2 for update`,
      [campaign, slice],
    );
    if (steering === undefined || found === undefined || Number(found.epoch) !== epoch) return null;
    const last = Number(found.commit_number);
    // What was applied is not applied again; a gap means that the database has lost what it had answered for.
    if (number <= last) return steeringOf(steering);
    if (number > last + 1 || found.has_ended) return null;
    const sql = `update ${slices} set commit_number = $3, has_ended = $4 where campaign = $1 and slice = $2`;
    await query(sql, [campaign, slice, number, hasEnded]);
    if (hasEnded) await query(`delete from ${records} where campaign = $1 and slice = $2`, [campaign, slice]);
    else if (changes.length > 0) await this.#record(query, campaign, slice, changes);
    if (outcomes.length > 0) await this.#push(query, campaign, outcomes);
    return steeringOf(steering);
  }

  async #record(query: PostgresQuery, campaign: string, slice: number, changes: SliceCommit['changes']): Promise<void> {
    // One statement cannot change a row twice: the last value of a key counts.
    const last = new Map(changes.map((change) => [Buffer.from(change.key).toString('latin1'), change]));
    const all = [...last.values()];
    await query(
      `insert into ${this.#tables.records} (campaign, slice, key, value)
         select $1, $2::bigint, k, v from unnest($3::bytea[], $4::bytea[]) as changed (k, v)
         on conflict (campaign, slice, key) do update set value = excluded.value`,
      [campaign, slice, all.map(({ key }) => bufferOf(key)), all.map(({ value }) => bufferOf(value))],
    );
  }

  async #push(query: PostgresQuery, campaign: string, outcomes: readonly Uint8Array[]): Promise<void> {
    const sql = `update ${this.#tables.campaigns} set tail = tail + $2 where id = $1 returning tail - $2 as first`;
    const [row] = await query<{ first: string }>(sql, [campaign, outcomes.length]);
    await query(
      `insert into ${this.#tables.outcomes} (campaign, number, outcome)
         select $1, $2::bigint + place, o from unnest($3::bytea[]) with ordinality as pushed (o, place)`,
      [campaign, row!.first, outcomes.map(bufferOf)],
    );
  }

  async outcomes(campaign: string, from: number, limit: number): Promise<readonly Uint8Array[]> {
    const { campaigns, outcomes } = this.#tables;
    const expected = this.#heads.expected(campaign, from);
    const found = await this.#transaction(async (query) => {
      const [row] = await query<{ head: string }>(`select head from ${campaigns} where id = $1`, [campaign]);
      if (row === undefined) return null;
      const head = Number(row.head);
      const rows = await query<{ outcome: Buffer }>(
        `select outcome from ${outcomes} where campaign = $1 and number > $2 order by number limit $3`,
        [campaign, (expected?.low ?? head) + from, limit],
      );
      return { head, rows };
    });
    if (found === null) return [];
    if (expected !== null && (found.head < expected.low || found.head > expected.high))
      throw outcomesTakenError(campaign);
    if (expected === null) this.#heads.read(campaign, found.head);
    return found.rows.map(({ outcome }) => bytesOf(outcome));
  }

  async removeOutcomes(campaign: string, count: number): Promise<void> {
    const { campaigns, outcomes } = this.#tables;
    const { low, high } = this.#heads.removing(campaign, count);
    const isOurs = await this.#transaction(async (query) => {
      const [row] = await query<{ head: string }>(`select head from ${campaigns} where id = $1 for no key update`, [
        campaign,
      ]);
      if (row === undefined) return true;
      if (Number(row.head) < low || Number(row.head) > high) return false;
      await query(`delete from ${outcomes} where campaign = $1 and number <= $2`, [campaign, low + count]);
      await query(`update ${campaigns} set head = greatest(head, $2) where id = $1`, [campaign, low + count]);
      return true;
    });
    if (!isOurs) {
      this.#heads.forget(campaign);
      throw outcomesTakenError(campaign);
    }
    this.#heads.removed(campaign, count);
  }

  async beat(worker: WorkerBeat, forMs: number): Promise<void> {
    const { workers } = this.#tables;
    await this.#query(
      `insert into ${workers} (id, beat, until) values ($1, $2, clock_timestamp() + $3 * interval '1 ms')
         on conflict (id) do update set beat = excluded.beat, until = excluded.until`,
      [worker.id, JSON.stringify(worker), forMs],
    );
    await this.#query(`delete from ${workers} where until <= clock_timestamp()`);
  }

  async workers(): Promise<readonly WorkerBeat[]> {
    const sql = `select beat from ${this.#tables.workers} where until > clock_timestamp() order by id collate "C"`;
    const rows = await this.#query<{ beat: string }>(sql);
    return rows.map(({ beat }) => JSON.parse(beat) as WorkerBeat);
  }

  async campaigns(): Promise<readonly CampaignStatus[]> {
    const { campaigns, slices } = this.#tables;
    type Counts = Readonly<Record<'waiting' | 'claimed' | 'ended' | 'outcomes', string>>;
    const rows = await this.#query<SteeringRow & Counts & { shown: string }>(
      `select shown, ${steeringColumns}, tail - head as outcomes,
           count(s.slice) filter (where s.epoch = 0) as waiting,
           count(s.slice) filter (where s.epoch > 0 and not s.has_ended) as claimed,
           count(s.slice) filter (where s.has_ended) as ended
         from ${campaigns} c left join ${slices} s on s.campaign = c.id group by c.id order by c.id collate "C"`,
    );
    return rows.map((row) => ({
      definition: JSON.parse(row.shown) as CampaignStatus['definition'],
      steering: steeringOf(row),
      slices: { waiting: Number(row.waiting), claimed: Number(row.claimed), ended: Number(row.ended) },
      outcomes: Number(row.outcomes),
    }));
  }

  async take(campaign: string, wanted: number): Promise<{ granted: number; waitMs: number }> {
    const { campaigns } = this.#tables;
    type Bucket = { readonly rate: number | null; readonly tokens: number | null; readonly since: number | null };
    const sinceSql = 'extract(epoch from clock_timestamp() - tokens_at)::double precision as since';
    return await this.#transaction(async (query) => {
      const [found] = await query<Bucket>(`select rate, tokens, ${sinceSql} from ${campaigns} where id = $1`, [
        campaign,
      ]);
      if (found === undefined) return { granted: 0, waitMs: 1000 };
      if (found.rate === null) return { granted: wanted, waitMs: 0 };
      const [bucket] = await query<Bucket>(
        `select rate, tokens, ${sinceSql} from ${campaigns} where id = $1 for no key update`,
        [campaign],
      );
      const rate = bucket?.rate ?? 0;
      if (rate <= 0) return { granted: 0, waitMs: 1000 };
      const most = Math.max(1, rate / 4);
      const { tokens: before, since } = bucket!;
      const tokens = before === null ? most : Math.min(most, before + Math.max(0, since ?? 0) * rate);
      const granted = Math.min(wanted, Math.floor(tokens));
      const sql = `update ${campaigns} set tokens = $2, tokens_at = clock_timestamp() where id = $1`;
      await query(sql, [campaign, tokens - granted]);
      if (granted === wanted) return { granted, waitMs: 0 };
      const worth = Math.min(wanted - granted, Math.max(1, most / 2));
      return { granted, waitMs: Math.max(1, Math.ceil(((worth - (tokens - granted)) / rate) * 1000)) };
    });
  }

  async close(): Promise<void> {
    this.#retries.close();
    await this.#client.close();
  }

  #query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#retries.run(() => this.#client.query<Row>(sql, values));
  }

  #transaction<Result>(work: (query: PostgresQuery) => Promise<Result>): Promise<Result> {
    return this.#retries.run(() => this.#client.transaction(work));
  }
}

/** Bytes of slices in PostgreSQL: a row each. */
export class PostgresBlobs implements SliceBlobs {
  readonly #client: PostgresClient;
  readonly #table: string;
  readonly #retries: StoreRetries;

  /** @param client that of a store, which has made the tables and closes it */
  constructor(client: PostgresClient, options: PostgresClusterOptions) {
    this.#client = client;
    this.#table = new ClusterTables(options.prefix).blobs;
    this.#retries = new StoreRetries(systemClock, Math.random, options);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#query(
      `insert into ${this.#table} (name, bytes) values ($1, $2)
         on conflict (name) do update set bytes = excluded.bytes, stored = now()`,
      [name, bufferOf(bytes)],
    );
  }

  async get(name: string): Promise<Uint8Array | null> {
    const [row] = await this.#query<{ bytes: Buffer }>(`select bytes from ${this.#table} where name = $1`, [name]);
    return row === undefined ? null : bytesOf(row.bytes);
  }

  async remove(names: readonly string[]): Promise<void> {
    await this.#query(`delete from ${this.#table} where name = any($1::text[])`, [names]);
  }

  async close(): Promise<void> {
    this.#retries.close();
  }

  #query<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#retries.run(() => this.#client.query<Row>(sql, values));
  }
}

function textOf(stopped: ErrorRecord | null): string | null {
  return stopped === null ? null : JSON.stringify(stopped);
}

function steeringOf({ rate, in_flight, paused, stopped, is_held }: SteeringRow): SteeringNow {
  return {
    ...{ ratePerSecond: rate, maxInFlight: in_flight, isPaused: paused, isHeld: is_held },
    stopped: stopped === null ? null : (JSON.parse(stopped) as ErrorRecord),
  };
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/** A view without the methods of Buffer, which differ. */
function bytesOf({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
