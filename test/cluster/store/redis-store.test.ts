/** The store of clusters in a real Redis: the contract, and what is special about Redis. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ClusterStore } from '../../../src/cluster/store/cluster-store.js';
import { openClusterStore } from '../../../src/cluster/store/open-store.js';
import { RedisClusterStore } from '../../../src/cluster/store/redis-store.js';
import { openRedis } from '../../../src/stores/redis-client.js';
import { cases } from '../../support/cases.js';
import { MemorySliceBlobs } from '../../support/memory-cluster-store.js';
import { RedisServer } from '../../support/redis-server.js';
import { testSliceBlobs } from './blobs-contract.js';
import { definitionOf, free, testClusterStore, textCommit } from './store-contract.js';

const suite = RedisServer.isInstalled ? describe : describe.skip;

suite('a store of clusters in Redis', () => {
  let redis: RedisServer;
  const open: ClusterStore[] = [];

  before(async () => {
    redis = await RedisServer.start({ maxMemory: '64mb' });
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
  });
  after(() => redis.stop());

  async function openStore(patienceMs = 60_000, url = redis.url): Promise<RedisClusterStore> {
    const store = new RedisClusterStore(await openRedis({ url }), { prefix: 'peal', patienceMs });
    open.push(store);
    return store;
  }

  /** A store that does the next step and does not learn so: it does not try again. */
  async function openLossyStore(): Promise<{ store: RedisClusterStore; losesNext(): void }> {
    const client = await openRedis({ url: redis.url });
    const store = new RedisClusterStore(client, { prefix: 'peal', patienceMs: 0 });
    open.push(store);
    const call = client.call.bind(client) as (...args: unknown[]) => Promise<unknown>;
    let loses = false;
    client.call = (async (...args: unknown[]) => {
      const reply = await call(...args);
      if (!loses) return reply;
      loses = false;
      throw new Error('Connection is closed.');
    }) as never;
    const losesNext = (): void => {
      loses = true;
    };
    return { store, losesNext };
  }

  testClusterStore(() => ({ open: () => openStore(), pass: (ms) => sleep(ms), interleavings: cases(2000, 150) }));

  it('rejects once the server was away for too long, and waits until it is back otherwise', async () => {
    const own = await RedisServer.start();
    try {
      const [hasty, patient] = [await openStore(200, own.url), await openStore(60_000, own.url)];
      const definition = definitionOf();
      await hasty.begin(definition, free);
      await own.kill9();
      await assert.rejects(hasty.steering(definition.id), { code: 'ERR_PEAL_STORE', retryable: true });
      const waiting = patient.steering(definition.id);
      await own.restart();
      assert.deepEqual(await waiting, { ...free, isHeld: false });
    } finally {
      await own.stop();
    }
  });

  it('ends what waits when it is closed', async () => {
    const own = await RedisServer.start();
    try {
      const store = await openStore(600_000, own.url);
      await own.kill9();
      const waiting = assert.rejects(store.workers(), { code: 'ERR_PEAL_STORE' });
      await store.close();
      await waiting;
    } finally {
      await own.stop();
    }
  });

  it('loses nothing that resolved, and tells nothing twice, when Redis is killed in the middle of commits', async () => {
    const own = await RedisServer.start();
    try {
      const [store, reader] = [await openStore(60_000, own.url), await openStore(60_000, own.url)];
      const definition = definitionOf();
      const { id } = definition;
      await store.begin(definition, free);
      const commits = 1000;
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
      const killer = async (): Promise<void> => {
        for (const share of [0.2, 0.5, 0.8]) {
          while (done < share * commits) await sleep(1);
          await own.restart();
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
      await Promise.all([...Array.from({ length: slices }, (_, slice) => run(slice)), killer(), readAll()]);
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
    } finally {
      await own.stop();
    }
  });

  it('says that Redis is out of memory, adds nothing by halves, and goes on once outcomes were removed', async () => {
    const own = await RedisServer.start({ maxMemory: '6mb' });
    try {
      const [store, steerer] = [await openStore(2000, own.url), await openStore(300, own.url)];
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
      own.cli('CONFIG', 'SET', 'maxmemory', '2mb');
      await assert.rejects(steerer.addSlice(id, 1, Buffer.from('m')), { code: 'ERR_PEAL_STORE', retryable: true });
      // Leases and steering need next to nothing, and keep the cluster in order meanwhile.
      assert.equal(await steerer.hold(id, 'me', 60_000), true);
      await steerer.steer(id, { isPaused: true });
      const found = await steerer.outcomes(id, 0, 1000);
      assert.equal(found.length, resolved);
      own.cli('CONFIG', 'SET', 'maxmemory', '6mb');
      const waiting = store.commit(claim, stuck);
      await steerer.removeOutcomes(id, resolved);
      assert.equal((await waiting).isPaused, true);
      assert.equal((await steerer.outcomes(id, 0, 10)).length, 1);
      await steerer.removeSlices(id, [0]);
      await steerer.letGo(id, 'me');
      await steerer.end(id);
    } finally {
      await own.stop();
    }
  });

  it('goes on from outcomes that were removed, where the answer was lost', async () => {
    const [store, lossy] = [await openStore(), await openLossyStore()];
    const { id } = definitionOf();
    await store.begin(definitionOf(id), free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await store.claim(id, 0, 'w'))!;
    await store.commit(claim, textCommit({}, ['1', '2', '3', '4', '5']));
    await lossy.store.outcomes(id, 0, 2);
    lossy.losesNext();
    await assert.rejects(lossy.store.removeOutcomes(id, 2), { code: 'ERR_PEAL_STORE' });
    assert.equal(Buffer.from((await lossy.store.outcomes(id, 2, 1))[0]!).toString(), '3');
    await lossy.store.removeOutcomes(id, 3);
    assert.equal(Buffer.from((await lossy.store.outcomes(id, 1, 9))[0]!).toString(), '5');
    assert.equal((await store.outcomes(id, 0, 9)).length, 2);
  });

  it('lets a commit hold once whose answer was lost', async () => {
    const [store, lossy] = [await openStore(), await openLossyStore()];
    const { id } = definitionOf();
    await store.begin(definitionOf(id), free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await lossy.store.claim(id, 0, 'w'))!;
    const commit = textCommit({ a: '1' }, ['1'], true);
    lossy.losesNext();
    await assert.rejects(lossy.store.commit(claim, commit), { code: 'ERR_PEAL_STORE' });
    await lossy.store.commit(claim, commit);
    assert.equal((await store.outcomes(id, 0, 9)).length, 1);
  });

  it('has a time to live for every key, and leaves none of a campaign that has ended', async () => {
    const store = await openStore();
    const definition = definitionOf();
    const { id } = definition;
    const keys = (): string[] => redis.cli('--scan', '--pattern', `*${id}*`).split('\n').filter(Boolean);
    await store.begin(definition, { ...free, ratePerSecond: 100 });
    await store.hold(id, 'me', 60_000);
    for (const slice of [0, 1]) await store.addSlice(id, slice, Buffer.from('m'));
    const [ended, open] = [(await store.claim(id, 0, 'w'))!, (await store.claim(id, 1, 'w'))!];
    await store.commit(ended, textCommit({ a: '1' }, ['1'], true));
    await store.commit(open, textCommit({ a: '1' }, ['1']));
    await store.take(id, 3);
    assert.deepEqual(
      keys().sort(),
      ['campaign', 'manifests', 'outcomes', 'r1', 'slices'].map((name) => `peal:{${id}}:${name}`),
    );
    const lives = keys().map((key) => [key, Number(redis.cli('PTTL', key))] as const);
    const [[, campaignLife], ...others] = lives.sort(([a], [b]) => (a < b ? -1 : 1)) as [[string, number]];
    assert.ok(campaignLife > 29 * 86_400_000);
    for (const [key, life] of others as readonly (readonly [string, number])[]) assert.ok(life > campaignLife, key);
    await store.end(id);
    assert.deepEqual(keys(), []);
  });

  it('does not take a campaign that was forgotten for a new one by halves', async () => {
    const store = await openStore();
    const definition = definitionOf();
    const { id } = definition;
    await store.begin(definition, free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await store.claim(id, 0, 'w'))!;
    await store.commit(claim, textCommit({ a: '1' }, ['1']));
    redis.cli('DEL', `peal:{${id}}:campaign`);
    await assert.rejects(store.commit(claim, textCommit({ a: '2' }, ['2'])), { code: 'ERR_PEAL_FENCED' });
    assert.equal(await store.begin(definition, free), true);
    assert.deepEqual(await store.slices(id), []);
    assert.equal(redis.cli('--scan', '--pattern', `*{${id}}*`), `peal:{${id}}:campaign`);
  });

  it('refuses a commit before which others are missing, as after a loss of data', async () => {
    const store = await openStore();
    const definition = definitionOf();
    const { id } = definition;
    await store.begin(definition, free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await store.claim(id, 0, 'w'))!;
    for (const text of ['1', '2']) await store.commit(claim, textCommit({}, [text]));
    redis.cli('HSET', `peal:{${id}}:slices`, '0', '1 1 c w');
    await assert.rejects(store.commit(claim, textCommit({}, ['3'])), { code: 'ERR_PEAL_FENCED' });
  });

  testSliceBlobs(async () => {
    const { store, blobs } = await openClusterStore(redis.url);
    open.push(store, { close: async () => blobs.close!() } as ClusterStore);
    return blobs;
  });

  it('is opened by a URL, with bytes on the same server, on another one, in a folder, or by a kind of one’s own', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-blobs-'));
    const own = new MemorySliceBlobs();
    for (const blobs of ['store:', redis.url, `file:${folder}`, pathToFileURL(folder).href, own]) {
      const opened = await openClusterStore(redis.url, { prefix: 'other', blobs });
      await opened.blobs.put('name', Buffer.from('bytes'));
      assert.equal(Buffer.from((await opened.blobs.get('name'))!).toString(), 'bytes');
      assert.ok(Array.isArray(await opened.store.campaigns()));
      await opened.close();
    }
    assert.deepEqual(readdirSync(folder), ['name']);
    assert.deepEqual([...own.all.keys()], ['name']);
    assert.equal(redis.cli('GET', 'other:blob:name'), 'bytes');
    rmSync(folder, { recursive: true });
  });

  it('says what is wrong with a URL or an option', async () => {
    for (const [url, options] of [
      ['http://127.0.0.1', {}],
      [redis.url, { prefix: 'a b' }],
      [redis.url, { blobs: 'ftp://host' }],
      [redis.url, { blobs: 'file:relative' }],
      [redis.url, { blobs: 'file://host/%zz' }],
    ] as const) {
      await assert.rejects(openClusterStore(url, options), { code: 'ERR_PEAL_OPTION', origin: 'usage' });
    }
    await assert.rejects(openClusterStore('redis://127.0.0.1:1'), { code: 'ERR_PEAL_STORE' });
  });
});
