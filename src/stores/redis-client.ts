/**
 * Opens clients of Redis through ioredis, an optional peer, and puts what goes wrong with them into sentences. Called
 * by everything that shares something between machines; any thread. ioredis keeps the arguments of a command beside its
 * error, so its errors never leave this file: they would show passwords and whole records in logs.
 *
 * A client for commands answers each command within a bounded time, by its reply or by an error. An error of the
 * connection leaves open whether the command was done. A client for a queue (BullMQ) lets commands wait for the server.
 */
import { inspect } from 'node:util';
import type { RedisOptions as EveryOption, Redis } from 'ioredis';
import { PealError } from '../base/errors.js';
import { firstReconnectMs, maxReconnectMs, redisCommandTimeoutMs, storeConnectTimeoutMs } from '../base/limits.js';
import { type Logger, silentLogger } from '../base/log.js';
import { escapeUnprintable } from '../base/text.js';
import { connectProblem } from './connect-problem.js';
import { loadPeer } from './optional-peer.js';
import { isLoopback, parseStoreUrl, type StoreUrl, type StoreUrlForm, storePlace, urlError } from './store-url.js';

/** A client of ioredis, connected. */
export type RedisClient = Redis;

/** Without those that another type stands for. */
type IoredisOptions = Omit<EveryOption, 'replyMapping'>;

interface RedisOptions {
  /** `redis://USER:PASSWORD@HOST:PORT/DATABASE`, or `rediss://…` with TLS. User and password may be left out. */
  readonly url: string;
  /** The authority of a server with a private certificate, as PEM. Default: those that Node trusts. */
  readonly ca?: string | Uint8Array;
  /** `queue` lets commands wait for the server as long as it takes, as BullMQ needs it. Default `commands`. */
  readonly use?: 'commands' | 'queue';
  /** How the connection is called in the server's list of clients. Default `peal`. */
  readonly name?: string;
  /** How long opening may take. Default 10 seconds. */
  readonly connectTimeoutMs?: number;
  /** How long one command may take. Default 5 seconds. */
  readonly commandTimeoutMs?: number;
  readonly log?: Logger;
}

const oldestVersion = [6, 2] as const;

const form: StoreUrlForm = {
  store: 'Redis',
  schemes: ['redis', 'rediss'],
  port: 6379,
  parameters: [],
  example: 'redis://HOST:PORT, or rediss:// with TLS, with USER:PASSWORD@ before the host if it asks for them',
};

/**
 * Resolves with a client that is connected, and that connects again after a loss until it is closed (`disconnect`).
 *
 * @throws PealError ERR_PEAL_STORE: ioredis is missing; nothing listens, or it is not Redis; a wrong password; too old
 */
export async function openRedis(options: RedisOptions): Promise<RedisClient> {
  const url = parseStoreUrl(options.url, form);
  if (!/^\d{0,3}$/.test(url.name)) throw urlError(form, 'must end with the number of a database, or after the port');
  const ioredis = await loadPeer('ioredis', 'Redis', () => import('ioredis'));
  const log = options.log ?? silentLogger;
  const place = storePlace('Redis', url.host, url.port);
  const timeoutMs = options.connectTimeoutMs ?? storeConnectTimeoutMs;
  let isOpen = false;
  const redis = new ioredis.Redis({
    ...connectionOf(url, options),
    ...behaviourOf(options),
    connectTimeout: timeoutMs,
    lazyConnect: true,
    // While it is opened, the first failure is told at once.
    retryStrategy: (attempt) => (isOpen ? reconnectDelayMs(attempt, Math.random()) : null),
  });
  hidePassword(redis, place);
  allowPassword(redis);
  watch(redis, place, log);
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const hint = url.scheme === 'rediss' ? ' If it speaks no TLS, write redis:// in its URL.' : '';
      const message = `${place} does not answer within ${timeoutMs / 1000} s.${hint}`;
      reject(new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: true }));
    }, timeoutMs);
  });
  try {
    await Promise.race([opened(redis, url, place), tooLate]);
  } catch (error) {
    redis.disconnect();
    throw redisError(error, redis);
  } finally {
    clearTimeout(timer);
  }
  isOpen = true;
  return redis;
}

/** Runs a command. What goes wrong with it is thrown as a PealError. */
export async function redisCommand<T>(redis: RedisClient, command: (redis: RedisClient) => Promise<T>): Promise<T> {
  try {
    return await command(redis);
  } catch (error) {
    throw redisError(error, redis);
  }
}

/** Returns what went wrong with a command, without its arguments. */
export function redisError(error: unknown, redis: RedisClient): PealError {
  if (error instanceof PealError) return error;
  const { host = '', port = 0, commandTimeout = redisCommandTimeoutMs } = redis.options;
  // A command that was given up because of its connection says nothing of why that was lost.
  const isGivenUp = error instanceof Error && isGivenUpPattern.test(error.message);
  const reason = isGivenUp ? (lossReasons.get(redis) ?? error) : error;
  const message = problemSentence(storePlace('Redis', host, port), reason, commandTimeout);
  const isFinal = /^(WRONGPASS|NOAUTH|NOPERM|ERR|WRONGTYPE|Protocol error|Unknown RESP)/.test(messageOf(reason));
  return new PealError('ERR_PEAL_STORE', message, { origin: 'store', retryable: !isFinal });
}

