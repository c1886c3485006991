/**
 * examples/queue-consumer.ts with a queue in Redis, against the simulator: what becomes of each job by its outcome, and
 * what is lost or repeated when consumers are told to end, and when they are killed. Skipped without redis-server.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type Simulator, type SimulatorOptions, scriptedToken, startSimulator } from '../../src/index.js';
import { ThrowAwayAuthority } from '../../src/simulator/index.js';
import { randomTokens } from '../cli/fixture.js';
import { cases } from '../support/cases.js';
import { RedisServer } from '../support/redis-server.js';

const example = fileURLToPath(new URL('../../examples/queue-consumer.js', import.meta.url));
/** As the example has them. */
const [maxInFlight, maxSettling, readAtOnce] = [500, 100, 100];

type Entry = readonly [id: string, fields: readonly string[]];

interface Consumer {
  readonly child: ChildProcess;
  readonly ended: Promise<readonly [code: number | null, signal: NodeJS.Signals | null]>;
  readonly printed: () => string;
}

describe('examples/queue-consumer.ts', () => {
  /** A gateway that comes back has to be trusted still. */
  const authority = new ThrowAwayAuthority();
  let folder: string;
  let server: RedisServer;
  let redis: Redis;
  let simulator: Simulator;
  const consumers: Consumer[] = [];

  before(function () {
    if (!RedisServer.isInstalled || process.platform === 'win32') this.skip();
    folder = mkdtempSync(path.join(tmpdir(), 'peal-queue-'));
    writeFileSync(path.join(folder, 'ca.pem'), authority.certificate);
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
  });
  afterEach(async () => {
    for (const { child, ended } of consumers.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    redis?.disconnect();
    await server?.stop();
    await simulator?.close();
  });

  async function gateway(options: SimulatorOptions = {}): Promise<void> {
    simulator = await startSimulator({ controlPort: null, ...authority.issueServer(), ...options });
  }

  async function put(tokens: readonly string[], alert = 'Your order is on its way'): Promise<void> {
    const adding = redis.pipeline();
    for (const token of tokens) adding.xadd('pushes', '*', 'token', token, 'alert', alert, 'id', randomUUID());
    await adding.exec();
  }

  function consume(name: string, pushTimeoutMs: number): Consumer {
    const child = spawn(process.execPath, [example], {
      env: {
        ...process.env,
        REDIS_URL: server.url,
        CONSUMER: name,
        PEAL_GATEWAY: simulator.url,
        PEAL_CA: path.join(folder, 'ca.pem'),
        PEAL_TOPIC: 'com.example.app',
        PUSH_TIMEOUT_MS: String(pushTimeoutMs),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
      });
    }
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    const consumer = { child, ended, printed: () => printed };
    consumers.push(consumer);
    return consumer;
  }

  /** As whoever runs it ends it. */
  async function end({ child, ended, printed }: Consumer): Promise<void> {
    await until(() => printed().includes('consumes, until SIGTERM'));
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null], printed());
  }

  /** Looks on until it is so, or no consumer is left that could make it so. */
  async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await isSo())) {
      const isAnyLeft = consumers.some(({ child }) => child.exitCode === null && child.signalCode === null);
      assert.ok(isAnyLeft, consumers.map(({ printed }) => printed()).join('\n'));
      await sleep(5);
    }
  }

  const isEmpty = async (): Promise<boolean> => (await redis.xlen('pushes')) === 0;
  /** How many jobs are delivered and have no end, and who holds them. */
  async function pending(): Promise<{ count: number; heldBy: ReadonlyMap<string, number> }> {
    // There is no group before the first consumer.
    const answer = await redis.xpending('pushes', 'senders').catch(() => [0, null, null, null]);
    const [count, , , holders] = answer as [number, unknown, unknown, [string, string][] | null];
    return { count, heldBy: new Map(holders?.map(([name, jobs]) => [name, Number(jobs)])) };
  }

  async function lines(stream: string): Promise<Record<string, string>[]> {
    const entries = (await redis.xrange(stream, '-', '+')) as unknown as Entry[];
    return entries.map(([, fields]) =>
      Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]!]] : []))),
    );
  }

  it('ends each job by its outcome: acknowledged, told as gone, or put aside with the reason', async () => {
    await gateway();
    const good = randomTokens(50);
    const gone = [0, 1, 2].map((index) => scriptedToken('Unregistered', index));
    const bad = scriptedToken('BadDeviceToken');
    const busy = scriptedToken('TooManyRequests');
    const silent = scriptedToken('RST_STREAM INTERNAL_ERROR');
    const consumer = consume('one', 1_000);
    // Its connection is open, so that no time goes to that: a push whose time is over is repeated.
    await put(randomTokens(1));
    await until(isEmpty);
    const before = simulator.ledger.summary().accepted;
    await put([...good, ...gone, bad, busy, silent, 'no device token']);
    await put(randomTokens(1), '');
    await redis.xadd('pushes', '*', 'order', '7');
    await until(isEmpty);
    await end(consumer);

    for (const token of good) assert.equal(simulator.ledger.answerOf(token), 'accepted');
    const told = await lines('pushes:gone');
    assert.deepEqual(told.map(({ token }) => token).sort(), gone);
    assert.ok(told.every(({ since }) => Date.parse(since!) < Date.now()));
    const aside = (await lines('pushes:dead')).map(({ why, deliveries }) => `${why} ${deliveries}`).sort();
    assert.deepEqual(aside, [
      'BadDeviceToken 1',
      'ERR_PEAL_PAYLOAD 1',
      'ERR_PEAL_PAYLOAD 1',
      'ERR_PEAL_RESET 3',
      'ERR_PEAL_TOKEN 1',
      'TooManyRequests 3',
    ]);
    const { accepted, distinctTokens } = simulator.ledger.summary();
    assert.deepEqual([accepted - before, distinctTokens], [50, 57]);
    assert.equal(simulator.ledger.recordOf(silent)!.requests, 3, 'an unknown push is repeated, and not for ever');
    for (const token of [...good, ...gone, bad, busy]) assert.ok(!consumer.printed().includes(token));
  });

  it('keeps all jobs, and ends, where APNs refuses its credential', async () => {
    await gateway();
    const tokens = Array.from({ length: 5 }, (_, index) => scriptedToken('InvalidProviderToken', index));
    await put(tokens);
    const { ended, printed } = consume('one', 1_000);
    assert.deepEqual(await ended, [1, null]);
    assert.match(printed(), /APNs refuses the credential or the topic: InvalidProviderToken/);
    assert.deepEqual([await redis.xlen('pushes'), await redis.exists('pushes:dead')], [5, 0]);
  });

  it('keeps jobs while no gateway can be reached, reads no more of them, and sends each once it can', async () => {
    await gateway();
    const { port } = simulator;
    await simulator.close();
    const tokens = randomTokens(2_000);
    await put(tokens);
    // A push whose time is over is repeated, though it may have arrived: no machine is as busy as this.
    const consumer = consume('one', 5_000);
    await until(async () => (await pending()).count > 0);
    const held: number[] = [];
    const untilMs = Date.now() + 3_500;
    await until(async () => {
      held.push((await pending()).count);
      return Date.now() >= untilMs;
    });
    // Those that it had when it found out, and one after the other since.
    assert.ok(Math.max(...held) <= maxInFlight + maxSettling + readAtOnce + 5, `${Math.max(...held)} jobs held`);
    assert.equal(await redis.xlen('pushes'), 2_000);
    simulator = await startSimulator({ controlPort: null, port, ...authority.issueServer() });
    await until(isEmpty);
    await end(consumer);
    assert.equal(simulator.ledger.summary().accepted, 2_000);
    assert.equal(await redis.exists('pushes:dead'), 0);
  });

  const stops = cases(20, 4);
  it(`sends each job once where consumers are told to end, ${stops} times`, async () => {
    await gateway({ scenario: { processingMs: 50, faults: [] } });
    const good = randomTokens(stops * 600);
    const gone = Array.from({ length: 100 }, (_, index) => scriptedToken('Unregistered', index));
    await put([...good, ...gone]);
    for (let stopped = 1; stopped <= stops; stopped++) {
      const consumer = consume('one', 5_000);
      const wanted = simulator.ledger.summary().requests + 1 + ((stopped * 97) % 500);
      await until(async () => simulator.ledger.summary().requests >= wanted || (await isEmpty()));
      await end(consumer);
    }
    const consumer = consume('one', 5_000);
    await until(isEmpty);
    await end(consumer);
    const { accepted, rejected, duplicates } = simulator.ledger.summary();
    assert.deepEqual([accepted, rejected, duplicates], [good.length, gone.length, 0]);
    assert.deepEqual((await lines('pushes:gone')).map(({ token }) => token).sort(), gone);
    assert.deepEqual([(await pending()).count, await redis.exists('pushes:dead')], [0, 0]);
  });

  const kills = cases(20, 4);
  it(`loses no job where consumers are killed, ${kills} times, and repeats only those under way`, async () => {
    await gateway({ scenario: { processingMs: 20, faults: [] } });
    const good = randomTokens(kills * 600);
    const gone = Array.from({ length: 100 }, (_, index) => scriptedToken('Unregistered', index));
    // Mixed, so that each consumer has some of both.
    const step = Math.floor(good.length / gone.length);
    await put(gone.flatMap((token, index) => [token, ...good.slice(index * step, (index + 1) * step)]));
    await put(good.slice(gone.length * step));
    // A push whose time is over is held until it comes again, beside those under way: no machine is as busy as this.
    const pushTimeoutMs = 6_000;
    let mostHeld = 0;
    for (let killed = 1; killed <= kills; killed++) {
      const consumer = consume(`consumer ${killed}`, pushTimeoutMs);
      const wanted = simulator.ledger.summary().requests + 1 + ((killed * 97) % 500);
      await until(async () => {
        mostHeld = Math.max(mostHeld, (await pending()).heldBy.get(`consumer ${killed}`) ?? 0);
        return simulator.ledger.summary().requests >= wanted || (await isEmpty());
      });
      consumer.child.kill('SIGKILL');
      assert.deepEqual(await consumer.ended, [null, 'SIGKILL']);
    }
    const consumer = consume('last', pushTimeoutMs);
    await until(isEmpty);
    await end(consumer);

    for (const token of good) assert.equal(simulator.ledger.answerOf(token), 'accepted');
    assert.deepEqual((await lines('pushes:gone')).map(({ token }) => token).sort(), gone, 'each is told once');
    assert.deepEqual([(await pending()).count, await redis.exists('pushes:dead')], [0, 0]);
    const { requests, distinctTokens } = simulator.ledger.summary();
    assert.equal(distinctTokens, good.length + gone.length);
    const repeated = requests - distinctTokens;
    assert.ok(repeated > 0 && repeated <= kills * (maxInFlight + maxSettling), `${repeated} repeated`);
    assert.ok(mostHeld <= maxInFlight + maxSettling + readAtOnce, `${mostHeld} jobs held`);
  });
});
