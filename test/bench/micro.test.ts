import assert from 'node:assert/strict';
import { loadItems } from '../../bench/micro/suite.js';

const items = await loadItems();

describe('bench/micro', () => {
  it('names each item once', () => {
    assert.equal(new Set(items.map(({ name }) => name)).size, items.length);
  });

  for (const item of items) {
    it(`runs "${item.name}", and runs it again`, () => {
      item.setUp?.();
      item.run();
      item.run();
      assert.ok(item.itemsPerRun > 0 && item.bytesPerItem > 0);
    });
  }
});