/**
 * Returns a sentence for each setting with which Redis may lose what campaigns note in it, or show it to others. What
 * the user of the connection may not ask for is left out.
 */
export async function redisConcerns(redis: RedisClient): Promise<string[]> {
  const { host = '', port = 0, password, tls } = redis.options;
  const place = storePlace('Redis', host, port);
  const persistence = await infoOf(redis, 'persistence');
  const policy = (await infoOf(redis, 'memory')).get('maxmemory_policy');
  const concerns: string[] = [];
  if (persistence.get('aof_enabled') === '0') {
    concerns.push(`${place} keeps no append-only file, so that a crash loses notes of campaigns: set appendonly yes.`);
  }
  if (policy !== undefined && policy !== 'noeviction') {
    concerns.push(
      `${place} drops keys when its memory is full (maxmemory-policy ${escapeUnprintable(policy, 40)}): ` +
        'set maxmemory-policy noeviction.',
    );
  }
  if (needless.has(redis)) {
    concerns.push(`${place} has no password, so that the one in its URL protects nothing: set it there (requirepass).`);
  } else if (!isLoopback(host) && (password ?? null) === null) {
    concerns.push(`${place} asks for no password, so that everyone on its network can read device tokens: set one.`);
  }
  if (!isLoopback(host) && tls === undefined) {
    concerns.push(`The connection to ${place} is not encrypted: use rediss:// unless nobody else is on its network.`);
  }
  return concerns;
}

const isGivenUpPattern = /closed|max retries|isn't writeable/i;

/** The latest error of the connection of a client that has none at the moment. */
const lossReasons = new WeakMap<RedisClient, Error>();

/** `inspect` and JSON of a client would show its password. */
function hidePassword(redis: RedisClient, place: string): void {
  for (const value of [redis, redis.options]) {
    Object.defineProperty(value, inspect.custom, { value: () => place });
    Object.defineProperty(value, 'toJSON', { value: () => place });
  }
}

/** Clients that were given a password by their URL, and whose server has none. */
const needless = new WeakSet<RedisClient>();

/** As Redis 6 and later, and as older ones say it. */
const needlessPattern = /without any password configured|no password is set/;

/**
 * Has a client go on where its server has no password, also one that BullMQ makes of it. ioredis does so, too, but
 * writes a line of its own to the console at each connection; `redisConcerns` says it once.
 */
function allowPassword(redis: RedisClient): RedisClient {
  const auth = redis.auth.bind(redis) as (...given: readonly unknown[]) => Promise<'OK'>;
  const duplicate = redis.duplicate.bind(redis);
  return Object.assign(redis, {
    auth: (...given: readonly unknown[]): Promise<'OK'> => {
      const callback = given.at(-1);
      const hasCallback = typeof callback === 'function';
      const answer = auth(...(hasCallback ? given.slice(0, -1) : given)).catch((error: unknown): 'OK' => {
        if (!needlessPattern.test(messageOf(error))) throw error;
        needless.add(redis);
        return 'OK';
      });
      // As ioredis 5 asks.
      if (hasCallback)
        answer.then(
          (reply) => callback(null, reply),
          (error: unknown) => callback(error),
        );
      return answer;
    },
    duplicate: (override?: Partial<IoredisOptions>) => allowPassword(duplicate(override)),
  });
}

async function opened(redis: RedisClient, { name }: StoreUrl, place: string): Promise<void> {
  await redis.connect();
  // ioredis passes over a database that does not exist.
  if (Number(name) !== 0) await redis.select(Number(name));
  await checkVersion(redis, place);
}

/** The wait before another attempt: it doubles up to a bound, and half of it is left to chance. */
function reconnectDelayMs(attempt: number, chance: number): number {
  const longest = Math.min(maxReconnectMs, firstReconnectMs * 2 ** Math.min(attempt, 16));
  return Math.round((longest * (1 + chance)) / 2);
}

function connectionOf(
  { scheme, host, port, user, password, name }: StoreUrl,
  { ca, name: client }: RedisOptions,
): IoredisOptions {
  return {
    host,
    port,
    db: Number(name),
    connectionName: client ?? 'peal',
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    ...(scheme === 'rediss' && {
      tls: { minVersion: 'TLSv1.2' as const, rejectUnauthorized: true, ...(ca !== undefined && { ca: textOf(ca) }) },
    }),
  };
}

