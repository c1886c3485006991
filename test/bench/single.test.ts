import assert from 'node:assert/strict';
import { medianOf, quickReport } from './quick-report.js';

describe('bench:single', () => {
  it('measures each sender with sends in flight, at a fixed rate and with a list', async () => {
    const [report, output] = await quickReport('single/main');
    const own = report.rows.filter(({ contender }) => contender.startsWith('peal, send'));
    assert.deepEqual(
      own.map(({ contender, parameters }) => `${contender}: ${parameters.load}`),
      [
        'peal, send: 100 in flight',
        'peal, send, one thread: 100 in flight',
        'peal, send: 500 a second',
        'peal, send, one thread: 500 a second',
        'peal, send a list: 200 messages',
        'peal, send a list, one thread: 200 messages',
      ],
    );
    assert.equal(report.rows.filter(({ contender }) => contender === 'node:http2').length, 2);
    for (const row of report.rows) {
      assert.ok(medianOf(row, 'cpuUs') > 0 && medianOf(row, 'perSecond') > 0);
      if (row.parameters.load === '200 messages') assert.equal(row.figures.p99Ms, undefined);
      else assert.ok(medianOf(row, 'p99Ms') >= medianOf(row, 'p50Ms'));
    }
    assert.match(output, /^node:http2 +100 in flight/m);
  });
});
