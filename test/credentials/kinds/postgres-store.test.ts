import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { silentLogger } from '../../../src/base/log.js';
import { CredentialCache } from '../../../src/credentials/credential-cache.js';
import { PostgresStore } from '../../../src/credentials/kinds/postgres-store.js';
import { Sealer } from '../../../src/credentials/sealing/sealer.js';
import { drawsAll } from '../../support/cases.js';
import { PostgresServer } from '../../support/postgres-server.js';
import {
  app,
  clientCertificate,
  fingerprintsOf,
  production,
  sealingKey,
  storeContract,
  until,
} from './store-contract.js';

describe('credentials in PostgreSQL', () => {
  const old = sealingKey('old');
  const sealer = new Sealer(old);
  let server: PostgresServer;
  const open = (own = sealer): Promise<PostgresStore> =>
    PostgresStore.open(server.url, `postgres://127.0.0.1:${server.port}/postgres`, own, silentLogger);

  before(async function () {
    if (!PostgresServer.isInstalled) return this.skip();
    server = await PostgresServer.start();
  });

  after(async () => {
    await server?.stop();
  });

  storeContract(() => open());

  it('say how to make their tables, and make them with the first credential', async () => {
    const store = await open();
    server.run('drop table peal_credentials; drop table peal_credential_versions');
    await assert.rejects(store.versionsOf(production), {
      code: 'ERR_PEAL_OPTION',
      message:
        /^postgres:\/\/127\.0\.0\.1:\d+\/postgres has no tables of credentials yet: run "peal credentials migrate"\.$/,
    });
    assert.equal(await store.put(clientCertificate()), '1');
    assert.equal((await fingerprintsOf(store)).length, 1);
    await Promise.all([store.migrate(), store.migrate()]);
    assert.equal((await fingerprintsOf(store)).length, 1);
    await store.close();
  });

  it('never give the number of a version again', async () => {
    const store = await open();
    const first = Number(await store.put(clientCertificate()));
    await store.remove(production, null);
    assert.equal(await store.put(clientCertificate()), String(first + 1));
    await store.close();
  });

  it('open nowhere but in their own place and version', async () => {
    const store = await open();
    await store.remove(production, null);
    const version = await store.put(clientCertificate());
    server.run(`insert into peal_credentials select app, 'development', version, kind, fingerprint, key_id, team_id, subject,
      expires_at, gateway, sealed, added_at from peal_credentials where app = '${app}';
      insert into peal_credentials select app, environment, version + 1, kind, fingerprint, key_id, team_id, subject,
      expires_at, gateway, sealed, added_at from peal_credentials where app = '${app}' and environment = 'production'`);
    const moved = { code: 'ERR_PEAL_CREDENTIAL', message: /moved here from another place/ };
    const [later, own] = await store.versionsOf(production);
    assert.equal(own!.version, version);
    assert.throws(() => later!.open(), moved);
    own!.open();
    const [elsewhere] = await store.versionsOf({ app, environment: 'development' });
    assert.throws(() => elsewhere!.open(), moved);
    await store.remove({ app, environment: 'development' }, null);
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
    const [alone, before] = [await open(new Sealer(young)), store];
    assert.deepEqual(await fingerprintsOf(alone), added.map(({ summary }) => summary.fingerprint).reverse());
    assert.deepEqual(
      (await alone.list()).map(({ sealedWith }) => sealedWith),
      ['young', 'young'],
    );
    const [stored] = await before.versionsOf(production);
    assert.throws(() => stored!.open(), /sealed with the key "young", which is not among the sealing keys \(old\)/);
    await assert.rejects(before.reseal(), { code: 'ERR_PEAL_CREDENTIAL' });
    await alone.remove(production, null);
    for (const one of [store, both, alone]) await one.close();
  });

  it('tell of changes again after the server was away', async () => {
    const [store, other] = [await open(), await open()];
    let told = 0;
    store.subscribe(() => void told++);
    await until(() => told > 0);
    told = 0;
    await server.restart();
    await until(() => told > 0);
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

  it('are used on while the server is away, and in their newest version once it is back', async () => {
    const store = await open();
    await store.remove(production, null);
    await store.put(clientCertificate());
    const warnings: string[] = [];
    const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
    const cache = new CredentialCache(store, { freshMs: 0, log });
    const first = await cache.get(app, 'production');
    await server.shutDown();
    const awayUntil = performance.now() + (drawsAll ? 30_000 : 1_000);
    while (performance.now() < awayUntil) {
      assert.equal((await cache.get(app, 'production')).credential, first.credential);
      await sleep(50);
    }
    assert.equal(warnings.filter((sentence) => sentence.includes('cannot be read')).length, 1, warnings.join('\n'));
    const none = new CredentialCache(store);
    await assert.rejects(none.get(app, 'production'), {
      code: 'ERR_PEAL_STORE',
      message: /^The credential of com\.example\.app \(production\) cannot be read from postgres:.*PostgreSQL at /,
    });
    await server.restart();
    const second = clientCertificate();
    await until(() =>
      store.put(second).then(
        () => true,
        () => false,
      ),
    );
    await until(async () => (await cache.get(app, 'production')).credential.fingerprint === second.summary.fingerprint);
    cache.close();
    none.close();
    await store.close();
  });

  it('show nothing secret to whoever reads the database', async () => {
    const store = await open();
    await store.put(clientCertificate());
    const dump = server.run('select * from peal_credentials; select * from peal_credential_versions').join('\n');
    assert.match(dump, /peal1\.old\./);
    assert.doesNotMatch(dump + inspect(store, { depth: 9, showHidden: true }), /PRIVATE KEY|BEGIN/);
    await store.close();
  });
});
