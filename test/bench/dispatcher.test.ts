import assert from 'node:assert/strict';
import { hasThreadCpu } from '../../bench/lib/thread-cpu.js';
import { runQuickBenchmark } from '../support/quick-bench.js';

describe('bench/dispatcher', () => {
  before(function () {
    if (!hasThreadCpu()) this.skip();
  });

  it('measures the own thread with shards that settle at once, with small batches, and with a gateway', async () => {
    const { rows } = await runQuickBenchmark('dispatcher/main.js');
    const kinds = rows.map(({ parameters: { threads, recipients, batch } }) => [threads, recipients, batch ?? null]);
    assert.deepEqual(kinds, [
      [1, 'batches', 1024],
      [2, 'batches', 1024],
      [2, 'batches', 1],
      [2, 'batches', 16],
      [2, 'batches', 128],
      [1, 'blocks', null],
      [2, 'blocks', null],
      [2, 'strings', null],
      [2, 'rows', null],
      [2, 'pushes', null],
    ]);
    for (const { contender, parameters, figures } of rows) {
      const { mainUs, shardUs, fullest, bound, withCores } = figures;
      assert.ok(mainUs!.median > 0 && shardUs!.median > 0);
      assert.ok(Math.abs(bound!.median * mainUs!.median - 1e6) < 100);
      if (contender !== 'a gateway') continue;
      assert.ok(fullest!.median >= 1 && fullest!.median <= Number(parameters.threads));
      assert.ok(withCores!.median <= bound!.median);
    }
  });
});
