/** Secrets of credentials are sealed wherever a database keeps them: in its tables, files and answers, and in logs. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import type { Logger } from '../../src/base/log.js';
import { CredentialCache } from '../../src/credentials/credential-cache.js';
import type { CredentialStore } from '../../src/credentials/kinds/credential-store.js';
import { NewCredential } from '../../src/credentials/kinds/new-credential.js';
import { openCredentialStore } from '../../src/credentials/open-credential-store.js';
import { createThrowAwayProviderKey, ThrowAwayAuthority } from '../../src/simulator/index.js';
import { PostgresServer } from '../support/postgres-server.js';
import { RedisServer } from '../support/redis-server.js';
import { Canaries } from './canaries.js';

const app = 'com.example.app';

describe('security: credentials in databases', () => {
  const { p8, keyId, teamId } = createThrowAwayProviderKey();
  const { cert, key } = new ThrowAwayAuthority().issueClient(app);
  const passphrase = `canary-${randomBytes(9).toString('hex')}`;
  const sealKeys = randomBytes(32);
  const canaries = new Canaries()
    .privateKey('provider key', p8)
    .privateKey('certificate key', key)
    .text('passphrase', passphrase)
    .bytes('sealing key', sealKeys);
  const said: string[] = [];
  const note = (fields: object, text: string): void => void said.push(`${inspect(fields, { depth: 9 })} ${text}`);
  const log: Logger = { trace: note, debug: note, info: note, warn: note, error: note };

  /** Fills a store, changes it, reads it, and makes it fail. */
  const use = async (url: string): Promise<CredentialStore> => {
    const store = await openCredentialStore(url, { sealKeys: `old:${sealKeys.toString('base64')}`, log });
    await store.migrate();
    for (const credential of [
      { key: p8, keyId, teamId },
      { cert, key, passphrase },
    ]) {
      await store.put(new NewCredential({ app, environment: 'production', credential, log }));
    }
    const cache = new CredentialCache(store, { log });
    const current = await cache.get(app, 'production');
    const other = await openCredentialStore(url, { sealKeys: `old:${randomBytes(32).toString('hex')}`, log });
    const refused = await new CredentialCache(other, { log }).get(app, 'production').catch((error: unknown) => error);
    assert.match(String(refused), /sealed with another key of the id "old"/);
    const held = [store, cache, current, await store.versionsOf(current), refused, new CredentialCache(store)];
    said.push(inspect(held, { depth: 20, showHidden: true }), JSON.stringify([await store.list(), current, refused]));
    await other.close();
    cache.close();
    return store;
  };

  const filesIn = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));

  /** Fingerprints have the form of a device token, and are no secret. */
  const checkSaid = (): void => canaries.assertNone(said.join('\n').replaceAll(/[0-9a-f]{64}/g, ''), 'what was said');

  it('are never in Redis in clear, nor in its append-only file', async function () {
    if (!RedisServer.isInstalled) return this.skip();
    await using server = await RedisServer.start();
    const store = await use(server.url);
    const folder = server.cli('config', 'get', 'dir').split('\n')[1]!;
    const files = filesIn(folder).map((file) => readFileSync(file, 'latin1'));
    assert.ok(
      files.some((text) => text.includes('peal1.old.')),
      'the file that was searched has the records',
    );
    canaries.assertNone(files.join('\n').replaceAll(/[0-9a-f]{64}/g, ''), 'the files of Redis');
    const { text } = await spoken(server.url);
    canaries.assertNone(text, 'an error');
    await store.close();
    checkSaid();
  });

  it('are never in PostgreSQL in clear, nor in its log of changes', async function () {
    if (!PostgresServer.isInstalled) return this.skip();
    await using server = await PostgresServer.start();
    const store = await use(server.url);
    const [folder] = server.run('checkpoint; show data_directory');
    const written = filesIn(folder!)
      .filter((file) => /\/(base|pg_wal)\//.test(file))
      .map((file) => readFileSync(file, 'latin1'));
    assert.ok(
      written.some((text) => text.includes('peal1.old.')),
      'the files that were searched have the records',
    );
    for (const text of written) canaries.assertNone(text.replaceAll(/[0-9a-f]{64}/g, ''), 'the files of PostgreSQL');
    await store.close();
    checkSaid();
  });

  /** What is said about a store without its sealing key. */
  async function spoken(url: string): Promise<{ readonly text: string }> {
    const refused = await openCredentialStore(url).catch((error: unknown) => error);
    assert.match(String(refused), /keeps credentials sealed, and no sealing key is given/);
    return { text: inspect(refused) };
  }
});
