import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { PealError } from '../../src/base/errors.js';
import { silentLogger } from '../../src/base/log.js';
import { CredentialCache } from '../../src/credentials/credential-cache.js';
import { ChangeNotice } from '../../src/credentials/kinds/change-notice.js';
import {
  type CredentialEntry,
  type CredentialStore,
  type OpenedCredential,
  StoredCredential,
} from '../../src/credentials/kinds/credential-store.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { app, authority, production } from './kinds/store-contract.js';

const name = 'memory:';

/** A store whose contents and faults a test sets. */
class ScriptedStore implements CredentialStore {
  readonly name = name;
  readonly notice = new ChangeNotice(() => () => {});
  versions: readonly StoredCredential[] = [];
  fault: unknown = null;
  readings = 0;
  /** Runs within each reading, before its result is there. */
  meanwhile: () => void | Promise<void> = () => {};

  async versionsOf(): Promise<readonly StoredCredential[]> {
    this.readings++;
    const { versions, fault } = this;
    await this.meanwhile();
    if (fault !== null) throw fault;
    return versions;
  }

  list = async (): Promise<readonly CredentialEntry[]> => [];
  put = async (): Promise<string> => '1';
  remove = async (): Promise<number> => 0;
  reseal = async (): Promise<number> => 0;
  migrate = async (): Promise<void> => {};
  subscribe = (listener: Parameters<CredentialStore['subscribe']>[0]): (() => void) => this.notice.subscribe(listener);
  close = async (): Promise<void> => {};
}

const away = new PealError('ERR_PEAL_STORE', 'Redis at h:1 refuses connections.', { origin: 'store', retryable: true });

function bench(options: { readonly freshMs?: number; readonly keptMs?: number } = {}) {
  const clock = new VirtualClock(Date.now());
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
  const store = new ScriptedStore();
  const cache = new CredentialCache(store, { clock, log, ...options });
  const get = () => cache.get(app, 'production');
  return { clock, warnings, store, cache, get };
}

const certificate = (): OpenedCredential => ({ options: authority.issueClient(app), gateway: null });
const version = (label: string, opened = certificate()): StoredCredential => new StoredCredential(label, () => opened);
const broken = (label: string): StoredCredential =>
  version(label, { options: { cert: 'canary-5f0a', key: 'canary-5f0a' }, gateway: null });

