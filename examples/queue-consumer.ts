/**
 * A consumer of a queue: takes notifications out of a stream of Redis, pushes each, and acknowledges each by itself once its
 * outcome is final. A notification is pushed at least once, whatever is killed and whenever; it is pushed twice only if a
 * process dies between the push and its acknowledgement, or if APNs never answered.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 PEAL_GATEWAY=https://localhost:8443 PEAL_CA=ca.pem PEAL_TOPIC=com.example.app \
 *       node dist/examples/queue-consumer.js
 *     redis-cli XADD pushes '*' token 0011… alert 'Your order is on its way' id 6f1d3c8e-0a4b-4c0d-9e2f-0123456789ab
 *
 * PEAL_GATEWAY is `api_production`, `api_sandbox` or the URL of `peal simulate` (PEAL_CA is its authority); PEAL_KEY (path
 * of the .p8 file), PEAL_KEY_ID and PEAL_TEAM_ID are the credential. Needs the package ioredis, and Redis 6.2 or later with
 * an append-only file. Any number of consumers may run, each under its own name (CONSUMER; default: the host's).
 *
 * | outcome | what becomes of the job |
 * |---|---|
 * | accepted | acknowledged |
 * | rejected: the device token is gone | acknowledged, and told in the stream `pushes:gone`, for those who keep the tokens |
 * | rejected: a fault that passes (429, 5xx) | delivered again later, `mostDeliveries` times; then put aside |
 * | rejected: the credential or the topic | stays in the queue, and the consumer ends: no job can be sent |
 * | rejected otherwise, or invalid | put aside in `pushes:dead`, with the reason |
 * | unsent | delivered again later, as often as it takes: it was certainly not sent. Little is read meanwhile |
 * | unknown | delivered again later, `mostDeliveries` times: see `isWorthRepeating` |
 *
 * With another queue, exchange the class `Stream`. SQS has receive, delete, a visibility timeout, a count of deliveries and a
 * dead-letter queue of its own.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { APNs, classOf, type ItemOutcome, type PushItem, type RejectedPush, Session, shortToken } from 'peal';

const { REDIS_URL = 'redis://127.0.0.1:6379', CONSUMER = hostname() } = process.env;
const { PEAL_GATEWAY: gateway = 'api_sandbox', PEAL_KEY, PEAL_KEY_ID = '', PEAL_TEAM_ID = '', PEAL_CA } = process.env;
const { PEAL_TOPIC: topic = 'com.example.app' } = process.env;

/** Jobs that are pushed at a time. */
const maxInFlight = 500;
/** Jobs that are acknowledged at a time. A kill makes no more than these, and those in flight, be pushed twice. */
const maxSettling = 100;
/** Jobs that are read at a time, and wait here for their turn. */
const readAtOnce = 100;
/** A push that takes longer is unsent or unknown, and its job comes again. */
const pushTimeoutMs = Number(process.env.PUSH_TIMEOUT_MS ?? 10_000);
/**
 * A job without an end is delivered again after this time, also if its consumer was killed. Much longer than a push takes,
 * or jobs that are still under way would be delivered to others.
 */
const redeliverAfterMs = 3 * pushTimeoutMs;
/** An unsent job was not delivered to anybody, and does not count. */
const mostDeliveries = 3;
/** How long it takes to the next push after one that could not be sent. */
const pauseMs = Math.min(5_000, redeliverAfterMs);

/** One delivery of a job. */
interface Delivery {
  /** By which the stream knows it. */
  readonly entry: string;
  readonly fields: Readonly<Record<string, string>>;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
}

/** What peal is given, with the handle of the queue: it comes back with the outcome. */
interface Job extends PushItem {
  readonly delivery: Delivery;
}

/**
 * Ends an entry, and adds a line to another stream, both or neither. Only the first consumer that ends an entry does so,
 * in case it was delivered to two.
 */
const endScript = `
  if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
  redis.call('XDEL', KEYS[1], ARGV[2])
  if KEYS[2] then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3)) end
  return 1`;

/** As Redis answers: fields are name, value, name, value … */
type Entry = readonly [entry: string, fields: readonly string[]];

function deliveryOf(entry: string, pairs: readonly string[], deliveries: number): Delivery {
  const fields = Object.fromEntries(pairs.flatMap((name, at) => (at % 2 === 0 ? [[name, pairs[at + 1] ?? '']] : [])));
  return { entry, fields, deliveries };
}