function behaviourOf({ use = 'commands', commandTimeoutMs = redisCommandTimeoutMs }: RedisOptions): IoredisOptions {
  // The older protocol, which all versions of ioredis and Redis speak. CLIENT SETINFO is refused by many users' rights.
  const common = { protocol: 2 as const, disableClientInfo: true };
  if (use === 'queue') return { ...common, maxRetriesPerRequest: null };
  return {
    ...common,
    // A command whose connection was lost may have been done. Whether to repeat it is its caller's to decide.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandTimeoutMs,
    socketTimeout: commandTimeoutMs,
  };
}

function textOf(ca: string | Uint8Array): string {
  return typeof ca === 'string' ? ca : Buffer.from(ca).toString('latin1');
}

function watch(redis: RedisClient, place: string, log: Logger): void {
  let isAway = false;
  redis.on('error', (error) => {
    lossReasons.set(redis, error);
    log.debug({ store: place }, problemSentence(place, error));
  });
  redis.on('reconnecting', () => {
    if (!isAway) log.warn({ store: place }, `the connection to ${place} is lost`);
    isAway = true;
  });
  redis.on('ready', () => {
    lossReasons.delete(redis);
    if (isAway) log.info({ store: place }, `the connection to ${place} is back`);
    isAway = false;
  });
}

async function checkVersion(redis: RedisClient, place: string): Promise<void> {
  const info = await infoOf(redis, 'server');
  if (info.get('redis_mode') === 'sentinel') {
    const message = `${place} is a Sentinel, which keeps nothing: give the URL of the primary, or a name that follows it.`;
    throw new PealError('ERR_PEAL_STORE', message, { origin: 'store' });
  }
  const version = info.get('redis_version');
  if (version === undefined) return;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestVersion;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  const shown = escapeUnprintable(version, 40);
  const message = `${place} is version ${shown}, which is too old: peal needs Redis ${oldestVersion.join('.')} or later.`;
  throw new PealError('ERR_PEAL_STORE', message, { origin: 'store' });
}

/** One section of INFO, or nothing where the user may not ask. */
async function infoOf(redis: RedisClient, section: string): Promise<ReadonlyMap<string, string>> {
  let text: string;
  try {
    text = await redis.info(section);
  } catch (error) {
    if (/^(NOPERM|ERR unknown command)/.test(messageOf(error))) return new Map();
    throw error;
  }
  return new Map(text.split('\r\n').map((line) => [line.split(':', 1)[0]!, line.slice(line.indexOf(':') + 1)]));
}

/** The known beginnings of replies and errors, and the rest of a sentence for each. */
const replies: readonly (readonly [RegExp, string])[] = [
  [/^WRONGPASS|^ERR invalid password/, 'refuses the user or the password in its URL'],
  [/^NOAUTH/, 'asks for a password: put it into its URL, as USER:PASSWORD@ or :PASSWORD@ before the host'],
  [/^NOPERM/, 'does not let the user in its URL do this: give the user the rights that docs/many-machines.md lists'],
  [/^OOM/, 'has no memory left (maxmemory): give it more, or let campaigns end first'],
  [/^MISCONF/, 'cannot write to its disk (MISCONF), and takes no changes until it can'],
  [
    /^ERR unknown command .*(SELECT|EVAL|HELLO)/i,
    'knows few commands, as a Sentinel does: give the URL of the primary',
  ],
  [/^READONLY/, 'is a replica, which takes no changes: give the URL of the primary'],
  [/^LOADING/, 'still loads its data'],
  [/^(ERR DB index|ERR invalid DB)/, 'has no database of the number in its URL'],
  [/^Protocol error|^Unknown RESP/, 'answers in another protocol: it is not Redis'],
];

/** Puts `error` into a sentence that quotes no argument of a command. */
function problemSentence(place: string, error: unknown, timeoutMs = redisCommandTimeoutMs): string {
  const text = messageOf(error);
  const known = replies.find(([beginning]) => beginning.test(text));
  if (known !== undefined) return `${place} ${known[1]}.`;
  const way = connectProblem(error);
  if (way !== null) return `${place} ${way}${isClosedAtOnce(error) ? ': it may want rediss://' : ''}.`;
  if (/timed out|^Socket timeout|ETIMEDOUT/.test(text)) return `${place} does not answer within ${timeoutMs / 1000} s.`;
  if (isGivenUpPattern.test(text)) {
    return `The connection to ${place} is lost or not accepted: check that Redis runs, and whether it wants rediss://.`;
  }
  // A reply may quote what it was given behind these words.
  const own = text.split(/, with args| script: /)[0]!.replace(/\.$/, '');
  const isReply = (error as { name?: unknown } | null)?.name === 'ReplyError';
  return `${place} answered with an error${isReply ? `: ${escapeUnprintable(own, 200)}` : ''}.`;
}

/** As a port does that speaks TLS, to those who speak none. */
function isClosedAtOnce(error: unknown): boolean {
  return /^(ECONNRESET|EPIPE)$/.test(String((error as { code?: unknown }).code));
}

/** Redis 6.2 puts the error of a command within a script behind `ERR Error running script (…): …: -`. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  return text.startsWith('ERR Error running script') ? text.replace(/^.*?: -(?=[A-Z]+ )/, '') : text;
}
