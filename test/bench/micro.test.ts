import assert from 'node:assert/strict';
import { loadItems } from '../../bench/micro/suite.js';
import { medianOf, quickReport } from './quick-report.js';

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

describe('bench:micro', () => {
  it('measures the items that are asked for, each beside a copy', async () => {
    const [report] = await quickReport('micro/main', ['hpack']);
    const names = items.map(({ name }) => name).filter((name) => name.includes('hpack'));
    assert.deepEqual(
      report.rows.map(({ contender }) => contender),
      names,
    );
    for (const row of report.rows) assert.ok(medianOf(row, 'ns') > medianOf(row, 'copyNs'));
  });
});
