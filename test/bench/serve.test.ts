import assert from 'node:assert/strict';
import { medianOf, quickReport } from './quick-report.js';

describe('bench:serve', () => {
  it('measures pushes over HTTP at a fixed rate, as fast as they go, without waiting and many at once', async function () {
    // The CPU time of another process is read from /proc.
    if (process.platform !== 'linux') this.skip();
    const [report, output] = await quickReport('serve/main');
    assert.deepEqual(
      report.rows.map(({ parameters }) => parameters.load),
      [
        'single, 500 a second',
        'single, 32 at a time',
        'single with wait=no, 500 a second',
        '50 in each request, 10 requests a second',
      ],
    );
    for (const row of report.rows) {
      assert.ok(medianOf(row, 'perSecond') > 0);
      assert.ok(medianOf(row, 'p99Ms') >= medianOf(row, 'p50Ms'));
    }
    assert.match(output, /^peal serve +single, 500 a second/m);
  });
});
