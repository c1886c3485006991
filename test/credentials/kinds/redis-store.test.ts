import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/base/log.js';
import { RedisStore } from '../../../src/credentials/kinds/redis-store.js';
import { Sealer } from '../../../src/credentials/sealing/sealer.js';
import { RedisServer } from '../../support/redis-server.js';
import {
  app,
  clientCertificate,
  fingerprintsOf,
  production,
  sealingKey,
  storeContract,
  until,
} from './store-contract.js';

describe('credentials in Redis', () => {
  const old = sealingKey('old');
  const sealer = new Sealer(old);
  const key = `peal:{credentials}:of:${app} production`;
  let server: RedisServer;
  const open = (own = sealer): Promise<RedisStore> =>
    RedisStore.open(server.url, `redis://127.0.0.1:${server.port}`, own, silentLogger);

  before(async function () {
    if (!RedisServer.isInstalled) return this.skip();
    server = await RedisServer.start();
  });

  after(async () => {
    await server?.stop();
  });

  storeContract(() => open());

  it('lie below one prefix, in one slot of a cluster', async () => {
    const store = await open();
    await store.put(clientCertificate());
    const keys = server.cli('keys', '*').split('\n');
    assert.deepEqual(
      keys.filter((one) => !one.startsWith('peal:{credentials}:')),
      [],
    );
    await store.close();
  });

  it('never give the number of a version again', async () => {
    const store = await open();
    const first = Number(await store.put(clientCertificate()));
    await store.remove(production, null);
    assert.equal(await store.put(clientCertificate()), String(first + 1));
    await store.close();
  });

  it('open nowhere but in their own place and version, and not when they are no records', async () => {
    const store = await open();
    await store.remove(production, null);
    const version = await store.put(clientCertificate());
    server.cli('hset', key, String(Number(version) + 1), server.cli('hget', key, version));
    server.cli('hset', key, String(Number(version) + 2), 'canary');
    const [broken, moved, own] = await store.versionsOf(production);
    assert.throws(() => broken!.open(), { message: 'The record in the store is not a credential.' });
    assert.throws(() => moved!.open(), /moved here from another place/);
    own!.open();
    assert.deepEqual(
      (await store.list()).map(({ problem }) => problem),
      ['The record in the store is not a credential.', null, null],
    );
    await store.remove(production, null);
    await store.close();
  });

  it('are sealed anew with another key, and then need the old one no longer', async () => {
    const store = await open();
    await store.remove(production, null);
    const added = [clientCertificate(), clientCertificate()];
    for (const one of added) await store.put(one);
    const young = sealingKey('young');
    const both = await open(new Sealer(`${young}\n${old}`));
    assert.equal(await both.reseal(), 2);
    assert.equal(await both.reseal(), 0);
    const alone = await open(new Sealer(young));
    assert.deepEqual(await fingerprintsOf(alone), added.map(({ summary }) => summary.fingerprint).reverse());
    assert.deepEqual(
      (await alone.list()).map(({ sealedWith }) => sealedWith),
      ['young', 'young'],
    );
    await assert.rejects(store.reseal(), { code: 'ERR_PEAL_CREDENTIAL' });
    for (const one of [store, both, alone]) await one.close();
  });

  it('tell of changes again after the server was killed, and keep what was added before', async () => {
    const [store, other] = [await open(), await open()];
    await store.remove(production, null);
    const added = clientCertificate();
    await store.put(added);
    let told = 0;
    store.subscribe(() => void told++);
    await until(() => told > 0);
    await server.kill9();
    await assert.rejects(store.versionsOf(production), { code: 'ERR_PEAL_STORE', retryable: true });
    await server.restart();
    await until(() =>
      fingerprintsOf(store).then(
        () => true,
        () => false,
      ),
    );
    assert.deepEqual(await fingerprintsOf(store), [added.summary.fingerprint]);
    told = 0;
    await until(() =>
      other.put(clientCertificate()).then(
        () => true,
        () => false,
      ),
    );
    await until(() => told > 0);
    await store.close();
    await other.close();
  });
});
