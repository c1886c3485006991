/**
 * A client of PostgreSQL through pg, an optional peer: a small pool of connections, statements with a bounded time, and
 * notices (LISTEN). Called by credential stores and by clusters that have no Redis; any thread. Errors of pg may quote
 * values of a row, so a sentence tells their SQLSTATE, and their text only where it names tables, users or settings.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientConfig, Pool, PoolClient } from 'pg';
import { PealError } from '../base/errors.js';
import {
  firstReconnectMs,
  maxPostgresConnections,
  maxReconnectMs,
  postgresQueryTimeoutMs,
  storeConnectTimeoutMs,
} from '../base/limits.js';
import { type Logger, silentLogger } from '../base/log.js';
import { escapeUnprintable } from '../base/text.js';
import { connectProblem } from './connect-problem.js';
import { loadPeer } from './optional-peer.js';
import { parseStoreUrl, type StoreUrl, type StoreUrlForm, storePlace, urlError } from './store-url.js';

interface PostgresOptions {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. `?sslmode=require` turns TLS on, whose certificate is then always
   * checked.
   */
  readonly url: string;
  /** The authority of a server with a private certificate, as PEM. Default: those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** How the connections are called in pg_stat_activity. Default `peal`. */
  readonly name?: string;
  /** Connections at most. Default 4. */
  readonly maxConnections?: number;
  /** How long opening a connection may take. Default 10 seconds. */
  readonly connectTimeoutMs?: number;
  /** How long one statement may take. Default 30 seconds. */
  readonly queryTimeoutMs?: number;
  readonly log?: Logger;
}

/** Runs one statement; resolves with its rows. `values` stand for $1, $2 … */
export type PostgresQuery = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<Row[]>;

interface QueryOptions {
  /**
   * While the database is away, the statement is repeated for so long. Only for statements that may run twice: whether
   * the one whose connection was lost has run is not known. Default: not at all.
   */
  readonly retryForMs?: number;
}

interface Listening {
  stop(): Promise<void>;
}

const oldestVersion = 13;

const form: StoreUrlForm = {
  store: 'PostgreSQL',
  schemes: ['postgres', 'postgresql'],
  port: 5432,
  parameters: ['sslmode'],
  example: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
};

export class PostgresClient implements AsyncDisposable {
  readonly #place: string;
  readonly #pool: Pool;
  readonly #makeClient: () => Client;
  readonly #log: Logger;
  readonly #listenings = new Set<NoticeListener>();

  private constructor(place: string, pool: Pool, makeClient: () => Client, log: Logger) {
    this.#place = place;
    this.#pool = pool;
    this.#makeClient = makeClient;
    this.#log = log;
    // A connection that is idle when the database goes away. The next statement opens another one.
    pool.on('error', (error) => log.debug({ store: place }, problemSentence(place, error)));
  }

  /** @throws PealError ERR_PEAL_STORE: pg is missing; nothing listens; a wrong password or database; too old */
  static async open(options: PostgresOptions): Promise<PostgresClient> {
    const url = parseStoreUrl(options.url, form);
    const config = configOf(url, options);
    const module = await loadPeer('pg', 'PostgreSQL', () => import('pg'));
    // Earlier versions are CommonJS alone.
    const pg = 'Pool' in module ? module : (module as { default: typeof module }).default;
    const place = storePlace('PostgreSQL', url.host, url.port);
    const pool = new pg.Pool({ ...config, max: options.maxConnections ?? maxPostgresConnections });
    const makeClient = (): Client => new pg.Client(config);
    const client = new PostgresClient(place, pool, makeClient, options.log ?? silentLogger);
    try {
      await client.#checkVersion();
    } catch (error) {
      await client.close();
      throw error;
    }
    return client;
  }

