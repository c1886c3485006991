/** What every store of credentials that can be written to does, whatever it is made of. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { loadCredential } from '../../../src/apns/credentials/load-credential.js';
import type { CredentialStore } from '../../../src/credentials/kinds/credential-store.js';
import { NewCredential } from '../../../src/credentials/kinds/new-credential.js';
import type { CredentialPlace } from '../../../src/credentials/kinds/place.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../../src/simulator/listen/certificate.js';

export const authority = new ThrowAwayAuthority();
export const app = 'com.example.app';
export const production: CredentialPlace = { app, environment: 'production' };

export function clientCertificate(gateway?: string): NewCredential {
  const credential = authority.issueClient(app);
  return new NewCredential({ ...production, credential, ...(gateway !== undefined && { gateway }) });
}

export function providerKey(place: CredentialPlace = production): NewCredential {
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  return new NewCredential({ ...place, credential: { key: p8, keyId, teamId } });
}

/** The fingerprints of all versions, the newest first, each opened and loaded. */
export async function fingerprintsOf(store: CredentialStore, place = production): Promise<string[]> {
  const versions = await store.versionsOf(place);
  return versions.map((stored) => loadCredential(stored.open().options).fingerprint);
}

/** Waits until `isTrue`, for as long as the test may take. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(10);
}

/** @param open opens the same store again and again; the tests close what they open */
export function storeContract(open: () => Promise<CredentialStore>): void {
  let store: CredentialStore;

  beforeEach(async () => {
    store = await open();
    await store.migrate();
    for (const { app: one, environment } of await store.list()) await store.remove({ app: one, environment }, null);
  });

  afterEach(async () => {
    await store.close();
  });

  it('gives back what it was given, the newest version first', async () => {
    const [first, second] = [clientCertificate(), providerKey()];
    assert.deepEqual(await store.versionsOf(production), []);
    const old = await store.put(first);
    const young = await store.put(second);
    assert.notEqual(old, young);
    assert.deepEqual(await fingerprintsOf(store), [second.summary.fingerprint, first.summary.fingerprint]);
    assert.deepEqual(
      (await store.versionsOf(production)).map(({ version }) => version),
      [young, old],
    );
    assert.deepEqual(await fingerprintsOf(store, { app, environment: 'development' }), []);
    assert.deepEqual(await fingerprintsOf(store, { app: 'com.example.ap', environment: 'production' }), []);
  });

  it('keeps passphrases, names of identities and gateways', async () => {
    const { cert, key } = authority.issueClient(app);
    const credential = { cert, key, passphrase: 'canary passphrase', identity: app };
    await store.put(new NewCredential({ ...production, credential, gateway: 'https://127.0.0.1:2197' }));
    const [stored] = await store.versionsOf(production);
    const { options, gateway } = stored!.open();
    assert.equal(gateway, 'https://127.0.0.1:2197');
    assert.ok('identity' in options && options.identity === app);
    assert.ok(loadCredential(options).fingerprint !== 'none');
  });

  it('lists what there is, and no secret', async () => {
    const other: CredentialPlace = { app: 'com.example.another', environment: 'development' };
    const [certificate, key] = [clientCertificate('https://127.0.0.1:2197'), providerKey(other)];
    const version = await store.put(certificate);
    await store.put(key);
    const entries = await store.list();
    assert.deepEqual(
      entries.map(({ app: one, environment, kind }) => [one, environment, kind]),
      [
        ['com.example.another', 'development', 'token'],
        [app, 'production', 'certificate'],
      ],
    );
    const entry = entries[1]!;
    const { fingerprint, subject, expiresAt } = certificate.summary;
    assert.deepEqual(
      [entry.version, entry.fingerprint, entry.subject, entry.gateway, entry.problem],
      [version, fingerprint, subject, 'https://127.0.0.1:2197', null],
    );
    assert.equal(new Date(entry.expiresAt!).getTime(), new Date(expiresAt!).getTime());
    assert.ok(Math.abs(Date.parse(entry.addedAt!) - Date.now()) < 600_000, entry.addedAt!);
    const shown = inspect([entries, store, await store.versionsOf(production)], { depth: 20, showHidden: true });
    assert.doesNotMatch(shown + JSON.stringify([entries, store]), /PRIVATE KEY|MIG|MHc/);
  });

  it('removes one version, or all of a place', async () => {
    const [first, second] = [clientCertificate(), clientCertificate()];
    await store.put(first);
    const young = await store.put(second);
    assert.equal(await store.remove(production, 'another'), 0);
    assert.equal(await store.remove(production, young), 1);
    assert.deepEqual(await fingerprintsOf(store), [first.summary.fingerprint]);
    await store.put(second);
    assert.equal(await store.remove(production, null), 2);
    assert.deepEqual(await store.versionsOf(production), []);
    assert.deepEqual(await store.list(), []);
    assert.equal(await store.remove(production, null), 0);
  });

  it('tells of what is added and removed, also by others', async () => {
    const other = await open();
    let told = 0;
    const stop = store.subscribe((changed) => {
      if (changed === null || changed.app === app) told++;
    });
    try {
      // The first notice says that the store is watched.
      await until(() => told > 0);
      for (const change of [() => other.put(clientCertificate()), () => other.remove(production, null)]) {
        told = 0;
        await change();
        await until(() => told > 0);
      }
      stop();
      told = 0;
      let toldOthers = 0;
      const stopOthers = store.subscribe(() => void toldOthers++);
      await until(() => toldOthers > 0);
      toldOthers = 0;
      await other.put(clientCertificate());
      await until(() => toldOthers > 0);
      stopOthers();
      assert.equal(told, 0);
    } finally {
      stop();
      await other.close();
    }
  });

  it('takes what several add at once', async () => {
    const other = await open();
    try {
      const credentials = Array.from({ length: 6 }, () => clientCertificate());
      const places = credentials.map((_, index) => `com.example.app${index}`);
      await Promise.all(
        credentials.map((_, index) => {
          const credential = authority.issueClient(places[index]!);
          const added = new NewCredential({ app: places[index]!, environment: 'production', credential });
          return (index % 2 === 0 ? store : other).put(added);
        }),
      );
      assert.equal((await store.list()).length, credentials.length);
    } finally {
      await other.close();
    }
  });

  it('keeps a credential as large as files may be', async () => {
    const { cert, key } = authority.issueClient(app);
    const long = cert + authority.certificate.repeat(150);
    assert.ok(long.length > 80_000);
    const credential = { cert: long, key };
    const large = new NewCredential({ ...production, credential });
    await store.put(large);
    assert.deepEqual(await fingerprintsOf(store), [large.summary.fingerprint]);
  });
}

/** A ring of one key under this id. */
export function sealingKey(id: string): string {
  return `${id}:${randomBytes(32).toString('base64')}`;
}