/** A stream of Redis with a group of consumers, as a queue. */
class Stream {
  readonly #name = 'pushes';
  readonly #group = 'senders';
  /** Commands wait until Redis is back, and with them the consumer: it takes no more jobs than it can acknowledge. */
  readonly #redis = new Redis(REDIS_URL, { maxRetriesPerRequest: null });
  /** For reads that wait, which would hold up all others. */
  readonly #reader = this.#redis.duplicate();
  #lookedAtMs = 0;

  async open(): Promise<void> {
    await this.#redis.xgroup('CREATE', this.#name, this.#group, '0', 'MKSTREAM').catch((error: Error) => {
      if (!error.message.startsWith('BUSYGROUP')) throw error;
    });
  }

  /** Jobs that were delivered before and have no end, or new ones; none after a second without any. */
  async receive(count: number): Promise<Delivery[]> {
    const again = await this.#overdue(count);
    if (again.length > 0) return again;
    const [name, group] = [this.#name, this.#group];
    const read = await this.#reader.xreadgroup(
      'GROUP',
      group,
      CONSUMER,
      'COUNT',
      count,
      'BLOCK',
      1_000,
      'STREAMS',
      name,
      '>',
    );
    const entries = ((read as [string, Entry[]][] | null) ?? []).flatMap(([, list]) => list);
    return entries.map(([entry, fields]) => deliveryOf(entry, fields, 1));
  }

  async #overdue(count: number): Promise<Delivery[]> {
    if (Date.now() < this.#lookedAtMs + 1_000) return [];
    const [name, group] = [this.#name, this.#group];
    type Pending = readonly [entry: string, consumer: string, idleMs: number, deliveries: number];
    const pending = (await this.#redis.xpending(name, group, 'IDLE', redeliverAfterMs, '-', '+', count)) as Pending[];
    if (pending.length < count) this.#lookedAtMs = Date.now();
    if (pending.length === 0) return [];
    const deliveries = new Map(pending.map(([entry, , , times]) => [entry, times + 1]));
    // The time is given again, so that of two consumers which see the same jobs only one gets each.
    const claimed = await this.#redis.xclaim(name, group, CONSUMER, redeliverAfterMs, ...deliveries.keys());
    return (claimed as Entry[]).map(([entry, fields]) => deliveryOf(entry, fields, deliveries.get(entry)!));
  }

  /** The job is over. With `to` and `note` it goes into another stream, with what is said of it. */
  async end(
    { entry, fields }: Delivery,
    to?: 'gone' | 'dead',
    note: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const keys = to === undefined ? [this.#name] : [this.#name, `${this.#name}:${to}`];
    const line = to === undefined ? [] : Object.entries({ ...fields, ...note }).flat();
    await this.#redis.eval(endScript, keys.length, ...keys, this.#group, entry, ...line);
  }

  /** The job comes again after so long, here or elsewhere, and this delivery does not count. */
  async giveBack({ entry, deliveries }: Delivery, afterMs: number): Promise<void> {
    const change = ['IDLE', redeliverAfterMs - afterMs, 'RETRYCOUNT', deliveries - 1, 'JUSTID'] as const;
    await this.#redis.xclaim(this.#name, this.#group, CONSUMER, 0, entry, ...change);
  }

  async close(): Promise<void> {
    // The consumer's name stays in the group: to delete it would delete the jobs that it holds.
    this.#reader.disconnect();
    await this.#redis.quit();
  }
}

/**
 * Whether the last push that ended could not be sent. Then one job after the other is tried, and the rest stays in the queue,
 * where other consumers may have it.
 */
interface Outage {
  isOn: boolean;
  nextMs: number;
}

/** Jobs until the signal comes. peal pulls one whenever it has room, so this reads no faster than APNs answers. */
async function* jobsOf(stream: Stream, outage: Outage, signal: AbortSignal): AsyncGenerator<Job> {
  while (!signal.aborted) {
    const waitMs = outage.isOn ? outage.nextMs - Date.now() : 0;
    if (waitMs > 0) {
      await sleep(Math.min(waitMs, 500), null, { signal }).catch(() => null);
      continue;
    }
    outage.nextMs = Date.now() + pauseMs;
    const received = await stream.receive(outage.isOn ? 1 : readAtOnce);
    try {
      for (let delivery = received.shift(); delivery !== undefined; delivery = received.shift()) yield jobOf(delivery);
    } finally {
      // The stream was stopped: what was received and not handed out has no outcome.
      await Promise.all(received.map((delivery) => stream.giveBack(delivery, 0)));
    }
  }
}

/** An entry that is not a push (no token, no text) becomes an outcome, too: invalid. */
function jobOf(delivery: Delivery): Job {
  const { token = '', alert = '', id } = delivery.fields;
  // With its id as the collapse id, a push that comes twice replaces itself on the screen.
  const message = { topic, alert, ...(id !== undefined && { apnsId: id, collapseId: id }) };
  return { message, token, delivery };
}

/**
 * Whether a push goes again that was written and never answered: an order that is announced twice is better than one that is
 * never announced. For a code to log in with it may be the other way round: then return false, and it is put aside.
 */
function isWorthRepeating({ deliveries }: Delivery): boolean {
  return deliveries < mostDeliveries;
}

/** Whether no other job would fare better: whoever runs this has to mend the key or the topic first. */
function isOurFault({ status, reason }: RejectedPush): boolean {
  return classOf(status, reason) === 'credential' || ['TopicDisallowed', 'BadTopic', 'MissingTopic'].includes(reason);
}

/** What the outcome of one push means for its job. Returns why the consumer has to end, or null. */
async function settle(stream: Stream, settled: ItemOutcome<Job>, outage: Outage): Promise<string | null> {
  const { delivery } = settled.item;
  outage.isOn = settled.outcome === 'unsent';
  const { deliveries } = delivery;
  const device = shortToken(delivery.fields.token ?? '');
  switch (settled.outcome) {
    case 'accepted':
      await stream.end(delivery);
      return null;
    case 'rejected': {
      const { status, reason, timestampMs } = settled;
      if (isOurFault(settled)) return `APNs refuses the credential or the topic: ${reason}`;
      const kind = classOf(status, reason);
      if (kind === 'gone') {
        // Delete the token, unless it was registered again since.
        const since = timestampMs === null ? '' : new Date(timestampMs).toISOString();
        await stream.end(delivery, 'gone', { since });
      } else if ((kind !== 'transient' && kind !== 'connection') || deliveries >= mostDeliveries) {
        console.error(`put aside: ${reason} for ${device}`);
        await stream.end(delivery, 'dead', { why: reason, deliveries: String(deliveries) });
      }
      // Otherwise it stays as it is, and comes again after redeliverAfterMs.
      return null;
    }
    case 'unsent':
      if (settled.error.origin === 'credential') return settled.error.message;
      await stream.giveBack(delivery, settled.error.code === 'ERR_PEAL_ABORTED' ? 0 : pauseMs);
      return null;
    case 'unknown':
      if (isWorthRepeating(delivery)) return null;
      await stream.end(delivery, 'dead', { why: settled.error.code, deliveries: String(deliveries) });
      return null;
    case 'invalid':
      console.error(`put aside: ${settled.error.message}`);
      await stream.end(delivery, 'dead', { why: settled.error.code, deliveries: String(deliveries) });
      return null;
  }
}

const stop = new AbortController();
// `once`: a second signal finds no listener, and ends the process at once. Nothing is lost by that, either.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const stream = new Stream();
await stream.open();
const session = new Session(PEAL_CA === undefined ? {} : { ca: readFileSync(PEAL_CA, 'utf8') });
const credential =
  PEAL_KEY === undefined ? null : { key: { file: PEAL_KEY }, keyId: PEAL_KEY_ID, teamId: PEAL_TEAM_ID };
const apns = new APNs(session.getConnection(gateway, credential));
const options = { maxInFlight, timeoutMs: pushTimeoutMs, retry: { attempts: 3 }, signal: stop.signal };
const outage = { isOn: false, nextMs: 0 };
console.log(`${CONSUMER} consumes, until SIGTERM`);
let settledJobs = 0;
const outcomes = apns.sendEach(jobsOf(stream, outage, stop.signal), options);

/** Settles one job after the other. Many do so at a time, or each push would wait for a round trip to Redis. */
async function settleAll(): Promise<void> {
  for await (const outcome of outcomes) {
    const fault = await settle(stream, outcome, outage);
    settledJobs += 1;
    if (fault === null || stop.signal.aborted) continue;
    console.error(fault);
    process.exitCode = 1;
    stop.abort();
  }
}

// After the abort this goes on until all that was written has its answer, for pushTimeoutMs at the most.
await Promise.all(Array.from({ length: maxSettling }, settleAll));
await session.close();
await stream.close();
console.log(`${CONSUMER} has settled ${settledJobs} jobs, and ends`);