  /** @throws PealError ERR_PEAL_STORE */
  async query<Row extends object>(
    text: string,
    values: readonly unknown[] = [],
    { retryForMs = 0 }: QueryOptions = {},
  ): Promise<Row[]> {
    const giveUpAt = performance.now() + retryForMs;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#run<Row>(this.#pool, text, values);
      } catch (error) {
        if (!(error as PealError).retryable || performance.now() >= giveUpAt) throw error;
        await sleep(Math.min(reconnectDelayMs(attempt), Math.max(0, giveUpAt - performance.now())));
      }
    }
  }

  /**
   * Runs statements as one transaction: all of them or none.
   *
   * @throws PealError ERR_PEAL_STORE; where the connection was lost at its end, whether it was done is not known
   */
  async transaction<Result>(work: (query: PostgresQuery) => Promise<Result>): Promise<Result> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw storeProblem(this.#place, error);
    }
    // While a connection is lent, its loss is told by the statement; an error event would end the process.
    client.on('error', ignore);
    const query: PostgresQuery = (text, values = []) => this.#run(client, text, values);
    let isWhole = false;
    try {
      await query('BEGIN');
      const result = await work(query);
      await query('COMMIT');
      isWhole = true;
      return result;
    } finally {
      client.off('error', ignore);
      // A connection in the middle of a transaction is closed, which rolls it back.
      client.release(!isWhole);
    }
  }

  /**
   * Calls `onNotice` for each notice of the channel, with its payload. A lost connection is opened again until `stop`;
   * then `onGap` is called, because notices were missed.
   *
   * @throws PealError ERR_PEAL_STORE, where the first connection fails
   */
  async listen(channel: string, onNotice: (payload: string) => void, onGap: () => void): Promise<Listening> {
    const listener = new NoticeListener(this.#makeClient, this.#place, this.#log, { channel, onNotice, onGap });
    await listener.start();
    this.#listenings.add(listener);
    return {
      stop: async () => {
        this.#listenings.delete(listener);
        await listener.stop();
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listenings].map((listener) => listener.stop()));
    this.#listenings.clear();
    await this.#pool.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run<Row extends object>(target: Pool | PoolClient, text: string, values: readonly unknown[]): Promise<Row[]> {
    try {
      const { rows } = await target.query<Row>(text, [...values]);
      return rows;
    } catch (error) {
      throw storeProblem(this.#place, error);
    }
  }

  async #checkVersion(): Promise<void> {
    const [row] = await this.query<{ server_version_num: string }>('SHOW server_version_num');
    const major = Math.floor(Number(row?.server_version_num) / 10_000);
    if (major >= oldestVersion) return;
    const message = `${this.#place} is version ${major}, which is too old: peal needs PostgreSQL ${oldestVersion} or later.`;
    throw new PealError('ERR_PEAL_STORE', message, { origin: 'store' });
  }
}

interface NoticeListenerOptions {
  readonly channel: string;
  readonly onNotice: (payload: string) => void;
  readonly onGap: () => void;
}

/** One connection that listens, and the next one after its loss. */
class NoticeListener {
  readonly #makeClient: () => Client;
  readonly #place: string;
  readonly #log: Logger;
  readonly #options: NoticeListenerOptions;
  #client: Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #attempt = 0;
  #isStopped = false;

  constructor(makeClient: () => Client, place: string, log: Logger, options: NoticeListenerOptions) {
    this.#makeClient = makeClient;
    this.#place = place;
    this.#log = log;
    this.#options = options;
  }

