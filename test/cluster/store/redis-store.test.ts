/** The store of clusters in a real Redis: the contract, and what is special about Redis. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ClusterStore, SliceClaim } from '../../../src/cluster/store/cluster-store.js';
import { openClusterStore } from '../../../src/cluster/store/open-store.js';
import { RedisClusterStore } from '../../../src/cluster/store/redis-store.js';
import { openRedis } from '../../../src/stores/redis-client.js';
import { cases } from '../../support/cases.js';
import { MemorySliceBlobs } from '../../support/memory-cluster-store.js';
import { quietPort } from '../../support/quiet-port.js';
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

  it('does each step by one call of a script, however large the campaign is', async () => {
    const store = await openStore();
    const { id } = definitionOf();
    await store.begin(definitionOf(id), free);
    const calls = async (step: () => Promise<unknown>): Promise<number> => {
      const count = (): number => Number(/cmdstat_evalsha:calls=(\d+)/.exec(redis.cli('INFO', 'commandstats'))![1]);
      const before = count();
      await step();
      return count() - before;
    };
    for (let slice = 0; slice < 300; slice++) await store.addSlice(id, slice, Buffer.from('m'));
    for (const slice of [1, 2]) {
      let claim: SliceClaim | null = null;
      const claiming = async (): Promise<void> => {
        claim = await store.claim(id, slice, 'w');
      };
      assert.equal(await calls(claiming), 1);
      const records = Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`b${at}`, 'r'.repeat(40)]));
      const outcomes = Array.from({ length: 10 }, (_, at) => `${at}`);
      assert.equal(await calls(() => store.commit(claim!, textCommit(records, outcomes))), 1);
      assert.equal(await calls(() => store.commit(claim!, textCommit(records, outcomes, true))), 1);
    }
    assert.equal(await calls(() => store.outcomes(id, 0, 1000)), 1);
    assert.equal(await calls(() => store.removeOutcomes(id, 40)), 1);
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

suite('a store of clusters in a Redis Cluster', () => {
  let redis: RedisServer;
  const open: ClusterStore[] = [];

  before(async () => {
    // By itself the port of its nodes is 10,000 above its own, where the system gives ports to anybody.
    const nodes = String(await quietPort());
    redis = await RedisServer.start({ settings: { 'cluster-enabled': 'yes', 'cluster-port': nodes } });
    redis.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    while (!redis.cli('CLUSTER', 'INFO').includes('cluster_state:ok')) await sleep(20);
  });
  afterEach(async () => {
    for (const store of open.splice(0)) await store.close();
  });
  after(() => redis?.stop());

  // One node that has all slots refuses, too, what would need two.
  testClusterStore(() => ({
    open: async () => {
      const store = new RedisClusterStore(await openRedis({ url: redis.url }), { prefix: 'peal' });
      open.push(store);
      return store;
    },
    pass: (ms) => sleep(ms),
    interleavings: 10,
  }));
});
