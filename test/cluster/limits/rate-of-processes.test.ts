/** The rate of one campaign in three processes, with a Redis of their own: kept, changed, and taken over. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RedisClusterStore } from '../../../src/cluster/store/redis-store.js';
import { openRedis } from '../../../src/stores/redis-client.js';
import { RedisServer } from '../../support/redis-server.js';
import { definitionOf, free } from '../store/store-contract.js';

const program = fileURLToPath(new URL('../../support/rate-process.js', import.meta.url));

interface Use {
  readonly process: number;
  readonly atMs: number;
  readonly used: number;
  readonly calls: number;
}

describe('the rate of a campaign in three processes', () => {
  let server: RedisServer;
  let store: RedisClusterStore;
  let children: ChildProcess[];
  let uses: Use[];
  const definition = definitionOf();

  before(async function () {
    if (!RedisServer.isInstalled) this.skip();
    server = await RedisServer.start();
    store = new RedisClusterStore(await openRedis({ url: server.url }), { prefix: 'peal' });
  });
  after(async () => {
    await store?.close();
    await server?.stop();
  });
  beforeEach(async () => {
    uses = [];
    await store.begin(definition, { ...free, ratePerSecond: 150 });
    await store.steer(definition.id, { ratePerSecond: 150 });
    children = [0, 1, 2].map((number) => {
      const child = spawn(process.execPath, [program, server.url, definition.id], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      createInterface({ input: child.stdout! }).on('line', (line) => {
        uses.push({ process: number, ...(JSON.parse(line) as Omit<Use, 'process'>) });
      });
      return child;
    });
    await until(() => [0, 1, 2].every((number) => usedBy(number, 0) > 0));
    // What was left in the bucket is gone.
    await sleep(500);
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await store.steer(definition.id, { ratePerSecond: 150 });
  });

  const usedBy = (number: number, fromMs: number, toMs = Number.POSITIVE_INFINITY): number =>
    uses
      .filter(({ process, atMs }) => process === number && atMs >= fromMs && atMs < toMs)
      .reduce((sum, { used }) => sum + used, 0);
  const rateOf = (fromMs: number, toMs: number): number =>
    ([0, 1, 2].reduce((sum, number) => sum + usedBy(number, fromMs, toMs), 0) * 1000) / (toMs - fromMs);

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await sleep(20);
  }

  /** Waits until what was used from now on is known for so long; returns the rate. */
  async function rateFor(ms: number): Promise<number> {
    const fromMs = Date.now();
    await until(() => Date.now() > fromMs + ms + 200);
    return rateOf(fromMs, fromMs + ms);
  }

  it('is kept to within 5 %, in parts for each, with at most some ten calls a second', async () => {
    const fromMs = Date.now();
    const rate = await rateFor(4000);
    assert.ok(rate > 142 && rate < 158, `${rate} a second`);
    for (const number of [0, 1, 2]) {
      const part = usedBy(number, fromMs, fromMs + 4000);
      assert.ok(part > 100, `${part} of 600 for one of three`);
      const calls = uses.filter(({ process, atMs }) => process === number && atMs >= fromMs && atMs < fromMs + 4000);
      const perSecond = calls.reduce((sum, use) => sum + use.calls, 0) / 4;
      assert.ok(perSecond <= 14, `${perSecond} calls a second`);
    }
  });

  it('is another one within a second of a change, up and down', async () => {
    for (const ratePerSecond of [20_000, 50]) {
      await store.steer(definition.id, { ratePerSecond });
      await sleep(1000);
      // So long that what one process has at once, after a moment without a core, is a small part.
      const rate = await rateFor(6000);
      assert.ok(Math.abs(rate - ratePerSecond) < 0.05 * ratePerSecond + 1, `${rate} for ${ratePerSecond}`);
    }
  });

  it('goes to those that are left within a second when one is killed', async () => {
    children[0]!.kill('SIGKILL');
    await once(children[0]!, 'exit');
    await sleep(1000);
    const fromMs = Date.now();
    const rate = await rateFor(3000);
    assert.equal(usedBy(0, fromMs), 0);
    assert.ok(rate > 142 && rate < 158, `${rate} a second`);
  });
});
