/** The store of clusters in a real PostgreSQL: the contract, and what a lost connection leaves. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SliceBlobs } from '../../../src/cluster/store/cluster-store.js';
import { type OpenedStore, openClusterStore } from '../../../src/cluster/store/open-store.js';
import { PostgresClient } from '../../../src/stores/postgres-client.js';
import { cases } from '../../support/cases.js';
import { PostgresServer } from '../../support/postgres-server.js';
import { testSliceBlobs } from './blobs-contract.js';
import { definitionOf, free, testClusterStore, textCommit } from './store-contract.js';

const suite = PostgresServer.isInstalled ? describe : describe.skip;

suite('a store of clusters in PostgreSQL', () => {
  let postgres: PostgresServer;
  const open: OpenedStore[] = [];

  before(async () => {
    postgres = await PostgresServer.start();
  });
  afterEach(async () => {
    for (const opened of open.splice(0)) await opened.close();
  });
  after(() => postgres.stop());

  async function openStore(patienceMs = 60_000): Promise<OpenedStore> {
    const opened = await openClusterStore(postgres.url, { patienceMs });
    open.push(opened);
    return opened;
  }

  testClusterStore(() => ({
    open: async () => (await openStore()).store,
    pass: (ms) => sleep(ms),
    interleavings: cases(500, 30),
  }));

  testSliceBlobs(async (): Promise<SliceBlobs> => (await openStore()).blobs);

  it('makes its tables once, however many open it at a time', async () => {
    const opened = await Promise.all(
      Array.from({ length: 4 }, () => openClusterStore(postgres.url, { prefix: 'p-2' })),
    );
    assert.deepEqual(await opened[3]!.store.campaigns(), []);
    for (const one of opened) await one.close();
  });

  it('loses nothing that resolved, and tells nothing twice, when it crashes in the middle of commits', async () => {
    const [{ store }, { store: reader }] = [await openStore(), await openStore()];
    const { id } = definitionOf();
    await store.begin(definitionOf(id), free);
    await store.addSlice(id, 0, Buffer.from('m'));
    const claim = (await store.claim(id, 0, 'w'))!;
    const commits = 300;
    let done = 0;
    const run = async (): Promise<void> => {
      for (; done < commits; done++) await store.commit(claim, textCommit({ last: `${done}` }, [`${done}`]));
    };
    const crash = async (): Promise<void> => {
      while (done < commits / 2) await sleep(1);
      await postgres.crash();
      await postgres.restart();
    };
    await Promise.all([run(), crash()]);
    const found = (await reader.outcomes(id, 0, 1000)).map((bytes) => Buffer.from(bytes).toString());
    assert.deepEqual(
      found,
      Array.from({ length: commits }, (_, at) => `${at}`),
    );
  });

  it('forgets campaigns and bytes that nobody has held for weeks, when another one begins', async () => {
    const { store, blobs } = await openStore();
    const [old, recent] = [definitionOf(), definitionOf()];
    for (const definition of [old, recent]) await store.begin(definition, free);
    await store.addSlice(old.id, 0, Buffer.from('m'));
    await blobs.put(`${old.id}-s0`, Buffer.from('b'));
    await using client = await PostgresClient.open({ url: postgres.url });
    const past = "now() - interval '31 days'";
    await client.query(`update peal_cluster_campaigns set renewed = ${past} where id = $1`, [old.id]);
    await client.query(`update peal_cluster_blobs set stored = ${past} where name = $1`, [`${old.id}-s0`]);
    await store.begin(definitionOf(), free);
    assert.equal(await store.definition(old.id), null);
    assert.deepEqual(await store.slices(old.id), []);
    assert.equal(await blobs.get(`${old.id}-s0`), null);
    assert.deepEqual(await store.definition(recent.id), recent);
  });
});