describe('a cache of credentials', () => {
  it('reads once a minute, and hands out the same object for the same version', async () => {
    const { clock, store, get } = bench();
    store.versions = [version('1')];
    const first = await get();
    assert.deepEqual([first.app, first.environment, first.version], [app, 'production', '1']);
    assert.equal(first.gateway, 'api_production');
    for (let second = 0; second < 59; second++) {
      clock.advance(1_000);
      assert.equal(await get(), first);
    }
    assert.equal(store.readings, 1);
    clock.advance(1_000);
    assert.equal((await get()).credential, first.credential);
    assert.equal(store.readings, 2);
  });

  it('reads once for all who ask at the same time', async () => {
    const { store, get } = bench();
    store.versions = [version('1')];
    const all = await Promise.all(Array.from({ length: 20 }, get));
    assert.equal(store.readings, 1);
    assert.equal(new Set(all).size, 1);
  });

  it('takes another version at once after a notice, and only where it is about its place', async () => {
    const { store, get } = bench();
    store.versions = [version('1')];
    await get();
    store.versions = [version('2'), ...store.versions];
    store.notice.tell({ app: 'com.example.other', environment: 'production' });
    assert.equal((await get()).version, '1');
    store.notice.tell(production);
    assert.equal((await get()).version, '2');
    store.versions = [version('3')];
    store.notice.tell(null);
    assert.equal((await get()).version, '3');
  });

  it('reads again where a notice comes in the middle of a reading', async () => {
    const { store, get } = bench();
    store.versions = [version('1')];
    store.meanwhile = () => {
      store.meanwhile = () => {};
      store.versions = [version('2')];
      store.notice.tell(production);
    };
    assert.equal((await get()).version, '2');
    assert.equal(store.readings, 2);
  });

  it('uses the address of the store, and the sandbox for development', async () => {
    const { store, cache } = bench();
    store.versions = [version('1', { ...certificate(), gateway: 'https://h.example:2197' })];
    assert.equal((await cache.get(app, 'production')).gateway, 'https://h.example:2197');
    store.versions = [version('1')];
    assert.equal((await cache.get(app, 'development')).gateway, 'api_sandbox');
    assert.equal((await cache.get(app, 'sandbox')).environment, 'development');
  });

  it('goes on for an hour while the store is away, says so once, and waits for it no more', async () => {
    const { clock, warnings, store, get } = bench();
    store.versions = [version('7')];
    const first = await get();
    store.fault = away;
    for (let minute = 0; minute < 59; minute++) {
      clock.advance(60_000);
      assert.equal((await get()).credential, first.credential);
    }
    assert.deepEqual(warnings, [
      `The store of credentials ${name} cannot be read. Redis at h:1 refuses connections. ` +
        `Version 7 of the credential of ${app} (production) is used for up to 59 min more.`,
    ]);
    // A reading that hangs holds up nobody who has something in hand.
    store.meanwhile = () => new Promise(() => {});
    clock.advance(30_000);
    assert.equal((await get()).credential, first.credential);
    clock.advance(5_000);
    await new Promise(setImmediate);
    store.meanwhile = () => {};
    clock.advance(30_000);
    await assert.rejects(get, {
      code: 'ERR_PEAL_STORE',
      retryable: true,
      message: `The credential of ${app} (production) cannot be read from ${name}. Redis at h:1 refuses connections.`,
    });
    store.fault = null;
    assert.equal((await get()).version, '7');
  });

  it('warns again where the store comes back and goes away again', async () => {
    const { clock, warnings, store, get } = bench();
    store.versions = [version('1')];
    await get();
    for (let time = 0; time < 2; time++) {
      store.fault = away;
      clock.advance(60_000);
      await get();
      store.fault = null;
      clock.advance(60_000);
      await get();
      await new Promise(setImmediate);
      await get();
    }
    assert.equal(warnings.length, 2);
  });

  it('asks a store that does not answer for five seconds', async () => {
    const { clock, store, get } = bench();
    store.meanwhile = () => new Promise(() => {});
    const asked = get();
    await new Promise(setImmediate);
    clock.advance(5_000);
    await assert.rejects(asked, { code: 'ERR_PEAL_CREDENTIAL', message: /does not answer within 5 s\.$/ });
  });

  it('refuses a place without a credential, and asks again for it a second later', async () => {
    const { clock, store, get } = bench();
    const missing = {
      code: 'ERR_PEAL_CREDENTIAL',
      message: `There is no credential of ${app} (production) in ${name}.`,
    };
    await assert.rejects(get, missing);
    await assert.rejects(get, missing);
    assert.equal(store.readings, 1);
    store.versions = [version('1')];
    clock.advance(1_000);
    assert.equal((await get()).version, '1');
  });

  it('refuses a credential that was removed, at once', async () => {
    const { store, get } = bench();
    store.versions = [version('1')];
    await get();
    store.versions = [];
    store.notice.tell(production);
    await assert.rejects(get, /There is no credential/);
  });

  it('refuses what cannot be loaded, and names app, environment, version and store', async () => {
    const { store, get } = bench();
    store.versions = [broken('3')];
    await assert.rejects(get, (error: PealError) => {
      assert.equal(error.code, 'ERR_PEAL_CREDENTIAL');
      assert.ok(
        error.message.startsWith(`Version 3 of the credential of ${app} (production) in ${name} cannot be used. `),
      );
      assert.doesNotMatch(inspect(error), /canary/);
      return true;
    });
  });

  it('takes the newest version that can be used, and warns once', async () => {
    const { clock, warnings, store, get } = bench();
    store.versions = [broken('3'), version('2'), version('1')];
    assert.equal((await get()).version, '2');
    clock.advance(60_000);
    assert.equal((await get()).version, '2');
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^Version 3 of .* cannot be used\. .* Version 2 is used instead\.$/);
    assert.doesNotMatch(warnings[0]!, /canary/);
    store.versions = [version('4'), ...store.versions];
    store.notice.tell(production);
    assert.equal((await get()).version, '4');
  });

  it('goes on with the version in hand where the store has only broken ones, for an hour', async () => {
    const { clock, warnings, store, get } = bench();
    store.versions = [version('1')];
    const first = await get();
    store.versions = [broken('2')];
    store.notice.tell(production);
    assert.equal((await get()).credential, first.credential);
    assert.match(
      warnings.join(),
      /Version 2 of .* cannot be used\..* Version 1 of .* is used for up to 60 min more\.$/,
    );
    clock.advance(3_600_000);
    await assert.rejects(get, /^PealError: Version 2|cannot be used/);
  });

  it('leaves a certificate when it ends, and takes one that begins', async () => {
    const { clock, store, get } = bench({ freshMs: 0 });
    const short = certificate();
    store.versions = [version('1', short)];
    const first = await get();
    const leftMs = first.credential.expiresAt!.getTime() - clock.wallMs();
    clock.advance(leftMs + 1_000);
    await assert.rejects(get, /cannot be used\. .*expired on/);
  });

  it('keeps as many places as it may, those asked for last', async () => {
    const { store, cache } = bench();
    const ask = (index: number) => assert.rejects(cache.get(`com.example.app${index}`, 'production'), /no credential/);
    for (let index = 0; index < 10_001; index++) await ask(index);
    const before = store.readings;
    await ask(10_000);
    assert.equal(store.readings, before);
    await ask(0);
    assert.equal(store.readings, before + 1);
  });

  it('takes errors of a store of the program for its being away, and quotes nothing of them', async () => {
    const { store, get } = bench();
    store.fault = new TypeError('canary-5f0a');
    await assert.rejects(get, (error: PealError) => {
      assert.match(error.message, /cannot be read from memory:\. The store failed with TypeError\.$/);
      assert.doesNotMatch(inspect(error), /canary/);
      return true;
    });
  });

  it('tells of changes, and of none once it is closed', () => {
    const { store, cache } = bench();
    const told: unknown[] = [];
    const stop = cache.subscribe((changed) => told.push(changed));
    cache.subscribe((changed) => told.push(changed));
    store.notice.tell(production);
    stop();
    store.notice.tell(null);
    cache.close();
    store.notice.tell(null);
    assert.deepEqual(told, [production, production, null]);
  });

  it('refuses apps and environments that are none', async () => {
    const { cache } = bench();
    await assert.rejects(cache.get('../etc', 'production'), {
      code: 'ERR_PEAL_OPTION',
      message: /The option app must be/,
    });
    await assert.rejects(cache.get(app, 'live' as never), { code: 'ERR_PEAL_OPTION', message: /environment must be/ });
  });
});