  async start(): Promise<void> {
    const client = this.#makeClient();
    this.#client = client;
    // A loss may be told as an error, as an end, or as both: the first one counts.
    client.once('end', () => this.#reopen(client));
    client.on('error', (error) => {
      this.#log.debug({ store: this.#place }, problemSentence(this.#place, error));
      this.#reopen(client);
    });
    client.on('notification', ({ payload }) => this.#options.onNotice(payload ?? ''));
    try {
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.#options.channel)}`);
      this.#attempt = 0;
    } catch (error) {
      if (this.#client === client) this.#client = null;
      client.end().catch(ignore);
      throw storeProblem(this.#place, error);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(ignore);
  }

  #reopen(lost: Client): void {
    if (this.#client !== lost || this.#isStopped) return;
    this.#client = null;
    this.#log.warn({ store: this.#place }, `the connection to ${this.#place} is lost: notices of changes come later`);
    lost.end().catch(ignore);
    this.#startLater();
  }

  #startLater(): void {
    this.#timer = setTimeout(
      () => {
        this.start().then(
          () => this.#options.onGap(),
          () => {
            if (!this.#isStopped) this.#startLater();
          },
        );
      },
      reconnectDelayMs(this.#attempt++),
    );
    this.#timer.unref();
  }
}

function ignore(): void {}

function reconnectDelayMs(attempt: number): number {
  return Math.min(maxReconnectMs, firstReconnectMs * 2 ** Math.min(attempt, 16));
}

function configOf(url: StoreUrl, options: PostgresOptions): ClientConfig {
  const mode = url.parameters.get('sslmode') ?? 'disable';
  if (!['disable', 'require', 'verify-ca', 'verify-full'].includes(mode)) {
    throw urlError(form, 'has a sslmode that is not one of disable, require, verify-ca and verify-full');
  }
  if (url.name === '') throw urlError(form, 'has to end with /DATABASE');
  const { ca, name, connectTimeoutMs, queryTimeoutMs = postgresQueryTimeoutMs } = options;
  return {
    host: url.host,
    port: url.port,
    database: url.name,
    ...(url.user !== null && { user: url.user }),
    ...(url.password !== null && { password: url.password }),
    ...(mode !== 'disable' && {
      ssl: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca !== undefined && { ca: Buffer.from(ca) }) },
    }),
    application_name: name ?? 'peal',
    connectionTimeoutMillis: connectTimeoutMs ?? storeConnectTimeoutMs,
    // The server ends a statement at its time; the client gives up a server that says nothing a second later.
    statement_timeout: queryTimeoutMs,
    query_timeout: queryTimeoutMs + 1000,
    keepAlive: true,
  };
}

/**
 * SQLSTATEs after which the same statement may succeed later: no connection, no room, or a server that stops or starts.
 */
const passing = /^(08|53|57P|40|55P03|57014)/;

/** Classes of SQLSTATE whose texts name tables, users, databases and settings, and no value of a row. */
const tellable = /^(28|3D|42[0-9A-Z]{3}|53|57|25|0A)/;

function storeProblem(place: string, error: unknown): PealError {
  if (error instanceof PealError) return error;
  const state = sqlStateOf(error);
  const isRefusal = error instanceof Error && /support SSL|password must be/.test(error.message);
  const retryable = state === null ? !isRefusal : passing.test(state);
  return new PealError('ERR_PEAL_STORE', problemSentence(place, error), { origin: 'store', retryable });
}

function problemSentence(place: string, error: unknown): string {
  const state = sqlStateOf(error);
  const text = error instanceof Error ? escapeUnprintable(error.message, 200) : '';
  if (state !== null) {
    if (state === '28P01') return `${place} refuses the user or the password in its URL.`;
    if (state === '28000' && /no encryption/.test(text))
      return `${place} asks for TLS: add ?sslmode=require to its URL.`;
    if (state === '57014') return `${place} did not end a statement in time.`;
    return `${place} answered with an error (SQLSTATE ${state})${tellable.test(state) ? `: ${text}` : ''}.`;
  }
  const way = connectProblem(error);
  if (way !== null) return `${place} ${way}.`;
  if (/does not support SSL/.test(text)) return `${place} speaks no TLS: leave sslmode out of its URL.`;
  if (/password must be a string/.test(text)) return `${place} asks for a password: put it into its URL.`;
  if (/timeout/i.test(text)) return `${place} does not answer in time.`;
  return `The connection to ${place} is lost or not accepted: check that PostgreSQL runs there.`;
}

/** The code of an error that the server itself sent; null for errors of the way to it. */
function sqlStateOf(error: unknown): string | null {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity !== undefined && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
