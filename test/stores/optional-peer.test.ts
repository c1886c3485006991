/** Packages that a program may not have. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadPeer } from '../../src/stores/optional-peer.js';
import { repositoryRoot } from '../support/repository.js';

describe('stores/optional-peer', () => {
  it('says what to install where a package is missing', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'peal-peers-'));
    try {
      for (const part of ['base', 'stores']) {
        cpSync(path.join(repositoryRoot, 'dist', 'src', part), path.join(folder, 'src', part), { recursive: true });
      }
      const program = `
        import { openRedis } from './src/stores/redis-client.js';
        import { PostgresClient } from './src/stores/postgres-client.js';
        await openRedis({ url: 'redis://127.0.0.1' }).catch(({ origin, message }) => console.log(origin, message));
        const opening = PostgresClient.open({ url: 'postgres://127.0.0.1/x' });
        await opening.catch(({ origin, message }) => console.log(origin, message));`;
      writeFileSync(path.join(folder, 'main.mjs'), program);
      writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
      const { stdout, stderr } = spawnSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8' });
      assert.equal(stderr, '');
      assert.deepEqual(stdout.trimEnd().split('\n'), [
        'usage Redis is reached through ioredis, which is not installed: run npm install ioredis.',
        'usage PostgreSQL is reached through pg, which is not installed: run npm install pg.',
      ]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('passes on what is wrong with a package that is there', async () => {
    const broken = Object.assign(new Error("Cannot find package 'other' imported from ioredis"), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    await assert.rejects(
      loadPeer('ioredis', 'Redis', () => Promise.reject(broken)),
      broken,
    );
  });
});
