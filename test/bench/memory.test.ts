import assert from 'node:assert/strict';
import { runQuickBenchmark } from '../support/quick-bench.js';

describe('bench/memory', () => {
  it('measures the command, with duplicates kept and with a journal, the library, and pushes in flight', async () => {
    const { rows } = await runQuickBenchmark('memory/main.js', ['--recipients', '1000,2000']);
    assert.deepEqual(
      rows.map(({ contender, parameters }) => [contender, parameters.recipients ?? parameters.inFlight]),
      [
        ['peal send', 1000],
        ['peal send, duplicates kept', 1000],
        ['peal send, journal', 1000],
        ['library, a generator', 1000],
        ['peal send', 2000],
        ['peal send, duplicates kept', 2000],
        ['peal send, journal', 2000],
        ['library, a generator', 2000],
        ['push', 100],
      ],
    );
    for (const { contender, figures } of rows) {
      assert.ok(figures.perSecond!.median > 0);
      if (contender === 'push') {
        assert.ok(figures.grownMb!.median >= 0);
        continue;
      }
      assert.ok(figures.cpuUs!.median > 0);
      // Node itself takes more than 30 MB.
      assert.ok(figures.peakMb!.median > 30 && figures.peakMb!.median < 1000);
    }
  });
});
