import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoredDigests } from '../../../src/campaign/journal/stored-digests.js';
import { DuplicateFilter } from '../../../src/campaign/recipients/duplicate-filter.js';
import { TokenBlock } from '../../../src/push/token-block.js';

describe('campaign/journal/stored-digests', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'peal-digests-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('keeps what memory has no room for, for one run', async () => {
    const file = join(directory, 'digests');
    const stores: StoredDigests[] = [];
    const openStore = async (): Promise<StoredDigests> => {
      const store = await StoredDigests.open(file);
      stores.push(store);
      return store;
    };
    const blocks = Array.from({ length: 120 }, () => randomBytes(1024 * 32));
    const block = (bytes: Buffer): TokenBlock => new TokenBlock(new Uint8Array(bytes), 32, 1024);
    const filter = new DuplicateFilter({ memoryBytes: 1, openStore });
    for (const bytes of blocks) assert.equal(await filter.fresh(block(bytes)), null);
    for (const bytes of blocks) assert.equal((await filter.fresh(block(bytes)))!.length, 0);
    assert.deepEqual([filter.size, filter.duplicates], [120 * 1024, 120 * 1024]);
    assert.equal(stores.length, 1);
    // Another run finds nothing of it.
    const again = new DuplicateFilter({
      memoryBytes: 1,
      openStore: () => StoredDigests.open(join(directory, 'other')),
    });
    assert.equal(await again.fresh(block(blocks[0]!)), null);
    await stores[0]!.close();
    assert.ok(!existsSync(file));
  });

  it('is empty where a run that was killed has left something', async () => {
    const file = join(directory, 'left');
    const digest = randomBytes(13);
    const first = await StoredDigests.open(file);
    await first.add(digest, 1);
    assert.deepEqual(first.has(digest, 1), Uint8Array.of(1));
    const second = await StoredDigests.open(`${file}-2`);
    await second.close();
    await first.close();
    const third = await StoredDigests.open(file);
    assert.deepEqual(third.has(digest, 1), Uint8Array.of(0));
    await third.close();
  });
});
