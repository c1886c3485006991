import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FolderBlobs } from '../../../src/cluster/store/folder-blobs.js';
import { testSliceBlobs } from './blobs-contract.js';

describe('bytes of slices in a folder', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'peal-blobs-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  testSliceBlobs(() => FolderBlobs.open(path.join(folder, 'shared')));

  it('leaves nothing behind, and lets nobody else read', async () => {
    const place = path.join(folder, 'private');
    const blobs = await FolderBlobs.open(place);
    await blobs.put('a', Buffer.from('one'));
    await blobs.put('a', Buffer.from('two'));
    assert.deepEqual(readdirSync(place), ['a']);
    assert.equal(statSync(place).mode & 0o077, 0);
    assert.equal(statSync(path.join(place, 'a')).mode & 0o077, 0);
  });

  it('refuses names that lead out of the folder', async () => {
    const blobs = await FolderBlobs.open(folder);
    for (const name of ['../a', 'a/b', '.a', '', 'a\0']) {
      await assert.rejects(blobs.put(name, new Uint8Array(1)), { code: 'ERR_PEAL_OPTION' });
      await assert.rejects(blobs.get(name), { code: 'ERR_PEAL_OPTION' });
    }
  });

  it('says what is wrong with the folder', async () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    await assert.rejects(FolderBlobs.open(path.join(file, 'sub')), {
      code: 'ERR_PEAL_STORE',
      message: /^\/.* cannot be written/,
    });
    const blobs = await FolderBlobs.open(path.join(folder, 'gone'));
    rmSync(path.join(folder, 'gone'), { recursive: true });
    await assert.rejects(blobs.put('a', new Uint8Array(1)), {
      code: 'ERR_PEAL_STORE',
      message: /its directory does not exist/,
    });
  });
});
