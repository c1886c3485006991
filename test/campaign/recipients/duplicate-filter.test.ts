import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DigestStore, storedDigestBytes } from '../../../src/campaign/recipients/digest-store.js';
import { DuplicateFilter } from '../../../src/campaign/recipients/duplicate-filter.js';
import { TokenBlock } from '../../../src/push/token-block.js';
import { LmdbDigests } from './lmdb-digests.js';

const cipher = createCipheriv('aes-128-ecb', Buffer.alloc(16, 1), null).setAutoPadding(false);

/** Tokens that look like chance, by their numbers. */
function blockOf(numbers: readonly number[], tokenBytes = 32): TokenBlock {
  const plain = Buffer.alloc(numbers.length * 32);
  numbers.forEach((number, index) => {
    plain.writeDoubleLE(number, index * 32);
    plain.writeDoubleLE(number + 0.5, index * 32 + 16);
  });
  const bytes = cipher.update(plain);
  const cut = Buffer.concat(numbers.map((_, index) => bytes.subarray(index * 32, index * 32 + tokenBytes)));
  return new TokenBlock(new Uint8Array(cut), tokenBytes, numbers.length);
}

/** A store in memory that holds callers to what is promised to it. */
class MemoryDigests implements DigestStore {
  close(): void {}

  readonly #held = new Set<string>();
  adds = 0;

  has(digests: Uint8Array, count: number): Promise<Uint8Array> {
    return Promise.resolve(Uint8Array.from(this.#texts(digests, count), (text) => (this.#held.has(text) ? 1 : 0)));
  }

  async add(digests: Uint8Array, count: number): Promise<void> {
    const texts = this.#texts(digests, count);
    await Promise.resolve();
    assert.deepEqual(this.#texts(digests, count), texts);
    for (const text of texts) this.#held.add(text);
    this.adds++;
  }

  #texts(digests: Uint8Array, count: number): string[] {
    assert.equal(digests.length, count * storedDigestBytes);
    const texts = Array.from({ length: count }, (_, index) =>
      Buffer.from(digests.subarray(index * storedDigestBytes, (index + 1) * storedDigestBytes)).toString('hex'),
    );
    for (let index = 1; index < count; index++) assert.ok(texts[index - 1]! < texts[index]!, 'ascending, each once');
    return texts;
  }
}

/** Indexes that are new, and what a Set says of them. */
async function check(filter: DuplicateFilter, seen: Set<number>, numbers: readonly number[]): Promise<void> {
  const fresh = await filter.fresh(blockOf(numbers));
  const expected: number[] = [];
  numbers.forEach((number, index) => {
    if (!seen.has(number)) expected.push(index);
    seen.add(number);
  });
  assert.deepEqual(fresh === null ? null : [...fresh], expected.length === numbers.length ? null : expected);
}

describe('campaign/recipients/duplicate-filter', () => {
  it('finds duplicates without a store', async () => {
    const filter = new DuplicateFilter();
    const seen = new Set<number>();
    await check(filter, seen, [1, 2, 3]);
    await check(filter, seen, [4, 2, 5, 4, 1]);
    await check(filter, seen, [1, 2]);
    await check(filter, seen, []);
    assert.deepEqual([filter.size, filter.duplicates], [5, 5]);
  });

  it('finds them exactly beyond the bound of its memory, in memory and in the store', async () => {
    const store = new MemoryDigests();
    let opened = 0;
    const openStore = (): Promise<DigestStore> => {
      opened++;
      return Promise.resolve(store);
    };
    const filter = new DuplicateFilter({ memoryBytes: 1, openStore });
    const seen = new Set<number>();
    let random = 7;
    let count = 0;
    for (let block = 0; block < 250; block++) {
      const numbers = Array.from({ length: 1 + (block % 1024) * 4 }, () => {
        random = (random * 48271) % 0x7fffffff;
        return random % 150_000;
      }).slice(0, 1024);
      count += numbers.length;
      await check(filter, seen, numbers);
    }
    assert.equal(opened, 1);
    assert.ok(store.adds >= 2, `${store.adds}`);
    assert.deepEqual([filter.size, filter.duplicates], [seen.size, count - seen.size]);
    assert.ok(filter.memoryBytes < 2 << 20, `${filter.memoryBytes}`);
  });

  it('tells tokens of other lengths apart', async () => {
    const openStore = (): DigestStore => new MemoryDigests();
    const filter = new DuplicateFilter({ memoryBytes: 1, openStore });
    assert.equal(await filter.fresh(blockOf([1, 2], 32)), null);
    assert.equal(await filter.fresh(blockOf([1, 2], 16)), null);
    assert.deepEqual(await filter.fresh(blockOf([1, 2], 16)), new Uint16Array(0));
  });

  it('costs the same for each token, however many there are, with a store on disk', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'peal-digests-'));
    const store = new LmdbDigests(directory);
    try {
      const filter = new DuplicateFilter({ memoryBytes: 1, openStore: () => store });
      const perTurn = 200_000;
      const spent: number[] = [];
      for (let turn = 0; turn < 4; turn++) {
        const start = process.cpuUsage();
        for (let at = 0; at < perTurn; at += 1000) {
          const numbers = Array.from({ length: 1000 }, (_, index) => turn * perTurn + at + index);
          assert.equal(await filter.fresh(blockOf(numbers)), null);
        }
        const { user, system } = process.cpuUsage(start);
        spent.push((user + system) / perTurn);
      }
      assert.equal(filter.size, 4 * perTurn);
      assert.ok(store.added > 3 * perTurn, `${store.added}`);
      // Pages of a file that grows are written and read: 3 times as much would be more than its depth.
      assert.ok(spent[3]! < spent[1]! * 3, `us a token, by turn: ${spent.map((us) => us.toFixed(2)).join(' ')}`);
      const repeated = await filter.fresh(blockOf([5, perTurn * 4, perTurn * 2 + 5]));
      assert.deepEqual([...repeated!], [1]);
    } finally {
      await store.close();
      rmSync(directory, { recursive: true });
    }
  });
});
