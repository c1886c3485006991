/**
 * Workers in processes of their own, a dispatcher and Redis: workers are killed, stopped and continued, or ended in
 * mid-campaign, and the files of the campaign are compared with the ledger of the simulator, token by token.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { queueLockMs } from '../../src/base/limits.js';
import { type Simulator, startSimulator } from '../../src/index.js';
import { mixedTokens } from '../campaign/campaign-fixture.js';
import { cases } from '../support/cases.js';
import { CutProxy } from '../support/cut-proxy.js';
import { RedisServer } from '../support/redis-server.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const count = 60_000;

describe('workers in processes of their own', () => {
  let folder: string;
  let redis: RedisServer;
  let simulator: Simulator;
  let children: { readonly child: ChildProcess; output: string }[];

  before(function () {
    if (!RedisServer.isInstalled) this.skip();
  });

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-cluster-'));
    children = [];
    redis = await RedisServer.start();
    simulator = await startSimulator({ auth: 'any', controlPort: null, roundTripMs: 20, maxStreams: 200 });
    writeFileSync(path.join(folder, 'ca.pem'), simulator.caCertificate!);
  });

  afterEach(async () => {
    for (const { child } of children) {
      child.kill('SIGKILL');
      child.kill('SIGCONT');
    }
    await simulator?.close();
    await redis?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  function run(...args: readonly string[]): { readonly child: ChildProcess; output: string } {
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const running = { child, output: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        running.output += chunk.toString();
      });
    }
    children.push(running);
    return running;
  }

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(10);
  }

  async function startWorker(name: string, url = redis.url): Promise<(typeof children)[number]> {
    const worker = run(
      ...['worker', '--redis', url, '--ca', 'ca.pem', '--threads', '0', '--name', name],
      ...['--max-connections', '1'],
    );
    await until(() => worker.output.includes('takes up to') || worker.child.exitCode !== null);
    assert.equal(worker.child.exitCode, null, worker.output);
    return worker;
  }

  function dispatch(): (typeof children)[number] {
    writeFileSync(path.join(folder, 'list.txt'), `${mixedTokens(count).join('\n')}\n`);
    return run(
      ...['dispatch', '--redis', redis.url, '--gateway', simulator.url, '--tokens', 'list.txt', '--out', 'out'],
      ...['--alert', 'Hello', '--topic', 'com.example.app', '--slice', '3000', '--accepted', '--progress', '0'],
    );
  }

  /** The tokens of one file of the campaign. */
  function tokensOf(name: string): string[] {
    const lines = readFileSync(path.join(folder, 'out', name), 'utf8')
      .split('\n')
      .slice(0, -1);
    return (name.endsWith('.csv') ? lines.slice(1) : lines).map((line) => line.split(',')[0]!);
  }

  /** Each token is in one file, and the simulator agrees. Returns how many are unknown. */
  async function check(campaign: (typeof children)[number]): Promise<number> {
    if (campaign.child.exitCode === null) await once(campaign.child, 'exit');
    const all = readFileSync(path.join(folder, 'list.txt'), 'utf8').split('\n').slice(0, -1);
    const [accepted, gone, rejected, unknown, unsent] = [
      ...['accepted.csv', 'gone.csv', 'rejected.csv', 'unknown.txt', 'unsent.txt'],
    ].map(tokensOf) as [string[], string[], string[], string[], string[]];
    assert.deepEqual(unsent, [], campaign.output);
    const told = [...accepted, ...gone, ...rejected, ...unknown];
    assert.equal(told.length, count);
    assert.deepEqual(new Set(told), new Set(all));
    for (const [names, answers] of [
      [accepted, ['accepted']],
      [gone, ['Unregistered']],
      [rejected, ['BadDeviceToken']],
    ] as const) {
      for (const token of names) assert.ok(answers.includes(simulator.ledger.recordOf(token)!.answer as never));
    }
    assert.equal(simulator.ledger.summary().duplicates, 0, 'nobody was sent to twice');
    return unknown.length;
  }

  it('are killed at any instant: nobody is lost, or sent to twice, and those under way are named', async () => {
    for (let round = 0; round < cases(5, 1); round++) {
      simulator.ledger.reset();
      rmSync(path.join(folder, 'out'), { recursive: true, force: true });
      const workers = [await startWorker('a'), await startWorker('b'), await startWorker('c')];
      const campaign = dispatch();
      const at = 2000 + Math.floor(Math.random() * (count - 10_000));
      await until(() => simulator.ledger.summary().requests > at || campaign.child.exitCode !== null);
      workers[round % 3]!.child.kill('SIGKILL');
      const unknown = await check(campaign);
      assert.ok(unknown <= 20_000, `${unknown} are unknown after a kill at ${at}`);
      for (const { child } of workers) child.kill('SIGKILL');
    }
  });

  it('are stopped for longer than their lock and continued: they go on with no slice that others have', async () => {
    const workers = [await startWorker('a'), await startWorker('b')];
    const campaign = dispatch();
    await until(() => simulator.ledger.summary().requests > 5000);
    workers[0]!.child.kill('SIGSTOP');
    await sleep(queueLockMs + 10_000);
    workers[0]!.child.kill('SIGCONT');
    await check(campaign);
    await until(() => workers[0]!.output.includes('stood still'));
  });

  it('wait for a Redis that is killed and comes back with its append-only file', async () => {
    await Promise.all([startWorker('a'), startWorker('b')]);
    const campaign = dispatch();
    await until(() => simulator.ledger.summary().requests > 5000);
    await redis.kill9();
    await sleep(3000);
    await redis.restart();
    await check(campaign);
  });

  it('are cut off from Redis for longer than their lock: others go on, and nothing is told twice', async () => {
    await using proxy = await CutProxy.start(redis.port);
    const workers = [await startWorker('a', redis.urlAt(proxy.port)), await startWorker('b')];
    const campaign = dispatch();
    await until(() => simulator.ledger.summary().requests > 5000);
    await proxy.cut('stall');
    await sleep(queueLockMs + 5000);
    await proxy.heal();
    await check(campaign);
    assert.equal(workers[0]!.child.exitCode, null, workers[0]!.output);
  });

  it('end when they are asked to, and leave nothing unknown', async () => {
    const workers = [await startWorker('a'), await startWorker('b')];
    const campaign = dispatch();
    await until(() => simulator.ledger.summary().requests > 5000);
    workers[0]!.child.kill('SIGTERM');
    const [code] = await once(workers[0]!.child, 'exit');
    assert.equal(code, 0, workers[0]!.output);
    assert.match(workers[0]!.output, /the worker has ended \d+ slices?: [\d,]+ accepted/);
    assert.equal(await check(campaign), 0);
  });
});
