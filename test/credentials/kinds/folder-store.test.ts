import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import { FolderStore } from '../../../src/credentials/kinds/folder-store.js';
import { createThrowAwayProviderKey } from '../../../src/simulator/listen/certificate.js';
import {
  app,
  authority,
  clientCertificate,
  fingerprintsOf,
  production,
  storeContract,
  until,
} from './store-contract.js';

describe('credentials in a folder', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'peal-'));
  const own = path.join(folder, app);
  const manifest = path.join(own, 'credentials.json');
  after(() => rmSync(folder, { recursive: true }));

  storeContract(async () => new FolderStore(folder));

  it('are files that their owner alone may read, and a manifest without secrets', async function () {
    if (process.platform === 'win32') return this.skip();
    const store = new FolderStore(folder);
    const added = clientCertificate();
    await store.put(added);
    const names = readdirSync(own);
    assert.equal(names.length, 3, names.join());
    for (const name of names) assert.equal(statSync(path.join(own, name)).mode & 0o777, 0o600, name);
    assert.doesNotMatch(readFileSync(manifest, 'utf8'), /BEGIN/);
    await store.remove(production, null);
    assert.deepEqual(readdirSync(own), ['credentials.json']);
  });

  it('are as a person writes them, one object or a list, by the names of their files', async () => {
    const store = new FolderStore(folder);
    const { p8, keyId, teamId } = createThrowAwayProviderKey();
    const [young, old] = [authority.issueClient(app), authority.issueClient(app)];
    await mkdir(own, { recursive: true });
    for (const [name, text] of Object.entries({
      'key.p8': p8,
      'young.pem': young.cert + young.key,
      'old.pem': old.cert,
      'old.key': old.key,
    })) {
      writeFileSync(path.join(own, name), text, { mode: 0o600 });
    }
    writeFileSync(
      manifest,
      JSON.stringify({
        sandbox: { key: 'key.p8', keyId, teamId },
        production: [{ cert: 'young.pem' }, { cert: path.join(own, 'old.pem'), key: 'old.key' }],
      }),
    );
    assert.deepEqual(
      await fingerprintsOf(store),
      [young, old].map((options) => loadCredential(options).fingerprint),
    );
    assert.equal((await fingerprintsOf(store, { app, environment: 'development' })).length, 1);
    assert.equal((await store.list()).length, 3);
  });

  it('have another version once a file has other contents under its name', async () => {
    const store = new FolderStore(folder);
    await mkdir(own, { recursive: true });
    const write = (name: string): void => {
      const { cert, key } = authority.issueClient(app);
      writeFileSync(path.join(own, name), cert + key, { mode: 0o600 });
    };
    write('push.pem');
    writeFileSync(manifest, JSON.stringify({ production: { cert: 'push.pem' } }));
    let told = 0;
    const stop = store.subscribe(() => void told++);
    await until(() => told > 0);
    const [before] = await store.versionsOf(production);
    told = 0;
    write('push.new');
    renameSync(path.join(own, 'push.new'), path.join(own, 'push.pem'));
    await until(() => told > 0);
    const [later] = await store.versionsOf(production);
    assert.notEqual(before!.version, later!.version);
    stop();
  });

  it('are refused where the manifest is wrong, in a sentence that names it', async () => {
    const store = new FolderStore(folder);
    await mkdir(own, { recursive: true });
    for (const [text, message] of [
      ['{', /credentials\.json is not JSON\.$/],
      ['[]', /must be a JSON object/],
      ['{"prod": {}}', /has "prod"\. Expected "production" and "development"\.$/],
      ['{"sandbox": {}, "development": {}}', /has both/],
      ['{"production": "key.p8"}', /must have an object, or a list of objects/],
      ['{"production": {"p8": "key.p8"}}', /has "p8", where only these may stand/],
      ['{"production": {"key": ["canary"]}}', /has "key", where only these may stand/],
    ] as const) {
      writeFileSync(manifest, text);
      await assert.rejects(store.versionsOf(production), { code: 'ERR_PEAL_CREDENTIAL', message });
    }
    rmSync(manifest);
    assert.deepEqual(await store.versionsOf(production), []);
  });

  it('tell a missing folder from an app without credentials', async () => {
    const store = new FolderStore(path.join(folder, 'not'));
    await assert.rejects(store.versionsOf(production), {
      code: 'ERR_PEAL_INPUT',
      retryable: true,
      message: /The folder .*not does not exist\.$/,
    });
    await assert.rejects(store.list(), { code: 'ERR_PEAL_INPUT' });
  });

  it('name what is wrong with a version when it is listed or loaded', async () => {
    const store = new FolderStore(folder);
    await mkdir(own, { recursive: true });
    writeFileSync(manifest, JSON.stringify({ production: { cert: 'gone.pem' } }));
    const [entry] = await store.list();
    assert.match(entry!.problem!, /gone\.pem \(option cert\) does not exist\.$/);
    const [stored] = await store.versionsOf(production);
    assert.throws(() => loadCredential(stored!.open().options), /does not exist/);
    rmSync(manifest);
  });
});
