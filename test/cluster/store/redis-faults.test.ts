/**
 * The store of clusters in Redis under faults: killed with -9 and started again with its file, out of memory, cut off.
 * What resolved is there, and nothing is there twice.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { PealError } from '../../../src/base/errors.js';
import type { ClusterStore } from '../../../src/cluster/store/cluster-store.js';
import { RedisClusterStore } from '../../../src/cluster/store/redis-store.js';
import { openRedis, type RedisClient } from '../../../src/stores/redis-client.js';
import { CutProxy } from '../../support/cut-proxy.js';
import { Prng } from '../../support/prng.js';
import { RedisServer } from '../../support/redis-server.js';
import { definitionOf, free, textCommit } from './store-contract.js';

const suite = RedisServer.isInstalled ? describe : describe.skip;

suite('a store of clusters in Redis under faults', () => {
  const open: ClusterStore[] = [];
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await RedisServer.start();
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
    await redis.stop();
  });

  async function openStore(url = redis.url, patienceMs = 60_000, commandTimeoutMs = 5000): Promise<ClusterStore> {
    const store = new RedisClusterStore(await openClient(url, commandTimeoutMs), { prefix: 'peal', patienceMs });
    open.push(store);
    return store;
  }

  /**
   * A connection is asked as it opens, and a busy machine may take longer for that than a command of these tests has.
   */
  async function openClient(url: string, commandTimeoutMs: number): Promise<RedisClient> {
    for (;;) {
      try {
        return await openRedis({ url, commandTimeoutMs });
      } catch (error) {
        if (!(error instanceof PealError && error.message.includes('does not answer within'))) throw error;
      }
    }
  }

  /** Commits of four slices, each one after the other, while `disturb` goes on and a dispatcher takes the outcomes. */
  async function runThrough(
    store: ClusterStore,
    reader: ClusterStore,
    commits: number,
    disturb: (doneShare: () => number) => Promise<void>,
  ): Promise<void> {
    const { id } = definitionOf();
    await store.begin(definitionOf(id), free);
    const slices = 4;
    let done = 0;
    const run = async (slice: number): Promise<void> => {
      await store.addSlice(id, slice, Buffer.from('m'));
      const claim = (await store.claim(id, slice, 'w'))!;
      for (let at = 0; at < commits / slices; at++) {
        await store.commit(claim, textCommit({ last: `${at}` }, [`${slice}/${at}`]));
        done += 1;
      }
    };
    const read: string[] = [];
    const readAll = async (): Promise<void> => {
      while (read.length < commits) {
        const some = await reader.outcomes(id, 0, 50);
        await reader.removeOutcomes(id, some.length);
        read.push(...some.map((bytes) => Buffer.from(bytes).toString()));
        if (some.length === 0) await sleep(2);
      }
    };
    const all = Array.from({ length: slices }, (_, slice) => run(slice));
    await Promise.all([...all, disturb(() => done / commits), readAll()]);
    for (let slice = 0; slice < slices; slice++) {
      const mine = read.filter((text) => text.startsWith(`${slice}/`));
      assert.deepEqual(
        mine,
        Array.from({ length: commits / slices }, (_, at) => `${slice}/${at}`),
      );
      const { records } = (await store.claim(id, slice, 'w2'))!;
      assert.equal(Buffer.from(records[0]![1]).toString(), `${commits / slices - 1}`);
    }
    assert.equal(read.length, commits);
  }

  it('loses nothing that resolved, and tells nothing twice, when Redis is killed in the middle of 1,000 commits', async () => {
    const [store, reader] = [await openStore(), await openStore()];
    await runThrough(store, reader, 1000, async (doneShare) => {
      for (const share of [0.2, 0.5, 0.8]) {
        while (doneShare() < share) await sleep(1);
        await redis.restart();
      }
    });
  });

  it('does the same when the network is cut, with bytes lost or late', async () => {
    const seed = Number(process.env.PEAL_TEST_SEED ?? Date.now() % 100_000);
    const random = new Prng(seed);
    await using proxy = await CutProxy.start(redis.port);
    const url = redis.urlAt(proxy.port);
    const [store, reader] = [await openStore(url, 60_000, 200), await openStore(url, 60_000, 200)];
    await runThrough(store, reader, 1000, async (doneShare) => {
      for (let cut = 1; cut <= 6; cut++) {
        while (doneShare() < cut * 0.14) await sleep(1);
        await proxy.cut(random.pick(['stall', 'refuse'] as const));
        // Longer and shorter than a command may take.
        await sleep(random.int(400));
        await proxy.heal();
      }
    }).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    });
  });

  it('goes on after a time in which Redis did not run, without doing anything twice', async () => {
    const [store, reader] = [await openStore(redis.url, 60_000, 200), await openStore(redis.url, 60_000, 200)];
    await runThrough(store, reader, 400, async (doneShare) => {
      while (doneShare() < 0.5) await sleep(1);
      redis.pause();
      await sleep(500);
      redis.resume();
    });
  });

  it('waits for a replica to become the primary', async () => {
    const store = await openStore();
    redis.cli('REPLICAOF', '127.0.0.1', '1');
    const begun = store.begin(definitionOf(), free);
    redis.cli('REPLICAOF', 'NO', 'ONE');
    assert.equal(await begun, true);
    redis.cli('REPLICAOF', '127.0.0.1', '1');
    const hasty = await openStore(redis.url, 100);
    await assert.rejects(hasty.begin(definitionOf(), free), {
      code: 'ERR_PEAL_STORE',
      retryable: true,
      message: /is a replica/,
    });
  });

  it('rejects once the server was away for too long, and waits until it is back otherwise', async () => {
    const [hasty, patient] = [await openStore(redis.url, 200), await openStore()];
    const { id } = definitionOf();
    await hasty.begin(definitionOf(id), free);
    await redis.kill9();
    await assert.rejects(hasty.steering(id), { code: 'ERR_PEAL_STORE', retryable: true });
    const waiting = patient.steering(id);
    await redis.restart();
    assert.deepEqual(await waiting, { ...free, isHeld: false });
  });

  it('ends what waits when it is closed', async () => {
    const store = await openStore(redis.url, 600_000, 200);
    await redis.kill9();
    const waiting = assert.rejects(store.workers(), { code: 'ERR_PEAL_STORE' });
    await store.close();
    await waiting;
  });

  it('says that Redis is out of memory, adds nothing by halves, and goes on once outcomes were removed', async () => {
    redis.cli('CONFIG', 'SET', 'maxmemory', '6mb');
    const [store, steerer] = [await openStore(redis.url, 2000), await openStore(redis.url, 300)];
    const definition = definitionOf();
    const { id } = definition;
    await store.begin(definition, free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await store.claim(id, 0, 'w'))!;
    const large = 'x'.repeat(100_000);
    let resolved = 0;
    let stuck = textCommit({}, []);
    for (; resolved < 200; resolved++) {
      stuck = textCommit({ last: `${resolved}` }, [`${resolved} ${large}`]);
      const problem = await store.commit(claim, stuck).then(
        () => null,
        (error: Error) => error,
      );
      if (problem === null) continue;
      assert.match(problem.message, /^Redis at 127\.0\.0\.1:\d+ has no memory left \(maxmemory\)/);
      assert.equal((problem as { code?: unknown }).code, 'ERR_PEAL_STORE');
      break;
    }
    assert.ok(resolved > 5 && resolved < 200);
    redis.cli('CONFIG', 'SET', 'maxmemory', '2mb');
    await assert.rejects(steerer.addSlice(id, 1, Buffer.from('m')), { code: 'ERR_PEAL_STORE', retryable: true });
    // Leases and steering need next to nothing, and keep the cluster in order meanwhile.
    assert.equal(await steerer.hold(id, 'me', 60_000), true);
    await steerer.steer(id, { isPaused: true });
    const found = await steerer.outcomes(id, 0, 1000);
    assert.equal(found.length, resolved);
    redis.cli('CONFIG', 'SET', 'maxmemory', '6mb');
    const waiting = store.commit(claim, stuck);
    await steerer.removeOutcomes(id, resolved);
    assert.equal((await waiting).isPaused, true);
    assert.equal((await steerer.outcomes(id, 0, 10)).length, 1);
    await steerer.removeSlices(id, [0]);
    await steerer.letGo(id, 'me');
    await steerer.end(id);
  });
});
